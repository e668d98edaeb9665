package relayclient_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/tunneltest"
)

// house is a real relay in this process.
type house struct {
	t      testing.TB
	server *relay.Server
	token  relay.NewToken
	addr   string
	hooks  []relay.Hook
}

func newHouse(t testing.TB, change func(*relay.Options), policies ...spool.Policy) *house {
	t.Helper()
	o := relay.Options{Dir: t.TempDir(), Rate: -1, PerHook: 512, Concurrent: 1024, Body: 64 << 20, Version: "test"}
	if change != nil {
		change(&o)
	}
	s, err := relay.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, server: s, addr: l.Addr().String()}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	if h.token, err = s.CreateToken(t.Context(), "laptop", false); err != nil {
		t.Fatal(err)
	}
	for i, policy := range policies {
		made := h.token.Hook
		if i == 0 {
			made, err = s.SetPolicy(t.Context(), made.ID, policy)
		} else {
			made, err = s.CreateHook(t.Context(), fmt.Sprint("more-", i), "laptop", policy)
		}
		if err != nil {
			t.Fatal(err)
		}
		h.hooks = append(h.hooks, made)
	}
	return h
}

// open connects to it, or to it by way of addr.
func (h *house) open(o relayclient.Options, local tunnel.Local, addr ...string) *opened {
	h.t.Helper()
	o.URL, o.Token = "http://"+append(addr, h.addr)[0], h.token.Secret
	tun, err := relayclient.New(o).Open(h.t.Context(), local)
	if err != nil {
		h.t.Fatal(err)
	}
	op := &opened{t: h.t, Tunnel: tun}
	h.t.Cleanup(op.close)
	return op
}

func (h *house) url(hook int) string { return "http://" + h.addr + "/h/" + h.hooks[hook].ID }

// sender posts to a hook.
func (h *house) sender(l *tunneltest.Ledger, number, hook int) *tunneltest.Sender {
	s := l.Sender(number, h.hooks[hook].ID, h.url(hook)+"/test?x=1")
	h.t.Cleanup(s.Close)
	return s
}

// got waits until a store has n requests.
func (s *store) got(t testing.TB, n int) []tunnel.Envelope {
	t.Helper()
	late := time.After(3 * patience)
	for {
		s.mu.Lock()
		kept := s.kept
		s.mu.Unlock()
		if len(kept) >= n {
			return kept
		}
		select {
		case <-s.changed:
		case <-late:
			t.Fatalf("%d of %d requests came", len(kept), n)
		}
	}
}

// As relay and client do it together: the sender hears what the listener here answers, with its text.
func TestASenderHearsTheAnswer(t *testing.T) {
	h, s := newHouse(t, nil, spool.PolicySync), newStore()
	o := h.open(relayclient.Options{}, s.local())
	st := o.live()
	if st.URL != h.url(0) || !st.StoreAndForward {
		t.Errorf("%+v", st)
	}
	s.answers(func([]tunnel.Envelope) ([]tunnel.Answer, error) {
		return []tunnel.Answer{{Stored: true, Status: 401, Text: "who are you?"}}, nil
	})
	if status, text := h.sender(tunneltest.NewLedger(), 1, 0).Post([]byte("hello")); status != 401 || text != "who are you?\n" {
		t.Errorf("answered %d %q", status, text)
	}
	e := s.got(t, 1)[0]
	if e.Method != "POST" || e.Target != "/test?x=1" || string(e.Body) != "hello" || e.Header.Get(tunneltest.IDHeader) != "1-1" ||
		e.Header.Get("Host") == "" || !strings.HasPrefix(e.Remote, "127.0.0.1") || time.Since(e.ReceivedAt).Abs() > time.Minute {
		t.Errorf("%+v", e)
	}
}

// A burst with a window of one.
func TestABurstThroughAWindowOfOne(t *testing.T) {
	const senders, each = 50, 200
	h, s, l := newHouse(t, nil, spool.PolicyAck), newStore(), tunneltest.NewLedger()
	var all sync.WaitGroup
	for n := range senders {
		all.Go(func() {
			s := h.sender(l, n, 0)
			for range each {
				if status, text := s.Post([]byte("x")); status != 200 {
					t.Errorf("answered %d: %s", status, text)
					return
				}
			}
		})
	}
	all.Wait()
	h.open(relayclient.Options{Window: 1, WindowBytes: 1, MaxBody: 1}, s.local())
	got := s.got(t, senders*each)
	ids, was := map[string]bool{}, cursor.Position{}
	for _, e := range got {
		if ids[e.ID] || !was.Before(e.Position) {
			t.Fatalf("%s comes twice or out of order", e.ID)
		}
		ids[e.ID], was = true, cursor.Position{Epoch: e.Epoch, Seq: e.Seq}
	}
	if len(got) != senders*each {
		t.Errorf("%d came", len(got))
	}
}

// Two programs with one store's name: the later one receives, the earlier one waits and takes over when it ends.
func TestTwoClientsOfOneDevice(t *testing.T) {
	h, s, l := newHouse(t, nil, spool.PolicyAck), newStore(), tunneltest.NewLedger()
	first := h.open(relayclient.Options{}, s.local())
	first.live()
	send := h.sender(l, 1, 0)
	send.Post([]byte("1"))
	s.got(t, 1)
	second := h.open(relayclient.Options{}, s.local())
	second.live()
	first.degraded("another program with this store")
	send.Post([]byte("2"))
	s.got(t, 2)
	second.close()
	first.live()
	send.Post([]byte("3"))
	if got := s.got(t, 3); len(got) != 3 || string(got[2].Body) != "3" {
		t.Errorf("%d came", len(got))
	}
}

// Another device must not receive what the first one does.
func TestTwoDevicesWithOneToken(t *testing.T) {
	h, s := newHouse(t, nil, spool.PolicyAck), newStore()
	first := h.open(relayclient.Options{}, s.local())
	first.live()
	local := newStore().local()
	local.Device = "device-2"
	second := h.open(relayclient.Options{}, local)
	second.degraded("another device receives this token's requests")
	first.close()
	second.live()
}

// Hooks that are made and tokens that are revoked while it is connected.
func TestWhatTheRelaysOwnerChanges(t *testing.T) {
	h, s, l := newHouse(t, nil, spool.PolicyAck), newStore(), tunneltest.NewLedger()
	o := h.open(relayclient.Options{}, s.local())
	o.live()
	made, err := h.server.CreateHook(t.Context(), "more", "laptop", spool.PolicySync)
	if err != nil {
		t.Fatal(err)
	}
	h.hooks = append(h.hooks, made)
	send := h.sender(l, 1, 1)
	send.Post([]byte("x"))
	if e := s.got(t, 1)[0]; e.Hook != made.ID {
		t.Errorf("%+v", e)
	}
	o.live()
	if _, err := h.server.RevokeToken(t.Context(), "laptop"); err != nil {
		t.Fatal(err)
	}
	o.degraded("the relay refuses the token")
}

// A body that is larger than this end takes doesn't keep those behind it.
func TestTheRelayTakesMoreThanTheClient(t *testing.T) {
	h, s, l := newHouse(t, nil, spool.PolicyAck), newStore(), tunneltest.NewLedger()
	send := h.sender(l, 1, 0)
	send.Post(tunneltest.Random(5 << 20))
	send.Post([]byte("behind it"))
	h.open(relayclient.Options{MaxBody: 1 << 20, WindowBytes: 1 << 20}, s.local())
	got := s.got(t, 2)
	if got[0].Missing != "its body of 5242880 bytes is larger than 1048576" || len(got[0].Body) != 0 || string(got[1].Body) != "behind it" {
		t.Errorf("%q, then %q", got[0].Missing, got[1].Body)
	}
}

// Through a narrow line a small request of another hook arrives while a large one is still on its way.
func TestSmallRequestsPassLargeOnes(t *testing.T) {
	const large = 25 << 20
	h, s, l := newHouse(t, nil, spool.PolicyAck, spool.PolicyAck), newStore(), tunneltest.NewLedger()
	v := newValve(t, h.addr)
	v.limit(1 << 20)
	h.open(relayclient.Options{}, s.local(), v.l.Addr().String()).live()
	big := tunneltest.Random(large)
	h.sender(l, 1, 0).Post(big)
	v.passed(t, 1<<20)
	h.sender(l, 2, 1).Post(tunneltest.Random(1024))
	v.limit(1 << 40)
	got := s.got(t, 2)
	if got[0].Hook != h.hooks[1].ID || string(got[1].Body) != string(big) {
		t.Errorf("%d bytes came first", len(got[0].Body))
	}
}
