package relay_test

import (
	"context"
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/wire"
)

// patience bounds waits that end early unless something is broken.
const patience = 2 * time.Minute

// bench is a relay on loopback, with one token.
type bench struct {
	*relay.Server
	url, secret string
	hook        relay.Hook
}

func newBench(t testing.TB, o relay.Options) *bench {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Rate == 0 {
		o.Rate = -1
	}
	s, err := relay.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: s}
	b.serve(t)
	made, err := s.CreateToken(context.Background(), "laptop", false)
	if err != nil {
		t.Fatal(err)
	}
	b.secret, b.hook = made.Secret, made.Hook
	return b
}

// serve starts the relay on a port of its own.
func (b *bench) serve(t testing.TB) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- b.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	b.url = "http://" + l.Addr().String()
	deadline := time.Now().Add(patience)
	for b.URL() == "" && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
}

// post sends a body to a hook and gives the answer.
func (b *bench) post(t testing.TB, hook, rest, body string) (status int, text string, h http.Header) {
	t.Helper()
	resp, err := http.Post(b.url+"/h/"+hook+rest, "text/plain", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, "", nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, strings.TrimSuffix(string(raw), "\n"), resp.Header
}

// peer is a scripted client.
type peer struct {
	t  testing.TB
	ws *websocket.Conn
	// frames are the received frames, PING and DEPTH aside; closed when the connection ends.
	frames chan wire.Frame
	err    error // set when frames is closed
	// open are the requests under way.
	open map[uint64]*request
}

// dial connects without saying anything.
func (b *bench) dial(t testing.TB, secret string) *peer {
	t.Helper()
	p, resp, err := b.tryDial(t, secret)
	if err != nil {
		t.Fatalf("dial: %v, %v", err, resp)
	}
	return p
}

func (b *bench) tryDial(t testing.TB, secret string) (*peer, *http.Response, error) {
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: patience}
	ws, resp, err := d.Dial("ws"+strings.TrimPrefix(b.url, "http")+wire.Path, http.Header{"Authorization": {"Bearer " + secret}})
	if err != nil {
		return nil, resp, err
	}
	p := &peer{t: t, ws: ws, frames: make(chan wire.Frame, 10000), open: map[uint64]*request{}}
	go p.read()
	t.Cleanup(func() { ws.Close() })
	return p, resp, nil
}

func (p *peer) read() {
	defer close(p.frames)
	for {
		_, raw, err := p.ws.ReadMessage()
		if err != nil {
			p.err = err
			return
		}
		f, err := wire.Decode(raw)
		if err != nil {
			p.err = err
			return
		}
		switch f.Type {
		case wire.Ping, wire.Depth:
		default:
			p.frames <- f
		}
	}
}

// join connects and introduces itself with positions and credit.
func (b *bench) join(t testing.TB, at ...cursor.Position) (*peer, wire.WelcomeBody) {
	t.Helper()
	p := b.dial(t, b.secret)
	w := p.hello(wire.HelloBody{Device: "d1", Client: "test", Hooks: at})
	p.json(wire.Credit, 0, wire.CreditBody{Events: 1000, Bytes: 1 << 30})
	return p, w
}

func (p *peer) hello(h wire.HelloBody) wire.WelcomeBody {
	p.t.Helper()
	p.json(wire.Hello, 0, h)
	return body[wire.WelcomeBody](p, p.want(wire.Welcome))
}

func (p *peer) send(f wire.Frame) {
	p.t.Helper()
	if err := p.ws.WriteMessage(websocket.BinaryMessage, f.Append(nil)); err != nil {
		p.t.Error(err)
	}
}

func (p *peer) json(t wire.Type, stream uint64, v any) {
	p.t.Helper()
	f, err := wire.JSON(t, stream, v)
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(f)
}

// next is the next frame; ok is false when the connection has ended.
func (p *peer) next() (wire.Frame, bool) {
	p.t.Helper()
	select {
	case f, ok := <-p.frames:
		return f, ok
	case <-time.After(patience):
		p.t.Fatal("nothing comes")
		return wire.Frame{}, false
	}
}

func (p *peer) want(t wire.Type) wire.Frame {
	p.t.Helper()
	f, ok := p.next()
	if !ok {
		p.t.Fatalf("the connection ended instead of %v: %v", t, p.err)
	}
	if f.Type != t {
		p.t.Fatalf("%v comes instead of %v: %s", f.Type, t, f.Payload)
	}
	return f
}

func body[T any](p *peer, f wire.Frame) T {
	p.t.Helper()
	v, err := wire.Body[T](f)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// request is one that came whole.
type request struct {
	wire.EventBody
	stream uint64
	body   []byte
}

// request reads frames until a request is complete, and checks its sum.
func (p *peer) request() request {
	p.t.Helper()
	for {
		f, ok := p.next()
		if !ok {
			p.t.Fatalf("the connection ended: %v", p.err)
		}
		if r, done := gather(p.t, p.open, f); done {
			return *r
		}
	}
}

// gather adds a frame to the requests under way and gives the one that it completes.
func gather(t testing.TB, open map[uint64]*request, f wire.Frame) (*request, bool) {
	t.Helper()
	switch f.Type {
	case wire.Event:
		e, err := wire.DecodeEvent(f.Payload)
		if err != nil || open[f.Stream] != nil {
			t.Fatal("EVENT", err)
		}
		open[f.Stream] = &request{EventBody: e, stream: f.Stream}
	case wire.Data:
		open[f.Stream].body = append(open[f.Stream].body, f.Payload...)
	case wire.End:
		r := open[f.Stream]
		delete(open, f.Stream)
		if int64(len(r.body)) != r.Length || sha256.Sum256(r.body) != r.SHA256 {
			t.Fatalf("%d of %d bytes, or others", len(r.body), r.Length)
		}
		return r, true
	default:
		t.Fatalf("%v between requests: %s", f.Type, f.Payload)
	}
	return nil, false
}

func (p *peer) stored(r request) {
	p.t.Helper()
	p.json(wire.Stored, 0, r.Position)
}

// ends reads until the connection ends.
func (p *peer) ends() {
	p.t.Helper()
	for {
		if _, ok := p.next(); !ok {
			return
		}
	}
}

func frameOf(t wire.Type, flags uint8) wire.Frame { return wire.Frame{Type: t, Flags: flags} }

func helloOf(device string) wire.HelloBody { return wire.HelloBody{Device: device, Client: "test"} }

func creditOf(events int, bytes int64) wire.CreditBody {
	return wire.CreditBody{Events: events, Bytes: bytes}
}
