package sqs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// parcel is a message that SQS has delivered.
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
		// If the answer is lost, the same call repeated gets it again.
		ReceiveRequestAttemptId: aws.String(rand.Text()),
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// seconds rounds up, because 0 has another meaning in SQS.
func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// handle stores messages and deletes the stored ones. It returns when all are stored, or when the rest were returned to the queue
// because ctx ended.
func (r *reader) handle(ctx context.Context, f facts, messages []types.Message) {
	left := r.read(ctx, f, messages)
	if len(left) == 0 {
		return
	}
	h := r.hold(ctx, f, left)
	defer h.release()
	var pause tunnel.Backoff
	for {
		done, rest, wait := r.store(ctx, left)
		left = rest
		h.keep(left)
		r.remove(ctx, f, done)
		// An estimate until the queue is asked again.
		r.Update(func(s *tunnel.Status) { s.Spool = max(0, s.Spool-len(done)) })
		if len(left) == 0 {
			return
		}
		// Another delivery would count against the queue's redrive policy, so the messages are kept and tried again from here.
		if ctx.Err() != nil || !r.rest(ctx, max(wait, pause.Next(r.Clock.Now()))) {
			if err := r.visible(ctx, f, left, 0); err != nil {
				r.Log.Debug("requests that were not stored will be delivered again", "err", err)
			}
			return
		}
	}
}

// read converts messages to envelopes. A message that can't be read stays in the queue, with all later ones of its group.
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
		// In one call, so that they come again in their order.
		if err := r.visible(ctx, f, bad, unreadTime); err != nil {
			r.Log.Debug("messages that can't be read will be delivered again soon", "err", err)
		}
	}
	return good
}

// store passes messages on. It returns those that are durable here, the rest, and how long to wait before trying the rest again.
func (r *reader) store(ctx context.Context, parcels []parcel) (done, rest []parcel, wait time.Duration) {
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
			r.report(storing, "requests can't be stored here: "+plain.Text(err.Error()))
		}
		return nil, parcels, 0
	}
	why := ""
	for i, a := range answers {
		if a.Stored {
			done = append(done, parcels[i])
			continue
		}
		rest, wait = append(rest, parcels[i]), max(wait, a.RetryAfter)
		if why == "" {
			why = fmt.Sprintf("requests can't be stored here: %d %s", a.Status, plain.Text(a.Text))
		}
	}
	r.report(storing, why)
	return done, rest, wait
}

// removeTries is how often a deletion is tried. Messages that are never deleted come again, and are recognised.
const removeTries = 3

// remove deletes stored messages, even after ctx has ended.
func (r *reader) remove(ctx context.Context, f facts, parcels []parcel) {
	var pause tunnel.Backoff
	for try := 1; len(parcels) > 0; try++ {
		left, err := r.delete(ctx, f, parcels)
		if err == nil {
			return
		}
		if try == removeTries || !r.rest(ctx, pause.Next(r.Clock.Now())) {
			r.Log.Warn("stored requests could not be deleted from the queue: they come again, and are recognised", "count", len(left), "err", err)
			return
		}
		parcels = left
	}
}

// delete returns the messages that were not deleted, with the reason.
func (r *reader) delete(ctx context.Context, f facts, parcels []parcel) ([]parcel, error) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(f.url)}
	for i, p := range parcels {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(p.receipt)})
	}
	ctx, cancel := last(ctx)
	defer cancel()
	out, err := r.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return parcels, errors.New(reason(r.place, err))
	}
	return failed(parcels, out.Failed)
}

// visible makes the queue deliver messages again after a time, even after ctx has ended.
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
		return errors.New(reason(r.place, err))
	}
	_, err = failed(parcels, out.Failed)
	return err
}

// failed returns the parcels of a batch for which the call failed, and the reason of the first.
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

// last returns a context for a call that may be made, or finished, for closeTime after ctx has ended.
func last(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), slack)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(closeTime):
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}

// held keeps the queue from delivering messages to other readers.
type held struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	parcels []parcel
}

func (r *reader) hold(ctx context.Context, f facts, parcels []parcel) *held {
	h := &held{parcels: parcels, done: make(chan struct{})}
	ctx, h.cancel = context.WithCancel(ctx)
	r.Crash.Go("sqs hold", func() {
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
				r.Log.Debug("requests can't be held any longer, and may come twice", "err", err)
			}
		}
	})
	return h
}

// keep continues with these messages only.
func (h *held) keep(left []parcel) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parcels = left
}

func (h *held) release() {
	h.cancel()
	<-h.done
}
