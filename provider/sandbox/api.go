package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/plain"
	"greenroom/provider"
)

// call is one parsed API request.
type call struct {
	w      *World
	r      *http.Request
	at     time.Time
	base   string   // scheme and host for links
	params []string // the segments that the pattern's {} matched
	query  url.Values
	body   []byte
	in     map[string]any // the body, as the route's schema reads it
}

// answer is a handler's answer; it is written after the faults have been applied.
type answer struct {
	status int
	body   any    // nil for none
	text   string // a body that isn't JSON
	header http.Header
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// refusal is an answer that ends a call before its handler.
func (a answer) refusal() *answer { return &a }

// route is one call of an API. handle runs with the world locked, unless free is set.
type route struct {
	method, pattern string
	presence, free  bool
	class           string // rate limit class of Daily
	// body describes the body that the call accepts. Without it the handler reads the body, if any.
	body   schema
	handle func(*call) answer
}

// match compares a path's segments with a pattern's; {} matches one non-empty segment.
func match(pattern string, path []string) ([]string, bool) {
	parts := strings.Split(pattern, "/")[1:]
	if len(parts) != len(path) {
		return nil, false
	}
	var params []string
	for i, p := range parts {
		switch {
		case p == "{}" && path[i] != "":
			params = append(params, path[i])
		case p != path[i]:
			return nil, false
		}
	}
	return params, true
}

// segments splits a request's raw path, so that an escaped slash stays within its segment, and drops a leading v1.
func segments(r *http.Request) ([]string, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	if len(parts) > 0 && parts[0] == "v1" {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		parts = []string{""}
	}
	for i, p := range parts {
		s, err := url.PathUnescape(p)
		if err != nil {
			return nil, fmt.Errorf("sandbox: path: %w", err)
		}
		parts[i] = s
	}
	return parts, nil
}

const bodyLimit = 2 << 20

// api is one platform's HTTP side.
type api struct {
	platform provider.Platform
	routes   []route
	// admit checks key and limits; a nil answer admits.
	admit    func(*call, route) *answer
	notFound func(*call) answer
	tooBig   func() answer
	// malformed is the answer to a body that doesn't fit its schema.
	malformed func(error) answer
	limited   func(time.Duration) answer
	// trouble is the answer of a failing server, nil for one in the form of Daily's.
	trouble func(status int) answer
}

// failing is the answer of a failing server.
func (a *api) failing(status int) answer {
	if a.trouble != nil {
		return a.trouble(status)
	}
	return answer{status: status, body: map[string]any{"error": "server-error", "info": "an error occurred"}}
}

// serve answers one request.
func (w *World) serve(a *api, rw http.ResponseWriter, r *http.Request) {
	path, err := segments(r)
	if err != nil {
		write(rw, a.notFound(&call{w: w, r: r}))
		return
	}
	c := &call{w: w, r: r, base: w.baseOf(r), query: r.URL.Query()}
	c.body, err = io.ReadAll(http.MaxBytesReader(rw, r.Body, bodyLimit))
	if err != nil {
		var big *http.MaxBytesError
		if !errors.As(err, &big) {
			panic(http.ErrAbortHandler) // the caller disconnected within its body
		}
		write(rw, a.tooBig())
		return
	}
	rt := route{handle: a.notFound}
	for _, candidate := range a.routes {
		if params, ok := match(candidate.pattern, path); ok && candidate.method == r.Method {
			rt, c.params = candidate, params
			break
		}
	}
	what := r.Method + " /" + strings.Join(path, "/")

	c.at = w.lock()
	slow := w.strike(a.platform, what, func(f *Fault) bool { return f.Kind == Latency })
	w.unlock()
	if slow != nil && !w.wait(r, slow.Delay) {
		return
	}
	d := w.decide(a, rt, c, what)
	switch {
	case d.fault != nil && d.fault.instead():
		instead(rw, a, d.fault)
		return
	case d.free:
		d.answer = rt.handle(c)
	}
	if d.fault != nil {
		after(rw, d.fault, d.answer)
		return
	}
	write(rw, d.answer)
}

// decision is the result of admitting a call.
type decision struct {
	answer answer
	fault  *Fault
	free   bool // the call was admitted and runs without the lock
}

// decide admits a call and runs it, unless a fault replaces it or the call is a free one.
func (w *World) decide(a *api, rt route, c *call, what string) (d decision) {
	c.at = w.lock()
	defer w.unlock()
	if refused := a.admit(c, rt); refused != nil {
		d.answer = *refused
		return d
	}
	if d.fault = w.callFault(a.platform, what, rt.presence); d.fault != nil && d.fault.instead() {
		return d
	}
	if rt.body != nil {
		var err error
		if c.in, err = parseBody(c.body, rt.body); err != nil {
			d.answer = a.malformed(err)
			return d
		}
	}
	if d.free = rt.free; !d.free {
		d.answer = rt.handle(c)
		w.runDue()
	}
	return d
}

// instead reports whether a fault replaces the effect.
func (f *Fault) instead() bool {
	switch f.Kind {
	case RateLimit, ServerError, PresenceError, HTML, ErrorWith200, DropConnection:
		return true
	}
	return false
}

// instead answers a call that a fault replaces.
func instead(rw http.ResponseWriter, a *api, f *Fault) {
	switch f.Kind {
	case RateLimit:
		write(rw, a.limited(f.Delay))
	case HTML:
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(rw, "<!doctype html><title>Sign in</title><p>Sign in to the network to continue.</p>")
	case ErrorWith200:
		write(rw, ok(map[string]any{"error": "server-error", "info": "an error occurred"}))
	case DropConnection:
		panic(http.ErrAbortHandler)
	default:
		write(rw, a.failing(statusOr(f, 500)))
	}
}

// after applies the faults that spoil the answer to a call that took effect.
func after(rw http.ResponseWriter, f *Fault, ans answer) {
	switch f.Kind {
	case DropAfterEffect:
		panic(http.ErrAbortHandler)
	case ErrorAfterEffect:
		write(rw, answer{status: statusOr(f, 502), body: map[string]any{"error": "server-error", "info": "bad gateway"}})
	case CutJSON:
		if ans.body == nil {
			write(rw, ans)
			return
		}
		whole := compact(ans.body)
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.WriteHeader(ans.status)
		_, _ = rw.Write(whole[:len(whole)/2])
	default:
		write(rw, ans)
	}
}

func statusOr(f *Fault, status int) int {
	if f.Status != 0 {
		return f.Status
	}
	return status
}

// wait waits for d of the world's clock. It returns false if the caller disconnects or the world is closed.
func (w *World) wait(r *http.Request, d time.Duration) bool {
	t := w.clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.Chan():
		return true
	case <-r.Context().Done():
	case <-w.ctx.Done():
	}
	return false
}

// baseOf returns the scheme and host for the links in an answer.
func (w *World) baseOf(r *http.Request) string {
	if w.opt.BaseURL != "" {
		return strings.TrimRight(w.opt.BaseURL, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func write(rw http.ResponseWriter, a answer) {
	for k, v := range a.header {
		rw.Header()[k] = v
	}
	if a.text != "" {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.WriteHeader(a.status)
		_, _ = io.WriteString(rw, a.text)
		return
	}
	if a.body == nil {
		rw.WriteHeader(a.status)
		return
	}
	body := compact(a.body)
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(a.status)
	// The caller may have disconnected; there is no one to report to.
	_, _ = rw.Write(body)
}

// compact returns JSON as JavaScript's JSON.stringify writes it: without white space, <>& unescaped.
//
// It is for the sandbox's own values, which always encode; others go through encode.
func compact(v any) []byte {
	b, err := encode(v)
	if err != nil {
		panic(err)
	}
	return b
}

func encode(v any) ([]byte, error) {
	b, err := plain.Stringify(v)
	if err != nil {
		return nil, fmt.Errorf("sandbox: encode %T: %w", v, err)
	}
	return b, nil
}

// bearer returns the key of an Authorization header; ok is false if the header is missing or malformed.
func bearer(r *http.Request) (string, bool) {
	scheme, key, found := strings.Cut(r.Header.Get("Authorization"), " ")
	return key, found && strings.EqualFold(scheme, "Bearer") && key != "" && !strings.ContainsAny(key, " \t")
}
