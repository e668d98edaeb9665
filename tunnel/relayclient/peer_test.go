package relayclient_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/wire"
)

// patience is how long a test waits for what must come.
const patience = 2 * time.Minute

const token = "grt_test-token"

// peer is a relay that does what the test says, to see the client in situations that a real one avoids.
type peer struct {
	t      testing.TB
	server *httptest.Server
	conns  chan *conn
	// refuse answers the handshake when it is set.
	mu     sync.Mutex
	refuse func(http.ResponseWriter)
	dials  int
}

func newPeer(t testing.TB) *peer {
	p := unstartedPeer(t)
	p.server.Start()
	return p
}

func unstartedPeer(t testing.TB) *peer {
	p := &peer{t: t, conns: make(chan *conn, 16)}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.server.Close)
	return p
}

func (p *peer) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	refuse := p.refuse
	p.dials++
	p.mu.Unlock()
	if got := r.Header.Get("Authorization"); got != "Bearer "+token || !strings.HasSuffix(r.URL.Path, wire.Path) {
		p.t.Errorf("dialed %s with %q", r.URL.Path, got)
	}
	if refuse != nil {
		refuse(w)
		return
	}
	ws, err := (&websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	p.conns <- &conn{t: p.t, ws: ws}
}

func (p *peer) answer(refuse func(http.ResponseWriter)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// accept waits for the next connection and its HELLO.
func (p *peer) accept() *conn {
	p.t.Helper()
	select {
	case c := <-p.conns:
		p.t.Cleanup(func() { c.ws.Close() })
		c.hello = body[wire.HelloBody](c, wire.Hello)
		return c
	case <-time.After(patience):
		p.t.Fatal("no client connects")
		return nil
	}
}

// live accepts and welcomes, and takes the first credit.
func (p *peer) live(hooks ...wire.HookInfo) *conn {
	p.t.Helper()
	c := p.accept()
	c.welcome(hooks...)
	return c
}

// conn is one connection of the client's, as its relay sees it.
type conn struct {
	t      testing.TB
	ws     *websocket.Conn
	hello  wire.HelloBody
	credit wire.CreditBody
	mute   bool // answers no PING
}

func (c *conn) send(frames ...wire.Frame) {
	c.t.Helper()
	for _, f := range frames {
		if err := c.ws.WriteMessage(websocket.BinaryMessage, f.Append(nil)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// beRead returns once the client has read all that was sent, which it answers in order, and says how often it asked for a
// sign of life meanwhile.
func (c *conn) beRead() (pings int) {
	c.t.Helper()
	c.send(wire.Frame{Type: wire.Ping, Payload: number(5)})
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			c.t.Fatal(err)
		}
		switch f, err := wire.Decode(raw); {
		case err != nil:
			c.t.Fatal(err)
		case f.Type == wire.Ping:
			pings++
			c.send(wire.Frame{Type: wire.Pong, Payload: f.Payload})
		case f.Type == wire.Pong:
			return pings
		}
	}
}

func (c *conn) json(t wire.Type, stream uint64, v any) {
	c.t.Helper()
	f, err := wire.JSON(t, stream, v)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(f)
}

func (c *conn) welcome(hooks ...wire.HookInfo) {
	c.t.Helper()
	if len(hooks) == 0 {
		hooks = []wire.HookInfo{{Hook: "h1", Name: "home", URL: "https://relay.example/h/0123"}}
	}
	c.json(wire.Welcome, 0, wire.WelcomeBody{Session: "s", Epoch: 7, Hooks: hooks, Limits: wire.Limits{Body: 1 << 20}})
	c.credit = body[wire.CreditBody](c, wire.Credit)
}

// next is the next frame of the client's that isn't for keeping alive.
func (c *conn) next() (wire.Frame, error) {
	for {
		if err := c.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return wire.Frame{}, err
		}
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			return wire.Frame{}, err
		}
		f, err := wire.Decode(raw)
		if err != nil {
			return f, err
		}
		switch {
		case f.Type == wire.Ping && !c.mute:
			c.send(wire.Frame{Type: wire.Pong, Payload: f.Payload})
		case f.Type != wire.Ping && f.Type != wire.Pong:
			return f, nil
		}
	}
}

// want is the next frame, of the given type.
func (c *conn) want(t wire.Type) wire.Frame {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("%s should come: %v", t, err)
	}
	if f.Type != t {
		c.t.Fatalf("%s comes instead of %s: %q", f.Type, t, f.Payload)
	}
	return f
}

func body[T any](c *conn, t wire.Type) T {
	c.t.Helper()
	v, err := wire.Body[T](c.want(t))
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

// ends waits until the client ends the connection, and returns what else it sent.
func (c *conn) ends() (frames []wire.Frame) {
	c.t.Helper()
	for {
		f, err := c.next()
		switch {
		case err == nil:
			frames = append(frames, f)
			continue
		case strings.Contains(err.Error(), "timeout"):
			c.t.Fatal("the client stays")
		}
		return frames
	}
}

// stored takes the answers to the given streams, the STORED with the given numbers, and the credit for them.
func (c *conn) stored(p cursor.Position, events int, bytes int64, streams ...uint64) (answers []wire.RespBody) {
	c.t.Helper()
	for _, stream := range streams {
		f := c.want(wire.Resp)
		if f.Stream != stream {
			c.t.Fatalf("stream %d is answered before %d", f.Stream, stream)
		}
		a, err := wire.Body[wire.RespBody](f)
		if err != nil {
			c.t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if got := body[wire.StoredBody](c, wire.Stored); got != wire.StoredBody(p) {
		c.t.Fatalf("stored %+v, want %+v", got, p)
	}
	if got := body[wire.CreditBody](c, wire.Credit); got != (wire.CreditBody{Events: events, Bytes: bytes}) {
		c.t.Fatalf("credit %+v, want %d events and %d bytes", got, events, bytes)
	}
	return answers
}

// event makes the frames of a request: EVENT, DATA and END.
func event(stream uint64, hook string, epoch, seq uint64, text []byte) []wire.Frame {
	e := wire.EventBody{
		ID: fmt.Sprintf("%s-%d-%d", hook, epoch, seq), Position: cursor.Position{Hook: hook, Epoch: epoch, Seq: seq},
		ReceivedAt: time.UnixMicro(1_790_000_000_000_000), Method: "POST", Target: fmt.Sprintf("/hooks/daily?n=%d", seq),
		Remote: "203.0.113.7:4711", Header: http.Header{"X-N": {"a", "b\xff"}, "Host": {"relay.example"}},
		Length: int64(len(text)), SHA256: sha256.Sum256(text),
	}
	frames := []wire.Frame{{Type: wire.Event, Stream: stream, Payload: e.Append(nil)}}
	for piece := range slices.Chunk(text, wire.MaxData) {
		frames = append(frames, wire.Frame{Type: wire.Data, Stream: stream, Payload: piece})
	}
	return append(frames, wire.Frame{Type: wire.End, Stream: stream})
}

// store is the end that stores, in memory.
type store struct {
	mu       sync.Mutex
	kept     []tunnel.Envelope
	calls    [][]tunnel.Envelope
	reached  map[string]cursor.Position
	changed  chan struct{}
	answerer func([]tunnel.Envelope) ([]tunnel.Answer, error)
}

func newStore(known ...cursor.Position) *store {
	s := &store{reached: map[string]cursor.Position{}, changed: make(chan struct{}, 1)}
	for _, p := range known {
		s.reached[p.Hook] = p
	}
	return s
}

// answers sets what Receive does instead of storing everything; nil is that again.
func (s *store) answers(f func([]tunnel.Envelope) ([]tunnel.Answer, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answerer = f
}

func (s *store) local() tunnel.Local {
	return tunnel.Local{Device: "device-1", Receive: s.receive, Positions: func(context.Context) ([]cursor.Position, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var all []cursor.Position
		for _, p := range s.reached {
			all = append(all, p)
		}
		return all, nil
	}}
}

func (s *store) receive(_ context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
	s.mu.Lock()
	answerer := s.answerer
	s.calls = append(s.calls, batch)
	s.mu.Unlock()
	answers := make([]tunnel.Answer, len(batch))
	for i, e := range batch {
		answers[i] = tunnel.Answer{Stored: true, Status: 200, Text: "stored " + e.ID}
	}
	if answerer != nil {
		var err error
		if answers, err = answerer(batch); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range batch {
		if answers[i].Stored {
			s.kept = append(s.kept, e)
			s.reached[e.Hook] = e.Position
		}
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return answers, nil
}

// seqs are the stored seqs of a hook, in order.
func (s *store) seqs(hook string) (all []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.kept {
		if e.Hook == hook {
			all = append(all, e.Seq)
		}
	}
	return all
}

// opened is a tunnel with its status.
type opened struct {
	t testing.TB
	tunnel.Tunnel
	now  tunnel.Status
	once sync.Once
}

func open(t testing.TB, o relayclient.Options, local tunnel.Local) *opened {
	t.Helper()
	o.Token = token
	tun, err := relayclient.New(o).Open(t.Context(), local)
	if err != nil {
		t.Fatal(err)
	}
	op := &opened{t: t, Tunnel: tun}
	t.Cleanup(op.close)
	return op
}

func (o *opened) close() {
	o.once.Do(func() {
		if err := o.Close(); err != nil {
			o.t.Error(err)
		}
	})
}

// until waits for a status.
func (o *opened) until(what string, is func(tunnel.Status) bool) tunnel.Status {
	o.t.Helper()
	return o.wait(nil, what, is)
}

// wait is until, for what takes time by the clock.
func (o *opened) wait(clock *clock, what string, is func(tunnel.Status) bool) tunnel.Status {
	o.t.Helper()
	late := time.After(patience)
	var step <-chan time.Time
	if clock != nil {
		ticker := time.NewTicker(clockStep)
		defer ticker.Stop()
		step = ticker.C
	}
	for !is(o.now) {
		select {
		case <-step:
			clock.step()
		case s, ok := <-o.Status():
			if !ok {
				o.t.Fatalf("the tunnel ended instead of %s: %+v", what, o.now)
			}
			o.now = s
		case <-late:
			o.t.Fatalf("never %s: %+v", what, o.now)
		}
	}
	return o.now
}

func (o *opened) live() tunnel.Status {
	o.t.Helper()
	return o.until("live", func(s tunnel.Status) bool { return s.State == tunnel.Live })
}

// degraded waits for a reason that holds the words.
func (o *opened) degraded(words string) tunnel.Status {
	o.t.Helper()
	return o.degrades(nil, words)
}

// degrades is degraded, for what takes time by the clock.
func (o *opened) degrades(clock *clock, words string) tunnel.Status {
	o.t.Helper()
	return o.wait(clock, "degraded because "+words, func(s tunnel.Status) bool {
		return s.State == tunnel.Degraded && strings.Contains(s.Reason, words)
	})
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
