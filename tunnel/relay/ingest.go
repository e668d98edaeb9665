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

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// hookPath is the path between the public address and a hook's id.
const hookPath = "/h/"

const (
	// bodyGrace and bodyRate limit the time of a body: the grace, and one more second per bodyRate bytes.
	bodyGrace = 10 * time.Second
	bodyRate  = 32 << 10
	// unreadTime is how long a connection may last after its request was answered before all of its body arrived.
	unreadTime = time.Second
	// unreadBytes is how much of such a body is read.
	unreadBytes = 64 << 10
	// maxLines is the most header lines of a request, and maxMethod the longest method.
	maxLines  = 500
	maxMethod = 64
	// busyRetry is the Retry-After in seconds when there is no room, fullRetry when the disk is the reason.
	busyRetry = 1
	fullRetry = 30
)

// answer is the answer to a sender.
type answer struct {
	status int
	// retry is in whole seconds, 0 for none.
	retry int
	text  string
	// kind is the content type of text, which is then sent exactly; empty for a line of plain text.
	kind string
	// outcome is its label in the metrics.
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

// Handler serves hooks and clients on the caller's own server; see [Server.Serve].
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

// serveHTTP answers one request. It leaves a panic to net/http, which cuts the connection and logs the stack: recovering here would
// cause an implicit 200.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	// An unread body also counts: net/http reads it before it reuses the connection.
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
	r.Body = body.ReadCloser // net/http asks it for the remaining length
	if r.ContentLength != 0 && !body.ended {
		// The rest isn't awaited. A little of it is read, so that a fast sender keeps its connection.
		s.deadline(line.SetReadDeadline(time.Now().Add(unreadTime)))
		if _, err := io.CopyN(io.Discard, r.Body, unreadBytes); !errors.Is(err, io.EOF) {
			w.Header().Set("Connection", "close")
		}
	}
	if a.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retry))
	}
	if a.kind == "" {
		a.kind, a.text = plainText, a.text+"\n"
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.deadline(line.SetWriteDeadline(time.Now().Add(writeTime)))
	w.WriteHeader(a.status)
	// The sender may be gone; there is no one to report to.
	_, _ = io.WriteString(w, a.text)
}

// noted is a body that records whether it was read to the end.
type noted struct {
	io.ReadCloser
	ended bool
}

// Read reads, and records the end.
func (n *noted) Read(b []byte) (int, error) {
	k, err := n.ReadCloser.Read(b)
	n.ended = n.ended || errors.Is(err, io.EOF)
	return k, err
}

// deadline logs the error of a deadline. A connection without deadlines has the server's limits.
func (s *Server) deadline(err error) {
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.opt.Log.Debug("no deadline for a connection", "err", err)
	}
}

// rawTarget returns the path and query as they were sent.
func rawTarget(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // of the absolute form, which proxies use
}

// splitTarget splits a target into the hook's id and the client's target.
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
	hook, ok := s.backing.hook(id)
	if !ok {
		s.refused.Note("requests for no hook are refused", "", "from", s.sender(r))
		return notFound
	}
	waiting, refused := s.admitRequest(w, r, hook, rest)
	if refused != nil {
		s.refused.Note("requests are refused", hook.ID+strconv.Itoa(refused.status),
			"hook", hook.Name, "token", hook.Token, "status", refused.status, "why", refused.text)
		return *refused
	}
	defer waiting.done()
	return s.await(r.Context(), waiting)
}

// admitRequest accepts a request within all limits. It returns the sender's wait for the client's answer, nil if there is none, or the
// refusal. A waiting sender occupies no place.
func (s *Server) admitRequest(w http.ResponseWriter, r *http.Request, hook spool.Hook, target string) (*waiter, *answer) {
	if s.closing() {
		return nil, &busy
	}
	received := s.opt.Clock.Now()
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
		ID: strings.ToLower(rand.Text()), Position: cursor.Position{Hook: hook.ID}, ReceivedAt: received, Method: r.Method, Target: target,
		Remote: s.sender(r), Header: header,
	}
	waiting := s.expect(hook, e.ID)
	if err := s.store(w, r, hook, e, at); err != nil {
		waiting.done()
		a := s.refuse(r, hook, err)
		return nil, &a
	}
	return waiting, nil
}

// store reads the body, within its limits, and stores the request.
func (s *Server) store(w http.ResponseWriter, r *http.Request, hook spool.Hook, e wire.EventBody, at *place) error {
	body := &paced{
		from: http.MaxBytesReader(w, r.Body, s.opt.Body), to: at.line, at: at, began: time.Now(), grace: s.opt.BodyTime,
	}
	if err := s.backing.store(r.Context(), hook, e, body, r.ContentLength); err != nil {
		return err
	}
	// The body's deadline doesn't apply to the answer.
	s.deadline(body.to.SetReadDeadline(time.Time{}))
	return nil
}

// headers returns the request's headers with Host, which net/http keeps apart. ok is false if there are too many.
func headers(r *http.Request) (h http.Header, ok bool) {
	h = r.Header.Clone()
	h["Host"] = []string{r.Host}
	lines := 0
	for _, values := range h {
		lines += len(values)
	}
	return h, lines <= maxLines
}

// refuse returns the answer to a sender whose request was not accepted.
func (s *Server) refuse(r *http.Request, hook spool.Hook, err error) answer {
	var large *http.MaxBytesError
	var broken *bodyError
	switch {
	case errors.As(err, &large), errors.Is(err, tunnel.ErrTooLarge):
		return tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errGaveWay):
		// This machine may have been suspended: senders that stop at 4xx retry after 503.
		return answer{status: http.StatusServiceUnavailable, retry: busyRetry, text: "the body took too long", outcome: "broken"}
	case errors.As(err, &broken):
		return answer{status: http.StatusBadRequest, text: "the body did not arrive completely", outcome: "broken"}
	case errors.Is(err, spool.ErrQuota):
		s.metrics.quota.Inc()
		return tooFull
	case errors.Is(err, spool.ErrNotFound):
		return notFound
	case errors.Is(err, spool.ErrBusy), errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return busy
	}
	s.refused.Note("requests could not be stored", hook.ID, "hook", hook.Name, "token", hook.Token, "err", err)
	return failing
}

// bodyError is the sender's error while its body was read.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "relay: read a body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// errGaveWay ends a body whose place was given to another request.
var errGaveWay = errors.New("relay: a slow body gave way")

// paced reads a body that must arrive at a minimum pace, so that a slow sender doesn't occupy a place for long.
type paced struct {
	from  io.Reader
	to    *http.ResponseController
	at    *place
	began time.Time
	grace time.Duration
	n     int64
}

func (p *paced) Read(b []byte) (int, error) {
	b = b[:min(len(b), bodyRate)]
	allowed := p.grace + time.Duration(p.n)*time.Second/bodyRate
	// Without support for deadlines the server's own limits apply.
	if err := p.to.SetReadDeadline(p.began.Add(allowed)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, &bodyError{err}
	}
	// Checked after the deadline is set, which would undo the one that ends the body.
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
