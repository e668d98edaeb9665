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
	looked uint64    // nothing up to this event is left to send
	failed time.Time // when the latest attempt at the event at hand was not accepted; zero before one was in this run
}

func (s *sender) run(ctx context.Context) {
	for pause := firstTrouble; ctx.Err() == nil; {
		if newest := s.h.forwards.newest.Load(); newest > 0 && s.looked >= newest {
			s.await(ctx)
			continue
		}
		job, d, err := s.next(ctx)
		switch {
		case errors.Is(err, store.ErrNotFound):
			s.await(ctx)
			continue
		case err == nil, errors.Is(err, store.ErrUnreadable):
			err = s.one(ctx, job, d, err)
		}
		if err == nil {
			pause = firstTrouble
			continue
		}
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

// fewEvents are so few that they are looked through without delaying those who write to the store.
const fewEvents = 64

// fewLeft reports whether few events can be between two. newest is 0 while it isn't known.
func fewLeft(looked, newest uint64) bool {
	return looked > 0 && newest > 0 && looked+fewEvents > newest
}

// next reads the forward and its next event. The error is [store.ErrNotFound] while nothing waits.
func (s *sender) next(ctx context.Context) (job store.ForwardJob, d app.Delivery, err error) {
	view := s.h.store.View
	if fewLeft(s.looked, s.h.forwards.newest.Load()) {
		view = s.h.store.Latest
	}
	err = view(ctx, func(tx *store.Tx) error {
		if job, err = tx.Forward(s.name); err == nil {
			d, err = tx.NextToForward(job, max(job.Position, s.looked))
		}
		if errors.Is(err, store.ErrNotFound) {
			s.looked = tx.LastSeq()
		}
		return err
	})
	return job, d, err
}

// one sends an event once, unless it is unreadable, and stores the outcome; after a failure it waits until the event is due
// again.
func (s *sender) one(ctx context.Context, job store.ForwardJob, d app.Delivery, unreadable error) error {
	if job.Trying != d.Seq {
		job.Trying, job.Tries, job.Failing, s.failed = d.Seq, 0, 0, time.Time{}
	}
	begun := s.h.clock.Now()
	a := app.Attempt{Final: true}
	if unreadable != nil {
		a.Error = unreadable.Error()
	} else {
		var sent bool
		if a, sent = s.send(ctx, job, d); !sent {
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
		s.looked = d.Seq
		job.Position, job.Trying, job.Tries, job.Failing = d.Seq, 0, 0, 0
		pause = 0
	}
	if parked {
		job.Parked = append(job.Parked, d.Seq)
		s.h.log.Error("an event could not be forwarded and is parked", "forward", job.Name, "event", d.Seq, "err", a.Error, "status", a.Status)
	}
	job.Last = &a
	due := s.h.clock.NewTimer(pause) // before the attempt can be seen, so that a stepped clock can't miss it
	defer due.Stop()
	if err := s.settle(ctx, job, a); err != nil || pause == 0 {
		return err
	}
	select {
	case <-due.Chan():
	case <-ctx.Done():
	}
	return nil
}

// send makes one request. sent is false when the sender ended before there was an answer.
func (s *sender) send(ctx context.Context, job store.ForwardJob, d app.Delivery) (a app.Attempt, sent bool) {
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

// settle stores an attempt with the forward's new position. What users choose of it, and what retention dropped, stays as it is now. The target has
// answered: that must not be forgotten because the sender ends, and while the store fails nothing is sent again.
func (s *sender) settle(ctx context.Context, job store.ForwardJob, a app.Attempt) error {
	for pause := firstTrouble; ; {
		err := s.h.store.UpdateSoon(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			now, err := tx.Forward(job.Name)
			if err != nil {
				return err
			}
			now.Position, now.Trying, now.Tries, now.Failing = job.Position, job.Trying, job.Tries, job.Failing
			now.Parked, now.Last = job.Parked, job.Last
			tx.AddAttempt(a)
			return tx.PutForward(now)
		})
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
