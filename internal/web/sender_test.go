package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhereARequestCameFrom(t *testing.T) {
	for _, c := range []struct {
		name, remote, host, header string
		values                     []string
		want                       string
	}{
		{"a program here", "127.0.0.1:5", "127.0.0.1:7070", "X-Forwarded-For", []string{"9.9.9.9"}, "127.0.0.1"},
		{"from the network", "192.0.2.7:5", "gr.example", "X-Forwarded-For", []string{"9.9.9.9"}, "192.0.2.7"},
		{"through a tunnel that names it", "127.0.0.1:5", "gr.example", "X-Forwarded-For", []string{"6.6.6.6", "7.7.7.7, 9.9.9.9"}, "9.9.9.9"},
		{"IPv6", "[::1]:5", "gr.example", "Cf-Connecting-Ip", []string{"2001:db8::1"}, "2001:db8::1"},
		{"nonsense", "127.0.0.1:5", "gr.example", "X-Forwarded-For", []string{"9.9.9.9, unknown"}, ""},
		{"through another tunnel", "127.0.0.1:5", "gr.example", "", []string{"9.9.9.9"}, ""},
		{"without the header", "127.0.0.1:5", "gr.example", "X-Forwarded-For", nil, ""},
	} {
		l := &Listener{opt: Options{SenderHeader: func() string { return c.header }}}
		r := httptest.NewRequest("GET", "/r/x", nil)
		r.RemoteAddr, r.Host = c.remote, c.host
		for _, v := range c.values {
			r.Header.Add("X-Forwarded-For", v)
			r.Header.Add("Cf-Connecting-Ip", v)
		}
		if got := l.sender(r); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
	if got := new(Listener).sender(httptest.NewRequest("GET", "http://gr.example/", nil)); got != "192.0.2.1" {
		t.Errorf("%q", got)
	}
}

// one serves one page.
type one struct{ senders []string }

func (o *one) ServePage(w http.ResponseWriter, r *http.Request, sender string) bool {
	o.senders = append(o.senders, sender)
	if r.URL.Path != "/r/known" {
		return false
	}
	w.WriteHeader(http.StatusTeapot)
	return true
}

func TestPagesAreBesideTheHooks(t *testing.T) {
	s, o := &sink{}, &one{}
	l := listen(t, s, func(opt *Options) { opt.Pages = o })
	for path, want := range map[string]int{"/r/known": 418, "/r/unknown": 404, "/r": 404, "/hooks/daily": 405} {
		if resp := request(t, "GET", l.URL()+path, "", nil); resp.StatusCode != want {
			t.Errorf("%s: %d, not %d", path, resp.StatusCode, want)
		}
	}
	if resp := request(t, "GET", l.URL()+"/r/known", "evil.example", nil); resp.StatusCode != 404 {
		t.Errorf("under another host's name: %d", resp.StatusCode)
	}
	if strings.Join(o.senders, " ") != "127.0.0.1 127.0.0.1" {
		t.Errorf("%q", o.senders)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) != 4 {
		t.Errorf("%d requests were recorded as refused", len(s.refused))
	}
}
