package hub

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/store"
)

// watched is a log whose lines tests can wait for.
type watched chan string

func (w watched) Write(p []byte) (int, error) {
	select {
	case w <- string(p):
	default:
	}
	return len(p), nil
}

func (w watched) await(t *testing.T, part string) {
	t.Helper()
	for {
		select {
		case line := <-w:
			if strings.Contains(line, part) {
				return
			}
		case <-time.After(patience):
			t.Fatalf("nothing with %q is logged", part)
		}
	}
}

// An event that the target accepted isn't sent again because the store can't note it: the sender waits until it can.
func TestAnAcceptedEventIsNotSentAgainWhileTheStoreFails(t *testing.T) {
	lines := make(watched, 1000)
	var b *bench
	target := newReceiver(func(seq uint64) app.Attempt {
		if seq == 1 { // from here on nothing can be stored
			if err := os.Rename(b.path, b.path+".moved"); err != nil {
				t.Error(err)
			}
		}
		return accepts(seq)
	})
	b = newBench(t)
	b.close()
	b.log = slog.New(slog.NewTextHandler(lines, nil))
	b.forward = target.send
	b.open()
	b.Start()
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	b.joins(1)
	lines.await(t, "can't use the store")
	if err := os.Rename(b.path+".moved", b.path); err != nil {
		t.Fatal(err)
	}
	passes(b, func() { b.await("dev", 1) })
	last := b.joins(1)[0]
	b.await("dev", last)
	if got := target.got(); !slices.Equal(got, []uint64{1, last}) {
		t.Errorf("the target got %v", got)
	}
	d, err := b.Event(t.Context(), app.EventRef{Seq: 1})
	if err != nil || len(d.Forwards) != 1 {
		t.Errorf("%+v, %v", d.Forwards, err)
	}
}

// passes lets time pass until f returns.
func passes(b *bench, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
			b.clock.Advance(mostTrouble)
		}
	}
}

func (b *bench) job(name string) (j store.ForwardJob) {
	b.t.Helper()
	if err := b.store.View(b.t.Context(), func(tx *store.Tx) (err error) { j, err = tx.Forward(name); return err }); err != nil {
		b.t.Fatal(err)
	}
	return j
}

// Only time that passed counts towards the day after which an event is parked: restarts, which cut pauses short, don't.
func TestRestartsParkNothing(t *testing.T) {
	target := newReceiver(func(uint64) app.Attempt { return app.Attempt{Status: 503} })
	b := forwarding(t, map[string]*receiver{hooks: target})
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	b.joins(1)
	for n := 1; n < 20; n++ {
		b.awaitTries("dev", n)
		b.close()
		b.open()
		b.Start()
	}
	b.awaitTries("dev", 20)
	if j := b.job("dev"); j.Failing != 0 || j.Tries != 20 || j.Trying != 1 || j.Position != 0 {
		t.Errorf("%+v", j)
	}
	b.clock.Advance(soonRetry)
	b.awaitTries("dev", 21)
	if j := b.job("dev"); j.Failing != soonRetry {
		t.Errorf("after %v it has failed for %v", soonRetry, j.Failing)
	}
}

// Renewing a run's forward writes nothing.
func TestARenewalWritesNothing(t *testing.T) {
	b := forwarding(t, map[string]*receiver{hooks: newReceiver(accepts)})
	run := app.ForwardSpec{URL: hooks, Source: app.ForwardByRun, Lease: time.Minute}
	first := b.setForward(run)
	before := b.store.Commits()
	again := b.setForward(run)
	if n := b.store.Commits() - before; n != 0 || again.Name != first.Name {
		t.Errorf("%d commits, %+v and %+v", n, first, again)
	}
}

// damage changes the closed store's file.
func (b *bench) damage(f func(*bolt.Tx) error) {
	b.t.Helper()
	b.close()
	db, err := bolt.Open(b.path, 0o600, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		b.t.Fatal(err)
	}
	b.open()
	b.Start()
}

// A damaged record of a forward, or of an event, holds no other one up.
func TestDamageHoldsNoOtherForwardUp(t *testing.T) {
	target := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: target})
	b.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	seqs := b.joins(3)
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	b.damage(func(tx *bolt.Tx) error { return tx.Bucket([]byte("forwards")).Put([]byte("a"), []byte("{")) })
	all, err := b.Forwards(t.Context(), app.ForwardQuery{})
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[0].State != app.ForwardPaused || all[0].Last == nil || all[0].Last.Error == "" ||
		all[1].State != app.ForwardRunning {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := b.SetForward(t.Context(), app.ForwardSpec{Name: "a", URL: hooks, Source: app.ForwardByCommand}); err == nil {
		t.Error("the damaged one is changed")
	}
	if f := b.setForward(app.ForwardSpec{URL: hooks, Source: app.ForwardByRun, Lease: time.Minute}); f.State != app.ForwardRunning {
		t.Errorf("%+v", f)
	}
	b.damage(func(tx *bolt.Tx) error {
		all := tx.Bucket([]byte("segments"))
		first, _ := all.Cursor().First()
		key := []byte{0, 0, 0, 0, 0, 0, 0, byte(seqs[1])}
		return all.Bucket(first).Bucket([]byte("rows")).Put(key, []byte("{"))
	})
	b.setForward(app.ForwardSpec{Name: "all", URL: hooks, Source: app.ForwardByCommand, From: 1})
	f := b.await("all", seqs[2])
	if got := target.got(); !slices.Equal(got, []uint64{seqs[0], seqs[2]}) || !slices.Equal(f.Parked, seqs[1:2]) {
		t.Errorf("the target got %v, and %v are parked", got, f.Parked)
	}
}
