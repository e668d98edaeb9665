package relayclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/wire"
)

func at(hook string, epoch, seq uint64) cursor.Position {
	return cursor.Position{Hook: hook, Epoch: epoch, Seq: seq}
}

func TestARequestArrivesAsItWasSent(t *testing.T) {
	p, s := newPeer(t), newStore()
	o := open(t, relayclient.Options{URL: p.server.URL, Client: "test/1"}, s.local())
	c := p.live(wire.HookInfo{Hook: "h1", URL: "https://relay.example/h/0123/", Depth: 3}, wire.HookInfo{Hook: "h2", Depth: 2})
	if d := cmp.Diff(wire.HelloBody{Device: "device-1", Client: "test/1", Hooks: []cursor.Position{}}, c.hello); d != "" {
		t.Error(d)
	}
	want := tunnel.Status{Driver: "relay", State: tunnel.Live, URL: "https://relay.example/h/0123", Spool: 5, StoreAndForward: true}
	if d := cmp.Diff(want, o.live()); d != "" {
		t.Error(d)
	}
	text := bytes.Repeat([]byte("\x00\xffa"), 50_000)
	c.send(event(9, "h1", 7, 300, text)...)
	answers := c.stored(at("h1", 7, 300), 1, 150_000, 9)
	if answers[0] != (wire.RespBody{Status: 200, Text: "stored h1-7-300"}) {
		t.Errorf("answered %+v", answers[0])
	}
	whole := tunnel.Envelope{
		ID: "h1-7-300", Position: cursor.Position{Hook: "h1", Epoch: 7, Seq: 300}, ReceivedAt: time.UnixMicro(1_790_000_000_000_000), Method: "POST",
		Target: "/hooks/daily?n=300", Remote: "203.0.113.7:4711", Body: text,
		Header: http.Header{"X-N": {"a", "b\xff"}, "Host": {"relay.example"}},
	}
	if d := cmp.Diff([]tunnel.Envelope{whole}, s.kept); d != "" {
		t.Error(d)
	}
	c.json(wire.Depth, 0, wire.DepthBody{Hook: "h1", Depth: 40})
	o.until("42 waiting", func(s tunnel.Status) bool { return s.Spool == 42 })
	rest := make(chan []wire.Frame)
	go func() { rest <- c.ends() }() // answers PING meanwhile
	o.until("timed", func(s tunnel.Status) bool { return s.RTT > 0 })
	o.close()
	if got := <-rest; len(got) != 0 {
		t.Errorf("then %v", got)
	}
}

// Streams are interleaved: what is small arrives before what is large, but never before a large one of its own hook.
func TestOrderIsKeptWithinAHookAlone(t *testing.T) {
	p, s := newPeer(t), newStore()
	open(t, relayclient.Options{URL: p.server.URL}, s.local())
	c := p.live()
	large := event(1, "h1", 7, 1, make([]byte, 3*wire.MaxData))
	c.send(large[:3]...)
	c.send(event(2, "h1", 7, 2, []byte("behind the large one"))...)
	c.send(event(3, "h2", 1, 1, nil)...)
	c.stored(at("h2", 1, 1), 1, 0, 3)
	c.send(large[3:]...)
	c.stored(at("h1", 7, 2), 2, 3*wire.MaxData+20, 1, 2)
	if got := s.seqs("h1"); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("kept %d", got)
	}
}

// What waits while a call is under way goes into the next one.
func TestRequestsAreGathered(t *testing.T) {
	p, s := newPeer(t), newStore()
	begun, first := make(chan struct{}), make(chan struct{})
	s.answers(func(batch []tunnel.Envelope) ([]tunnel.Answer, error) {
		s.answers(nil)
		close(begun)
		<-first
		return []tunnel.Answer{{Stored: true}}, nil
	})
	open(t, relayclient.Options{URL: p.server.URL}, s.local())
	c := p.live()
	c.send(event(1, "h1", 7, 1, []byte("x"))...)
	<-begun
	for n := uint64(2); n <= 101; n++ {
		c.send(event(n, "h1", 7, n, []byte("x"))...)
	}
	c.beRead()
	close(first)
	c.stored(at("h1", 7, 1), 1, 1, 1)
	for n := uint64(2); n <= 101; n++ {
		if f := c.want(wire.Resp); f.Stream != n {
			t.Fatalf("stream %d is answered before %d", f.Stream, n)
		}
	}
	c.stored(at("h1", 7, 101), 100, 100)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) != 2 || len(s.calls[1]) != 100 {
		t.Errorf("%d calls", len(s.calls))
	}
}

// Stored requests are confirmed again, and not passed on. New requests of a later epoch have any number.
func TestAConnectionBeginsBehindWhatIsStored(t *testing.T) {
	p, s := newPeer(t), newStore(at("h1", 7, 5))
	open(t, relayclient.Options{URL: p.server.URL}, s.local())
	c := p.live()
	if d := cmp.Diff([]cursor.Position{{Hook: "h1", Epoch: 7, Seq: 5}}, c.hello.Hooks); d != "" {
		t.Error(d)
	}
	for n := uint64(4); n <= 5; n++ {
		c.send(event(n, "h1", 7, n, make([]byte, 1000))...)
		c.stored(at("h1", 7, 5), 1, 1000)
	}
	// Credit for a large one comes back on the way.
	c.send(event(6, "h1", 6, 900, make([]byte, 5*wire.MaxData))...)
	if got := body[wire.CreditBody](c, wire.Credit); got != (wire.CreditBody{Bytes: 4 * wire.MaxData}) {
		t.Errorf("credit %+v", got)
	}
	c.stored(at("h1", 7, 5), 1, wire.MaxData)
	c.send(event(7, "h1", 7, 6, nil)...)
	c.stored(at("h1", 7, 6), 1, 0, 7)
	c.ws.Close()

	c = p.live()
	if d := cmp.Diff([]cursor.Position{{Hook: "h1", Epoch: 7, Seq: 6}}, c.hello.Hooks); d != "" {
		t.Error(d)
	}
	c.send(event(1, "h1", 8, 1, nil)...)
	c.stored(at("h1", 8, 1), 1, 0, 1)
	if got := s.seqs("h1"); !slices.Equal(got, []uint64{6, 1}) {
		t.Errorf("kept %d", got)
	}
}

// A full disk: nothing is confirmed, nothing overtakes, other hooks continue, and it is retried until it works.
func TestWhatCannotBeStoredIsHandedOverAgain(t *testing.T) {
	p, s := newPeer(t), newStore()
	full := func(batch []tunnel.Envelope) ([]tunnel.Answer, error) {
		answers := make([]tunnel.Answer, len(batch))
		for i, e := range batch {
			answers[i] = tunnel.Answer{Stored: e.Hook != "h1" || e.Seq < 2, Status: 200}
			if e.Hook == "h1" && e.Seq == 2 {
				answers[i] = tunnel.Answer{Status: 503, Text: "the disk is full"}
			}
		}
		return answers, nil
	}
	s.answers(full)
	o := open(t, relayclient.Options{URL: p.server.URL}, s.local())
	c := p.live()
	c.send(event(1, "h1", 7, 1, nil)...)
	c.stored(at("h1", 7, 1), 1, 0, 1)
	c.send(event(2, "h1", 7, 2, nil)...)
	c.send(event(3, "h1", 7, 3, nil)...)
	o.degraded("can't be stored here: the disk is full")
	c.send(event(4, "h2", 7, 1, nil)...)
	c.stored(at("h2", 7, 1), 1, 0, 4)
	s.answers(nil)
	o.live()
	if got := append(s.seqs("h1"), s.seqs("h2")...); !slices.Equal(got, []uint64{1, 2, 3, 1}) {
		t.Errorf("kept %d", got)
	}
}

// A call that failed says nothing of what it stored. One hook's failure must not become another's.
func TestACallThatFailedIsRepeatedHookByHook(t *testing.T) {
	p, s := newPeer(t), newStore()
	begun, block := make(chan struct{}, 16), make(chan struct{})
	s.answers(func(batch []tunnel.Envelope) ([]tunnel.Answer, error) {
		begun <- struct{}{}
		<-block
		for _, e := range batch {
			if e.Hook == "bad" {
				return nil, errors.New("bad is bad")
			}
		}
		return slices.Repeat([]tunnel.Answer{{Stored: true, Status: 200}}, len(batch)), nil
	})
	o := open(t, relayclient.Options{URL: p.server.URL}, s.local())
	c := p.live()
	c.send(event(1, "first", 1, 1, nil)...)
	<-begun
	for n, hook := range []string{"bad", "good", "bad", "good"} {
		c.send(event(uint64(n+2), hook, 7, uint64(n+1), nil)...)
	}
	c.beRead()
	close(block)
	c.stored(at("first", 1, 1), 1, 0, 1)
	o.degraded("bad is bad")
	c.stored(at("good", 7, 4), 2, 0, 3, 5)
	s.answers(nil)
	c.stored(at("bad", 7, 3), 2, 0, 2, 4)
	o.live()
}

// A body that is too large doesn't block its hook: it is reported, and the next ones follow.
func TestBodiesThatAreNotKept(t *testing.T) {
	p, s := newPeer(t), newStore()
	open(t, relayclient.Options{URL: p.server.URL, MaxBody: 1000, WindowBytes: 2000}, s.local())
	c := p.live()
	if c.credit != (wire.CreditBody{Events: relayclient.DefaultWindow, Bytes: 2000}) {
		t.Fatalf("credit %+v", c.credit)
	}
	large := event(1, "h1", 7, 1, make([]byte, 1001))
	c.send(large...)
	c.send(event(2, "h1", 7, 2, []byte("next"))...)
	for {
		f, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != wire.Stored {
			continue
		}
		if got, err := wire.Body[wire.StoredBody](f); err != nil || got.Seq == 2 {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) != 2 || len(s.kept[0].Body) != 0 || s.kept[0].Missing != "its body of 1001 bytes is larger than 1000" ||
		s.kept[1].Missing != "" || string(s.kept[1].Body) != "next" {
		t.Errorf("kept %+v", s.kept)
	}
}

func TestADamagedRequestIsAskedForAgain(t *testing.T) {
	long, short := event(1, "h1", 7, 1, []byte("body")), event(1, "h1", 7, 1, []byte("body"))
	long[1].Payload, short[1].Payload = []byte("bodies"), []byte("bod")
	other := event(1, "h1", 7, 1, []byte("body"))
	other[1].Payload = []byte("Body")
	for name, frames := range map[string][]wire.Frame{"longer": long, "shorter": short, "other": other} {
		t.Run(name, func(t *testing.T) {
			p, s := newPeer(t), newStore()
			o := open(t, relayclient.Options{URL: p.server.URL}, s.local())
			for range 2 {
				c := p.live()
				c.send(frames...)
				if got := c.ends(); len(got) != 0 {
					t.Errorf("%v for a damaged request", got)
				}
				o.degraded("arrived damaged: 7/1")
			}
			c := p.live()
			c.send(frames...)
			c.want(wire.Resp)
			if got := body[wire.StoredBody](c, wire.Stored); got.Seq != 1 {
				t.Errorf("stored %+v", got)
			}
			if e := s.kept[0]; len(e.Body) != 0 || e.Missing != "it arrived damaged 3 times" {
				t.Errorf("kept %+v", e)
			}
		})
	}
}

// A burst with a window of one: each is stored before the next is sent.
func TestAWindowOfOne(t *testing.T) {
	p, s := newPeer(t), newStore()
	open(t, relayclient.Options{URL: p.server.URL, Window: 1}, s.local())
	c := p.live()
	if c.credit.Events != 1 {
		t.Fatalf("credit %+v", c.credit)
	}
	for n := uint64(1); n <= 1000; n++ {
		c.send(event(n, "h1", 7, n, []byte("x"))...)
		c.stored(at("h1", 7, n), 1, 1, n)
	}
	if got := s.seqs("h1"); len(got) != 1000 || !slices.IsSorted(got) {
		t.Errorf("kept %d", got)
	}
}

// Requests being stored when the tunnel is closed are confirmed to the relay before the connection ends.
func TestCloseConfirmsWhatWasStored(t *testing.T) {
	p, s := newPeer(t), newStore()
	begun, finish := make(chan struct{}), make(chan struct{})
	s.answers(func(batch []tunnel.Envelope) ([]tunnel.Answer, error) {
		close(begun)
		<-finish
		return []tunnel.Answer{{Stored: true, Status: 200}}, nil
	})
	o := open(t, relayclient.Options{URL: p.server.URL}, s.local())
	c := p.live()
	c.send(event(1, "h1", 7, 1, nil)...)
	<-begun
	closed := make(chan struct{})
	go func() {
		o.close()
		close(closed)
	}()
	close(finish)
	c.stored(at("h1", 7, 1), 1, 0, 1)
	if rest := c.ends(); len(rest) != 0 {
		t.Errorf("then %v", rest)
	}
	<-closed
	last := o.now
	for st := range o.Status() {
		last = st
	}
	if last.State != tunnel.Closed {
		t.Errorf("in the end %+v", last)
	}
}

// A call that ignores the end for too long is cancelled.
func TestCloseEndsACallThatHangs(t *testing.T) {
	p, s := newPeer(t), newStore()
	local := s.local()
	begun := make(chan struct{})
	local.Receive = func(ctx context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	clock := newClock()
	o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock}, local)
	c := p.live()
	c.send(event(1, "h1", 7, 1, nil)...)
	<-begun
	closed := make(chan struct{})
	go func() {
		o.close()
		close(closed)
	}()
	clock.runUntil(t, closed)
	if got := c.ends(); len(got) != 0 {
		t.Errorf("%v for what wasn't stored", got)
	}
}

func TestFurtherHooksAreShown(t *testing.T) {
	p := newPeer(t)
	o := open(t, relayclient.Options{URL: p.server.URL}, newStore().local())
	p.live(wire.HookInfo{Hook: "h1", URL: "https://relay.example/h/1"}, wire.HookInfo{Hook: "h2", Name: "bill\x1b[2Jing", URL: "https://relay.example/h/2/"})
	want := []tunnel.Address{{Name: "bill␛[2Jing", URL: "https://relay.example/h/2"}}
	if d := cmp.Diff(want, o.live().More); d != "" {
		t.Error(d)
	}
}

func TestGapsAreShown(t *testing.T) {
	p, s := newPeer(t), newStore(at("h2", 7, 9))
	o := open(t, relayclient.Options{URL: p.server.URL}, s.local())
	hooks := []wire.HookInfo{
		{Hook: "h1", Name: "home\x1b[2J", URL: "https://relay.example/h/1"}, {Hook: "h2", Name: "office", Restored: true},
	}
	c := p.live(hooks...)
	restored := "the relay was restored from a backup: requests for office since that backup are lost unless they were delivered"
	if got := o.live().Gap; got != restored {
		t.Errorf("gap %q", got)
	}
	gap := wire.GapBody{Hook: "h1", Epoch: 7, From: 3, To: 14, Count: 12, At: "2026-11-22T10:00:00Z", Reason: "too old"}
	when := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).Local().Format("2006-01-02 15:04")
	for _, test := range []struct {
		change func()
		want   string
	}{
		{func() {}, "12 requests"},
		{func() { gap.To, gap.Count = 20, 18 }, "18 requests"}, // the same gap has grown
		{func() { gap.From, gap.To, gap.Count = 30, 30, 1 }, "19 requests"},
		{func() { gap.From, gap.To, gap.Count = 40, 50, 0 }, "more than 19 requests"},
	} {
		test.change()
		c.json(wire.Gap, 0, gap)
		c.json(wire.Gap, 0, gap) // it is repeated
		want := fmt.Sprintf("%s; the relay dropped %s of home␛[2J, the last at %s: too old", restored, test.want, when)
		o.until(want, func(s tunnel.Status) bool { return s.Gap == want })
	}
	c.ws.Close()
	p.live(hooks...)
	o.until("live again", func(s tunnel.Status) bool { return s.State == tunnel.Live && strings.Contains(s.Gap, "19 requests") })
}
