package ngrok

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
	"greenroom/tunnel/tunneltest"
)

const (
	patience = 30 * time.Second
	token    = "2abcDEFsecret_4tOkEn"
)

type opened struct{ *tunneltest.Opened }

func begin(t *testing.T, o Options, local net.Addr) *opened {
	t.Helper()
	if o.Authtoken == "" {
		o.Authtoken = token
	}
	op := &opened{tunneltest.Open(t, New(o), tunnel.Local{Addr: local})}
	t.Cleanup(func() {
		if strings.Contains(op.Log.String(), token) || strings.Contains(op.Last.Reason, token) {
			t.Error("the authtoken is in the log, or on the screen")
		}
	})
	return op
}

func (o *opened) in(state tunnel.State, words string) tunnel.Status {
	o.T.Helper()
	return o.Until(string(state)+": "+words, func(s tunnel.Status) bool { return s.State == state && strings.Contains(s.Reason, words) })
}

// listener is a local HTTP server that answers with the body it got, and where it was sent.
func listener(t *testing.T) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Target", r.RequestURI)
		w.Header().Set("Hosts", r.Host)
		_, _ = io.Copy(w, r.Body)
	})}
	var group sync.WaitGroup
	group.Add(1)
	go func() { defer group.Done(); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); group.Wait() })
	return l.Addr()
}

// post sends a request through the tunnel as ngrok's edge would.
func (s *stand) post(client *opened, body []byte) (*http.Response, []byte, error) {
	s.t.Helper()
	var dial = func(context.Context, string, string) (net.Conn, error) {
		select {
		case mux := <-s.bound:
			s.bound <- mux
			return open(mux)
		case <-time.After(patience):
			return nil, errors.New("there is no tunnel")
		}
	}
	c := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: patience}
	resp, err := c.Post("http://1a2b.ngrok-free.app/hooks/daily/%2F?x=%20", "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp, got, err
}

func TestConnectionsAreCarried(t *testing.T) {
	s := stands(t)
	o := begin(t, Options{service: &s.service}, listener(t))
	if st := o.in(tunnel.Live, ""); st.URL != "https://1a2b.ngrok-free.app" || st.StoreAndForward || st.Driver != "ngrok" {
		t.Errorf("%+v", st)
	}
	if s.token != token {
		t.Errorf("logged in with %q", s.token)
	}
	for _, size := range []int{0, 1, 200_000} {
		body := bytes.Repeat([]byte{0xff}, size)
		resp, got, err := s.post(o, body)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes: %d came back, %v", size, len(got), err)
		}
		if resp.Header.Get("Target") != "/hooks/daily/%2F?x=%20" || resp.Header.Get("Hosts") != "1a2b.ngrok-free.app" {
			t.Errorf("arrived as %v", resp.Header)
		}
	}
}

func TestADomainIsAskedFor(t *testing.T) {
	s := stands(t)
	s.set(func() { s.url = "https://mine.ngrok.app" })
	o := begin(t, Options{Domain: "mine.ngrok.app", service: &s.service}, listener(t))
	o.in(tunnel.Live, "")
	if o.Last.URL != "https://mine.ngrok.app" || !strings.Contains(s.asked, "mine.ngrok.app") {
		t.Errorf("%+v, asked for %q", o.Last, s.asked)
	}
}

// A wrong authtoken is tried once, and ends the tunnel.
func TestAWrongAuthtokenEndsIt(t *testing.T) {
	s := stands(t)
	s.set(func() {
		s.refuse = "The authtoken you specified is properly formed, but it is invalid.\nYour authtoken: " + token + "\n\nERR_NGROK_107\n"
	})
	o := begin(t, Options{service: &s.service}, listener(t))
	st := o.in(tunnel.Closed, "does not take the authtoken")
	if !strings.Contains(st.Reason, "ERR_NGROK_107") || !strings.Contains(st.Reason, "dashboard.ngrok.com") {
		t.Errorf("%q", st.Reason)
	}
	if _, more := <-o.Status(); more {
		t.Error("the channel is open")
	}
	s.set(func() {
		if s.logins != 1 {
			t.Errorf("%d logins", s.logins)
		}
	})
}

func TestWhatNgrokRefusesForNow(t *testing.T) {
	s := stands(t)
	for _, test := range []struct{ login, bind, says string }{
		{"Your account is limited to 1 simultaneous ngrok agent sessions.\nERR_NGROK_108", "", "stop another one (ERR_NGROK_108)"},
		{"", "You must reserve a custom hostname for your account before it can be bound.\nERR_NGROK_319", "has not reserved that domain"},
		{"", "This is new.\nYour authtoken: " + token + "\nERR_NGROK_9999", "ngrok refuses:"},
		{"We are tired", "", "We are tired"},
	} {
		s.set(func() { s.refuse, s.refuseBind = test.login, test.bind })
		o := begin(t, Options{service: &s.service}, listener(t))
		o.in(tunnel.Degraded, test.says)
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestALostConnectionIsMadeAnew(t *testing.T) {
	s := stands(t)
	clock := clockwork.NewFakeClock()
	o := begin(t, Options{service: &s.service, Clock: clock}, listener(t))
	for i := range 3 {
		o.Each = func() { clock.Advance(50 * time.Millisecond) }
		o.in(tunnel.Live, "")
		body := fmt.Appendf(nil, "round %d", i)
		if _, got, err := s.post(o, body); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%q, %v", got, err)
		}
		o.Each = nil
		s.set(func() { s.url = fmt.Sprintf("https://%d.ngrok-free.app", i) })
		<-s.bound
		s.cut()
		o.in(tunnel.Degraded, "the connection to ngrok failed")
	}
}

func TestAServiceThatDoesNotAnswer(t *testing.T) {
	s := stands(t)
	s.set(func() { s.mute = true })
	clock := clockwork.NewFakeClock()
	o := begin(t, Options{service: &s.service, Clock: clock}, listener(t))
	// It ends streams without an answer, or nothing at all is there.
	o.in(tunnel.Degraded, "the connection to ngrok failed")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent := begin(t, Options{service: &service{l.Addr().String(), s.cas}, Clock: clock, Timeout: time.Second}, listener(t))
	silent.Each = func() { clock.Advance(time.Second) }
	silent.in(tunnel.Degraded, "ngrok did not answer within 1s")

	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	begin(t, Options{service: &service{gone.Addr().String(), s.cas}, Clock: clock}, listener(t)).in(tunnel.Degraded, "connection refused")
	begin(t, Options{service: &service{s.addr, x509.NewCertPool()}, Clock: clock}, listener(t)).in(tunnel.Degraded, "its certificate isn't ngrok's")
}

func TestCloseWhileConnectionsAreOpen(t *testing.T) {
	s := stands(t)
	o := begin(t, Options{service: &s.service}, listener(t))
	o.in(tunnel.Live, "")
	stream, err := open(<-s.bound)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	_ = stream.SetReadDeadline(time.Now().Add(patience))
	var timeout net.Error
	if _, err := stream.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the connection lives on: %v", err)
	}
	o.in(tunnel.Closed, "closed")
}

func TestWhatCannotBeOpened(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	for _, test := range []struct {
		o    Options
		addr net.Addr
		says string
	}{
		{Options{}, addr, "authtoken"},
		{Options{Authtoken: "x", Domain: "a b"}, addr, "no domain"},
		{Options{Authtoken: "x", Domain: "a.ngrok.app/path"}, addr, "no domain"},
		{Options{Authtoken: "x"}, nil, "no local listener"},
	} {
		if _, err := New(test.o).Open(t.Context(), tunnel.Local{Addr: test.addr}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.o, err)
		}
	}
}
