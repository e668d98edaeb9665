package relay

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"greenroom/tunnel"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// hookPath is what stands between the public address and a hook's id.
const hookPath = "/h/"

const (
	// bodyGrace and bodyRate bound how slowly a body may come: so long, and a second more for so many bytes.
	bodyGrace = 10 * time.Second
	bodyRate  = 32 << 10
	// unreadTime is how long a connection may last whose request was answered before all of its body came.
	unreadTime = time.Second
	// unreadBytes is how much of such a body is read.
	unreadBytes = 64 << 10
	// maxLines is how many header lines a request may have, and maxMethod how long its method may be.
	maxLines  = 500
	maxMethod = 64
	// busyRetry is what a sender is told to wait when there is no room, in seconds; fullRetry when the disk is the reason.
	busyRetry = 1
	fullRetry = 30
)

// answer is what a sender is told.
type answer struct {
	status int
	// retry is in whole seconds, 0 for none.
	retry int
	text  string
	// outcome is the word for it in the metrics.
	outcome string
}

var (
	notFound = answer{status: http.StatusNotFound, text: "not found", outcome: "unknown"}
	spooled  = answer{status: http.StatusOK, text: "ok", outcome: "spooled"}
	busy     = answer{status: http.StatusServiceUnavailable, retry: busyRetry, text: "busy", outcome: "busy"}
	tooLarge = answer{status: http.StatusRequestEntityTooLarge, text: "the request is too large", outcome: "too_large"}
	tooFull  = answer{status: http.StatusInsufficientStorage, retry: fullRetry, text: "too many requests wait", outcome: "quota"}
	failing  = answer{status: http.StatusServiceUnavailable, retry: fullRetry, text: "try again", outcome: "failed"}
)

// Handler serves hooks and clients. It is for servers that are somebody else's; [Server.Serve] has its own.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

// serveHTTP answers one request. A panic is left to net/http, which cuts the connection and logs the stack: recovering here
// would end in an implicit 200.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	// A body that nobody wants is read to its end, too, before the connection is used again.
	line := http.NewResponseController(w)
	s.deadline(line.SetReadDeadline(time.Now().Add(s.opt.BodyTime)))
	target := rawTarget(r)
	if b := s.base.Load(); b != nil && b.path != "" {
		if rest, ok := strings.CutPrefix(target, b.path); ok && strings.HasPrefix(rest, "/") {
			target = rest
		}
	}
	if path, _, _ := strings.Cut(target, "?"); path == wire.Path && s.spool != nil {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // no client sends a body
			s.deadline(line.SetReadDeadline(time.Now().Add(unreadTime)))
		}
		s.connect(w, r)
		return
	}
	began := s.since()
	body := &noted{ReadCloser: r.Body}
	r.Body = body
	a := s.ingest(w, r, target)
	s.metrics.answered(a, s.since()-began)
	r.Body = body.ReadCloser // net/http asks it how much is left
	if r.ContentLength != 0 && !body.ended {
		// The rest isn't waited for, however much of it the pace would still allow. A little is read, so that a sender in a
		// hurry keeps its connection.
		s.deadline(line.SetReadDeadline(time.Now().Add(unreadTime)))
		if _, err := io.CopyN(io.Discard, r.Body, unreadBytes); !errors.Is(err, io.EOF) {
			w.Header().Set("Connection", "close")
		}
	}
	if a.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retry))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.deadline(line.SetWriteDeadline(time.Now().Add(writeTime)))
	w.WriteHeader(a.status)
	// The sender may be gone; there is nobody to tell.
	_, _ = io.WriteString(w, a.text+"\n")
}

// noted is a body of which is known whether it was read to its end.
type noted struct {
	io.ReadCloser
	ended bool
}

// Read reads, and notes the end.
func (n *noted) Read(b []byte) (int, error) {
	k, err := n.ReadCloser.Read(b)
	n.ended = n.ended || errors.Is(err, io.EOF)
	return k, err
}

// deadline notes that a connection has none. Where they aren't supported the server's own bounds hold.
func (s *Server) deadline(err error) {
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.opt.Log.Debug("no deadline for a connection", "err", err)
	}
}

// rawTarget is the path and query as they were sent.
func rawTarget(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	// The absolute form, which proxies use.
	t := r.URL.EscapedPath()
	if t == "" {
		t = "/"
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		t += "?" + r.URL.RawQuery
	}
	return t
}

// splitTarget takes a target apart into the hook's id and what is meant for its client.
func splitTarget(target string) (id, rest string, ok bool) {
	target, ok = strings.CutPrefix(target, hookPath)
	if !ok {
		return "", "", false
	}
	end := strings.IndexAny(target, "/?")
	if end < 0 {
		return target, "/", true
	}
	id, rest = target[:end], target[end:]
	if rest[0] == '?' {
		rest = "/" + rest
	}
	return id, rest, true
}

func (s *Server) ingest(w http.ResponseWriter, r *http.Request, target string) answer {
	id, rest, ok := splitTarget(target)
	if !ok {
		return notFound
	}
	hook, ok := s.taker.hook(id)
	if !ok {
		s.refused.note("requests for no hook are refused", "", "from", s.sender(r))
		return notFound
	}
	waiting, refused := s.admitRequest(w, r, hook, rest)
	if refused != nil {
		s.refused.note("requests are refused", hook.ID+strconv.Itoa(refused.status),
			"hook", hook.Name, "token", hook.Token, "status", refused.status, "why", refused.text)
		return *refused
	}
	defer waiting.done()
	return s.await(r.Context(), waiting)
}

// admitRequest takes a request in, within all bounds. It returns the sender's wait for the client's answer, which is nil
// when there is none, or why the request was refused. While the sender waits it takes no place of others.
func (s *Server) admitRequest(w http.ResponseWriter, r *http.Request, hook spool.Hook, target string) (*waiter, *answer) {
	received := s.opt.Clock.Now()
	select {
	case <-s.draining:
		return nil, &busy
	default:
	}
	at, wait := s.places.enter(hook, http.NewResponseController(w), received, s.since())
	switch {
	case wait > 0:
		seconds := int(math.Ceil(min(wait.Seconds(), 3600)))
		return nil, &answer{status: http.StatusTooManyRequests, retry: max(seconds, 1), text: "too many requests", outcome: "rate"}
	case at == nil:
		return nil, &busy
	}
	defer at.leave()
	refuse := func(a answer) (*waiter, *answer) { return nil, &a }
	if r.ContentLength > s.opt.Body {
		return refuse(tooLarge)
	}
	if len(r.Method) > maxMethod {
		return refuse(answer{status: http.StatusNotImplemented, text: "no such method", outcome: "broken"})
	}
	header, ok := headers(r)
	if !ok {
		return refuse(answer{status: http.StatusRequestHeaderFieldsTooLarge, text: "too many header lines", outcome: "too_large"})
	}
	e := wire.EventBody{
		ID: strings.ToLower(rand.Text()), Hook: hook.ID, ReceivedAt: received, Method: r.Method, Target: target,
		Remote: s.sender(r), Header: header,
	}
	waiting := s.expect(hook, e.ID)
	if err := s.take(w, r, hook, e, at); err != nil {
		waiting.done()
		a := s.refuse(r, hook, err)
		return nil, &a
	}
	return waiting, nil
}

// take reads the body, within its bounds, to where requests go.
func (s *Server) take(w http.ResponseWriter, r *http.Request, hook spool.Hook, e wire.EventBody, at *place) error {
	body := &paced{
		from: http.MaxBytesReader(w, r.Body, s.opt.Body), to: at.line, at: at, began: time.Now(), grace: s.opt.BodyTime,
	}
	if err := s.taker.take(r.Context(), hook, e, body, r.ContentLength); err != nil {
		return err
	}
	// The body's deadline isn't the answer's.
	s.deadline(body.to.SetReadDeadline(time.Time{}))
	return nil
}

// headers are the request's with its Host, which net/http keeps apart. ok is false when they are too many.
func headers(r *http.Request) (h http.Header, ok bool) {
	h = r.Header.Clone()
	h["Host"] = []string{r.Host}
	lines := 0
	for _, values := range h {
		lines += len(values)
	}
	return h, lines <= maxLines
}

// refuse says what a sender hears whose request wasn't taken.
func (s *Server) refuse(r *http.Request, hook spool.Hook, err error) answer {
	var large *http.MaxBytesError
	var broken *bodyError
	switch {
	case errors.As(err, &large), errors.Is(err, tunnel.ErrTooLarge):
		return tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errGaveWay):
		// It may have been this machine that stood still: senders who give up at 4xx come again at 503.
		return answer{status: http.StatusServiceUnavailable, retry: busyRetry, text: "the body took too long", outcome: "broken"}
	case errors.As(err, &broken):
		return answer{status: http.StatusBadRequest, text: "the body did not arrive whole", outcome: "broken"}
	case errors.Is(err, spool.ErrQuota):
		s.metrics.full(hook)
		return tooFull
	case errors.Is(err, spool.ErrNotFound):
		return notFound
	case errors.Is(err, spool.ErrBusy), errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return busy
	}
	s.refused.note("requests could not be stored", hook.ID, "hook", hook.Name, "token", hook.Token, "err", err)
	return failing
}

// bodyError is what went wrong while a body was read, for whatever reason of the sender's.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "relay: read a body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// errGaveWay ends a body whose place was given to another request.
var errGaveWay = errors.New("relay: a slow body gave way")

// paced reads a body that must come at a pace, so that a slow sender doesn't hold a place for long.
type paced struct {
	from  io.Reader
	to    *http.ResponseController
	at    *place
	began time.Time
	grace time.Duration
	n     int64
}

func (p *paced) Read(b []byte) (int, error) {
	if len(b) > bodyRate {
		b = b[:bodyRate]
	}
	allowed := p.grace + time.Duration(p.n)*time.Second/bodyRate
	// Where deadlines aren't supported the server's own bounds hold.
	if err := p.to.SetReadDeadline(p.began.Add(allowed)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, &bodyError{err}
	}
	// Looked at after the deadline is set, which would undo the one that ends the body.
	if p.at.lost.Load() {
		return 0, &bodyError{errGaveWay}
	}
	n, err := p.from.Read(b)
	p.n += int64(n)
	p.at.got.Store(p.n)
	if errors.Is(err, io.EOF) {
		p.at.got.Store(-1)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &bodyError{err}
	}
	return n, err
}
