package ngrok

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.ngrok.com/muxado/v2"
)

func TestMain(m *testing.M) {
	// After it is closed, the SDK sleeps out its pauses before it notices.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*reconnectingSession).connect"),
		goleak.IgnoreAnyFunction("golang.ngrok.com/muxado/v2.(*Heartbeat).requester"))
}

// The requests of the SDK's protocol: JSON over a typed stream.
const (
	authRequest   muxado.StreamType = 0
	bindRequest   muxado.StreamType = 1
	unbindRequest muxado.StreamType = 2
	proxyRequest  muxado.StreamType = 3
)

// stand is a server that speaks the protocol between ngrok's agents and ngrok, as far as the driver needs it.
type stand struct {
	t *testing.T
	service
	listen net.Listener
	config *tls.Config
	group  sync.WaitGroup

	mu sync.Mutex
	// refuse is what a login is refused with, refuseBind what a tunnel is; mute never answers.
	refuse, refuseBind string
	mute               bool
	// url is the tunnel's; asked is the one that was asked for, token the authtoken of the last login.
	url, asked, token string
	logins            int
	conns             map[net.Conn]bool
	// bound tells of each tunnel.
	bound chan muxado.TypedStreamSession
}

func stands(t *testing.T) *stand {
	t.Helper()
	// Only for its certificate, which is good for example.com and 127.0.0.1.
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	cas := x509.NewCertPool()
	cas.AddCert(web.Certificate())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{
		t: t, service: service{addr: l.Addr().String(), cas: cas}, listen: l, config: &tls.Config{Certificates: web.TLS.Certificates},
		url: "https://1a2b.ngrok-free.app", conns: map[net.Conn]bool{}, bound: make(chan muxado.TypedStreamSession, 100),
	}
	s.group.Add(1)
	go func() {
		defer s.group.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.set(func() { s.conns[c] = true })
			s.group.Add(1)
			go func() {
				defer s.group.Done()
				defer c.Close()
				s.serve(c)
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		s.cut()
		s.group.Wait()
	})
	return s
}

func (s *stand) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *stand) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
	clear(s.conns)
}

func (s *stand) serve(c net.Conn) {
	mux := muxado.NewHeartbeat(muxado.NewTypedStreamSession(muxado.Server(tls.Server(c, s.config), nil)), func(time.Duration, bool) {}, muxado.NewHeartbeatConfig())
	mux.Start()
	defer mux.Close()
	for {
		stream, err := mux.AcceptTypedStream()
		if err != nil {
			return
		}
		s.group.Add(1)
		go func() {
			defer s.group.Done()
			s.answer(mux, stream)
		}()
	}
}

func (s *stand) answer(mux muxado.TypedStreamSession, stream muxado.TypedStream) {
	defer stream.Close()
	var in struct {
		ClientID string `json:"ClientId"`
		Proto    string
		Opts     struct{ URL, Domain, Hostname string }
		Extra    struct{ Authtoken string }
	}
	if err := json.NewDecoder(stream).Decode(&in); err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mute {
		return
	}
	out := map[string]any{}
	switch stream.StreamType() {
	case authRequest:
		s.logins++
		s.token = in.Extra.Authtoken
		out["Version"], out["ClientId"], out["Error"] = "3", "client", s.refuse
	case bindRequest:
		s.asked = in.Opts.URL
		if s.asked == "" {
			s.asked = in.Opts.Domain + in.Opts.Hostname
		}
		out["Id"], out["URL"], out["Proto"], out["Opts"], out["Error"] = "tunnel", s.url, in.Proto, map[string]any{}, s.refuseBind
		if s.refuseBind == "" {
			s.bound <- mux
		}
	case unbindRequest:
	default:
		return
	}
	if err := json.NewEncoder(stream).Encode(out); err != nil {
		s.t.Log(err)
	}
}

// open sends a connection through the tunnel.
func open(mux muxado.TypedStreamSession) (muxado.Stream, error) {
	stream, err := mux.OpenTypedStream(proxyRequest)
	if err != nil {
		return nil, err
	}
	head := []byte(`{"Id":"tunnel","ClientAddr":"192.0.2.1:5","Proto":"https","EdgeType":"3"}`)
	if err := binary.Write(stream, binary.LittleEndian, int64(len(head))); err != nil {
		return nil, err
	}
	if _, err := stream.Write(head); err != nil {
		return nil, fmt.Errorf("write the head: %w", err)
	}
	return stream, nil
}
