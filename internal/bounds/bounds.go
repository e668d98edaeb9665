// Package bounds limits the memory, connections and time that unknown senders can use of a public HTTP server, so that others are
// served meanwhile.
//
//   - [Server] is an http.Server with deadlines for every request and a bounded number of connections. A new connection replaces
//     the oldest one that is about to end after [Unread] or whose answer isn't read, else the oldest idle one.
//   - [Body] reads a body that must arrive at a minimum pace.
//   - [Places] bounds how many bodies are read at a time. When all places are taken, the body furthest behind its pace gives
//     way, so that slow senders don't block others.
//   - [Budget] bounds the bytes of all bodies together.
//   - [Unread] soon ends a connection whose request's body isn't read: net/http would wait for it.
//   - [Send] bounds how long a sender may take to read a large answer. Small ones have a fixed bound.
//
// Everything is safe for concurrent use, except that one goroutine reads a Body.
package bounds

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Deadlines and sizes of a [Server].
const (
	HeaderTime = 5 * time.Second
	// RequestTime bounds a request with its body, unless a [Body] allows more or the handler sets another deadline.
	RequestTime = 10 * time.Second
	IdleTime    = time.Minute
	MaxHeader   = 64 << 10
	MaxConns    = 1024
	// unreadTime is how long the rest of an unread body may arrive while the answer is sent.
	unreadTime = 500 * time.Millisecond
	// answerTime is how long a sender may take to read the rest of an answer after its handler has returned.
	answerTime = 10 * time.Second
)

// Server returns a server with bounds: a request, including its body, has a deadline. A handler that takes longer than
// [RequestTime] must move it with [Body] or [Patient]. At most conns connections are open, [MaxConns] if 0.
func Server(h http.Handler, log *slog.Logger, conns int) *http.Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if conns <= 0 {
		conns = MaxConns
	}
	c := &crowd{most: conns, conns: map[net.Conn]place{}}
	srv := &http.Server{
		ReadHeaderTimeout: HeaderTime, ReadTimeout: RequestTime, IdleTimeout: IdleTime, MaxHeaderBytes: MaxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ConnState: c.state,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, endKey{}, func() bool { return c.end(conn) })
		},
	}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := http.NewResponseController(w)
		if srv.WriteTimeout == 0 { // else net/http sets the deadline
			_ = line.SetWriteDeadline(time.Time{}) // as in Patient
		}
		h.ServeHTTP(w, r)
		if yield(r) {
			_ = line.SetWriteDeadline(time.Now().Add(answerTime))
		}
	})
	return srv
}

// Patient removes the request's deadline, for handlers that have read the body and answer late or in a stream.
func Patient(w http.ResponseWriter) {
	// Recorders in tests have no deadlines; on a connection this can't fail.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
}

// Unread must be called before the header of an answer that leaves the request's body unread. The answer is sent at once, and the
// connection ends soon afterwards, or when its place is needed.
func Unread(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(unreadTime)) // as in Patient
	yield(r)
}

// Send must be called before an answer of size bytes is written. A sender who reads it more slowly than [DefaultPace] is cut off,
// earlier if its place is needed.
func Send(w http.ResponseWriter, r *http.Request, size int) {
	yield(r)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(DefaultPace.allowed(int64(size)))) // as in Patient
}

// yield marks the connection of a request as ending, so that it gives way to a new one. It returns false for a connection that is
// no longer the server's.
func yield(r *http.Request) bool {
	end, ok := r.Context().Value(endKey{}).(func() bool)
	return ok && end()
}

// endKey is the key of the function, in a request's context, that marks the request's connection as ending.
type endKey struct{}

// crowd bounds how many connections a server has.
type crowd struct {
	most  int
	mu    sync.Mutex
	conns map[net.Conn]place
}

// place holds what a connection does, and since when.
type place struct {
	does  int
	since time.Time
}

// A connection waits for a request, is busy with one, or is ending: its request won't be read, or its answer is being sent.
const (
	waiting = iota
	busy
	ending
)

func (c *crowd) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateNew:
		if len(c.conns) >= c.most && !c.dropOldest(ending) && !c.dropOldest(waiting) {
			_ = conn.Close() // no answer was promised
			return
		}
		c.conns[conn] = place{waiting, time.Now()}
	case http.StateIdle:
		c.conns[conn] = place{waiting, time.Now()}
	case http.StateActive:
		c.conns[conn] = place{does: busy}
	default:
		delete(c.conns, conn)
	}
}

// end marks a busy connection as ending. It reports whether the connection is the server's and has a request.
func (c *crowd) end(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ours := c.conns[conn]
	if p.does == busy && ours {
		c.conns[conn] = place{ending, time.Now()}
	}
	return ours && p.does != waiting
}

// dropOldest closes the connection that has done something for longest, and reports whether there was one.
func (c *crowd) dropOldest(does int) bool {
	var oldest net.Conn
	for conn, p := range c.conns {
		if p.does == does && (oldest == nil || p.since.Before(c.conns[oldest].since)) {
			oldest = conn
		}
	}
	if oldest == nil {
		return false
	}
	delete(c.conns, oldest)
	_ = oldest.Close() // nothing more is read from it
	return true
}

// Budget is a shared number of bytes. The zero value has none.
type Budget struct{ left atomic.Int64 }

// NewBudget returns a budget of n bytes.
func NewBudget(n int64) *Budget {
	b := new(Budget)
	b.left.Store(n)
	return b
}

// Take takes n bytes, and reports whether there were enough.
func (b *Budget) Take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

// Give returns n bytes to the budget.
func (b *Budget) Give(n int64) { b.left.Add(n) }
