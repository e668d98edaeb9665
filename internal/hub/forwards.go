package hub

import (
	"context"
	"net/url"
	"sync"

	"greenroom/internal/app"
	"greenroom/store"
)

// Forwarder sends one event to a target and returns the answer: Ms, Status, Answer and Error of the attempt, and Final if the event
// can never be sent. It returns when ctx ends.
type Forwarder func(ctx context.Context, to app.ForwardTarget, d app.Delivery) app.Attempt

// forwards runs a sender for each forward that is not paused.
type forwards struct {
	h *Hub

	changing sync.Mutex // one change of a forward at a time
	mu       sync.Mutex
	senders  map[string]*sender
}

// serve starts the forwards that don't depend on a run, including those of the configuration.
func (f *forwards) serve() {
	f.configure()
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
			f.h.log.Error("a forward could not be read, so it sends nothing", "forward", j.Name, "err", j.Damaged)
		case j.Source != app.ForwardByRun && !stopped(j):
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

// expire stops the sender of a run that did not renew its lease.
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

// close stops the leases, so that no timer outlives the hub, whose context has ended.
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

// arrived wakes the senders after events were stored. It must not block.
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

// stopped reports whether a forward sends nothing until the user resumes it.
func stopped(j store.ForwardJob) bool { return j.Paused || j.Unlisted }

func (f *forwards) view(tx *store.Tx, j store.ForwardJob) app.Forward {
	if j.Damaged != nil {
		return app.Forward{Name: j.Name, State: app.ForwardPaused, Parked: []uint64{}, Last: &app.Attempt{Name: j.Name, Error: j.Damaged.Error()}}
	}
	out := app.Forward{
		Name: j.Name, Filter: j.Filter, Resign: j.Resign != "", Insecure: j.Insecure, CA: j.CA != "",
		Position: j.Position, Queue: tx.Queue(j), State: app.ForwardRunning,
		Parked: append([]uint64{}, j.Parked...), Dropped: j.Dropped, Last: j.Last, Source: j.Source,
	}
	if u, err := url.Parse(j.URL); err == nil {
		out.URL = u.Redacted()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case stopped(j) || j.Source == app.ForwardByRun && f.senders[j.Name] == nil:
		out.State = app.ForwardPaused
	case j.Tries > 0 && out.Queue > 0: // the event at hand may be gone, or selected no more
		out.State = app.ForwardRetrying
	}
	return out
}

// read returns a forward's present state.
func (f *forwards) read(ctx context.Context, name string) (app.Forward, error) {
	return store.Read(ctx, f.h.store, func(tx *store.Tx) (app.Forward, error) {
		job, err := tx.Forward(name)
		if err != nil {
			return app.Forward{}, err
		}
		return f.view(tx, job), nil
	})
}
