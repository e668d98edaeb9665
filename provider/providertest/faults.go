package providertest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// faulty is a transport that injects a fault into the first matching calls and counts them.
type faulty struct {
	next  http.RoundTripper
	match func(*http.Request) bool
	times int
	spoil func(r *http.Request, next http.RoundTripper) (*http.Response, error)

	mu   sync.Mutex
	seen int
}

// fault wraps a transport; count returns how many calls matched.
func fault(match func(*http.Request) bool, times int,
	spoil func(*http.Request, http.RoundTripper) (*http.Response, error),
) (wrap func(http.RoundTripper) http.RoundTripper, count func() int) {
	f := &faulty{match: match, times: times, spoil: spoil}
	wrap = func(next http.RoundTripper) http.RoundTripper {
		f.next = next
		return f
	}
	count = func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.seen
	}
	return wrap, count
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.match(r) {
		return f.next.RoundTrip(r)
	}
	f.mu.Lock()
	f.seen++
	n := f.seen
	f.mu.Unlock()
	if n > f.times {
		return f.next.RoundTrip(r)
	}
	return f.spoil(r, f.next)
}

// creation matches the calls that create a meeting.
func creation(r *http.Request) bool {
	return r.Method == http.MethodPost && slices.ContainsFunc([]string{"/rooms", "/meetings", "/CreateRoom"}, func(end string) bool {
		return strings.HasSuffix(r.URL.Path, end)
	})
}

// presence matches the calls that read presence.
func presence(r *http.Request) bool {
	if r.Method == http.MethodPost {
		return strings.HasSuffix(r.URL.Path, "/ListParticipants") || strings.HasSuffix(r.URL.Path, "/ListRooms")
	}
	return r.Method == http.MethodGet &&
		(strings.Contains(r.URL.Path, "/presence") || strings.Contains(r.URL.Path, "/insights/"))
}

var errReset = errors.New("read: connection reset by peer")

// lose lets the platform act and loses its answer.
func lose(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return nil, errReset
}

// loseBefore loses the request.
func loseBefore(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return nil, errReset
}

// cutShort lets the platform act and passes on half of its answer.
func cutShort(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), brokenOff{}))
	return resp, nil
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// gateway lets the platform act and answers like a gateway that timed out.
func gateway(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	if _, err := lose(r, next); !errors.Is(err, errReset) {
		return nil, err
	}
	return answer(r, http.StatusGatewayTimeout, "text/html", "<html><title>504 Gateway Time-out</title></html>"), nil
}

// answering answers in the platform's place.
func answering(status int, contentType, body string, header ...string) func(*http.Request, http.RoundTripper) (*http.Response, error) {
	return func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		resp := answer(r, status, contentType, body)
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

func answer(r *http.Request, status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}
