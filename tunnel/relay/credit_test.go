package relay_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// fill spools bodies that no client fetches yet.
func (b *bench) fill(t *testing.T, hook string, bodies ...string) {
	t.Helper()
	for _, text := range bodies {
		if status, _, _ := b.post(t, hook, "", text); status != 200 {
			t.Fatalf("%d for %d bytes", status, len(text))
		}
	}
}

// echo asks the relay something, so that all that it had to send before has come when the answer has: false then says that
// something else comes first.
func (p *peer) echo() bool {
	p.t.Helper()
	p.send(wire.Frame{Type: wire.Ping, Payload: []byte("12345678")})
	f, ok := p.next()
	return ok && f.Type == wire.Pong && string(f.Payload) == "12345678"
}

func long(n int) string {
	raw := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(raw)
	return string(raw)
}

func TestAWindowOfOne(t *testing.T) {
	b := newBench(t, relay.Options{})
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint("body ", i))
	}
	b.fill(t, b.hook.ID, want...)
	p := b.dial(t, b.secret)
	p.hello(wire.HelloBody{Device: "d", Client: "test"})
	for _, text := range want {
		if !p.echo() {
			t.Fatal("something comes without credit")
		}
		p.json(wire.Credit, 0, wire.CreditBody{Events: 1, Bytes: int64(len(text))})
		r := p.request()
		if string(r.body) != text {
			t.Fatalf("%q comes instead of %q", r.body, text)
		}
		p.stored(r)
	}
	if !p.echo() {
		t.Error("something comes after all")
	}
}

// TestABurst: ten thousand requests wait for a client that accepts one at a time.
func TestABurst(t *testing.T) {
	const n, senders = 10000, 64
	b := newBench(t, relay.Options{Policy: spool.PolicyAck})
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			for k := i; k < n; k += senders {
				w := httptest.NewRecorder()
				b.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/h/"+b.hook.ID, strings.NewReader(strconv.Itoa(k))))
				if w.Code != 200 {
					t.Errorf("%d hears %d", k, w.Code)
				}
			}
		})
	}
	all.Wait()
	p := b.dial(t, b.secret)
	p.hello(wire.HelloBody{Device: "d", Client: "test"})
	seen := map[string]bool{}
	var last uint64
	for range n {
		p.json(wire.Credit, 0, wire.CreditBody{Events: 1, Bytes: 8})
		r := p.request()
		if r.Seq != last+1 || seen[string(r.body)] {
			t.Fatalf("%d comes after %d, with %q", r.Seq, last, r.body)
		}
		last, seen[string(r.body)] = r.Seq, true
		p.stored(r)
	}
	eventually(t, "nothing waits", func() bool { return b.depth(t) == 0 })
}

func TestBytesAreCredit(t *testing.T) {
	b := newBench(t, relay.Options{})
	large := long(300 << 10)
	b.fill(t, b.hook.ID, "small", large, "next", "")
	p := b.dial(t, b.secret)
	p.hello(wire.HelloBody{Device: "d", Client: "test"})
	p.json(wire.Credit, 0, wire.CreditBody{Events: 100})
	// A body larger than all the credit begins when nothing else is under way, and waits.
	if e, err := wire.DecodeEvent(p.want(wire.Event).Payload); err != nil || e.Length != 5 {
		t.Fatal(e, err)
	}
	if !p.echo() {
		t.Fatal("DATA comes without credit")
	}
	p.json(wire.Credit, 0, wire.CreditBody{Bytes: 3})
	if f := p.want(wire.Data); string(f.Payload) != "sma" {
		t.Fatalf("%q", f.Payload)
	}
	p.json(wire.Credit, 0, wire.CreditBody{Bytes: 2 + 1000})
	if f := p.want(wire.Data); string(f.Payload) != "ll" {
		t.Fatalf("%q", f.Payload)
	}
	p.want(wire.End)
	e, err := wire.DecodeEvent(p.want(wire.Event).Payload)
	if err != nil || e.Length != int64(len(large)) {
		t.Fatal(e, err)
	}
	got := p.want(wire.Data).Payload
	if len(got) != 1000 {
		t.Fatalf("%d bytes for a credit of 1000", len(got))
	}
	got = bytes.Clone(got)
	for len(got) < len(large) {
		if !p.echo() {
			t.Fatal("DATA comes without credit")
		}
		n := min(70<<10, len(large)-len(got))
		p.json(wire.Credit, 0, wire.CreditBody{Bytes: int64(n)})
		for more := n; more > 0; {
			f := p.want(wire.Data)
			if len(f.Payload) > wire.MaxData || len(f.Payload) > more {
				t.Fatalf("DATA of %d bytes", len(f.Payload))
			}
			got = append(got, f.Payload...)
			more -= len(f.Payload)
		}
	}
	if string(got) != large {
		t.Error("another body")
	}
	p.want(wire.End)
	p.want(wire.Event)
	if !p.echo() {
		t.Error("something comes without credit")
	}
	p.json(wire.Credit, 0, wire.CreditBody{Bytes: 4})
	data := 0
	for ended := 0; ended < 2; {
		switch f, _ := p.next(); f.Type {
		case wire.Data:
			data += len(f.Payload)
		case wire.End:
			ended++ // that of the empty body, which needs no credit, may come first
		}
	}
	if data != 4 || !p.echo() {
		t.Errorf("%d bytes come", data)
	}
}

// TestLargeAndSmallTakeTurns: a small request of another hook is not held up by a large one, each hook's begin in order, and
// all arrive whole.
func TestLargeAndSmallTakeTurns(t *testing.T) {
	b := newBench(t, relay.Options{Policy: spool.PolicyAck})
	other, err := b.CreateHook(t.Context(), "small", "laptop", "")
	if err != nil {
		t.Fatal(err)
	}
	large := []string{long(25 << 20), long(5 << 20), "the end"}
	b.fill(t, b.hook.ID, large...)
	var small []string
	for i := range 40 {
		small = append(small, fmt.Sprint(i, strings.Repeat("x", 1<<10)))
	}
	b.fill(t, other.ID, small...)
	p := b.dial(t, b.secret)
	p.hello(wire.HelloBody{Device: "d", Client: "test"})
	p.json(wire.Credit, 0, wire.CreditBody{Events: 1000, Bytes: 64 << 20})
	open := map[uint64]*request{}
	begun := map[string][]uint64{}
	ended := map[string][]request{}
	dataBeforeSmall := 0
	for len(ended[b.hook.ID]) < len(large) || len(ended[other.ID]) < len(small) {
		f, ok := p.next()
		if !ok {
			t.Fatal(p.err)
		}
		r, done := gather(t, open, f)
		if f.Type == wire.Event {
			e := open[f.Stream]
			begun[e.Hook] = append(begun[e.Hook], e.Seq)
		}
		if f.Type == wire.Data && len(f.Payload) == wire.MaxData && len(ended[other.ID]) < len(small) {
			dataBeforeSmall++
		}
		if done {
			ended[r.Hook] = append(ended[r.Hook], *r)
		}
	}
	for hook, seqs := range begun {
		for i, seq := range seqs {
			if seq != uint64(i+1) {
				t.Errorf("the requests of %s begin in the order %v", hook[:4], seqs)
				break
			}
		}
	}
	for _, r := range ended[b.hook.ID] {
		if string(r.body) != large[r.Seq-1] {
			t.Errorf("large %d is another", r.Seq)
		}
	}
	for _, r := range ended[other.ID] {
		if string(r.body) != small[r.Seq-1] {
			t.Errorf("small %d is another", r.Seq)
		}
	}
	if most := 3 * len(small); dataBeforeSmall > most {
		t.Errorf("%d pieces of large bodies come before the last of %d small ones", dataBeforeSmall, len(small))
	}
}
