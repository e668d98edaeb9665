package hub

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/store"
)

const (
	// parkAfter is the running time after which an event that the target doesn't accept is parked.
	parkAfter = 24 * time.Hour
	// Retries are at most soonRetry apart in the first soonFor, and lateRetry apart after that.
	soonFor   = time.Hour
	soonRetry = time.Minute
	lateRetry = 5 * time.Minute
	// lastAnswer is how long the answer to a request that is under way is waited for when the sender ends.
	lastAnswer = time.Second
)

// sender sends one forward's events, one at a time and in order.
type sender struct {
	h      *Hub
	name   string
	look   chan struct{} // there may be new events
	cancel context.CancelFunc
	done   chan struct{}

	// The forward's changing lock guards these.
	lease  clockwork.Timer // ends the sender of a run that isn't renewed; nil otherwise
	leases int             // counts the renewals

	looked uint64 // nothing up to this event is left to send; only run uses it
}

func (s *sender) run(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		job, d, err := s.next(ctx)
		switch {
		case errors.Is(err, store.ErrNotFound):
			select {
			case <-s.look:
			case <-ctx.Done():
			}
			continue
		case err == nil:
			err = s.one(ctx, job, d)
		}
		if err != nil && ctx.Err() == nil {
			if !failing {
				s.h.log.Error("a forward can't use the store", "forward", s.name, "err", err)
			}
			s.wait(ctx, time.Second)
		}
		failing = err != nil
	}
}

// next reads the forward and its next event. The error is [store.ErrNotFound] while nothing waits.
func (s *sender) next(ctx context.Context) (job store.ForwardJob, d app.Delivery, err error) {
	err = s.h.store.View(ctx, func(tx *store.Tx) error {
		if job, err = tx.Forward(s.name); err == nil {
			d, err = tx.NextToForward(max(job.Position, s.looked))
		}
		if errors.Is(err, store.ErrNotFound) {
			s.looked = tx.LastSeq()
		}
		return err
	})
	return job, d, err
}

// one sends an event once and stores the outcome; after a failure it waits until the event is due again.
func (s *sender) one(ctx context.Context, job store.ForwardJob, d app.Delivery) error {
	if job.Trying != d.Seq {
		job.Trying, job.Tries, job.Failing = d.Seq, 0, 0
	}
	begun := s.h.clock.Now()
	a, sent := s.send(ctx, job.URL, d)
	if !sent {
		return ctx.Err()
	}
	job.Tries++
	if job.Tries > 1 {
		job.Failing += s.h.clock.Now().Sub(begun)
	}
	a.Name, a.Seq, a.Attempt, a.At = job.Name, d.Seq, job.Tries, app.At(begun.Truncate(time.Millisecond))
	parked := a.Final || !settles(a.Status) && job.Failing >= parkAfter
	a.Final = settles(a.Status) || parked
	pause := retryPause(job.Tries, job.Failing)
	if a.Final {
		job.Position, job.Trying, job.Tries, job.Failing = d.Seq, 0, 0, 0
		pause = 0
	} else {
		job.Failing += pause
	}
	if parked {
		job.Parked = append(job.Parked, d.Seq)
		s.h.log.Error("an event could not be forwarded and is parked", "forward", job.Name, "event", d.Seq, "err", a.Error, "status", a.Status)
	}
	job.Last = &a
	// The target has answered: that must not be forgotten because the sender ends.
	if err := s.settle(context.WithoutCancel(ctx), job, a); err != nil {
		return err
	}
	s.wait(ctx, pause)
	return nil
}

// send makes one request. sent is false when the sender ended before there was an answer.
func (s *sender) send(ctx context.Context, to string, d app.Delivery) (a app.Attempt, sent bool) {
	request, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { s.h.clock.AfterFunc(lastAnswer, cancel) })()
	a = s.h.opt.Forwarder(request, to, d)
	return a, request.Err() == nil || a.Status != 0
}

// settle stores an attempt with the forward's new position. What was changed from outside meanwhile stays.
func (s *sender) settle(ctx context.Context, job store.ForwardJob, a app.Attempt) error {
	for {
		err := s.h.store.Update(ctx, func(tx *store.Tx) error {
			now, err := tx.Forward(job.Name)
			if err != nil {
				return err
			}
			job.URL, job.Source = now.URL, now.Source
			tx.AddAttempt(a)
			return tx.PutForward(job)
		})
		if !errors.Is(err, store.ErrBusy) {
			return err
		}
		s.wait(ctx, 10*time.Millisecond)
	}
}

func (s *sender) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-s.h.clock.After(d):
	case <-ctx.Done():
	}
}

// settles reports whether an answer is the target's last word about an event: success, a redirect, which isn't followed, or a
// refusal that a repetition can't change.
func settles(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 200 && status < 500
}

// retryPause is how long to wait after the given number of failed attempts: full jitter up to 1, 2, 4 s and so on.
func retryPause(tries int, failing time.Duration) time.Duration {
	most := soonRetry
	if failing >= soonFor {
		most = lateRetry
	} else if tries < 7 {
		most = time.Second << (tries - 1)
	}
	return rand.N(most) + time.Millisecond
}
