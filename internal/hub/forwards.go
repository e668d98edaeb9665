package hub

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// Forwarder sends one event to a URL and reports the answer: Ms, Status, Answer and Error of the attempt, and Final if the event
// can never be sent. It returns when ctx ends.
type Forwarder func(ctx context.Context, url string, d app.Delivery) app.Attempt

// forwards runs a sender for each forward that is not paused.
type forwards struct {
	h *Hub

	changing sync.Mutex // one change of a forward at a time
	mu       sync.Mutex
	senders  map[string]*sender
}

// serve starts the forwards that don't depend on a run.
func (f *forwards) serve() {
	var jobs []store.ForwardJob
	if err := f.h.store.View(f.h.ctx, func(tx *store.Tx) error { jobs = tx.Forwards(); return nil }); err != nil {
		f.h.log.Error("the forwards could not be read", "err", err)
		return
	}
	f.changing.Lock()
	defer f.changing.Unlock()
	for _, j := range jobs {
		switch {
		case j.Damaged != nil:
			f.h.log.Error("a forward could not be read, and sends nothing", "forward", j.Name, "err", j.Damaged)
		case j.Source != app.ForwardByRun:
			f.start(j.Name)
		}
	}
}

// start starts a forward's sender unless it runs. f.changing is held.
func (f *forwards) start(name string) *sender {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.senders[name]; s != nil {
		return s
	}
	ctx, cancel := context.WithCancel(f.h.ctx)
	s := &sender{h: f.h, name: name, look: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	if f.senders == nil {
		f.senders = make(map[string]*sender)
	}
	f.senders[name] = s
	f.h.goes("forward "+name, func() {
		defer close(s.done)
		s.run(ctx)
	})
	return s
}

// stop ends a forward's sender and waits for it. f.changing is held.
func (f *forwards) stop(name string) {
	f.mu.Lock()
	s := f.senders[name]
	delete(f.senders, name)
	f.mu.Unlock()
	if s == nil {
		return
	}
	if s.lease != nil {
		s.lease.Stop()
	}
	s.cancel()
	<-s.done
}

// expire ends the sender of a run that did not renew its lease.
func (f *forwards) expire(name string, s *sender, lease int) {
	f.changing.Lock()
	defer f.changing.Unlock()
	f.mu.Lock()
	mine := f.senders[name] == s
	f.mu.Unlock()
	if mine && s.leases == lease {
		f.stop(name)
	}
}

// close stops the leases, so that no timer outlives the hub. The hub's context has ended.
func (f *forwards) close() {
	f.changing.Lock()
	defer f.changing.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.senders {
		if s.lease != nil {
			s.lease.Stop()
		}
	}
}

// arrived wakes the senders. It must not block.
func (f *forwards) arrived() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.senders {
		select {
		case s.look <- struct{}{}:
		default:
		}
	}
}

// Forwards lists the forwards; see [app.Backend].
func (h *Hub) Forwards(ctx context.Context, _ app.ForwardQuery) ([]app.Forward, error) {
	out := []app.Forward{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		for _, j := range tx.Forwards() {
			out = append(out, h.forwards.view(tx, j))
		}
		return nil
	})
	return out, err
}

func (f *forwards) view(tx *store.Tx, j store.ForwardJob) app.Forward {
	if j.Damaged != nil {
		return app.Forward{Name: j.Name, State: app.ForwardPaused, Parked: []uint64{}, Last: &app.Attempt{Name: j.Name, Error: j.Damaged.Error()}}
	}
	out := app.Forward{
		Name: j.Name, Position: j.Position, Queue: tx.Queue(j.Position), State: app.ForwardPaused,
		Parked: append([]uint64{}, j.Parked...), Dropped: j.Dropped, Last: j.Last, Source: j.Source,
	}
	if u, err := url.Parse(j.URL); err == nil {
		out.URL = u.Redacted()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.senders[j.Name] != nil {
		out.State = app.ForwardRunning
		if j.Tries > 0 {
			out.State = app.ForwardRetrying
		}
	}
	return out
}

// SetForward makes or changes a forward; see [app.Backend].
func (h *Hub) SetForward(ctx context.Context, spec app.ForwardSpec) (app.Forward, error) {
	u, err := app.ForwardURL(spec.URL)
	if err != nil {
		return app.Forward{}, &app.Error{Kind: provider.Invalid, Text: "the forward's URL can't be used", Hint: err.Error()}
	}
	if h.opt.Forwarder == nil {
		return app.Forward{}, &app.Error{Kind: provider.Unsupported, Text: "the process that owns the store forwards nothing"}
	}
	f := &h.forwards
	f.changing.Lock()
	defer f.changing.Unlock()
	var job store.ForwardJob
	if err := h.store.View(ctx, func(tx *store.Tx) error { job, err = forwardFor(tx, spec, u); return err }); err != nil {
		return app.Forward{}, err
	}
	if job.URL != spec.URL || job.Source != spec.Source { // a renewal writes nothing
		if err := h.store.Update(ctx, func(tx *store.Tx) error {
			if job, err = forwardFor(tx, spec, u); err != nil {
				return err
			}
			job.URL, job.Source = spec.URL, spec.Source
			return tx.PutForward(job)
		}); err != nil {
			return app.Forward{}, err
		}
	}
	if spec.Source == app.ForwardByRun && spec.Lease <= 0 {
		f.stop(job.Name)
	} else if h.started.Load() && h.ctx.Err() == nil {
		s := f.start(job.Name)
		if s.lease != nil {
			s.lease.Stop()
		}
		s.leases++
		if lease := s.leases; spec.Source == app.ForwardByRun {
			s.lease = h.clock.AfterFunc(min(spec.Lease, maxLease), func() {
				defer h.crash.Recover("end of a forward's lease")
				f.expire(job.Name, s, lease)
			})
		}
	}
	var out app.Forward
	err = h.store.View(ctx, func(tx *store.Tx) error {
		if job, err = tx.Forward(job.Name); err == nil {
			out = f.view(tx, job)
		}
		return err
	})
	return out, err
}

// forwardFor finds the forward that a spec means, or makes one. The forwards of runs are found by their URL.
func forwardFor(tx *store.Tx, spec app.ForwardSpec, u *url.URL) (store.ForwardJob, error) {
	if spec.Name != "" {
		job, err := tx.Forward(spec.Name)
		if !errors.Is(err, store.ErrNotFound) {
			return job, err
		}
		return newForward(tx, spec.Name, spec.From), nil
	}
	used := map[string]bool{}
	for _, j := range tx.Forwards() {
		if j.Source == app.ForwardByRun && j.URL == spec.URL {
			return j, nil
		}
		used[j.Name] = true
	}
	// A name is text: it goes through JSON and onto screens.
	base := strings.ToValidUTF8(u.Host, "\uFFFD") + u.EscapedPath()
	base = strings.ToValidUTF8(base[:min(len(base), 100)], "")
	name := base
	for n := 2; used[name]; n++ {
		name = base + "#" + strconv.Itoa(n)
	}
	return newForward(tx, name, spec.From), nil
}

func newForward(tx *store.Tx, name string, from uint64) store.ForwardJob {
	job := store.ForwardJob{Name: name, Position: tx.LastSeq()}
	if from > 0 {
		job.Position = from - 1
	}
	return job
}
