package bucket

import (
	"cmp"
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
	// batchMost is the most messages that SQS returns at once, waitMost the longest time for which it holds a request open.
	batchMost = 10
	waitMost  = 20 * time.Second
	// patience is how long a request may take beyond that, farewell how long one may still take when the program ends.
	patience = 15 * time.Second
	farewell = 2 * time.Second
	// defaultVisibility is how long a received message is hidden from others. It is extended while the handler works, and is the time
	// until a message arrives again after a crash or a refusal.
	defaultVisibility = 2 * time.Minute
	// afterFault is the longest pause after the queue could not be read.
	afterFault = 5 * time.Minute
	// hideForeign is how long a message of another bucket is hidden after it was first received; that doubles up to hideForeignMost.
	// It then doesn't delay our messages, and others can receive it later. Each receipt counts towards the number after which a
	// redrive policy moves it away.
	hideForeign     = time.Minute
	hideForeignMost = 30 * time.Minute
	// idle is the shortest time between two requests that return nothing.
	idle = time.Second
	// reasonStays is how long the reason why a message stays in the queue is shown after it last arrived.
	reasonStays = 10 * time.Minute
	reasonMost  = 400
)

// A Handler stores objects durably. It may be called again with the same objects. An error means that some of them aren't stored; it is
// then called again, message by message.
type Handler func(ctx context.Context, objects []Object) error

// Status is the state of a queue.
type Status struct {
	// Reason is one safe line with what is wrong and what to do; empty if nothing is.
	Reason string
	// ReceivedAt is when the queue was last read successfully, with messages or without.
	ReceivedAt time.Time
	// Objects counts handled objects. Refused (by the handler), Foreign and Unreadable count messages, which stay in the queue, each
	// time that they arrive.
	Objects    int
	Refused    int
	Foreign    int
	Unreadable int
}

// Options are the options of a [Queue].
type Options struct {
	// API is a client, see [NewSQS]; URL is the queue's.
	API API
	URL string
	// Buckets are the names of the buckets whose objects are accepted.
	Buckets []string
	// Handle stores the objects in the messages.
	Handle Handler
	// Visibility is how long a message is hidden from others while it is handled, in whole seconds; 0 is two minutes.
	Visibility time.Duration
	// Report is called after every change of the Status. Calls don't overlap; it must not block. May be nil.
	Report func(Status)
	// Group starts the goroutines. Group, Log and Clock may be nil.
	Group *crash.Group
	Log   *slog.Logger
	Clock clockwork.Clock
}

// Queue reads one SQS queue, see [NewQueue].
type Queue struct {
	o      Options
	status Status
	faults *backoff.ExponentialBackOff
	// stays is why a message stays in the queue, shown until staysUntil.
	stays      string
	staysUntil time.Time
}

// NewQueue returns a queue's reader. It makes no request.
func NewQueue(o Options) *Queue {
	o.Visibility = max(cmp.Or(o.Visibility, defaultVisibility).Truncate(time.Second), time.Second)
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

// Run reads the queue until ctx ends, and returns ctx's cause. It reports failures in the [Status] and tries again. Only one Run of a
// Queue may be active at a time.
func (q *Queue) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		pause, asked := time.Duration(0), q.o.Clock.Now()
		messages, err := q.receive(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			pause = q.faults.NextBackOff()
			q.tell(fmt.Sprintf("the queue cannot be read (check recording.queue, and the credentials' permission for sqs:ReceiveMessage): %s", words(err)))
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

// received is one message with its result.
type received struct {
	message types.Message
	objects []Object
	// done means that it can be deleted, foreign that it is about another bucket, interrupted that the program ends. err is why it
	// stays in the queue.
	done, foreign, interrupted bool
	err                        error
}

// times returns how often the message was received, including this time.
func (r *received) times() int {
	n, err := strconv.Atoi(r.message.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil {
		return 1
	}
	return n
}

// settle parses and handles a batch, deletes its handled messages and hides foreign ones.
func (q *Queue) settle(ctx context.Context, messages []types.Message) {
	var batch []*received
	for _, m := range messages {
		batch = append(batch, q.read(m))
	}
	stop := q.hold(ctx, batch)
	q.handle(ctx, batch)
	stop()
	// Handled messages are deleted even if the program ends now, unless that takes too long: they would only arrive again.
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

// lingering returns a context that ends a while after ctx.
func lingering(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(while, cancel) })
	return lasting, func() {
		stop()
		cancel()
	}
}

// read parses a message, and finds out whether it is foreign.
func (q *Queue) read(m types.Message) *received {
	r := &received{message: m}
	n, err := Parse(aws.ToString(m.Body))
	if err != nil {
		r.err = err
		return r
	}
	ours := func(bucket string) bool {
		known := slices.Contains(q.o.Buckets, bucket)
		if !known {
			r.foreign, r.err = true, fmt.Errorf("it is about the bucket %s", bucket)
		}
		return known
	}
	for _, o := range n.Created {
		if ours(o.Bucket) {
			r.objects = append(r.objects, o)
		}
	}
	for _, b := range n.Others {
		ours(b)
	}
	return r
}

// hold hides the messages of a batch from others until stop is called.
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
					q.o.Log.Warn("messages could not be kept hidden while they are handled", "queue", q.o.URL, "err", err)
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

// handle handles the objects of the whole batch together and, if that fails, those of each message.
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

// remove deletes the messages that are done.
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
	if err == nil {
		err = failed(out.Failed)
	}
	if err != nil {
		return fmt.Errorf("handled messages can't be deleted, so they arrive again: %s", words(err))
	}
	return nil
}

// failed returns the first of the errors of a batch's messages.
func failed(errs []types.BatchResultErrorEntry) error {
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", aws.ToString(errs[0].Code), aws.ToString(errs[0].Message))
}

// giveBack releases messages: those of an interrupted batch at once, foreign ones after a while.
func (q *Queue) giveBack(ctx context.Context, batch []*received) error {
	err := q.visible(ctx, batch, func(r *received) time.Duration {
		if !r.foreign {
			return 0
		}
		return min(hideForeign<<min(max(r.times()-1, 0), 10), hideForeignMost)
	})
	if err != nil {
		return fmt.Errorf("messages can't be returned to the queue on time: %s", words(err))
	}
	return nil
}

// visible sets the time after which each message is visible to others.
func (q *Queue) visible(ctx context.Context, batch []*received, after func(*received) time.Duration) error {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.o.URL}
	for i, r := range batch {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: r.message.ReceiptHandle, VisibilityTimeout: int32(after(r).Seconds()),
		})
	}
	out, err := q.o.API.ChangeMessageVisibilityBatch(ctx, in)
	if err == nil {
		err = failed(out.Failed)
	}
	return err
}

// account counts the results of a batch, and reports the worst failure.
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
		reasons = fmt.Sprintf("%v (check the credentials' permission for sqs:DeleteMessage and sqs:ChangeMessageVisibility)", fault)
		if q.stays != "" {
			reasons += "; " + q.stays
		}
	}
	q.tell(reasons)
}

// reasonOf returns why a message stays in the queue, and what to do.
func reasonOf(r *received) string {
	switch {
	case r.foreign:
		return fmt.Sprintf("a message in the queue isn't for Greenroom and stays there: %v (give Greenroom its own queue, or "+
			"configure that bucket)", r.err)
	case errors.Is(r.err, ErrUnreadable):
		return fmt.Sprintf("a message in the queue cannot be read and stays there, received %d times: %v "+
			"(a redrive policy moves such messages to another queue)", r.times(), r.err)
	}
	return fmt.Sprintf("a message could not be handled and will arrive again, received %d times: %v", r.times(), r.err)
}

// tell reports the status with a reason, empty if nothing is wrong.
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

// clip limits a text to a few lines.
func clip(s string) string {
	r := []rune(s)
	if len(r) > reasonMost {
		return string(r[:reasonMost]) + "…"
	}
	return s
}
