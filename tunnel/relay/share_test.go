package relay_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// slow sends the first byte of a body of a million.
func (b *bench) slow(t *testing.T, hook string) net.Conn {
	t.Helper()
	c, _ := b.say(t, "POST /h/"+hook+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
	return c
}

// hooks makes more hooks for the token, and returns their ids with that of the first.
func (b *bench) hooks(t *testing.T, more int) []string {
	t.Helper()
	ids := []string{b.hook.ID}
	for i := range more {
		h, err := b.CreateHook(t.Context(), fmt.Sprint("h", i), "laptop", spool.PolicyAck)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, h.ID)
	}
	return ids
}

// TestATokenHasItsShareOfPlaces: slow bodies to the hooks of one token take a quarter of the places, and no more.
func TestATokenHasItsShareOfPlaces(t *testing.T) {
	clock := clockwork.NewFakeClock() // nothing has been under way for a while
	b := newBench(t, relay.Options{BodyTime: patience, Concurrent: 16, PerHook: 8, Clock: clock})
	other, err := b.CreateToken(t.Context(), "other", false)
	if err != nil {
		t.Fatal(err)
	}
	ids := b.hooks(t, 3)
	for i := range 16 {
		b.slow(t, ids[i%4])
	}
	eventually(t, "the token has no place left", func() bool {
		status, _, h := b.post(t, ids[3], "", "x")
		return status == 503 && h.Get("Retry-After") == "1"
	})
	for range 3 {
		b.fill(t, other.Hook.ID, "x")
	}
}

// TestASlowBodyGivesWay: authentic requests pass beside any number of slow ones to the same hook.
func TestASlowBodyGivesWay(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{BodyTime: patience, PerHook: 1, Clock: clock, Policy: spool.PolicyAck})
	first := b.slow(t, b.hook.ID)
	before := 0
	eventually(t, "the place is taken", func() bool {
		status, _, _ := b.post(t, b.hook.ID, "", "x")
		if status == 200 {
			before++
		}
		return status == 503
	})
	clock.Advance(time.Second)
	b.fill(t, b.hook.ID, "one")
	resp := status(t, bufio.NewReader(first))
	if resp.StatusCode != 503 || !resp.Close {
		t.Errorf("the one that gave way gets %d, and may continue: %t", resp.StatusCode, !resp.Close)
	}
	if n := b.depth(t); n != before+1 {
		t.Errorf("%d requests wait, not %d", n, before+1)
	}
}

// TestTheGreediestGivesWay: when all places are taken, they are taken from the token that has most of them.
func TestTheGreediestGivesWay(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{BodyTime: patience, Concurrent: 4, PerHook: 4, Clock: clock})
	ids := []string{b.hook.ID}
	for i := range 3 {
		made, err := b.CreateToken(t.Context(), fmt.Sprint("t", i), false)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, made.Hook.ID)
	}
	late, err := b.CreateToken(t.Context(), "late", false)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "all places are taken", func() bool {
		for _, id := range ids {
			b.slow(t, id)
		}
		status, _, _ := b.post(t, late.Hook.ID, "", "x")
		return status == 503
	})
	clock.Advance(time.Second)
	b.fill(t, late.Hook.ID, "x")
}

// TestAnnouncedBodiesTakeNothing: a hook's share is taken by the bytes that have come.
func TestAnnouncedBodiesTakeNothing(t *testing.T) {
	b := newBench(t, relay.Options{BodyTime: patience, Spool: 1 << 20, Policy: spool.PolicyAck})
	_, r := b.say(t, "POST /h/"+b.hook.ID+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "100") { // its body is waited for
		t.Fatal(line, err)
	}
	b.fill(t, b.hook.ID, long(100<<10))
	b.fill(t, b.hook.ID, "a webhook")
	if status, _, _ := b.post(t, b.hook.ID, "", long(3<<20)); status != 507 {
		t.Errorf("what is more than the share is answered %d", status)
	}
}

// TestATokenHasItsShareOfClients: connections without HELLO give way, the oldest first, and the one that receives stays.
func TestATokenHasItsShareOfClients(t *testing.T) {
	b := newBench(t, relay.Options{Clients: 10})
	other, err := b.CreateToken(t.Context(), "other", false)
	if err != nil {
		t.Fatal(err)
	}
	receives, _ := b.join(t)
	var mute []*peer
	for range 20 {
		mute = append(mute, b.dial(t, b.secret))
	}
	for _, p := range mute[:13] {
		p.ends()
	}
	for range 5 {
		b.dial(t, other.Secret) // the places of all are taken now, most of them by the first token
	}
	p := b.dial(t, other.Secret)
	p.json(wire.Hello, 0, wire.HelloBody{Device: "d"})
	p.want(wire.Welcome)
	if !receives.echo() {
		t.Error("the client that receives was sent away")
	}
}

// TestUnreadBodiesEnd: a request that is answered before its body came keeps its connection no longer than a moment,
// however much the body's pace would allow.
func TestUnreadBodiesEnd(t *testing.T) {
	b := newBench(t, relay.Options{BodyTime: patience, Rate: 0.001, Spool: 1 << 20, Policy: spool.PolicyAck})
	b.fill(t, b.hook.ID, "x")
	full, err := b.CreateToken(t.Context(), "full", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		sent       int
		want       int
	}{
		{"no hook", "/h/unknown", 1, 404}, {"too often", "/h/" + b.hook.ID, 1, 429},
		{"no token", wire.Path, 1, 401}, {"a body beyond the share", "/h/" + full.Hook.ID, 1500 << 10, 507},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now()
			_, r := b.say(t, "POST "+test.path+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+
				fmt.Sprintf("%x\r\n%s\r\n", test.sent, strings.Repeat("x", test.sent)))
			resp := status(t, r)
			if resp.StatusCode != test.want || !resp.Close {
				t.Errorf("answered %d, and may continue: %t", resp.StatusCode, !resp.Close)
			}
			// What the kernel had not passed on may end it with a reset.
			_, _ = io.Copy(io.Discard, r)
			if took := time.Since(began); took > patience/2 {
				t.Errorf("the connection stood for %s", took)
			}
		})
	}
}

// TestRefusalsAreLogged: the operator sees what senders and clients are refused, once and then as a count.
func TestRefusalsAreLogged(t *testing.T) {
	var log lines
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Clock: clock, Rate: 0.001, Log: slog.New(slog.NewTextHandler(&log, nil))})
	b.fill(t, b.hook.ID, "x")
	for range 5 {
		if status, _, _ := b.post(t, b.hook.ID, "", "x"); status != 429 {
			t.Fatal(status)
		}
		if _, resp, err := b.tryDial(t, "grt_wrong"); err == nil || resp.StatusCode != 401 {
			t.Fatal(err)
		}
	}
	b.join(t)
	for range 3 {
		p := b.dial(t, b.secret)
		p.json(wire.Hello, 0, wire.HelloBody{Device: "d2"})
		p.refused(wire.CodeInUse)
	}
	want := []string{"wrong token", "status=429", "another device"}
	for _, w := range want {
		if n := strings.Count(log.String(), w); n != 1 {
			t.Errorf("%q is logged %d times:\n%s", w, n, log.String())
		}
	}
	clock.Advance(time.Minute)
	eventually(t, "the counts are logged", func() bool {
		text := log.String()
		return strings.Contains(text, "count=4") && strings.Contains(text, "count=2")
	})
	if strings.Contains(log.String(), "grt_") || strings.Contains(log.String(), b.hook.ID) {
		t.Error("the log has a secret")
	}
}
