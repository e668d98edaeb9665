package relay_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// TestGapsAreReported: a gap is reported to a connected client, to one that connects later, and no longer after it has stored a
// later request.
func TestGapsAreReported(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock, Retain: 10 * time.Minute, Policy: spool.PolicyAck})
	age := func(d time.Duration) {
		t.Helper()
		for ; d > 0; d -= time.Minute {
			// The watch and the spool's retention.
			if err := clock.BlockUntilContext(t.Context(), 2); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Minute)
		}
	}
	b.fill(t, b.hook.ID, "1", "2")
	age(11 * time.Minute)
	eventually(t, "they are dropped", func() bool { return b.depth(t) == 0 })
	b.fill(t, b.hook.ID, "3")
	p := b.dial(t, b.secret)
	w := p.hello(wire.HelloBody{Device: "d1"})
	g := body[wire.GapBody](p, p.want(wire.Gap))
	if g.Hook != b.hook.ID || g.From != 1 || g.To != 2 || g.Count != 2 || g.Epoch != w.Epoch || g.Reason == "" {
		t.Errorf("%+v", g)
	}
	if _, err := time.Parse(time.RFC3339, g.At); err != nil {
		t.Error(err)
	}
	p.json(wire.Credit, 0, wire.CreditBody{Events: 1, Bytes: 1000})
	r := p.request()
	if string(r.body) != "3" {
		t.Fatalf("%q", r.body)
	}
	// A connected client is informed immediately. The clock also ends the connection, since nothing was received from it.
	p.ws.Close()
	p, _ = b.join(t, cursor.Position{Hook: b.hook.ID, Epoch: g.Epoch, Seq: g.To})
	p.want(wire.Gap)
	p.stored(p.request())
	p.echo()
	p.ws.Close()
	eventually(t, "the gap is history", func() bool {
		p := b.dial(t, b.secret)
		defer p.ws.Close()
		p.hello(wire.HelloBody{Device: "d1", Hooks: []cursor.Position{{Hook: b.hook.ID, Epoch: r.Epoch, Seq: r.Seq}}})
		return p.echo()
	})
}

// stopped closes a relay and returns its folder.
func (b *bench) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// again opens a relay on a folder that has a token already.
func again(t *testing.T, o relay.Options, like *bench) *bench {
	t.Helper()
	o.Rate = -1
	s, err := relay.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: s, secret: like.secret, hook: like.hook}
	b.serve(t)
	b.hook.URL = b.url + "/h/" + b.hook.ID
	return b
}

func TestTheOwnerHearsOfARestoredBackup(t *testing.T) {
	dir, backup := t.TempDir(), t.TempDir()
	b := newBench(t, relay.Options{Dir: dir, Policy: spool.PolicyAck})
	b.fill(t, b.hook.ID, "1")
	p, _ := b.join(t)
	first := p.request()
	p.stored(first)
	b.stop(t)
	raw, err := os.ReadFile(filepath.Join(dir, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(backup, spool.FileName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	b = again(t, relay.Options{Dir: dir, Policy: spool.PolicyAck}, b)
	b.fill(t, b.hook.ID, "2", "3")
	p, w := b.join(t, first.Position)
	if w.Hooks[0].Restored {
		t.Error("it is taken for restored")
	}
	p.request()
	last := p.request()
	b.stop(t)

	b = again(t, relay.Options{Dir: backup, Policy: spool.PolicyAck}, b)
	b.fill(t, b.hook.ID, "4")
	p, w = b.join(t, last.Position)
	if !w.Hooks[0].Restored || w.Epoch < last.Epoch {
		t.Errorf("%+v", w)
	}
	r := p.request()
	if string(r.body) != "4" || r.Epoch < last.Epoch || r.Epoch == last.Epoch && r.Seq <= last.Seq {
		t.Errorf("%q comes as %d/%d after %d/%d", r.body, r.Epoch, r.Seq, last.Epoch, last.Seq)
	}
}

// TestClosing: requests under way are answered, clients are asked to reconnect, and no acknowledged request is lost.
func TestClosing(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, relay.Options{Dir: dir, Policy: spool.PolicySync, SyncWait: 10 * patience})
	p, _ := b.join(t)
	answer := b.send(t, b.hook.ID, "x")
	p.request()
	closed := make(chan struct{})
	go func() { defer close(closed); b.stop(t) }()
	answered(t, answer, "200 ok")
	p.leaves(wire.Restarting)
	<-closed
	b = again(t, relay.Options{Dir: dir}, b)
	p, _ = b.join(t)
	if r := p.request(); string(r.body) != "x" {
		t.Errorf("%q", r.body)
	}
}

// TestARequestThatVanishes: a request that is stored through another connection ends its stream, and the next ones follow.
func TestARequestThatVanishes(t *testing.T) {
	b := newBench(t, relay.Options{Policy: spool.PolicyAck})
	b.fill(t, b.hook.ID, long(1<<20), "next")
	p := b.dial(t, b.secret)
	p.hello(wire.HelloBody{Device: "d1"})
	p.json(wire.Credit, 0, wire.CreditBody{Events: 2, Bytes: 100})
	e, err := wire.DecodeEvent(p.want(wire.Event).Payload)
	if err != nil {
		t.Fatal(err)
	}
	first := p.want(wire.Data)
	p.json(wire.Stored, 0, wire.StoredBody{Hook: b.hook.ID, Epoch: e.Epoch, Seq: e.Seq})
	eventually(t, "it is gone", func() bool { return b.depth(t) == 1 })
	p.json(wire.Credit, 0, wire.CreditBody{Bytes: 2 << 20})
	delete(p.open, first.Stream)
	gone := false
	for whole := false; !gone || !whole; {
		f, ok := p.next()
		if !ok {
			t.Fatal(p.err)
		}
		if f.Type == wire.Err {
			gone = true
			if e := body[wire.ErrBody](p, f); e.Code != wire.CodeGone || f.Stream != first.Stream {
				t.Errorf("%+v on stream %d", e, f.Stream)
			}
			continue
		}
		if r, done := gather(t, p.open, f); done {
			whole = string(r.body) == "next"
		}
	}
}
