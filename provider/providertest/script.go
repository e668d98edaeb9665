package providertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Script is a server that gives prepared answers and records the requests. An unexpected call fails the test.
type Script struct {
	URL string
	t   testing.TB

	mu      sync.Mutex
	answers map[string][]Answer
	asked   []Asked
}

// Answer is one prepared answer. The last one of a call is repeated.
type Answer struct {
	Status int
	Body   string
	// Header is pairs of names and values. The default type is JSON.
	Header []string
}

// Asked is one request that a script received.
type Asked struct {
	// Call is method and path: "GET /rooms/demo". Query is raw.
	Call, Query string
	Header      http.Header
	Body        string
}

// NewScript starts a script; the keys are method and path.
func NewScript(t testing.TB, answers map[string][]Answer) *Script {
	t.Helper()
	s := &Script{t: t, answers: answers}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// JSON returns an answer with status 200.
func JSON(body string) Answer { return Answer{Status: http.StatusOK, Body: body} }

// Lost is an answer that never arrives: the connection breaks.
func Lost() Answer { return Answer{} }

// ServeHTTP sends the next answer.
func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("read request: %v", err)
	}
	call := r.Method + " " + r.URL.EscapedPath()
	s.mu.Lock()
	s.asked = append(s.asked, Asked{Call: call, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: string(body)})
	list := s.answers[call]
	if len(list) > 1 {
		s.answers[call] = list[1:]
	}
	s.mu.Unlock()
	if len(list) == 0 {
		s.t.Errorf("unexpected call %s?%s %s", call, r.URL.RawQuery, body)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if list[0].Status == 0 {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(list[0].Header); i += 2 {
		w.Header().Set(list[0].Header[i], list[0].Header[i+1])
	}
	w.WriteHeader(list[0].Status)
	_, _ = io.WriteString(w, list[0].Body)
}

// Asked returns the requests so far, in order.
func (s *Script) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Calls returns the calls so far, in order, separated by commas.
func (s *Script) Calls() string {
	var out []string
	for _, a := range s.Asked() {
		out = append(out, a.Call)
	}
	return strings.Join(out, ", ")
}
