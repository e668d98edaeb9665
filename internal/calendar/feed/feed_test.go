package feed

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/provider"
)

const text = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"

var errRefused = errors.New("refused")

// carrier answers from a handler, for the hosts that it knows.
type carrier struct {
	hosts   map[string]bool
	handler http.HandlerFunc
	asked   []string
}

func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked = append(c.asked, r.URL.String())
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if !c.hosts[r.URL.Hostname()] {
		return nil, errRefused
	}
	w := httptest.NewRecorder()
	c.handler(w, r)
	return w.Result(), nil
}

func reader(h http.HandlerFunc) (*Reader, *carrier, *carrier) {
	public := &carrier{hosts: map[string]bool{"c.example": true, "d.example": true}, handler: h}
	inside := &carrier{hosts: map[string]bool{"127.0.0.1": true, "localhost": true}, handler: h}
	return &Reader{Public: public, Inside: inside, Refused: errRefused}, public, inside
}

func TestAddresses(t *testing.T) {
	for source, want := range map[string]string{
		"https://c.example/a?k=1#x": "https://c.example/a?k=1", "webcal://c.example/a": "https://c.example/a", "http://127.0.0.1:8080/a": "http://127.0.0.1:8080/a",
		"http://[::1]/a": "http://[::1]/a", "http://LOCALHOST/a": "http://LOCALHOST/a", "file:///tmp/a.ics": "file:///tmp/a.ics", "/tmp/a b.ics": "file:///tmp/a%20b.ics",
	} {
		if u, err := Address(source); err != nil || u.String() != want {
			t.Errorf("%s: %v, %v", source, u, err)
		}
	}
	for _, source := range []string{
		"http://c.example/a", "http://10.0.0.1/a", "http://localhost.c.example/", "ftp://c.example/a", "https:///a", "https://user:secret@c.example/", "https://%zz/", "file://elsewhere/a",
	} {
		if u, err := Address(source); !errors.Is(err, provider.Invalid) {
			t.Errorf("%s: %v, %v", source, u, err)
		}
	}
}

func TestVersionsAreAskedFor(t *testing.T) {
	r, _, _ := reader(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT")
		if r.Header.Get("If-None-Match") == `"1"` && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(text))
	})
	got, err := r.Read(t.Context(), "https://c.example/a", calendar.Version{})
	if err != nil || string(got.Body) != text || got.Version.ETag != `"1"` {
		t.Fatal(got, err)
	}
	again, err := r.Read(t.Context(), "https://c.example/a", got.Version)
	if err != nil || !again.Unchanged || again.Version != got.Version {
		t.Error(again, err)
	}
}

func TestRedirectsLeadNowhereInside(t *testing.T) {
	to := ""
	r, public, inside := reader(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begin" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(text))
	})
	for _, test := range []struct {
		from, to string
		want     error
	}{
		{"https://c.example/begin", "https://d.example/a", nil},
		{"https://c.example/begin", "/a", nil},
		{"https://c.example/begin", "http://d.example/a", provider.Forbidden},
		{"https://c.example/begin", "http://127.0.0.1/a", provider.Forbidden},
		{"https://c.example/begin", "https://127.0.0.1/a", provider.Forbidden},
		{"https://c.example/begin", "https://10.0.0.1/a", provider.Forbidden},
		{"https://c.example/begin", "file:///etc/passwd", provider.Forbidden},
		{"https://c.example/begin", "https://user:secret@d.example/a", provider.Forbidden},
		{"http://127.0.0.1/begin", "http://localhost/a", nil},
		{"http://127.0.0.1/begin", "https://d.example/a", nil},
		{"http://127.0.0.1/begin", "http://10.0.0.1/a", provider.Forbidden},
		{"http://127.0.0.1/begin", "https://10.0.0.1/a", provider.Forbidden},
		{"https://10.0.0.1/a", "", provider.Forbidden},
	} {
		to = test.to
		public.asked, inside.asked = nil, nil
		if _, err := r.Read(t.Context(), test.from, calendar.Version{}); !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
		}
		if strings.HasPrefix(test.from, "https") && len(inside.asked) > 0 {
			t.Errorf("%s to %s asked this machine: %v", test.from, test.to, inside.asked)
		}
	}
	to = "/begin"
	if _, err := r.Read(t.Context(), "https://c.example/begin", calendar.Version{}); err == nil || !strings.Contains(err.Error(), "too many times") {
		t.Error(err)
	}
}

// Errors are sentences for people, of a kind, and keep the address secret.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		kind   error
		want   string
	}{
		{"not found", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, provider.NotFound, "has no calendar"},
		{"private", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, provider.Forbidden, "this calendar public"},
		{"broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, nil, "answered 502 Bad Gateway"},
		{"a form", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(" <html>Sign in</html>")) }, calendar.ErrNotCalendar, "a web page"},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(text))
		}, nil, "incomplete"},
	} {
		r, _, _ := reader(test.answer)
		_, err := r.Read(t.Context(), "https://c.example/s3cret?s3cret", calendar.Version{})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "c.example") ||
			test.kind != nil && !errors.Is(err, test.kind) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	r, _, _ := reader(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Read(ctx, "https://c.example/s3cret", calendar.Version{}); !errors.Is(err, provider.Unavailable) || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

func TestTheSizeIsBounded(t *testing.T) {
	r, _, _ := reader(func(w http.ResponseWriter, _ *http.Request) {
		for range 50 {
			_, _ = w.Write(make([]byte, 1<<20))
		}
	})
	got, err := r.Read(t.Context(), "https://c.example/a", calendar.Version{})
	if err != nil || len(got.Body) != calendar.MaxBytes+1 {
		t.Errorf("%d bytes, %v", len(got.Body), err)
	}
}

func TestFiles(t *testing.T) {
	r := &Reader{}
	path := filepath.Join(t.TempDir(), "a b.ics")
	if _, err := r.Read(t.Context(), path, calendar.Version{}); !errors.Is(err, provider.NotFound) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := r.Read(t.Context(), path, calendar.Version{})
	if err != nil || string(got.Body) != text {
		t.Fatal(got, err)
	}
	if again, err := r.Read(t.Context(), "file://"+path, got.Version); err != nil || !again.Unchanged {
		t.Error(again, err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if again, err := r.Read(t.Context(), path, got.Version); err != nil || again.Unchanged {
		t.Error(again, err)
	}
	if _, err := r.Read(t.Context(), filepath.Dir(path), calendar.Version{}); err == nil || app.AsError(err).Kind == provider.NotFound {
		t.Errorf("a folder: %v", err)
	}
}
