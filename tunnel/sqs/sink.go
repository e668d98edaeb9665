package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// Sink puts requests into the queue: one message each, with the hook as its group and the request's id against duplicates.
// It keeps nothing, so that any number of relays can share a queue. It is safe for concurrent use.
//
// What fits: a message may have as many bytes as the queue says (1 MiB unless its owner set less), of which base64 takes a
// quarter and the headers their part. Bodies are deflated first where that makes them smaller, as it does with JSON. What
// doesn't fit is refused with [tunnel.ErrTooLarge].
type Sink struct {
	client *sqs.Client
	place  place
	url    string
	most   int
}

var _ tunnel.Sink = (*Sink)(nil)

// OpenSink asks the queue for its limits, and fails when it isn't there, isn't FIFO, or can't be reached.
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
		f.most = 256 << 10 // what every queue takes
	}
	return &Sink{client: c, place: p, url: f.url, most: f.most}, nil
}

// MaxMessage is the size of the largest message in bytes.
func (s *Sink) MaxMessage() int { return s.most }

// Put implements [tunnel.Sink].
func (s *Sink) Put(ctx context.Context, e tunnel.Envelope) error {
	text, err := encode(e)
	if err != nil {
		return fmt.Errorf("sqs: %w", err)
	}
	if len(text) > s.most {
		return fmt.Errorf("%w: its message has %d bytes, and the queue %s takes %d", tunnel.ErrTooLarge, len(text), s.place.name, s.most)
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
		return fmt.Errorf("sqs: %s took a request without giving it a number: it is not a FIFO queue", s.place.name)
	}
	return nil
}

// groupSize is the longest name of a group, in bytes.
const groupSize = 128

// group makes a name that SQS takes of any text: ASCII letters, digits and punctuation stay as they are.
func group(name string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if name != "" && len(name) <= groupSize && !strings.ContainsFunc(name, odd) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256:" + hex.EncodeToString(sum[:])
}
