package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/plain"
	"greenroom/provider"
)

// call is one API request.
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

// answer is a handler's answer, before faults.
type answer struct {
	status int
	body   any    // nil for none
	text   string // a body that isn't JSON
	header http.Header
	cut    bool // only half of the body is sent
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// refusal returns an answer that ends a call before its handler.
func (a answer) refusal() *answer { return &a }

// on returns the handlers of calls about a thing: find finds the thing, and missing is the answer if there is none.
func on[T any](find func(*call) (T, bool), missing func(*call) answer) func(handle func(*call, T) answer) func(*call) answer {
	return func(handle func(*call, T) answer) func(*call) answer {
		return func(c *call) answer {
			thing, there := find(c)
			if !there {
				return missing(c)
			}
			return handle(c, thing)
		}
	}
}

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
	// failing is the answer of a failing server.
	failing func(status int) answer
	// headers are those of every handler's answer; nil for none.
	headers func(*call) http.Header
}

// handler serves one platform's API at the root, and the pages and files that its answers link to.
func (w *World) handler(a *api) http.Handler {
	return w.withPages(func(rw http.ResponseWriter, r *http.Request) { w.serve(a, rw, r) })
}

// retryAfter returns the header for a wait, rounded up to seconds.
func retryAfter(d time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int((d + time.Second - 1) / time.Second))}}
}

// serverError is the error of a failing server, in the form of Daily's.
func serverError(status int) answer { return dailyError(status, "server-error", "an error occurred") }

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
	write(rw, d.answer.spoil(d.fault))
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
		if a.headers != nil {
			d.answer.header = a.headers(c)
		}
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
		write(rw, serverError(200))
	case DropConnection:
		panic(http.ErrAbortHandler)
	default:
		write(rw, a.failing(cmp.Or(f.Status, 500)))
	}
}

// spoil applies a fault to the answer of a call that has taken effect.
func (a answer) spoil(f *Fault) answer {
	switch {
	case f == nil:
	case f.Kind == DropAfterEffect:
		panic(http.ErrAbortHandler)
	case f.Kind == ErrorAfterEffect:
		return dailyError(cmp.Or(f.Status, 502), "server-error", "bad gateway")
	case f.Kind == CutJSON && a.body != nil:
		a.cut = true
	}
	return a
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
	maps.Copy(rw.Header(), a.header)
	body := []byte(a.text)
	switch {
	case a.text != "":
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	case a.body != nil:
		body = compact(a.body)
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if a.cut {
		rw.Header().Del("Content-Length")
		body = body[:len(body)/2]
	}
	rw.WriteHeader(a.status)
	// The caller may have disconnected; there is no one to report to.
	_, _ = rw.Write(body)
}

// compact encodes the sandbox's own values, which always encode.
func compact(v any) []byte {
	b, err := encode(v)
	if err != nil {
		panic(err)
	}
	return b
}

// encode returns JSON as JavaScript's JSON.stringify writes it: without white space, <>& unescaped.
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
