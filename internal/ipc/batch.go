package ipc

import (
	"context"
	"net/http"

	"greenroom/internal/app"
)

// send makes a call over the socket, several for a large batch. resp points to the result.
func (c *Client) send(ctx context.Context, method string, req, resp any) (err error) {
	b, many := req.(app.Batch)
	if answers, ok := resp.(*[]app.Answer); ok && many {
		*answers, err = c.sendBatch(ctx, method, b)
		return err
	}
	return c.do(ctx, method, req, resp)
}

// batchBytes is about how much of a batch one call carries, unless a single request is larger.
const batchBytes = 4 << 20

// sendBatch delivers requests in calls of about batchBytes. After an error some of them may be stored; sent again, they are
// recognised by their positions.
func (c *Client) sendBatch(ctx context.Context, method string, b app.Batch) ([]app.Answer, error) {
	out := make([]app.Answer, 0, len(b.Requests))
	for rest := b.Requests; len(rest) > 0; {
		n, size := 1, cost(rest[0])
		for ; n < len(rest) && size+cost(rest[n]) <= batchBytes; n++ {
			size += cost(rest[n])
		}
		answers, err := call[[]app.Answer](ctx, c, method, app.Batch{Requests: rest[:n]})
		if err != nil {
			return nil, err
		}
		out, rest = append(out, answers...), rest[n:]
		if len(answers) > 0 && answers[len(answers)-1].Stored {
			continue
		}
		for range rest {
			out = append(out, app.Answer{Status: http.StatusServiceUnavailable, RetryAfter: 1, Text: "try again"})
		}
		break
	}
	return out, nil
}

// cost returns about how many bytes a request takes in a call.
func cost(in app.Inbound) int {
	n := len(in.Body)*4/3 + len(in.Target) + 256
	for name, values := range in.Header {
		for _, v := range values {
			n += len(name) + len(v) + 8
		}
	}
	return n
}
