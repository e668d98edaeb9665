package relayclient_test

import (
	"bytes"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/wire"
)

// A relay that breaks the protocol is disconnected, with a reason, and nothing that it sent is passed on.
func TestARelayThatBreaksTheProtocol(t *testing.T) {
	frame := func(t wire.Type, text string) []wire.Frame {
		return []wire.Frame{{Type: t, Stream: 1, Payload: []byte(text)}}
	}
	whole := event(1, "h1", 7, 1, []byte("body"))
	begun := whole[:1]
	strange := func(change func(*wire.EventBody)) []wire.Frame {
		e, err := wire.DecodeEvent(whole[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		change(&e)
		return []wire.Frame{{Type: wire.Event, Stream: 1, Payload: e.Append(nil)}}
	}
	long := strings.Repeat("x", 300)
	for _, test := range []struct {
		name   string
		frames []wire.Frame
		want   string
	}{
		{"half an event", frame(wire.Event, "half"), "decode EVENT"},
		{"a stream twice", slices.Concat(begun, begun), "stream 1 begins twice"},
		{"data of nothing", frame(wire.Data, "x"), "without its EVENT"},
		{"an end of nothing", frame(wire.End, ""), "without its EVENT"},
		{"an end twice", append(slices.Clone(whole), whole[2]), "without its EVENT"},
		{"too much data", frame(wire.Data, strings.Repeat("x", wire.MaxData+1)), "too large"},
		{"a request again while it is under way", slices.Concat(begun, event(2, "h1", 7, 1, nil)), "request 7/1 comes behind 7/1"},
		{"one out of order", slices.Concat(event(1, "h1", 7, 9, nil)[:1], event(2, "h1", 7, 8, nil)), "request 7/8 comes behind 7/9"},
		{"more requests than there is credit for", slices.Concat(event(1, "a", 7, 1, nil)[:1], event(2, "b", 7, 1, nil)[:1],
			event(3, "c", 7, 1, nil)[:1]), "EVENT comes without credit"},
		{"more data than there is credit for", slices.Concat(event(1, "a", 7, 1, make([]byte, wire.MaxData))[:2],
			event(2, "b", 7, 1, make([]byte, wire.MaxData))[:2]), "DATA comes without credit"},
		{"no hook", strange(func(e *wire.EventBody) { e.Hook = "" }), "invalid name or position"},
		{"a long hook", strange(func(e *wire.EventBody) { e.Hook = long }), "invalid name or position"},
		{"a long id", strange(func(e *wire.EventBody) { e.ID = long }), "invalid name or position"},
		{"no numbers", strange(func(e *wire.EventBody) { e.Epoch, e.Seq = 0, 0 }), "invalid name or position"},
		{"a frame of the client's", frame(wire.Stored, "{}"), "STORED comes from the wrong side"},
		{"a second welcome", frame(wire.Welcome, `{"hooks":[{}]}`), "WELCOME comes twice"},
		{"what must be understood", []wire.Frame{{Type: 99, Flags: wire.MustUnderstand}}, "must be understood"},
		{"a broken gap", frame(wire.Gap, "{"), "decode GAP"},
		{"a broken depth", frame(wire.Depth, "[]"), "decode DEPTH"},
		{"a broken end", frame(wire.GoAway, "1"), "decode GOAWAY"},
		{"a broken refusal", frame(wire.Err, "1"), "decode ERR"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, s := newPeer(t), newStore()
			o := open(t, relayclient.Options{URL: p.server.URL, Window: 2, WindowBytes: 100_000, MaxBody: 100_000}, s.local())
			c := p.live()
			c.send(test.frames...)
			o.degraded("the relay violates the protocol: ")
			if !strings.Contains(o.now.Reason, test.want) {
				t.Errorf("%s", o.now.Reason)
			}
			c.ends()
			p.live() // and it is tried again
			o.live()
			if got := s.seqs("h1"); test.name != "an end twice" && len(got) != 0 {
				t.Errorf("kept %d", got)
			}
		})
	}
}

func TestStrangeWelcomes(t *testing.T) {
	hook := func(url string) wire.WelcomeBody {
		return wire.WelcomeBody{Epoch: 7, Hooks: []wire.HookInfo{{Hook: "h1", URL: url}}}
	}
	many := wire.WelcomeBody{Hooks: make([]wire.HookInfo, 4097)}
	for i := range many.Hooks {
		many.Hooks[i].Hook = "h"
	}
	old := hook("https://relay.example/h/1")
	old.Epoch = 6
	for _, test := range []struct {
		body wire.WelcomeBody
		want string
	}{
		{wire.WelcomeBody{}, "names 0 hooks"},
		{many, "too large|names 4097 hooks"},
		{hook("javascript:alert(1)"), "is not a public URL"},
		{hook("https://u:p@relay.example/"), "is not a public URL"},
		{hook("https://relay.example/\u202e"), "is not a public URL"},
		{hook(""), "is not a public URL"},
		{old, "its epoch 6 is before that of what is stored here, 7"},
	} {
		p := newPeer(t)
		o := open(t, relayclient.Options{URL: p.server.URL}, newStore(at("h1", 7, 1)).local())
		c := p.accept()
		f, err := wire.JSON(wire.Welcome, 0, test.body)
		if err != nil {
			continue // a relay can't send it either
		}
		c.send(f)
		o.degraded("the relay violates the protocol: ")
		if !strings.Contains(o.now.Reason, test.want) {
			t.Errorf("%s", o.now.Reason)
		}
	}
}

// Frames that come before the conversation has begun, text, and frames beyond every bound.
func TestFramesOutOfPlace(t *testing.T) {
	for _, test := range []struct {
		kind int
		raw  []byte
		want string
	}{
		{websocket.BinaryMessage, event(1, "h1", 7, 1, nil)[0].Append(nil), "EVENT comes before WELCOME"},
		{websocket.TextMessage, []byte("hello, world"), "a message of text"},
		{websocket.BinaryMessage, []byte("short"), "cut short"},
		{websocket.BinaryMessage, make([]byte, wire.MaxFrame+1), "read limit"},
	} {
		p := newPeer(t)
		o := open(t, relayclient.Options{URL: p.server.URL}, newStore().local())
		c := p.accept()
		if err := c.ws.WriteMessage(test.kind, test.raw); err != nil {
			t.Fatal(err)
		}
		o.degraded("the relay violates the protocol: ")
		if !strings.Contains(o.now.Reason, test.want) {
			t.Errorf("%s", o.now.Reason)
		}
	}
}

// Unknown frames that need not be understood are skipped: a later relay may send them.
func TestUnknownFramesAreSkipped(t *testing.T) {
	p, s := newPeer(t), newStore()
	open(t, relayclient.Options{URL: p.server.URL}, s.local())
	c := p.live()
	c.send(wire.Frame{Type: 99, Payload: []byte("later")})
	c.send(event(1, "h1", 7, 1, nil)...)
	c.stored(at("h1", 7, 1), 1, 0, 1)
}

// Unrequested compression could make a small frame large.
func TestCompressionIsRefused(t *testing.T) {
	p := newPeer(t)
	p.answer(func(w http.ResponseWriter) {
		// The library computes the key's answer; this only has to come near enough to be looked at.
		w.Header().Set("Sec-Websocket-Extensions", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
		w.WriteHeader(http.StatusSwitchingProtocols)
	})
	open(t, relayclient.Options{URL: p.server.URL}, newStore().local()).degraded("not a Greenroom relay")
}

// A server that never ends its answer is cut off.
func TestAnEndlessHandshake(t *testing.T) {
	p := newPeer(t)
	p.answer(func(w http.ResponseWriter) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err := c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nX: ")); err != nil {
			return
		}
		for {
			if _, err := c.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				return
			}
		}
	})
	open(t, relayclient.Options{URL: p.server.URL}, newStore().local()).degraded("sends too much before the connection is established")
}

// What a relay claims costs no memory: only what it sends within its credit does.
func TestClaimsCostNothing(t *testing.T) {
	p, s := newPeer(t), newStore()
	const window = 1 << 20
	o := open(t, relayclient.Options{URL: p.server.URL, WindowBytes: window, MaxBody: window}, s.local())
	c := p.live()
	o.live()
	claim := wire.EventBody{Position: cursor.Position{Hook: "h", Epoch: 1}, Length: window}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for n := range uint64(relayclient.DefaultWindow) {
		claim.Seq = n + 1
		c.send(wire.Frame{Type: wire.Event, Stream: n, Payload: claim.Append(nil)})
	}
	c.beRead()
	if grown := int64(heap()) - int64(before); grown > 3*window {
		t.Errorf("%d bytes for claims of %d", grown, relayclient.DefaultWindow*window)
	}
}
