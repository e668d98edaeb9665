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
	// A store that fails is asked again after a while, and more and more rarely.
	firstTrouble = time.Second
	mostTrouble  = time.Minute
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

	// Only run uses these.
	job    store.ForwardJob // as this sender left it
	feed   *store.Feed      // nil before the job is read
	failed time.Time        // when the latest attempt at the event at hand was not accepted; zero before one was in this run
}

func (s *sender) run(ctx context.Context) {
	for pause := firstTrouble; ctx.Err() == nil; {
		d, err := s.next(ctx)
		switch {
		case errors.Is(err, store.ErrNotFound):
			s.await(ctx)
			continue
		case err == nil, errors.Is(err, store.ErrUnreadable):
			err = s.one(ctx, d, err)
		}
		if err == nil {
			pause = firstTrouble
			continue
		}
		s.feed = nil
		pause = s.trouble(ctx, err, pause)
	}
}

// await waits for new events.
func (s *sender) await(ctx context.Context) {
	select {
	case <-s.look:
	case <-ctx.Done():
	}
}

// trouble reports that the store failed, once, waits, and returns how long to wait the next time.
func (s *sender) trouble(ctx context.Context, err error, pause time.Duration) time.Duration {
	if ctx.Err() == nil && pause == firstTrouble {
		s.h.log.Error("a forward can't use the store", "forward", s.name, "err", err)
	}
	s.wait(ctx, pause)
	return min(2*pause, mostTrouble)
}

// next returns the forward's next event. The error is [store.ErrNotFound] while nothing waits. Changes by users start a new sender, so
// the forward is read once.
func (s *sender) next(ctx context.Context) (app.Delivery, error) {
	if s.feed == nil {
		job, err := store.Read(ctx, s.h.store, func(tx *store.Tx) (store.ForwardJob, error) { return tx.Forward(s.name) })
		if err != nil {
			return app.Delivery{}, err
		}
		feed, err := s.h.store.Feed(job)
		if err != nil {
			return app.Delivery{}, err
		}
		s.job, s.feed = job, feed
	}
	return s.feed.Next(ctx)
}

// one sends an event once, unless it is unreadable, and stores the outcome; after a failure it waits until the event is due
// again.
func (s *sender) one(ctx context.Context, d app.Delivery, unreadable error) error {
	job := &s.job
	if job.Trying != d.Seq {
		job.Trying, job.Tries, job.Failing, s.failed = d.Seq, 0, 0, time.Time{}
	}
	begun := s.h.clock.Now()
	a := app.Attempt{Final: true}
	if unreadable != nil {
		a.Error = unreadable.Error()
	} else {
		var sent bool
		if a, sent = s.send(ctx, d); !sent {
			return ctx.Err()
		}
	}
	now := s.h.clock.Now()
	job.Tries++
	if !s.failed.IsZero() {
		job.Failing += now.Sub(s.failed) // pauses that a restart cut short don't count
	}
	s.failed = now
	a.Name, a.Seq, a.Attempt, a.At = job.Name, d.Seq, job.Tries, app.At(begun.Truncate(time.Millisecond))
	parked := a.Final || !settles(a.Status) && job.Failing >= parkAfter
	a.Final = settles(a.Status) || parked
	pause := retryPause(job.Tries, job.Failing)
	if a.Final {
		job.Position, job.Trying, job.Tries, job.Failing = d.Seq, 0, 0, 0
	}
	if parked {
		job.Parked = append(job.Parked, d.Seq)
		s.h.log.Error("an event could not be forwarded and is parked", "forward", job.Name, "event", d.Seq, "err", a.Error, "status", a.Status)
	}
	if a.Final {
		return s.settle(ctx, a)
	}
	s.feed.Back(job.Position)
	due := s.h.clock.NewTimer(pause) // before the attempt can be seen, so that a stepped clock can't miss it
	defer due.Stop()
	if err := s.settle(ctx, a); err != nil {
		return err
	}
	select {
	case <-due.Chan():
	case <-ctx.Done():
	}
	return nil
}

// send makes one request. sent is false when the sender ended before there was an answer.
func (s *sender) send(ctx context.Context, d app.Delivery) (a app.Attempt, sent bool) {
	job := &s.job
	if job.Resign != "" {
		var err error
		if d, err = s.h.resigned(d, job.Resign); err != nil {
			return app.Attempt{Error: "it can't be signed again: " + ownWords(err)}, true
		}
	}
	request, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { s.h.clock.AfterFunc(lastAnswer, cancel) })()
	a = s.h.opt.Forwarder(request, app.ForwardTarget{URL: job.URL, CA: job.CA, Insecure: job.Insecure}, d)
	return a, request.Err() == nil || a.Status != 0
}

// busyPause is the time until a full queue of writes is tried again. It is real time: the queue doesn't depend on the clock.
const busyPause = 10 * time.Millisecond

// settle stores an attempt with the forward's new position. The target has answered: that must not be forgotten because the sender ends,
// and while the store fails nothing is sent again.
func (s *sender) settle(ctx context.Context, a app.Attempt) error {
	for pause := firstTrouble; ; {
		err := s.h.store.Settle(context.WithoutCancel(ctx), &s.job, a)
		switch {
		case err == nil, errors.Is(err, store.ErrNotFound):
			return err
		case errors.Is(err, store.ErrBusy):
			time.Sleep(busyPause)
		case ctx.Err() != nil:
			return err
		default:
			pause = s.trouble(ctx, err, pause)
		}
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
