package relay_test

import (
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/wire"
)

func TestClientsThatBreakTheProtocol(t *testing.T) {
	b := newBench(t, relay.Options{})
	raw := func(b ...byte) wire.Frame {
		return wire.Frame{Type: wire.Type(b[0]), Flags: b[1], Payload: b[2:]}
	}
	for _, test := range []struct {
		name   string
		before bool // HELLO
		frame  wire.Frame
	}{
		{"CREDIT first", true, raw(byte(wire.Credit), 0, '{', '}')},
		{"two HELLOs", false, raw(byte(wire.Hello), 0, '{', '}')},
		{"HELLO without a body", true, raw(byte(wire.Hello), 0, '{', '}')},
		{"HELLO that is none", true, raw(byte(wire.Hello), 0, '[')},
		{"a position that can't be", true, wire.Frame{Type: wire.Hello, Payload: []byte(
			`{"device":"d1","hooks":[{"hook":"` + b.hook.ID + `","epoch":18446744073709551615,"seq":1}]}`)}},
		{"credit that is none", false, raw(byte(wire.Credit), 0, '{', '"', 'e', 'v')},
		{"negative credit", false, wire.Frame{Type: wire.Credit, Payload: []byte(`{"events":-1}`)}},
		{"negative bytes", false, wire.Frame{Type: wire.Credit, Payload: []byte(`{"bytes":-1}`)}},
		{"credit without end", false, wire.Frame{Type: wire.Credit, Payload: []byte(`{"bytes":9223372036854775807}`)}},
		{"STORED beyond all", false, wire.Frame{Type: wire.Stored, Payload: []byte(`{"hook":"` + b.hook.ID + `","epoch":1,"seq":1}`)}},
		{"EVENT", false, raw(byte(wire.Event), 0)},
		{"DATA", false, raw(byte(wire.Data), 0, 'x')},
		{"WELCOME", false, raw(byte(wire.Welcome), 0, '{', '}')},
		{"a short PING", false, raw(byte(wire.Ping), 0, 'x')},
		{"what must be understood", false, raw(200, wire.MustUnderstand)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := b.dial(t, b.secret)
			if !test.before {
				p.hello(wire.HelloBody{Device: "d1"})
			}
			p.send(test.frame)
			p.refused(wire.CodeProtocol)
		})
	}
	for name, message := range map[string][]byte{"half a header": {1, 0}, "nothing": {}, "a large frame": make([]byte, wire.MaxFrame+1)} {
		t.Run(name, func(t *testing.T) {
			p := b.dial(t, b.secret)
			if err := p.ws.WriteMessage(websocket.BinaryMessage, message); err != nil {
				t.Fatal(err)
			}
			p.ends()
		})
	}
	t.Run("text", func(t *testing.T) {
		p := b.dial(t, b.secret)
		if err := p.ws.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		p.refused(wire.CodeProtocol)
	})
}

func TestWhatIsNotKnownIsSkipped(t *testing.T) {
	b := newBench(t, relay.Options{})
	p := b.dial(t, b.secret)
	p.send(wire.Frame{Type: 77, Payload: []byte("of a later version")})
	p.send(wire.Frame{Type: wire.Hello, Payload: []byte(`{"device":"d1","hooks":[{"hook":"gone","epoch":5,"seq":5}],"later":{}}`)})
	p.want(wire.Welcome)
	p.send(wire.Frame{Type: 99, Flags: 0xfe, Stream: 9})
	p.json(wire.Stored, 0, wire.StoredBody{Hook: "gone", Epoch: 1 << 40, Seq: 1})
	p.json(wire.Resp, 12345, wire.RespBody{Status: 200})
	if !p.echo() {
		t.Error("it is not skipped")
	}
}

func TestTheHandshake(t *testing.T) {
	b := newBench(t, relay.Options{Clients: 1})
	d := websocket.Dialer{}
	_, resp, err := d.Dial("ws"+b.url[4:]+wire.Path, http.Header{"Authorization": {"Bearer " + b.secret}})
	if err == nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without the subprotocol: %v", err)
	}
	got, err := http.Get(b.url + wire.Path)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("without a token: %d", got.StatusCode)
	}
	p, _ := b.join(t)
	if _, resp, err := b.tryDial(t, b.secret); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one client too many: %v", err)
	}
	p.ws.Close()
	eventually(t, "there is room again", func() bool {
		q, _, err := b.tryDial(t, b.secret)
		if err == nil {
			q.ws.Close()
		}
		return err == nil
	})
}

// FuzzServerFrames: for any frames of a client, the relay continues to serve others, and its spool keeps its content.
func FuzzServerFrames(f *testing.F) {
	b := newBench(f, relay.Options{Clients: 64})
	victim, err := b.CreateToken(f.Context(), "victim", false)
	if err != nil {
		f.Fatal(err)
	}
	resp, err := http.Post(victim.Hook.URL, "text/plain", strings.NewReader("kept"))
	if err != nil {
		f.Fatal(err)
	}
	resp.Body.Close()
	// A script is frames, each behind its length in two bytes.
	script := func(frames ...wire.Frame) (out []byte) {
		for _, f := range frames {
			raw := f.Append(nil)
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(raw))), raw...)
		}
		return out
	}
	hello := wire.Frame{Type: wire.Hello, Payload: []byte(`{"device":"d","hooks":[{"hook":"` + b.hook.ID + `","epoch":1,"seq":1}]}`)}
	f.Add(script(hello, wire.Frame{Type: wire.Credit, Payload: []byte(`{"events":5,"bytes":100}`)},
		wire.Frame{Type: wire.Stored, Payload: []byte(`{"hook":"` + b.hook.ID + `","epoch":1,"seq":0}`)},
		wire.Frame{Type: wire.Resp, Stream: 1, Payload: []byte(`{"status":200}`)}))
	f.Add(script(hello, wire.Frame{Type: wire.Stored, Payload: []byte(`{"hook":"` + victim.Hook.ID + `","epoch":99999999999999,"seq":9}`)}))
	f.Add(script(wire.Frame{Type: wire.Ping, Payload: make([]byte, 8)}, wire.Frame{Type: 200, Flags: 1}))
	f.Add([]byte{0, 3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}}
		ws, _, err := d.Dial("ws"+b.url[4:]+wire.Path, http.Header{"Authorization": {"Bearer " + b.secret}})
		if err != nil {
			t.Skip(err) // those before it are still leaving
		}
		for rest := raw; len(rest) >= 2; {
			n := min(int(binary.BigEndian.Uint16(rest)), len(rest)-2)
			if ws.WriteMessage(websocket.BinaryMessage, rest[2:2+n]) != nil {
				break // the relay has ended it
			}
			rest = rest[2+n:]
		}
		// What was sent has been taken when the relay closes its end.
		_ = ws.WriteControl(websocket.CloseMessage, nil, time.Now().Add(time.Second))
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
		ws.Close()
		status, _, _ := b.post(t, b.hook.ID, "", string(raw))
		if status != 200 && status != 507 {
			t.Fatalf("the relay answers %d", status)
		}
		hooks, err := b.Hooks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hooks {
			if h.Token == "victim" && (h.Depth != 1 || h.Bytes == 0) {
				t.Fatalf("another's hook: %+v", h)
			}
		}
	})
}
