package relay

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

const (
	// pingEvery is the interval of PING, silence the time without a frame after which a client is considered gone.
	pingEvery = 5 * time.Second
	silence   = 10 * time.Second
	// helloTime is how long a client may take to send HELLO.
	helloTime = 10 * time.Second
	// writeTime limits one write to the network.
	writeTime = 10 * time.Second
	// maxPerToken is the most open connections of one token. One receives; the others replace it, are refused, or have not sent
	// HELLO.
	maxPerToken = 8
	// maxControl is how many frames besides requests may wait to be sent. A client that causes more doesn't read.
	maxControl = 4096
	// maxEvents and maxBytes limit a client's credit.
	maxEvents = 1 << 20
	maxBytes  = 1 << 40
)

// restarting is the GOAWAY when the relay ends.
var restarting = goAway(wire.GoAwayBody{Reason: wire.Restarting, AfterMs: 500})

// conn is a client's connection. Its reader is the goroutine of its HTTP request; the writer has its own.
type conn struct {
	s       *Server
	ws      *websocket.Conn
	token   spool.Token
	session string
	remote  string
	// gone is closed when the connection has ended.
	gone chan struct{}
	wake chan struct{}

	// began is when it connected, as time since the relay began.
	began time.Duration
	// lastSeen and pinged are the times of the last frame and PING, as time since the relay began.
	lastSeen, pinged atomic.Int64
	// behind means that a sender's wait has timed out since the client last confirmed a request: its disk may be full.
	behind atomic.Bool

	mu      sync.Mutex
	device  string // set by HELLO
	lanes   []*lane
	control [][]byte
	events  int
	bytes   int64 // credit that isn't reserved
	// last is sent after everything before it and ends the connection.
	last  []byte
	ended bool
	// awaited are the senders that wait for the answer to a stream.
	awaited map[uint64]*awaited

	out outbox // the writer's
}

// lane is a hook's queue to the client.
type lane struct {
	hook string
	// behind is the position of the last begun request.
	behind cursor.Position
	// more means that later requests may exist.
	more atomic.Bool
	// head is the next request, if it has been read and waits for credit.
	head *spool.Event
	// sentDepth is the depth last sent to the client.
	sentDepth int
}

type awaited struct {
	at cursor.Position
	w  *waiter
}

var upgrader = websocket.Upgrader{
	Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: helloTime,
	// Without a token a web page doesn't get far; there are no cookies to protect.
	CheckOrigin: func(*http.Request) bool { return true },
	Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
		http.Error(w, reason.Error(), status)
	},
}

// connect serves a client until it disconnects.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	token, valid := s.spool.Authenticate(strings.TrimSpace(secret))
	switch {
	case !bearer || !valid:
		s.refused.Note("clients with a wrong token are refused", "", "from", s.sender(r))
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "no such token", http.StatusUnauthorized)
		return
	case !slices.Contains(websocket.Subprotocols(r), wire.Subprotocol):
		http.Error(w, "the subprotocol "+wire.Subprotocol+" is needed", http.StatusBadRequest)
		return
	}
	c := &conn{
		s: s, token: token, session: strings.ToLower(rand.Text()), remote: s.sender(r),
		gone: make(chan struct{}), wake: make(chan struct{}, 1), awaited: map[uint64]*awaited{}, began: s.since(),
	}
	c.touch()
	c.pinged.Store(c.lastSeen.Load())
	if !s.admit(c) {
		s.refused.Note("clients are refused: too many are connected", token.Name, "token", token.Name, "from", c.remote)
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many clients, or the relay restarts", http.StatusServiceUnavailable)
		return
	}
	defer s.running.Done()
	defer s.forget(c)
	defer s.opt.Crash.Recover("relay connection")
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.opt.Log.Debug("a WebSocket could not be established", "token", token.Name, "err", err)
		close(c.gone)
		return
	}
	c.run(ws)
}

// admit adds a connection to the list if there is room.
func (s *Server) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing() {
		return false
	}
	byToken := map[string]int{}
	for other := range s.conns {
		byToken[other.token.Name]++
	}
	if byToken[c.token.Name] >= maxPerToken && !s.makeRoom(c.token.Name) {
		return false
	}
	if len(s.conns) >= s.opt.Clients {
		greediest := c.token.Name
		for token, n := range byToken {
			if n > byToken[greediest] {
				greediest = token
			}
		}
		if !s.makeRoom(greediest) {
			return false
		}
	}
	s.running.Add(1)
	s.conns[c] = struct{}{}
	return true
}

// makeRoom ends the token's oldest connection that hasn't sent HELLO, and reports whether there was one. The lock is held.
func (s *Server) makeRoom(token string) bool {
	var oldest *conn
	for c := range s.conns {
		if c.token.Name == token && !c.introduced() && (oldest == nil || c.began < oldest.began) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	delete(s.conns, oldest)
	oldest.kill()
	return true
}

// introduced reports whether the client has sent HELLO and was accepted.
func (c *conn) introduced() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.device != ""
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.active[c.token.Name] == c {
		delete(s.active, c.token.Name)
	}
}

// connOf returns the connection that is receiving a token's hooks, or nil.
func (s *Server) connOf(token string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[token]
}

// run reads until the connection ends, and waits for the writer.
func (c *conn) run(ws *websocket.Conn) {
	ws.SetReadLimit(wire.MaxFrame)
	ws.EnableWriteCompression(false)
	c.mu.Lock()
	c.ws = ws
	ended := c.ended
	c.mu.Unlock()
	if ended { // before the upgrade
		_ = ws.Close()
	}
	written := make(chan struct{})
	c.s.opt.Crash.Go("relay writer", func() {
		defer close(written)
		defer c.kill()
		c.write()
	})
	why := errors.New("a panic")
	defer func() {
		close(c.gone)
		c.kill()
		<-written
		if !errors.As(why, new(*protocolError)) && c.sentAway() {
			why = errSentAway
		}
		c.s.refused.NoteAt(slog.LevelInfo, "a client has gone", c.token.Name, "token", c.token.Name, "session", c.session[:6], "why", why)
	}()
	why = c.read()
	var broken *protocolError
	if errors.As(why, &broken) {
		c.refuse(wire.CodeProtocol, broken.text)
		<-written
	}
}

// errSentAway is the reason when the relay asked the client to disconnect.
var errSentAway = errors.New("the relay asked for it")

func (c *conn) sentAway() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last != nil
}

// touch records that the client is alive.
func (c *conn) touch() { c.lastSeen.Store(int64(c.s.since())) }

// silentFor returns how long the client has been silent.
func (c *conn) silentFor() time.Duration { return c.s.since() - time.Duration(c.lastSeen.Load()) }

// kill ends the connection immediately.
func (c *conn) kill() {
	c.mu.Lock()
	ws := c.ws
	c.ended = true
	c.mu.Unlock()
	if ws != nil {
		_ = ws.Close() // it may be closed already
	}
	c.nudge()
}

// nudge wakes the writer.
func (c *conn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send queues frames for the client, with no other frame between them.
func (c *conn) send(frames ...wire.Frame) {
	c.mu.Lock()
	full := len(c.control) >= maxControl
	if !full && c.last == nil {
		for _, f := range frames {
			c.control = append(c.control, f.Append(nil))
		}
	}
	c.mu.Unlock()
	if full {
		c.s.opt.Log.Warn("a client doesn't read", "token", c.token.Name)
		c.kill()
		return
	}
	c.nudge()
}

// leave ends the connection with a last frame.
func (c *conn) leave(f wire.Frame) {
	c.mu.Lock()
	if c.last == nil {
		c.last = f.Append(nil)
	}
	c.mu.Unlock()
	c.nudge()
}

// refuse ends the connection with ERR.
func (c *conn) refuse(code, text string) {
	c.leave(frame(wire.Err, 0, wire.ErrBody{Code: code, Text: text}))
}

func goAway(b wire.GoAwayBody) wire.Frame { return frame(wire.GoAway, 0, b) }

// frame returns a frame of a body that can always be encoded.
func frame(t wire.Type, stream uint64, body any) wire.Frame {
	f, err := wire.JSON(t, stream, body)
	if err != nil {
		panic(fmt.Sprintf("relay: %v", err))
	}
	return f
}

// keepsUp reports whether a sender's wait for the client's answer to a hook's next request is likely to be short.
func (c *conn) keepsUp(hook string) bool {
	if c.silentFor() > autoSilent || c.behind.Load() {
		return false
	}
	waiting, _ := c.s.spool.Depth(hook)
	return waiting <= autoBehind
}

// protocolError is a client's violation of the protocol.
type protocolError struct{ text string }

func (e *protocolError) Error() string { return "the protocol was violated: " + e.text }

func broken(format string, args ...any) error { return &protocolError{fmt.Sprintf(format, args...)} }
