package sqs

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// Sink puts requests into the queue: one message each, with the hook as its group and the request's id against duplicates. It has no
// state, so that any number of relays can share a queue. It is safe for concurrent use.
//
// A message is limited by the queue (1 MiB unless its owner set less). A quarter of that is base64's overhead. Bodies are deflated if
// that makes them smaller, as it does with JSON. Larger requests fail with [tunnel.ErrTooLarge].
type Sink struct {
	client *sqs.Client
	place  place
	url    string
	most   int
}

var _ tunnel.Sink = (*Sink)(nil)

// OpenSink gets the queue's limits. It fails if the queue doesn't exist, isn't FIFO, or can't be reached.
func OpenSink(ctx context.Context, q Queue) (*Sink, error) {
	c, p, err := q.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqs: %w", err)
	}
	f, err := describe(ctx, c, p)
	if err != nil {
		return nil, fmt.Errorf("sqs: %s", reason(p, err))
	}
	if f.most <= 0 {
		f.most = 256 << 10 // every queue accepts that
	}
	return &Sink{client: c, place: p, url: f.url, most: f.most}, nil
}

// MaxMessage returns the size of the largest message in bytes.
func (s *Sink) MaxMessage() int { return s.most }

// Put implements [tunnel.Sink].
func (s *Sink) Put(ctx context.Context, e tunnel.Envelope) error {
	text, err := encode(e)
	if err != nil {
		return fmt.Errorf("sqs: %w", err)
	}
	if len(text) > s.most {
		return fmt.Errorf("%w: its message has %d bytes, and the queue %s accepts %d", tunnel.ErrTooLarge, len(text), s.place.name, s.most)
	}
	out, err := s.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String(s.url), MessageBody: aws.String(text), MessageGroupId: aws.String(group(e.Hook)),
		MessageDeduplicationId: aws.String(group(e.ID)),
	})
	code, said := refusal(err)
	switch {
	case code == "InvalidParameterValue" && strings.Contains(said, "must be shorter than"):
		// The owner has lowered the limit since.
		return fmt.Errorf("%w: %s", tunnel.ErrTooLarge, plain.Text(said))
	case err != nil:
		return fmt.Errorf("sqs: %s", reason(s.place, err))
	case aws.ToString(out.SequenceNumber) == "":
		return fmt.Errorf("sqs: %s accepted a request without giving it a number: it is not a FIFO queue", s.place.name)
	}
	return nil
}

// groupSize is the longest name of a group, in bytes.
const groupSize = 128

// group returns a text as the name of a group: unchanged if SQS accepts it, else its hash.
func group(name string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if name != "" && len(name) <= groupSize && !strings.ContainsFunc(name, odd) {
		return name
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name)))
}
