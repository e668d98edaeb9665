package ipc_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/ipc"
	"greenroom/internal/ipc/lock"
	"greenroom/provider"
)

func TestDifferences(t *testing.T) {
	p := newPlace(t)
	p.open(t, p.options(apptest.NewMemory(1)))

	o := p.options(nil)
	o.Fingerprint = "other"
	if st := p.open(t, o).State(); !strings.Contains(st.Warning, "a different configuration") {
		t.Errorf("state %+v", st)
	}
	o = p.options(nil)
	o.Version = "2.0"
	_, err := ipc.Open(t.Context(), o)
	if !errors.Is(err, provider.Conflict) || app.AsError(err).Hint == "" {
		t.Errorf("another version: %v", err)
	}
}

// TestTheDemoSharesItsStoreWithNoOne: not even with another demo, whose platforms are others.
func TestTheDemoSharesItsStoreWithNoOne(t *testing.T) {
	for _, demo := range []struct{ owner, other bool }{{true, false}, {false, true}, {true, true}} {
		p := newPlace(t)
		o := p.options(apptest.NewMemory(1))
		o.Demo = demo.owner
		p.open(t, o)
		o = p.options(nil)
		o.Demo = demo.other
		if _, err := ipc.Open(t.Context(), o); !errors.Is(err, provider.Conflict) || app.AsError(err).Hint == "" {
			t.Errorf("%+v: %v", demo, err)
		}
	}
}

func TestAStoreThatDoesNotOpen(t *testing.T) {
	p := newPlace(t)
	o := p.options(nil)
	broken := &app.Error{Kind: provider.Unsupported, Text: "the store is newer"}
	o.Own = func(context.Context) (ipc.Owned, error) { return ipc.Owned{}, broken }
	if _, err := ipc.Open(t.Context(), o); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if held, _, err := lock.Held(p.data); held || err != nil {
		t.Errorf("the lock is still held: %v", err)
	}
}

// TestAHolderThatDoesNotServe: a program that comes and goes waits for another, and says who it was when that takes
// too long.
func TestAHolderThatDoesNotServe(t *testing.T) {
	p := newPlace(t)
	held, err := lock.Try(p.data)
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Record(lock.Holder{PID: 4711, Version: "1.0"}); err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewFakeClock()
	o := p.options(apptest.NewMemory(1))
	o.Stay, o.Clock = false, clock
	failed := make(chan error, 1)
	go func() {
		_, err := ipc.Open(t.Context(), o)
		failed <- err
	}()
	err = advanceUntil(t, clock, failed)
	if !errors.Is(err, provider.Unavailable) || !strings.Contains(err.Error(), "process 4711") {
		t.Errorf("error %v", err)
	}

	opened := make(chan error, 1)
	go func() {
		s, err := ipc.Open(t.Context(), o)
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	if err := advanceUntil(t, clock, opened); err != nil {
		t.Errorf("after the release: %v", err)
	}
	o.Crash.Wait()
}

// advanceUntil lets the fake time pass until something comes: faster than the real one, but slowly enough that an answer from
// a socket or another process comes before the fake deadline.
func advanceUntil[T any](t *testing.T, clock *clockwork.FakeClock, ch <-chan T) T {
	t.Helper()
	pace := time.NewTicker(200 * time.Microsecond)
	defer pace.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case v := <-ch:
			return v
		case <-pace.C:
			clock.Advance(20 * time.Millisecond)
		case <-late.C:
			t.Fatal("nothing came")
		}
	}
}

func TestOpeningIsCalledOff(t *testing.T) {
	p := newPlace(t)
	held, err := lock.Try(p.data)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := ipc.Open(ctx, p.options(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestNoOneTakesOver: the owner leaves, and a process that doesn't serve holds the lock. Waiting calls fail in time, and
// work again once there is an owner.
func TestNoOneTakesOver(t *testing.T) {
	p := newPlace(t)
	owner, err := lock.Try(p.data)
	if err != nil {
		t.Fatal(err)
	}
	hello := me
	if hello.DataDir, err = filepath.EvalSymlinks(p.data); err != nil {
		t.Fatal(err)
	}
	socket, server := serve(t, apptest.NewMemory(1), hello, nil)
	if err := owner.Record(lock.Holder{PID: 1, Socket: socket}); err != nil {
		t.Fatal(err)
	}
	o := p.options(apptest.NewMemory(1))
	s := p.open(t, o)
	changes, err := s.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Leave(time.Minute); err != nil {
		t.Fatal(err)
	}
	until(t, s, "stale", func(st ipc.State) bool { return st.Stale })
	expectKinds(t, changes, app.StatusChange)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Rooms(ctx, app.RoomQuery{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was called off: %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "patient"})
		waiting <- err
	}()
	if err := owner.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("a call that waited: %v", err)
	}
	until(t, s, "owner", func(st ipc.State) bool { return st.Owner })
	expectKinds(t, changes, app.Missed, app.StatusChange)
}

func TestWaitingHasAnEnd(t *testing.T) {
	p := newPlace(t)
	owner, err := lock.Try(p.data)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Release()
	hello := me
	if hello.DataDir, err = filepath.EvalSymlinks(p.data); err != nil {
		t.Fatal(err)
	}
	socket, server := serve(t, apptest.NewMemory(1), hello, nil)
	if err := owner.Record(lock.Holder{PID: 1, Socket: socket}); err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewFakeClock()
	o := p.options(nil)
	o.Clock = clock
	s := p.open(t, o)
	if err := server.Leave(time.Minute); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := s.Rooms(t.Context(), app.RoomQuery{})
		failed <- err
	}()
	err = advanceUntil(t, clock, failed)
	if !errors.Is(err, provider.Unavailable) || !strings.Contains(err.Error(), "the process that owned the store exited; reconnecting") {
		t.Errorf("error %v", err)
	}
}

// TestTheNextOwnerIsAnother: the owner is upgraded while others are attached. They stay stale, say why, and continue once
// there is an owner that they can work with.
func TestTheNextOwnerIsAnother(t *testing.T) {
	p := newPlace(t)
	first := p.open(t, p.options(apptest.NewMemory(1)))
	clock := clockwork.NewFakeClock()
	o := p.options(apptest.NewMemory(1))
	// The fake time runs ahead of the real one, in which the upgraded owner answers.
	o.Clock, o.Stay, o.Wait = clock, false, 20*time.Second
	s := p.open(t, o)
	states := s.States(t.Context())
	if st := <-states; st.Stale {
		t.Fatalf("state %+v", st)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if st := advanceUntil(t, clock, states); !st.Stale || !s.Stale() {
		t.Fatalf("state %+v", st)
	}
	upgraded := p.options(apptest.NewMemory(1))
	upgraded.Version = "2.0"
	second := p.open(t, upgraded)

	failed := make(chan error, 1)
	go func() {
		_, err := s.Rooms(t.Context(), app.RoomQuery{})
		failed <- err
	}()
	err := advanceUntil(t, clock, failed)
	if !errors.Is(err, provider.Unavailable) || !strings.Contains(err.Error(), "greenroom 2.0") ||
		!strings.Contains(app.AsError(err).Hint, "quit process") {
		t.Errorf("error %v", err)
	}
	if st := s.State(); !st.Stale || st.Problem == nil || st.Problem.Kind != provider.Conflict {
		t.Errorf("state %+v", st)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	for !s.Owner() {
		advanceUntil(t, clock, states)
	}
	if _, err := s.Rooms(t.Context(), app.RoomQuery{}); err != nil {
		t.Error(err)
	}
}

// TestWhatMayHaveBeenDone: an owner that is cut off in the middle of two calls. The one that reads is made again with the
// next owner, the one that changes something is not.
func TestWhatMayHaveBeenDone(t *testing.T) {
	p := newPlace(t)
	owner, err := lock.Try(p.data)
	if err != nil {
		t.Fatal(err)
	}
	hello := me
	if hello.DataDir, err = filepath.EvalSymlinks(p.data); err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{}, 2)
	stuck := make(chan struct{})
	wait := func(context.Context) error { begun <- struct{}{}; <-stuck; return nil }
	socket, server := serve(t, &stub{Memory: apptest.NewMemory(1), status: wait, create: wait}, hello, nil)
	if err := owner.Record(lock.Holder{PID: 1, Socket: socket}); err != nil {
		t.Fatal(err)
	}
	next := &counting{Memory: apptest.NewMemory(1)}
	s := p.open(t, p.options(next))
	status, create := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.Status(t.Context(), app.StatusQuery{})
		status <- err
	}()
	go func() {
		_, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "once"})
		create <- err
	}()
	<-begun
	<-begun
	if err := owner.Release(); err != nil {
		t.Fatal(err)
	}
	// Without any grace the connections are cut, as they are when the owner is killed.
	if err := server.Leave(0); err != nil {
		t.Fatal(err)
	}
	if err := <-status; err != nil {
		t.Errorf("a call that reads: %v", err)
	}
	if err := <-create; !errors.Is(err, provider.Unavailable) || app.AsError(err).Hint == "" {
		t.Errorf("a call that changes: %v", err)
	}
	if n := next.created.Load(); n != 0 {
		t.Errorf("the room was made again")
	}
	close(stuck)
}

type counting struct {
	*apptest.Memory
	created atomic.Int32
}

func (c *counting) CreateRoom(ctx context.Context, r app.RoomSpec) (app.Room, error) {
	c.created.Add(1)
	return c.Memory.CreateRoom(ctx, r)
}

// TestLeavingLosesNothing: rooms are made through an attached session, one after the other, while the owner leaves and the
// session takes over. Every call succeeds, and each room is made once.
func TestLeavingLosesNothing(t *testing.T) {
	p := newPlace(t)
	shared := &counting{Memory: apptest.NewMemory(1)}
	owner := p.open(t, p.options(shared))
	attached := p.open(t, p.options(shared))
	const n = 500
	done := make(chan error, 1)
	half := make(chan struct{})
	go func() {
		for i := range n {
			if i == n/4 {
				close(half)
			}
			if _, err := attached.CreateRoom(context.Background(), app.RoomSpec{Name: "r" + time.Duration(i).String()}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	<-half
	if err := owner.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := shared.created.Load(); got != n || !attached.Owner() {
		t.Errorf("%d calls for %d rooms, owner %v", got, n, attached.Owner())
	}
}

// TestCloseWaitsForCalls: what is under way finishes, for others and for the owner itself; what comes then is refused.
func TestCloseWaitsForCalls(t *testing.T) {
	p := newPlace(t)
	begun, finish := make(chan struct{}, 2), make(chan struct{})
	b := &stub{Memory: apptest.NewMemory(1), status: func(context.Context) error { begun <- struct{}{}; <-finish; return nil }}
	clock := clockwork.NewFakeClock()
	o := p.options(b)
	o.Clock = clock
	closed := false
	o.Own = func(context.Context) (ipc.Owned, error) {
		return ipc.Owned{Backend: b, Close: func() error { closed = true; return nil }}, nil
	}
	owner := p.open(t, o)
	o = p.options(apptest.NewMemory(1))
	attached := p.open(t, o)
	results := make(chan error, 2)
	for _, s := range []*ipc.Session{owner, attached} {
		go func() {
			_, err := s.Status(t.Context(), app.StatusQuery{})
			results <- err
		}()
	}
	<-begun
	<-begun
	ending := make(chan error, 1)
	go func() { ending <- owner.Close() }()
	until(t, attached, "stale", func(st ipc.State) bool { return st.Stale })
	close(finish)
	for range 2 {
		if err := <-results; err != nil {
			t.Errorf("a call that was under way: %v", err)
		}
	}
	if err := <-ending; err != nil || !closed {
		t.Errorf("close: %v, store closed: %v", err, closed)
	}
	if _, err := owner.Rooms(t.Context(), app.RoomQuery{}); !errors.Is(err, provider.Unavailable) {
		t.Errorf("a call after the end: %v", err)
	}
	if _, err := owner.Subscribe(t.Context()); !errors.Is(err, provider.Unavailable) {
		t.Errorf("a subscription after the end: %v", err)
	}
}

// TestHooks: what OnOwn starts is stopped by OnLose before the store closes.
func TestHooks(t *testing.T) {
	p := newPlace(t)
	var (
		mu    sync.Mutex
		order []string
	)
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	options := func(name string) ipc.Options {
		o := p.options(nil)
		o.Own = func(context.Context) (ipc.Owned, error) {
			note(name + " opens")
			return ipc.Owned{Backend: apptest.NewMemory(1), Close: func() error {
				note(name + " closes")
				return nil
			}}, nil
		}
		o.OnOwn = func(context.Context, app.Backend) { note(name + " owns") }
		o.OnLose = func() { note(name + " loses") }
		return o
	}
	a := p.open(t, options("a"))
	b := p.open(t, options("b"))
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	until(t, b, "owner", func(st ipc.State) bool { return st.Owner })
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	want := "a opens, a owns, a loses, a closes, b opens, b owns, b loses, b closes"
	if got := strings.Join(order, ", "); got != want {
		t.Errorf("order: %s", got)
	}
}

// TestComingAndGoing: a program that doesn't stay takes the store only when it needs it.
func TestComingAndGoing(t *testing.T) {
	p := newPlace(t)
	owner := p.open(t, p.options(apptest.NewMemory(1)))
	o := p.options(apptest.NewMemory(1))
	o.Stay = false
	s := p.open(t, o)
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, s, "stale", func(st ipc.State) bool { return st.Stale })
	if held, _, err := lock.Held(p.data); held || err != nil {
		t.Errorf("it took the store without need: %v", err)
	}
	if _, err := s.Rooms(t.Context(), app.RoomQuery{}); err != nil || !s.Owner() {
		t.Errorf("a call: %v, owner %v", err, s.Owner())
	}
	if h, err := lock.Read(p.data); err != nil || h.Socket != "" {
		t.Errorf("it serves: %+v, %v", h, err)
	}
}
