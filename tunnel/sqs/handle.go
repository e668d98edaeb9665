package sqs

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// parcel is a message that was handed out.
type parcel struct {
	id, receipt string
	envelope    tunnel.Envelope
}

// receive asks for messages.
func (r *reader) receive(ctx context.Context, f facts) ([]types.Message, error) {
	ctx, cancel := r.bound(ctx, r.pollTime+slack)
	defer cancel()
	out, err := r.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(f.url), MaxNumberOfMessages: batch,
		WaitTimeSeconds: seconds(r.pollTime), VisibilityTimeout: seconds(r.holdTime),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSequenceNumber, types.MessageSystemAttributeNameMessageGroupId,
		},
		// An answer that is lost on its way is given again, instead of holding the messages in vain.
		ReceiveRequestAttemptId: aws.String(rand.Text()),
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// seconds rounds up: 0 would be another thing to SQS.
func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// handle stores messages, and deletes what is stored. It returns when all are, or when the rest were given back because ctx
// ended.
func (r *reader) handle(ctx context.Context, f facts, messages []types.Message) {
	left := r.read(ctx, f, messages)
	if len(left) == 0 {
		return
	}
	h := r.hold(ctx, f, left)
	defer h.release()
	var pause tunnel.Backoff
	for {
		stored, wait := r.store(ctx, left)
		left = slices.DeleteFunc(slices.Clone(left), func(p parcel) bool { return stored[p.id] })
		done := h.keep(left)
		r.remove(ctx, f, done)
		// Until the queue is asked again.
		r.board.Update(func(s *tunnel.Status) { s.Spool = max(0, s.Spool-len(done)) })
		if len(left) == 0 {
			return
		}
		// To take it from the queue again would count against its redrive policy: it is kept, and tried again from here.
		if ctx.Err() != nil || !r.rest(ctx, max(wait, pause.Next(r.Clock.Now()))) {
			r.giveBack(ctx, f, left)
			return
		}
	}
}

// read makes envelopes of messages. What can't be read stays in the queue, with all that follows it in its group.
func (r *reader) read(ctx context.Context, f facts, messages []types.Message) []parcel {
	var good, bad []parcel
	blocked := map[string]bool{}
	for _, m := range messages {
		p := parcel{id: aws.ToString(m.MessageId), receipt: aws.ToString(m.ReceiptHandle)}
		name := m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]
		if blocked[name] {
			bad = append(bad, p)
			continue
		}
		e, err := decode(aws.ToString(m.Body))
		if err == nil {
			e.Epoch, e.Seq, err = position(m.Attributes[string(types.MessageSystemAttributeNameSequenceNumber)])
		}
		if err != nil {
			blocked[name] = true
			bad = append(bad, p)
			r.unreadable(p.id, name, err)
			continue
		}
		r.readable(p.id)
		e.Hook = f.stream(name)
		p.envelope = e
		good = append(good, p)
	}
	if len(bad) > 0 {
		// Together, so that they come again in their order.
		if err := r.visible(ctx, f, bad, unreadTime); err != nil {
			r.log.Debug("what can't be read comes again soon", "err", err)
		}
	}
	return good
}

// store hands messages over. It returns the ids of what is durable here, and how long to wait before the rest is tried again.
func (r *reader) store(ctx context.Context, parcels []parcel) (map[string]bool, time.Duration) {
	envelopes := make([]tunnel.Envelope, len(parcels))
	for i, p := range parcels {
		envelopes[i] = p.envelope
	}
	answers, err := r.local.Receive(ctx, envelopes)
	if err == nil && len(answers) != len(parcels) {
		err = fmt.Errorf("%d answers to %d requests", len(answers), len(parcels))
	}
	if err != nil {
		if ctx.Err() == nil {
			r.say(storing, "requests can't be stored here: "+plain.Text(err.Error()))
		}
		return nil, 0
	}
	stored, why, wait := map[string]bool{}, "", time.Duration(0)
	for i, a := range answers {
		if a.Stored {
			stored[parcels[i].id] = true
			continue
		}
		wait = max(wait, a.RetryAfter)
		if why == "" {
			why = fmt.Sprintf("requests can't be stored here: %d %s", a.Status, plain.Text(a.Text))
		}
	}
	r.say(storing, why)
	return stored, wait
}

// removeTries is how often a deletion is tried. What is never deleted comes again, and is known.
const removeTries = 3

// remove deletes what is stored, also when ctx has ended.
func (r *reader) remove(ctx context.Context, f facts, parcels []parcel) {
	var pause tunnel.Backoff
	for try := 1; len(parcels) > 0; try++ {
		left, err := r.delete(ctx, f, parcels)
		if err == nil {
			return
		}
		if try == removeTries || !r.rest(ctx, pause.Next(r.Clock.Now())) {
			r.log.Warn("requests that are stored could not be deleted from the queue: they come again, and are known", "count", len(left), "err", err)
			return
		}
		parcels = left
	}
}

// delete returns what was not deleted, with the reason.
func (r *reader) delete(ctx context.Context, f facts, parcels []parcel) ([]parcel, error) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(f.url)}
	for i, p := range parcels {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(p.receipt)})
	}
	ctx, cancel := last(ctx)
	defer cancel()
	out, err := r.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return parcels, fmt.Errorf("%s", reason(r.place, err))
	}
	return failed(parcels, out.Failed)
}

// giveBack lets the queue hand out at once what was not stored.
func (r *reader) giveBack(ctx context.Context, f facts, parcels []parcel) {
	if err := r.visible(ctx, f, parcels, 0); err != nil {
		r.log.Debug("what was not stored comes again later", "err", err)
	}
}

// visible has messages handed out again after so long, also when ctx has ended.
func (r *reader) visible(ctx context.Context, f facts, parcels []parcel, after time.Duration) error {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(f.url)}
	for i, p := range parcels {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(p.receipt), VisibilityTimeout: seconds(after),
		})
	}
	ctx, cancel := last(ctx)
	defer cancel()
	out, err := r.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return fmt.Errorf("%s", reason(r.place, err))
	}
	_, err = failed(parcels, out.Failed)
	return err
}

// failed are the parcels of a batch that SQS could not do it with.
func failed(parcels []parcel, entries []types.BatchResultErrorEntry) ([]parcel, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var left []parcel
	for _, e := range entries {
		if i, err := strconv.Atoi(aws.ToString(e.Id)); err == nil && i >= 0 && i < len(parcels) {
			left = append(left, parcels[i])
		}
	}
	return left, fmt.Errorf("%s: %s", plain.Text(aws.ToString(entries[0].Code)), plain.Text(aws.ToString(entries[0].Message)))
}

// last is a context for a call that is worth making although ctx has ended, for a little while.
func last(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), slack)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(farewellTime):
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}

// held keeps messages from being handed out to others.
type held struct {
	r      *reader
	facts  facts
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	parcels []parcel
}

func (r *reader) hold(ctx context.Context, f facts, parcels []parcel) *held {
	h := &held{r: r, facts: f, parcels: parcels, done: make(chan struct{})}
	ctx, h.cancel = context.WithCancel(ctx)
	r.local.Crash.Go("sqs hold", func() {
		defer close(h.done)
		tick := r.Clock.NewTicker(r.holdTime / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.Chan():
			}
			h.mu.Lock()
			now := h.parcels
			h.mu.Unlock()
			if err := r.visible(ctx, f, now, r.holdTime); err != nil && ctx.Err() == nil {
				r.log.Debug("requests can't be held any longer, and may come twice", "err", err)
			}
		}
	})
	return h
}

// keep continues with only these, and returns the others.
func (h *held) keep(left []parcel) []parcel {
	h.mu.Lock()
	defer h.mu.Unlock()
	done := slices.DeleteFunc(slices.Clone(h.parcels), func(p parcel) bool {
		return slices.ContainsFunc(left, func(l parcel) bool { return l.id == p.id })
	})
	h.parcels = left
	return done
}

func (h *held) release() {
	h.cancel()
	<-h.done
}
