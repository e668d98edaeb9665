package hub

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
	"greenroom/provider/sandbox"
	"greenroom/provider/whereby"
	"greenroom/store"
)

// sandboxed is the hub with real providers of both platforms, against the sandbox over HTTP, all on one fake clock.
type sandboxed struct {
	*Hub
	t     *testing.T
	world *sandbox.World
	clock *clockwork.FakeClock
	polls []*presencePoller
	ends  []*endWatcher
	// others are the turns of the other readers, by name; those that a test takes out don't run.
	others map[string]func(context.Context)
	hooks  *delivery
	opt    Options
}

// delivery carries the world's webhooks to the hub, without a listener.
type delivery struct {
	mu  sync.Mutex
	hub *Hub
}

func (d *delivery) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	h := d.hub
	d.mu.Unlock()
	if h == nil {
		return nil, errors.New("nothing listens")
	}
	a, err := h.Ingest(context.Background(), app.Inbound{
		Account: strings.TrimPrefix(r.URL.Path, "/"), Method: r.Method, Target: r.URL.Path, Header: r.Header, Body: body,
		ReceivedAt: h.clock.Now(),
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: a.Status, Status: http.StatusText(a.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.Text)), Request: r,
	}, nil
}

func newSandboxed(t *testing.T, tune ...func(*provider.Account)) *sandboxed {
	t.Helper()
	s := &sandboxed{t: t, clock: clockwork.NewFakeClockAt(time.Now()), hooks: &delivery{}}
	s.world = sandbox.New(sandbox.Options{
		Clock: s.clock, PresenceLag: 25 * time.Second, NoRateLimits: true, Transport: s.hooks,
	})
	n, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.world.Serve(n) }()
	base := "http://" + n.Addr().String()
	var accounts []Account
	add := func(a provider.Account, open func(provider.Account) (provider.Provider, error)) {
		t.Helper()
		for _, f := range tune {
			f(&a)
		}
		p, err := open(a)
		if err != nil {
			t.Fatal(err)
		}
		accounts = append(accounts, Account{Account: a, Provider: p})
	}
	// Back-off takes no time here, so that a turn of a poller is over when it returns.
	clock := providertest.NewClock(s.clock.Now())
	add(provider.Account{Name: "daily", Platform: provider.Daily, APIKey: sandbox.DailyKey, APIURL: base + "/daily/v1",
		WebhookSecret: sandbox.DailyWebhookSecret}, func(a provider.Account) (provider.Provider, error) {
		return daily.New(a, daily.Options{Clock: clock})
	})
	add(provider.Account{Name: "whereby", Platform: provider.Whereby, APIKey: sandbox.WherebyKey, APIURL: base + "/whereby/v1",
		WebhookSecret: sandbox.WherebyWebhookSecret}, func(a provider.Account) (provider.Provider, error) {
		return whereby.New(a, whereby.Options{Clock: clock})
	})
	s.opt = Options{
		Store: store.Options{Path: filepath.Join(t.TempDir(), store.FileName)}, Accounts: accounts, Clock: s.clock,
	}
	s.open()
	t.Cleanup(func() {
		if err := s.Hub.Close(); err != nil {
			t.Error(err)
		}
		if err := s.world.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

// open opens the hub, again after close, as a program that starts.
func (s *sandboxed) open() {
	s.t.Helper()
	var err error
	if s.Hub, err = Open(s.opt); err != nil {
		s.t.Fatal(err)
	}
	s.polls, s.ends, s.others = nil, nil, make(map[string]func(context.Context))
	for _, a := range s.order {
		s.polls = append(s.polls, newPresencePoller(s.Hub, a))
		s.ends = append(s.ends, newEndWatcher(s.Hub, a))
		if o, ok := newSweeper(s.Hub, a); ok {
			s.others["sweep "+a.Name] = o.turn
		}
		if o, ok := newAutoRecorder(s.Hub, a); ok {
			s.others["record "+a.Name] = o.turn
		}
		if o, ok := newRecordingPoller(s.Hub, a); ok {
			s.others["recordings "+a.Name] = o.turn
		}
		if o, ok := newHistorian(s.Hub, a); ok {
			s.others["history "+a.Name] = o.turn
		}
	}
	s.started.Store(true) // the turns above are what Start would start
}

func (s *sandboxed) listen() {
	s.t.Helper()
	s.hooks.mu.Lock()
	s.hooks.hub = s.Hub
	s.hooks.mu.Unlock()
	for _, a := range s.order {
		if _, err := s.world.SetWebhook(a.Platform, "http://hook.example/"+a.Name, ""); err != nil {
			s.t.Fatal(err)
		}
	}
}

// pass lets time pass, with all pollers' turns each second.
func (s *sandboxed) pass(d time.Duration) {
	s.t.Helper()
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end); {
		s.step()
	}
}

func (s *sandboxed) step() {
	s.t.Helper()
	if err := s.world.Settle(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.clock.Advance(time.Second)
	if err := s.world.Settle(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	for _, p := range s.polls {
		p.turn(s.t.Context())
	}
	for _, e := range s.ends {
		e.turn(s.t.Context())
	}
	for _, name := range slices.Sorted(maps.Keys(s.others)) {
		s.others[name](s.t.Context())
	}
}

func (s *sandboxed) start(account string) app.StartedMeeting {
	s.t.Helper()
	if _, err := s.CreateRoom(context.Background(), app.RoomSpec{Name: "room on " + account, Account: account, Size: 50}); err != nil {
		s.t.Fatal(err)
	}
	m, err := s.StartMeeting(context.Background(), app.StartMeeting{Room: "room on " + account})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// until lets time pass, second by second with the pollers' turns, until the meeting is as wanted; it returns how long that
// took.
func (s *sandboxed) until(id string, most time.Duration, want func(app.MeetingDetail) bool) time.Duration {
	s.t.Helper()
	begun := s.clock.Now()
	for {
		took := s.clock.Since(begun)
		d, err := s.Meeting(context.Background(), app.MeetingRef{Ref: id})
		if err != nil {
			s.t.Fatal(err)
		}
		if want(d) {
			return took
		}
		if took > most {
			s.t.Fatalf("not so after %v: %+v", took, d)
		}
		s.step()
	}
}

func here(n int) func(app.MeetingDetail) bool {
	return func(d app.MeetingDetail) bool { return d.Here == n }
}

// Not one webhook arrives in this test: presence alone shows who comes and who goes.
func TestPresenceMakesGoodLostWebhooks(t *testing.T) {
	for _, platform := range []provider.Platform{provider.Daily, provider.Whereby} {
		t.Run(string(platform), func(t *testing.T) {
			s := newSandboxed(t)
			m := s.start(string(platform))
			ada, err := s.world.Join(platform, m.PlatformRoom, sandbox.Person{Name: "Ada"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.world.Join(platform, m.PlatformRoom, sandbox.Person{Name: "Zoë 渡辺"}); err != nil {
				t.Fatal(err)
			}
			shown := s.until(m.ID, 35*time.Second, here(2))
			if err := s.world.Leave(ada, ""); err != nil {
				t.Fatal(err)
			}
			gone := s.until(m.ID, 90*time.Second, here(1))
			t.Logf("%s: shown after %v, gone after %v", platform, shown, gone)
			d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
			if err != nil {
				t.Fatal(err)
			}
			if d.Participants[0].Name != "Zoë 渡辺" || d.Status != app.Live || d.Peak != 2 {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestAFailingPresenceClosesNothing(t *testing.T) {
	for _, kind := range []string{"html", "cut-json", "error-200", "status", "drop"} {
		t.Run(kind, func(t *testing.T) {
			s := newSandboxed(t)
			m := s.start("daily")
			if _, err := s.world.Join(provider.Daily, m.PlatformRoom, sandbox.Person{Name: "Ada"}); err != nil {
				t.Fatal(err)
			}
			s.until(m.ID, 35*time.Second, here(1))
			breakPresence(t, s.world, kind)
			for range 12 {
				s.clock.Advance(10 * time.Second)
				s.polls[0].turn(t.Context())
			}
			d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
			if err != nil || d.Here != 1 {
				t.Errorf("here %d, %v", d.Here, err)
			}
			st, err := s.Status(t.Context(), app.StatusQuery{})
			if err != nil || !slices.ContainsFunc(st.Pollers, func(p app.PollerStatus) bool { return p.Name == "presence" && p.Error != "" }) {
				t.Errorf("the failure isn't shown: %+v, %v", st.Pollers, err)
			}
		})
	}
}

func TestAMeetingRemovedOnThePlatformEnds(t *testing.T) {
	s := newSandboxed(t)
	m := s.start("daily")
	if err := s.accounts["daily"].Provider.EndMeeting(t.Context(), platformMeeting(m.Meeting, nil)); err != nil {
		t.Fatal(err)
	}
	s.until(m.ID, 2*time.Minute, func(d app.MeetingDetail) bool {
		return d.Status == app.Ended && d.EndReason == "gone from the platform"
	})
}

func TestAMeetingPastItsEndEnds(t *testing.T) {
	s := newSandboxed(t)
	if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "short", Account: "daily"}); err != nil {
		t.Fatal(err)
	}
	m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "short", For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	took := s.until(m.ID, 2*time.Minute, func(d app.MeetingDetail) bool { return d.Status == app.Ended })
	if took < time.Minute {
		t.Errorf("ended after %v", took)
	}
}

// breakPresence makes every presence reading fail in one way.
func breakPresence(t *testing.T, w *sandbox.World, kind string) {
	t.Helper()
	f := sandbox.Fault{Kind: sandbox.FaultKind(kind), Match: "GET /rooms"}
	if kind == "status" {
		f = sandbox.Fault{Kind: sandbox.PresenceError}
	}
	if _, err := w.Fault(f); err != nil {
		t.Fatal(err)
	}
}
