package relay_test

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// leaves reads until the connection ends, and wants GOAWAY with a reason before that.
func (p *peer) leaves(reason string) {
	p.t.Helper()
	g := body[wire.GoAwayBody](p, p.want(wire.GoAway))
	if g.Reason != reason {
		p.t.Errorf("GOAWAY %q, not %q", g.Reason, reason)
	}
	p.ends()
}

// refused expects ERR with a code, and then the end.
func (p *peer) refused(code string) {
	p.t.Helper()
	e := body[wire.ErrBody](p, p.want(wire.Err))
	if e.Code != code {
		p.t.Errorf("ERR %q (%s), not %q", e.Code, e.Text, code)
	}
	p.ends()
}

func TestADeviceTakesOver(t *testing.T) {
	b := newBench(t, relay.Options{})
	first, _ := b.join(t)
	b.fill(t, b.hook.ID) // nothing
	// Another device has to wait, and one that yields.
	p := b.dial(t, b.secret)
	p.json(wire.Hello, 0, wire.HelloBody{Device: "d2", Client: "test"})
	p.refused(wire.CodeInUse)
	p = b.dial(t, b.secret)
	p.json(wire.Hello, 0, wire.HelloBody{Device: "d1", Client: "test", Yield: true})
	p.refused(wire.CodeYield)
	if !first.echo() {
		t.Fatal("the first one suffers")
	}
	second, _ := b.join(t)
	first.leaves(wire.TakenOver)
	go b.post(t, b.hook.ID, "", "x")
	if r := second.request(); string(r.body) != "x" {
		t.Errorf("%q", r.body)
	}
	second.ws.Close()
	// No device is connected now: both may connect.
	for _, h := range []wire.HelloBody{{Device: "d2"}, {Device: "d1", Yield: true}} {
		eventually(t, "the next one is let in", func() bool {
			p := b.dial(t, b.secret)
			defer p.ws.Close()
			p.json(wire.Hello, 0, h)
			f, ok := p.next()
			return ok && f.Type == wire.Welcome
		})
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

// TestASilentClientIsNoticed: a frozen client, or a line that is half open, is gone within 15 s, and its place is free.
func TestASilentClientIsNoticed(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock, Policy: spool.PolicySync, SyncWait: 10 * patience})
	silent, _ := b.join(t)
	silent.echo()
	answer := b.send(t, b.hook.ID, "x")
	silent.request()
	if err := clock.BlockUntilContext(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	clock.Advance(15 * time.Second)
	answered(t, answer, "200 ok")
	silent.ends()
	p := b.dial(t, b.secret)
	p.json(wire.Hello, 0, wire.HelloBody{Device: "another"})
	p.want(wire.Welcome)
}

func TestAClientIsAskedWhetherItIsThere(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock})
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}}
	ws, _, err := d.Dial("ws"+b.url[4:]+wire.Path, map[string][]string{"Authorization": {"Bearer " + b.secret}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	say := func(f wire.Frame) {
		if err := ws.WriteMessage(websocket.BinaryMessage, f.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	hello, err := wire.JSON(wire.Hello, 0, wire.HelloBody{Device: "d"})
	if err != nil {
		t.Fatal(err)
	}
	say(hello)
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	next := func(want wire.Type) wire.Frame {
		t.Helper()
		_, raw, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		f, err := wire.Decode(raw)
		if err != nil || f.Type != want {
			t.Fatal(f.Type, err)
		}
		return f
	}
	next(wire.Welcome)
	// It answers each time for a minute, and stays.
	for range 12 {
		if err := clock.BlockUntilContext(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		clock.Advance(5 * time.Second)
		f := next(wire.Ping)
		say(wire.Frame{Type: wire.Pong, Payload: f.Payload})
		say(wire.Frame{Type: wire.Ping, Payload: []byte("abcdefgh")})
		if f := next(wire.Pong); string(f.Payload) != "abcdefgh" {
			t.Fatalf("%q", f.Payload)
		}
	}
}

func TestWhoSaysNothingIsSentAway(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock})
	p := b.dial(t, b.secret)
	for range 10 {
		if !p.echo() {
			return
		}
		clock.Advance(time.Second)
	}
	p.ends()
}

func TestTokensEndConnections(t *testing.T) {
	b := newBench(t, relay.Options{})
	p, _ := b.join(t)
	if _, err := b.RevokeToken(t.Context(), "laptop"); err != nil {
		t.Fatal(err)
	}
	p.leaves(wire.Revoked)
	if _, resp, err := b.tryDial(t, b.secret); err == nil || resp.StatusCode != 401 {
		t.Error("a revoked token connects")
	}
	if status, _, _ := b.post(t, b.hook.ID, "", "x"); status != 404 {
		t.Errorf("its hook answers %d", status)
	}
	made, err := b.CreateToken(t.Context(), "laptop", false)
	if err != nil || made.Hook.ID != b.hook.ID {
		t.Fatal(made, err)
	}
	b.secret = made.Secret
	p, _ = b.join(t)
	if made, err = b.CreateToken(t.Context(), "laptop", true); err != nil {
		t.Fatal(err)
	}
	p.leaves(wire.Revoked)
	b.secret = made.Secret
	p, _ = b.join(t)
	h, err := b.CreateHook(t.Context(), "billing", "laptop", "")
	if err != nil {
		t.Fatal(err)
	}
	p.leaves(wire.HooksChanged)
	p, w := b.join(t)
	if len(w.Hooks) != 2 {
		t.Errorf("%+v", w.Hooks)
	}
	if _, err := b.DeleteHook(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}
	p.leaves(wire.HooksChanged)
}

func TestTokensReachTheirOwnHooksAlone(t *testing.T) {
	b := newBench(t, relay.Options{})
	other, err := b.CreateToken(t.Context(), "desk", false)
	if err != nil {
		t.Fatal(err)
	}
	b.fill(t, other.Hook.ID, "secret")
	p, w := b.join(t)
	if len(w.Hooks) != 1 {
		t.Errorf("%+v", w.Hooks)
	}
	p.json(wire.Stored, 0, wire.StoredBody{Hook: other.Hook.ID, Epoch: w.Epoch, Seq: 1})
	if !p.echo() {
		t.Fatal("something comes")
	}
	q := b.dial(t, other.Secret)
	q.hello(wire.HelloBody{Device: "d"})
	q.json(wire.Credit, 0, wire.CreditBody{Events: 1, Bytes: 100})
	if r := q.request(); string(r.body) != "secret" {
		t.Errorf("%q", r.body)
	}
}
