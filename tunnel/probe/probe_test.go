package probe_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/tunnel/probe"
)

// listener answers as the local listener does: 2xx to probes that are waited for, 404 to everything else.
func listener(p *probe.Prober) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.Arrived(r.RequestURI) {
			http.NotFound(w, r)
		}
	}
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAProbePassesWhenItArrivesAndIsAnswered(t *testing.T) {
	p := probe.New(probe.Options{})
	var target string
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target = r.RequestURI
		if r.Method != http.MethodPost || !probe.Is(target) {
			t.Errorf("%s %s", r.Method, target)
		}
		for range 2 {
			if !p.Arrived(target) {
				t.Error("it isn't waited for, or a proxy that repeats it is answered otherwise")
			}
		}
	}))
	rtt, err := p.Probe(t.Context(), url, false)
	if err != nil || rtt <= 0 {
		t.Errorf("%v after %s", err, rtt)
	}
	if len(strings.TrimPrefix(target, probe.Path)) < 32 {
		t.Errorf("a nonce of less than 128 bits: %s", target)
	}
	for _, unknown := range []string{target, probe.Path, probe.Path + "x", "/hooks/daily", "", strings.TrimPrefix(target, "/")} {
		if p.Arrived(unknown) {
			t.Errorf("%q passes for a probe that is waited for", unknown)
		}
	}
}

func TestProbesDiffer(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	p := probe.New(probe.Options{})
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RequestURI] = true
		mu.Unlock()
		listener(p)(w, r)
	}))
	for range 3 {
		if _, err := p.Probe(t.Context(), url, false); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d paths for 3 probes", len(seen))
	}
}

// A store-and-forward tunnel answers first and hands over later.
func TestAProbeMayArriveAfterItsAnswer(t *testing.T) {
	p := probe.New(probe.Options{})
	spool := make(chan string, 1)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { spool <- r.RequestURI }))
	result := make(chan error, 1)
	go func() {
		_, err := p.Probe(t.Context(), url, true)
		result <- err
	}()
	target := <-spool
	select {
	case err := <-result:
		t.Fatalf("it passed, or failed, before it arrived: %v", err)
	default:
	}
	if !p.Arrived(target) {
		t.Error("it isn't waited for")
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}

func TestFailuresSayWhy(t *testing.T) {
	page := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	quiet := func(s *httptest.Server) *httptest.Server {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		return s
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	selfSigned := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
	selfSigned.StartTLS()
	defer selfSigned.Close()
	plainHTTP := serve(t, http.NotFoundHandler())

	for _, test := range []struct {
		name string
		url  string
		// answer serves the request, where url is empty; arrive reports it to the prober first.
		answer http.HandlerFunc
		arrive bool
		kind   probe.Kind
		says   string
	}{
		{name: "no URL", url: "not a url", kind: probe.BadURL, says: "not a valid URL"},
		{name: "no host", url: "https://", kind: probe.BadURL, says: "not a valid URL"},
		{name: "refused", url: "http://" + closed.Addr().String(), kind: probe.Refused, says: "nothing is listening there"},
		{name: "unknown name", url: "http://nowhere.invalid", kind: probe.DNS, says: "nowhere.invalid"},
		{name: "self-signed", url: selfSigned.URL, kind: probe.TLS, says: "certificate of 127.0.0.1 is not valid"},
		{name: "no TLS", url: strings.Replace(plainHTTP, "http:", "https:", 1), kind: probe.TLS, says: "http://"},
		{name: "gateway", answer: page(502, "<html><title>Bad Gateway</title>"), kind: probe.Answer, says: "no connection to this machine"},
		{name: "unknown tunnel", answer: page(404, "<title>Tunnel \x1b[31mnot\x1b[0m found</title>"), kind: probe.Answer, says: "404 with a page “Tunnel ␛[31mnot"},
		{name: "redirect", answer: http.RedirectHandler("https://login.example/x?secret=1", http.StatusFound).ServeHTTP, kind: probe.Answer, says: "redirects (302) to https://login.example instead"},
		{name: "warning page", answer: page(200, "<!DOCTYPE html><title> Are you\n sure? </title>"), kind: probe.Answer, says: "itself answered 200 with a page “Are you sure?”"},
		{name: "page without words", answer: page(200, "<p>"), kind: probe.Answer, says: "with a web page"},
		{name: "another program", answer: func(http.ResponseWriter, *http.Request) {}, kind: probe.Elsewhere, says: "another program or machine"},
		{name: "answer spoilt", arrive: true, answer: page(502, ""), kind: probe.Answer, says: "arrived here, but"},
		{name: "answer lost", arrive: true, answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, kind: probe.Broken, says: "the answer did not get back"},
		{name: "cut off", answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, kind: probe.Broken, says: "failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := probe.New(probe.Options{})
			url := test.url
			if url == "" {
				url = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if test.arrive && !p.Arrived(r.RequestURI) {
						t.Error("not waited for")
					}
					test.answer(w, r)
				}))
			}
			_, err := p.Probe(t.Context(), url, false)
			var e *probe.Error
			if !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(e.Text, test.says) {
				t.Fatalf("got %#v, want %s with %q", err, test.kind, test.says)
			}
			if strings.Contains(e.Text, probe.Path) || strings.ContainsAny(e.Text, "\x1b\n") || strings.Contains(e.Text, "secret") {
				t.Errorf("not for people: %q", e.Text)
			}
		})
	}
}

func TestAProbeTakesItsTimeAtMost(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer bool
		stored bool
		kind   probe.Kind
	}{
		{"no answer", false, false, probe.Slow},
		{"taken and kept", true, true, probe.Late},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := probe.New(probe.Options{Timeout: 50 * time.Millisecond})
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !test.answer {
					gone(r)
				}
			}))
			_, err := p.Probe(t.Context(), url, test.stored)
			var e *probe.Error
			if !errors.As(err, &e) || e.Kind != test.kind {
				t.Errorf("%v", err)
			}
		})
	}
}

// gone waits until the client has hung up, which net/http notices once the body is read.
func gone(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestAProbeCanBeCancelled(t *testing.T) {
	p := probe.New(probe.Options{Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		gone(r)
	}))
	if _, err := p.Probe(ctx, url, false); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAnAuthorityOfOnesOwn(t *testing.T) {
	roots := x509.NewCertPool()
	p := probe.New(probe.Options{TLS: &tls.Config{RootCAs: roots}})
	s := httptest.NewTLSServer(listener(p))
	defer s.Close()
	roots.AddCert(s.Certificate())
	if _, err := p.Probe(t.Context(), s.URL, false); err != nil {
		t.Error(err)
	}
}

// An endless answer is not read to its end.
func TestAnAnswerIsNotReadToItsEnd(t *testing.T) {
	p := probe.New(probe.Options{})
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Arrived(r.RequestURI)
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}))
	if _, err := p.Probe(t.Context(), url, false); err != nil {
		t.Error(err)
	}
}
