package bucket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cenkalti/backoff/v5"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

const (
	// batchMost is how many messages SQS gives at once, waitMost for how long it holds a request open.
	batchMost = 10
	waitMost  = 20 * time.Second
	// patience is how long a request may take beyond that, farewell how long one may still take when the program ends.
	patience = 15 * time.Second
	farewell = 2 * time.Second
	// defaultVisibility is for how long a message that was received is kept from others. It is extended while the handler
	// works, and is how long a message stays away after a crash or a refusal.
	defaultVisibility = 2 * time.Minute
	// afterFault is the longest pause after the queue could not be read.
	afterFault = 5 * time.Minute
	// hideForeign is for how long a message that isn't ours is hidden when it was received first; that doubles up to
	// hideForeignMost. Meanwhile it doesn't stand in the way of ours, and others may have it later. Each receiving counts towards the
	// number after which a redrive policy puts it aside.
	hideForeign     = time.Minute
	hideForeignMost = 30 * time.Minute
	// idle is the least time between two requests that find nothing.
	idle = time.Second
	// reasonStays is for how long the reason why a message stays is shown after it last came: others come and go in between.
	reasonStays = 10 * time.Minute
	reasonMost  = 400
)

// A Handler makes objects durably known. It may be given the same object again. An error means that some of them aren't known;
// they are offered again then, message by message.
type Handler func(ctx context.Context, objects []Object) error

// Status is how a queue does.
type Status struct {
	// Reason says what is wrong and what to do, one safe line; empty when all is well.
	Reason string
	// ReceivedAt is when the queue was last read with success, messages or none.
	ReceivedAt time.Time
	// Objects were handled; messages were Refused by the handler, Foreign or Unreadable. Those of the last three stay in the
	// queue, and are counted each time that they come.
	Objects    int
	Refused    int
	Foreign    int
	Unreadable int
}

// Options are the options of a [Queue].
type Options struct {
	// API is a client by [NewSQS], URL the queue's.
	API API
	URL string
	// Buckets are those that objects are accepted from, by name.
	Buckets []string
	// Handle is given the objects that the messages report.
	Handle Handler
	// Visibility is for how long others don't see a message while it is handled; 2 minutes when zero, whole seconds.
	Visibility time.Duration
	// Report hears of every change of the Status. Its calls don't overlap; it must not block. May be nil.
	Report func(Status)
	// Group starts what runs beside; nil starts it bare. Log and Clock may be nil.
	Group *crash.Group
	Log   *slog.Logger
	Clock clockwork.Clock
}

// Queue reads one SQS queue. It is made by [NewQueue].
type Queue struct {
	o      Options
	status Status
	faults *backoff.ExponentialBackOff
	// stays is why a message stays in the queue, which is shown for a while.
	stays      string
	staysUntil time.Time
}

// NewQueue makes a queue's reader. It asks nothing yet.
func NewQueue(o Options) *Queue {
	if o.Visibility <= 0 {
		o.Visibility = defaultVisibility
	}
	o.Visibility = max(o.Visibility.Truncate(time.Second), time.Second)
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{
		o:      o,
		faults: &backoff.ExponentialBackOff{InitialInterval: time.Second, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: afterFault},
	}
	q.faults.Reset()
	return q
}

// Run reads the queue until ctx ends, whose cause it returns. Failures are in the [Status], and are tried again. Only one Run
// of a Queue may be active at a time.
func (q *Queue) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		pause, asked := time.Duration(0), q.o.Clock.Now()
		messages, err := q.receive(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			pause = q.faults.NextBackOff()
			q.tell(fmt.Sprintf("the queue cannot be read (check recording.queue, and the credentials' right to sqs:ReceiveMessage): %s", words(err)))
		default:
			q.faults.Reset()
			q.status.ReceivedAt = q.o.Clock.Now()
			q.settle(ctx, messages)
			if len(messages) == 0 && q.status.ReceivedAt.Sub(asked) < idle {
				pause = idle // the server doesn't hold requests open
			}
		}
		if pause > 0 {
			select {
			case <-q.o.Clock.After(pause):
			case <-ctx.Done():
			}
		}
	}
	return context.Cause(ctx)
}

// receive waits for messages, up to ten.
func (q *Queue) receive(ctx context.Context) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, waitMost+patience)
	defer cancel()
	out, err := q.o.API.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.o.URL, MaxNumberOfMessages: batchMost, WaitTimeSeconds: int32(waitMost.Seconds()),
		VisibilityTimeout:           int32(q.o.Visibility.Seconds()),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// received is one message and what becomes of it.
type received struct {
	message types.Message
	objects []Object
	// done says that it can go, foreign that it isn't ours, interrupted that the program ends, err why it stays.
	done, foreign, interrupted bool
	err                        error
}

// times is how often the message was received, this time included.
func (r *received) times() int {
	n, err := strconv.Atoi(r.message.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil {
		return 1
	}
	return n
}

// settle reads a batch, has it handled, deletes what is settled and hides what isn't ours.
func (q *Queue) settle(ctx context.Context, messages []types.Message) {
	var batch []*received
	for _, m := range messages {
		batch = append(batch, q.read(m))
	}
	stop := q.hold(ctx, batch)
	q.handle(ctx, batch)
	stop()
	// What was handled is deleted even when the program ends now, unless that takes too long: it only comes again.
	ctx, cancel := lingering(ctx, farewell)
	defer cancel()
	ctx, cancelLate := context.WithTimeout(ctx, patience)
	defer cancelLate()
	fault := q.remove(ctx, batch)
	back := slices.DeleteFunc(slices.Clone(batch), func(r *received) bool { return !r.foreign && !r.interrupted })
	if len(back) > 0 {
		fault = errors.Join(fault, q.giveBack(ctx, back))
	}
	q.account(batch, fault)
}

// lingering is a context that ends a while after ctx does.
func lingering(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(while, cancel) })
	return lasting, func() {
		stop()
		cancel()
	}
}

// read parses a message, and decides whether it is ours.
func (q *Queue) read(m types.Message) *received {
	r := &received{message: m}
	n, err := Parse(aws.ToString(m.Body))
	if err != nil {
		r.err = err
		return r
	}
	ours := func(bucket string) bool { return slices.Contains(q.o.Buckets, bucket) }
	for _, o := range n.Created {
		if ours(o.Bucket) {
			r.objects = append(r.objects, o)
		} else {
			r.foreign = true
			r.err = fmt.Errorf("it is about the bucket %s", o.Bucket)
		}
	}
	for _, b := range n.Others {
		if !ours(b) {
			r.foreign = true
			r.err = fmt.Errorf("it is about the bucket %s", b)
		}
	}
	return r
}

// hold keeps the messages of a batch from others until the function that it returns is called.
func (q *Queue) hold(ctx context.Context, batch []*received) (stop func()) {
	if len(batch) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	ticks := q.o.Clock.NewTicker(q.o.Visibility / 3)
	q.o.Group.Go("bucket queue", func() {
		defer close(ended)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.Chan():
				if err := q.visible(ctx, batch, func(*received) time.Duration { return q.o.Visibility }); err != nil && ctx.Err() == nil {
					q.o.Log.Warn("messages could not be kept from others while they are handled", "queue", q.o.URL, "err", err)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		<-ended
	}
}

// handle has the objects of the whole batch handled at once, and those of each message where that fails.
func (q *Queue) handle(ctx context.Context, batch []*received) {
	var all []Object
	for _, r := range batch {
		all = append(all, r.objects...)
	}
	var err error
	if len(all) > 0 {
		err = q.o.Handle(ctx, all)
	}
	for _, r := range batch {
		switch {
		case len(r.objects) == 0:
		case err == nil:
			q.status.Objects += len(r.objects)
		case ctx.Err() != nil:
			r.interrupted = true
			continue
		case len(r.objects) == len(all):
			r.err = errors.Join(r.err, err)
		default:
			if own := q.o.Handle(ctx, r.objects); own != nil {
				r.err = errors.Join(r.err, own)
			} else {
				q.status.Objects += len(r.objects)
			}
		}
		r.done = r.err == nil && !r.foreign
	}
}

// remove deletes what is done with.
func (q *Queue) remove(ctx context.Context, batch []*received) error {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.o.URL}
	for i, r := range batch {
		if r.done {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: r.message.ReceiptHandle})
		}
	}
	if len(in.Entries) == 0 {
		return nil
	}
	out, err := q.o.API.DeleteMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("%s: %s", aws.ToString(out.Failed[0].Code), aws.ToString(out.Failed[0].Message))
	}
	if err != nil {
		return fmt.Errorf("handled messages can't be deleted, so they arrive again: %s", words(err))
	}
	return nil
}

// giveBack lets the next start have messages at once, and others have theirs after a while.
func (q *Queue) giveBack(ctx context.Context, batch []*received) error {
	err := q.visible(ctx, batch, func(r *received) time.Duration {
		if !r.foreign {
			return 0
		}
		return min(hideForeign<<min(max(r.times()-1, 0), 10), hideForeignMost)
	})
	if err != nil {
		return fmt.Errorf("messages cannot be given back at their time: %s", words(err))
	}
	return nil
}

// visible says after which time others see each of the messages.
func (q *Queue) visible(ctx context.Context, batch []*received, after func(*received) time.Duration) error {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.o.URL}
	for i, r := range batch {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: r.message.ReceiptHandle, VisibilityTimeout: int32(after(r).Seconds()),
		})
	}
	out, err := q.o.API.ChangeMessageVisibilityBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("%s: %s", aws.ToString(out.Failed[0].Code), aws.ToString(out.Failed[0].Message))
	}
	return err
}

// account counts the results of a batch, and reports the worst failure: there is one line for it.
func (q *Queue) account(batch []*received, fault error) {
	var worst *received
	for _, r := range batch {
		switch {
		case r.err == nil:
			continue
		case r.foreign:
			q.status.Foreign++
		case errors.Is(r.err, ErrUnreadable):
			q.status.Unreadable++
		default:
			q.status.Refused++
		}
		if worst == nil || r.foreign && !worst.foreign {
			worst = r
		}
	}
	switch {
	case worst != nil:
		q.stays = reasonOf(worst)
		q.staysUntil = q.o.Clock.Now().Add(reasonStays)
	case q.o.Clock.Now().After(q.staysUntil):
		q.stays = ""
	}
	reasons := q.stays
	if fault != nil {
		reasons = fmt.Sprintf("%v (check the credentials' right to sqs:DeleteMessage and sqs:ChangeMessageVisibility)", fault)
		if q.stays != "" {
			reasons += "; " + q.stays
		}
	}
	q.tell(reasons)
}

// reasonOf says why a message stays in the queue, and what to do.
func reasonOf(r *received) string {
	switch {
	case r.foreign:
		return fmt.Sprintf("a message in the queue isn't for Greenroom and stays there: %v (give Greenroom its own queue, or "+
			"configure that bucket)", r.err)
	case errors.Is(r.err, ErrUnreadable):
		return fmt.Sprintf("a message in the queue cannot be read and stays there, received %d times: %v "+
			"(a redrive policy of the queue puts such messages aside)", r.times(), r.err)
	}
	return fmt.Sprintf("a message could not be handled and will arrive again, received %d times: %v", r.times(), r.err)
}

// tell makes the reason the status's; empty means that all is well.
func (q *Queue) tell(reason string) {
	reason = plain.Text(clip(reason))
	if reason != "" && reason != q.status.Reason {
		q.o.Log.Warn("the queue of new recordings", "queue", q.o.URL, "reason", reason)
	}
	q.status.Reason = reason
	if q.o.Report != nil {
		q.o.Report(q.status)
	}
}

// clip keeps what fits a few lines.
func clip(s string) string {
	r := []rune(s)
	if len(r) > reasonMost {
		return string(r[:reasonMost]) + "…"
	}
	return s
}
