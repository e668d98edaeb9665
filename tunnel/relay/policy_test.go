package relay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// send posts in the background; the answer comes on the channel as "STATUS text".
func (b *bench) send(t testing.TB, hook, body string) <-chan string {
	out := make(chan string, 1)
	go func() {
		status, text, h := b.post(t, hook, "", body)
		if retry := h.Get("Retry-After"); retry != "" {
			text += ", again in " + retry
		}
		out <- fmt.Sprint(status, " ", text)
	}()
	return out
}

func answered(t *testing.T, from <-chan string, want string) {
	t.Helper()
	select {
	case got := <-from:
		if got != want {
			t.Errorf("the sender heard %q, not %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("the sender hears nothing, not %q", want)
	}
}

func TestWhatSendersHear(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy spool.Policy
		// act handles the request as the client.
		act  func(p *peer, r request)
		want string
	}{
		{"an answer", "", func(p *peer, r request) { p.json(wire.Resp, r.stream, wire.RespBody{Status: 202, Text: "later"}) }, "202 later"},
		{"an empty answer", spool.PolicySync, func(p *peer, r request) { p.json(wire.Resp, r.stream, wire.RespBody{Status: 204}) }, "204 "},
		{"a refusal", spool.PolicySync, func(p *peer, r request) {
			p.json(wire.Resp, r.stream, wire.RespBody{Status: 429, RetryAfter: 7, Text: "slower\n"})
		}, "429 slower, again in 7"},
		{"it is durable, though not yet at the client", spool.PolicySync, func(p *peer, r request) {
			p.json(wire.Resp, r.stream, wire.RespBody{Status: 503, RetryAfter: 1, Text: "busy"})
		}, "200 ok"},
		{"an answer that can't be", spool.PolicySync, func(p *peer, r request) { p.json(wire.Resp, r.stream, wire.RespBody{Status: 100}) }, "200 ok"},
		{"the client had it already", spool.PolicySync, func(p *peer, r request) { p.stored(r) }, "200 ok"},
		{"the client leaves", spool.PolicySync, func(p *peer, r request) { p.ws.Close() }, "200 ok"},
		{"the client says goodbye", spool.PolicySync, func(p *peer, r request) { p.json(wire.GoAway, 0, wire.GoAwayBody{}) }, "200 ok"},
		{"the answer to another stream", spool.PolicySync, func(p *peer, r request) {
			p.json(wire.Resp, r.stream+1, wire.RespBody{Status: 500})
			p.json(wire.Resp, r.stream, wire.RespBody{Status: 201})
		}, "201 ok"},
		{"no waiting", spool.PolicyAck, func(*peer, request) {}, "200 ok"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, relay.Options{Policy: test.policy, SyncWait: 10 * patience})
			p, _ := b.join(t)
			answer := b.send(t, b.hook.ID, "x")
			test.act(p, p.request())
			answered(t, answer, test.want)
		})
	}
}

func TestSendersDoNotWaitWithoutAClient(t *testing.T) {
	for _, policy := range []spool.Policy{spool.PolicyAck, spool.PolicySync, spool.PolicyAuto} {
		b := newBench(t, relay.Options{Policy: policy, SyncWait: 10 * patience})
		answered(t, b.send(t, b.hook.ID, "x"), "200 ok")
	}
}

func TestSendersWaitSoLong(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Policy: spool.PolicySync, Clock: clock, SyncWait: 8 * time.Second})
	p, _ := b.join(t)
	answer := b.send(t, b.hook.ID, "x")
	r := p.request()
	// The watch, the spool's retention, and the sender.
	if err := clock.BlockUntilContext(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-answer:
		t.Fatalf("the sender heard %q at once", got)
	default:
	}
	clock.Advance(8 * time.Second)
	answered(t, answer, "200 ok")
	p.json(wire.Resp, r.stream, wire.RespBody{Status: 500}) // too late, and no harm
	p.stored(r)
	next := b.send(t, b.hook.ID, "y")
	r = p.request()
	p.json(wire.Resp, r.stream, wire.RespBody{Status: 201})
	answered(t, next, "201 ok")
}

func TestAutoDoesNotWaitForASilentClient(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock, SyncWait: 10 * patience})
	p, _ := b.join(t)
	p.echo()
	clock.Advance(7 * time.Second)
	answered(t, b.send(t, b.hook.ID, "x"), "200 ok")
	p.request()
}

// TestAutoGivesUpOnAClientThatFallsSilent: who waits already is answered when nothing is heard for longer than pings take.
func TestAutoGivesUpOnAClientThatFallsSilent(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock, SyncWait: 10 * patience})
	p, _ := b.join(t)
	p.echo()
	answer := b.send(t, b.hook.ID, "x")
	p.request()
	if err := clock.BlockUntilContext(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	clock.Advance(7 * time.Second)
	answered(t, answer, "200 ok")
	if !p.echo() {
		t.Error("the connection has ended")
	}
}

// TestAutoDoesNotWaitForAClientThatStoresNothing: one that is there, and whose disk is full, makes one sender wait and not
// each.
func TestAutoDoesNotWaitForAClientThatStoresNothing(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock, SyncWait: 3 * time.Second})
	p, _ := b.join(t)
	p.echo()
	first := b.send(t, b.hook.ID, "x")
	r := p.request()
	if err := clock.BlockUntilContext(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	clock.Advance(3 * time.Second)
	answered(t, first, "200 ok")
	p.echo()
	answered(t, b.send(t, b.hook.ID, "y"), "200 ok")
	second := p.request()
	p.stored(r)
	p.stored(second)
	if !p.echo() {
		t.Fatal("the connection has ended")
	}
	answer := b.send(t, b.hook.ID, "z")
	r = p.request()
	p.json(wire.Resp, r.stream, wire.RespBody{Status: 201})
	answered(t, answer, "201 ok")
}

func TestPoliciesOfHooks(t *testing.T) {
	b := newBench(t, relay.Options{Policy: spool.PolicyAck, SyncWait: 10 * patience})
	h, err := b.CreateHook(t.Context(), "billing", "laptop", spool.PolicySync)
	if err != nil {
		t.Fatal(err)
	}
	p, w := b.join(t)
	if len(w.Hooks) != 2 || w.Hooks[0].Policy != "ack" || w.Hooks[1].Policy != "sync" || w.Hooks[1].URL != h.URL {
		t.Fatalf("%+v", w.Hooks)
	}
	answered(t, b.send(t, b.hook.ID, "x"), "200 ok")
	p.request()
	answer := b.send(t, h.ID, "y")
	p.json(wire.Resp, p.request().stream, wire.RespBody{Status: 418, Text: "tea"})
	answered(t, answer, "418 tea")
}

// TestWaitingTakesNoPlace: more senders can wait for the client than are read at a time.
func TestWaitingTakesNoPlace(t *testing.T) {
	b := newBench(t, relay.Options{Policy: spool.PolicySync, SyncWait: 10 * patience, Concurrent: 8, PerHook: 2})
	p, _ := b.join(t)
	var answers []<-chan string
	var got []request
	for range 20 {
		answers = append(answers, b.send(t, b.hook.ID, "x"))
		got = append(got, p.request())
	}
	for _, r := range got {
		p.json(wire.Resp, r.stream, wire.RespBody{Status: 201})
	}
	for _, a := range answers {
		answered(t, a, "201 ok")
	}
}
