package bucket

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
)

// soon bounds what a test waits for.
const soon = 2 * time.Minute

// desk is an SQS whose answers the test gives, for what a real one doesn't do on demand: failing, and time that is the test's.
type desk struct {
	// answers are the batches that are received in turn; then receiving waits until the context ends. An error is an answer
	// too.
	answers chan any
	// asked has a word for each call as it comes.
	asked chan string
	// failDelete, while set, refuses deletions.
	mu         sync.Mutex
	failDelete bool
}

func newDesk() *desk { return &desk{answers: make(chan any, 100), asked: make(chan string, 100)} }

func (d *desk) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	d.asked <- fmt.Sprintf("receive %d, wait %d, hide %d", in.MaxNumberOfMessages, in.WaitTimeSeconds, in.VisibilityTimeout)
	select {
	case a := <-d.answers:
		if err, ok := a.(error); ok {
			return nil, err
		}
		var out sqs.ReceiveMessageOutput
		for i, body := range a.([]string) {
			out.Messages = append(out.Messages, types.Message{
				Body: aws.String(body), ReceiptHandle: aws.String("r" + strconv.Itoa(i)), Attributes: map[string]string{"ApproximateReceiveCount": "3"},
			})
		}
		return &out, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *desk) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var handles []string
	for _, e := range in.Entries {
		handles = append(handles, *e.ReceiptHandle)
	}
	d.asked <- "delete " + strings.Join(handles, " ")
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failDelete {
		return &sqs.DeleteMessageBatchOutput{Failed: []types.BatchResultErrorEntry{{Code: aws.String("InternalError"), Message: aws.String("no")}}}, nil
	}
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func (d *desk) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var handles []string
	for _, e := range in.Entries {
		handles = append(handles, fmt.Sprintf("%s for %d", *e.ReceiptHandle, e.VisibilityTimeout))
	}
	d.asked <- "hide " + strings.Join(handles, " ")
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// rig is a queue that runs at a desk.
type rig struct {
	*desk
	t      *testing.T
	clock  *clockwork.FakeClock
	handle chan []Object
	answer chan error
	stop   func()

	mu     sync.Mutex
	status Status
}

const received10 = "receive 10, wait 20, hide 120"

func start(t *testing.T) *rig {
	r := &rig{desk: newDesk(), t: t, clock: clockwork.NewFakeClock(), handle: make(chan []Object, 100), answer: make(chan error)}
	ctx, cancel := context.WithCancel(t.Context())
	var group crash.Group
	q := NewQueue(Options{
		API: r.desk, URL: "q", Buckets: []string{"ours"}, Group: &group, Clock: r.clock,
		Handle: func(ctx context.Context, objects []Object) error {
			r.handle <- objects
			select {
			case err := <-r.answer:
				return err
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		},
		Report: func(s Status) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.status = s
		},
	})
	group.Go("queue", func() { _ = q.Run(ctx) })
	r.stop = func() { cancel(); group.Wait() }
	t.Cleanup(r.stop)
	return r
}

// hears waits for calls in turn.
func (r *rig) hears(calls ...string) {
	r.t.Helper()
	for _, want := range calls {
		select {
		case got := <-r.asked:
			if got != want {
				r.t.Fatalf("%s, not %s", got, want)
			}
		case <-time.After(soon):
			r.t.Fatalf("nothing, not %s: %+v", want, r.now())
		}
	}
}

// quiet makes sure that nothing is asked before some time is over, and lets it pass.
func (r *rig) quiet(pause time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), soon)
	defer cancel()
	if err := r.clock.BlockUntilContext(ctx, 1); err != nil {
		r.t.Fatal("no pause is made")
	}
	r.clock.Advance(pause - time.Millisecond)
	select {
	case got := <-r.asked:
		r.t.Fatalf("%s before %s", got, pause)
	default:
	}
	r.clock.Advance(time.Millisecond)
}

// handles waits for keys to be handled and answers.
func (r *rig) handles(err error, keys ...string) {
	r.t.Helper()
	select {
	case got := <-r.handle:
		var have []string
		for _, o := range got {
			have = append(have, o.Key)
		}
		if !slices.Equal(have, keys) {
			r.t.Fatalf("%q, not %q", have, keys)
		}
	case <-time.After(soon):
		r.t.Fatalf("%q are not handled", keys)
	}
	r.answer <- err
}

func (r *rig) now() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

func (r *rig) reason(want string) {
	r.t.Helper()
	if got := r.now().Reason; want == "" && got != "" || !strings.Contains(got, want) {
		r.t.Errorf("the reason is %q, not %q", got, want)
	}
}

func put(bucket, key string) string { return records(event("ObjectCreated:Put", bucket, key)) }

func TestQueueHandlesThenDeletes(t *testing.T) {
	r := start(t)
	r.answers <- []string{put("ours", "a"), put("ours", "b"), records(event("ObjectRemoved:Delete", "ours", "c")), `{"Event":"s3:TestEvent","Bucket":"ours"}`}
	r.hears(received10)
	select {
	case got := <-r.asked:
		t.Fatalf("%s while it is handled", got)
	case got := <-r.handle:
		if len(got) != 2 {
			t.Fatalf("%+v", got)
		}
	}
	r.answer <- nil
	r.hears("delete r0 r1 r2 r3", received10)
	r.reason("")
	if got := r.now(); got.Objects != 2 || !got.ReceivedAt.Equal(r.clock.Now()) {
		t.Errorf("%+v", got)
	}
}

// What the handler refuses stays, and holds up no other.
func TestQueueKeepsWhatIsRefused(t *testing.T) {
	r := start(t)
	r.answers <- []string{put("ours", "a"), put("ours", "bad"), put("ours", "c")}
	r.hears(received10)
	no := errors.New("no \x1b[31mspace")
	r.handles(no, "a", "bad", "c")
	r.handles(nil, "a")
	r.handles(no, "bad")
	r.handles(nil, "c")
	r.hears("delete r0 r2", received10)
	r.reason("a message could not be handled and will arrive again, received 3 times: no ␛[31mspace")
	r.answers <- []string{put("ours", "bad")}
	r.handles(no, "bad")
	r.hears(received10)
	if got := r.now(); got.Objects != 2 || got.Refused != 2 {
		t.Errorf("%+v", got)
	}
	// The reason stays for a while although others are fine.
	r.answers <- []string{put("ours", "d")}
	r.handles(nil, "d")
	r.hears("delete r0", received10)
	r.reason("could not be handled")
	r.clock.Advance(reasonStays + time.Second)
	r.answers <- []string{put("ours", "e")}
	r.handles(nil, "e")
	r.hears("delete r0", received10)
	r.reason("")
}

// What isn't ours is hidden for a while and never deleted, and the queue is read on at once.
func TestQueueReadsOnPastWhatIsNotOurs(t *testing.T) {
	r := start(t)
	r.answers <- []string{put("theirs", "x"), put("ours", "a"), records(event("ObjectCreated:Put", "theirs", "y"), event("ObjectCreated:Put", "ours", "b")), `{"Event":"s3:TestEvent","Bucket":"theirs"}`}
	r.hears(received10)
	r.handles(nil, "a", "b")
	// They were received three times.
	r.hears("delete r1", "hide r0 for 240 r2 for 240 r3 for 240", received10)
	r.reason("a message in the queue isn't for Greenroom and stays there: it is about the bucket theirs (give Greenroom its own queue")
	for range 3 {
		r.answers <- slices.Repeat([]string{put("theirs", "x")}, 10)
		r.hears("hide r0 for 240 r1 for 240 r2 for 240 r3 for 240 r4 for 240 r5 for 240 r6 for 240 r7 for 240 r8 for 240 r9 for 240", received10)
	}
	r.answers <- []string{put("ours", "c")}
	r.handles(nil, "c")
	r.hears("delete r0", received10)
	if got := r.now(); got.Foreign != 33 || got.Objects != 3 {
		t.Errorf("%+v", got)
	}
}

// An outage is shown at once, whatever else is wrong with the queue.
func TestQueueShowsAnOutageOverForeignMessages(t *testing.T) {
	r := start(t)
	r.failDelete = true
	r.answers <- []string{put("theirs", "x"), put("ours", "a")}
	r.hears(received10)
	r.handles(nil, "a")
	r.hears("delete r1", "hide r0 for 240", received10)
	r.reason("handled messages can't be deleted")
	r.reason("; a message in the queue isn't for Greenroom")
	r.answers <- errors.New("no such queue")
	r.quiet(500 * time.Millisecond)
	r.reason("the queue cannot be read")
}

func TestForeignMessagesAreHiddenForLongerEachTime(t *testing.T) {
	for times, want := range map[string]int{"1": 60, "2": 120, "5": 960, "6": 1800, "99999999": 1800, "odd": 60} {
		d := newDesk()
		q := NewQueue(Options{API: d, URL: "q"})
		m := types.Message{ReceiptHandle: aws.String("r"), Attributes: map[string]string{"ApproximateReceiveCount": times}}
		if err := q.giveBack(t.Context(), []*received{{message: m, foreign: true}}); err != nil {
			t.Fatal(err)
		}
		if got := <-d.asked; got != fmt.Sprintf("hide r for %d", want) {
			t.Errorf("received %s times: %s, not %d", times, got, want)
		}
	}
}

func TestQueueKeepsWhatItCannotRead(t *testing.T) {
	r := start(t)
	r.answers <- []string{"hello", put("ours", "a")}
	r.hears(received10)
	r.handles(nil, "a")
	r.hears("delete r1", received10)
	r.reason("cannot be read and stays there, received 3 times: not a message about a bucket's objects")
	if got := r.now(); got.Unreadable != 1 {
		t.Errorf("%+v", got)
	}
}

// While the handler works, others are kept from seeing the messages.
func TestQueueHoldsMessagesWhileTheyAreHandled(t *testing.T) {
	r := start(t)
	r.answers <- []string{put("ours", "a"), "hello"}
	r.hears(received10)
	for range 4 {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		if err := r.clock.BlockUntilContext(ctx, 1); err != nil {
			t.Fatal(err)
		}
		cancel()
		r.clock.Advance(40 * time.Second)
		r.hears("hide r0 for 120 r1 for 120")
	}
	r.handles(nil, "a")
	r.hears("delete r0", received10)
}

func TestQueueSaysWhatFails(t *testing.T) {
	r := start(t)
	r.failDelete = true
	r.answers <- []string{put("ours", "a")}
	r.hears(received10)
	r.handles(nil, "a")
	r.hears("delete r0", received10)
	r.reason("can't be deleted, so they arrive again: InternalError: no (check the credentials' permission")
	r.answers <- errors.New("AccessDenied")
	for i := range 12 {
		r.answers <- errors.New("AccessDenied")
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		if err := r.clock.BlockUntilContext(ctx, 1); err != nil {
			t.Fatal(i, err)
		}
		cancel()
		r.reason("the queue cannot be read (check recording.queue")
		r.clock.Advance(afterFault * 3 / 2)
		r.hears(received10)
	}
}

// A server that answers at once that there is nothing isn't asked without a pause.
func TestQueueRestsWhenTheServerDoesNotWait(t *testing.T) {
	r := start(t)
	for range 3 {
		r.answers <- []string(nil)
		r.hears(received10)
		r.quiet(idle)
	}
	r.reason("")
}

// At the end of the program, what was handled is deleted, and what wasn't is there for the next start.
func TestQueueEnds(t *testing.T) {
	r := start(t)
	r.answers <- []string{put("ours", "a"), put("ours", "b")}
	r.hears(received10)
	<-r.handle
	r.stop()
	r.hears("hide r0 for 0 r1 for 0")
	if got := r.now(); got.Refused != 0 || got.Reason != "" {
		t.Errorf("%+v", got)
	}
}

func TestQueueDeletesWhatWasHandledLast(t *testing.T) {
	d := newDesk()
	d.answers <- []string{put("ours", "a")}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("closing time")
	err := NewQueue(Options{API: d, URL: "q", Buckets: []string{"ours"}, Visibility: 1500 * time.Millisecond, Handle: func(context.Context, []Object) error {
		cancel(why)
		return nil
	}}).Run(ctx)
	if diff := cmp.Diff([]string{"receive 10, wait 20, hide 1", "delete r0"}, []string{<-d.asked, <-d.asked}); diff != "" || !errors.Is(err, why) {
		t.Error(err, diff)
	}
}
