package sqs

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"greenroom/internal/cursor"
	"greenroom/internal/peers"
	"greenroom/tunnel"
	"greenroom/tunnel/tunneltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 2 * time.Minute

// net is the way to the server, which can fail.
type network struct {
	mu    sync.Mutex
	calls map[string]int
	news  chan struct{}
	// before and after may return an error for a call, by its name: then it is not sent, or its answer is lost.
	before, after func(call string) error
	inner         *http.Client
}

func (n *network) Do(r *http.Request) (*http.Response, error) {
	call := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	n.mu.Lock()
	n.calls[call]++
	before, after := n.before, n.after
	n.mu.Unlock()
	select {
	case n.news <- struct{}{}:
	default:
	}
	if before != nil {
		if err := before(call); err != nil {
			return nil, err
		}
	}
	resp, err := n.inner.Do(r)
	if err == nil && after != nil {
		if lost := after(call); lost != nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return nil, lost
		}
	}
	return resp, err
}

func (n *network) set(before, after func(string) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.before, n.after = before, after
}

func (n *network) count(call string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[call]
}

// reached waits until there were so many calls.
func (n *network) reached(t *testing.T, call string, want int) {
	t.Helper()
	late := time.After(patience)
	for n.count(call) < want {
		select {
		case <-n.news:
		case <-late:
			t.Fatalf("%d calls of %s, want %d", n.count(call), call, want)
		}
	}
}

// queue is a queue of a real server.
type queue struct {
	Queue
	net    *network
	client *sqs.Client
}

// newQueue makes a queue on a server of the test's own.
func newQueue(t *testing.T, attributes map[string]string) *queue {
	t.Helper()
	endpoint := peers.SQS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	n := &network{calls: map[string]int{}, news: make(chan struct{}, 1), inner: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(n.inner.CloseIdleConnections)
	q := &queue{net: n, Queue: Queue{Queue: endpoint + "/000000000000/gr.fifo", Region: "eu-west-1", Endpoint: endpoint, HTTP: n}}
	c, _, err := q.Queue.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q.client = c
	all := map[string]string{"FifoQueue": "true"}
	maps.Copy(all, attributes)
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("gr.fifo"), Attributes: all})
	if err != nil {
		t.Fatal(err)
	}
	q.Queue.Queue = aws.ToString(out.QueueUrl)
	return q
}

// raw puts a text into the queue.
func (q *queue) raw(t *testing.T, group, text string) string {
	t.Helper()
	out, err := q.client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(q.Queue.Queue), MessageBody: aws.String(text), MessageGroupId: aws.String(group),
		MessageDeduplicationId: aws.String(text),
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.MessageId)
}

// waiting is how many messages there are.
func (q *queue) waiting(t *testing.T) int {
	t.Helper()
	f, err := describe(t.Context(), q.client, place{url: q.Queue.Queue, name: "gr.fifo"})
	if err != nil {
		t.Fatal(err)
	}
	return f.waiting
}

// emptied waits until there are none.
func (q *queue) emptied(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for q.waiting(t) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are left", q.waiting(t))
		}
	}
}

func (q *queue) sink(t *testing.T) *Sink {
	t.Helper()
	s, err := OpenSink(t.Context(), q.Queue)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// home is a listener's store: it keeps each request once, by its position, as the real one does.
type home struct {
	mu        sync.Mutex
	positions map[string]cursor.Position
	got       map[string][]tunnel.Envelope
	doubled   int
	news      chan struct{}
	// refuse may answer instead, for a whole batch.
	refuse func(batch []tunnel.Envelope) ([]tunnel.Answer, error)
}

func newHome() *home {
	return &home{positions: map[string]cursor.Position{}, got: map[string][]tunnel.Envelope{}, news: make(chan struct{}, 1)}
}

func (h *home) receive(_ context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
	h.mu.Lock()
	refuse := h.refuse
	h.mu.Unlock()
	if refuse != nil {
		if a, err := refuse(batch); a != nil || err != nil {
			return a, err
		}
	}
	return h.store(batch), nil
}

func (h *home) store(batch []tunnel.Envelope) []tunnel.Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []tunnel.Answer
	for _, e := range batch {
		if at := h.positions[e.Hook]; at.Before(e.Position) {
			h.positions[e.Hook] = e.Position
			name := e.Hook[strings.IndexByte(e.Hook, '/')+1:]
			h.got[name] = append(h.got[name], e)
		} else {
			h.doubled++
		}
		out = append(out, tunnel.Answer{Stored: true, Status: 200})
	}
	select {
	case h.news <- struct{}{}:
	default:
	}
	return out
}

func (h *home) set(refuse func([]tunnel.Envelope) ([]tunnel.Answer, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = refuse
}

func (h *home) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, list := range h.got {
		n += len(list)
	}
	return n
}

// bodies are a hook's in the order in which they were stored.
func (h *home) bodies(hook string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, e := range h.got[hook] {
		out = append(out, string(e.Body))
	}
	return out
}

func (h *home) hooks() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.got))
}

// reached waits until so many requests are stored.
func (h *home) reached(t *testing.T, n int) {
	t.Helper()
	late := time.After(patience)
	for h.count() < n {
		select {
		case <-h.news:
		case <-late:
			t.Fatalf("%d requests are stored, want %d", h.count(), n)
		}
	}
}

type opened struct{ *tunneltest.Opened }

func (q *queue) open(t *testing.T, o Options, h *home) *opened {
	t.Helper()
	o.Queue = q.Queue
	if o.pollTime == 0 {
		o.pollTime = time.Second
	}
	return &opened{tunneltest.Open(t, New(o), tunnel.Local{Receive: h.receive})}
}

func (o *opened) live() tunnel.Status {
	o.T.Helper()
	return o.Until("live", func(s tunnel.Status) bool { return s.State == tunnel.Live })
}

func (o *opened) degraded(words string) tunnel.Status {
	o.T.Helper()
	return o.Until(words, func(s tunnel.Status) bool { return s.State == tunnel.Degraded && strings.Contains(s.Reason, words) })
}

var errCable = errors.New("the cable is cut")
