package hub

import (
	"context"
	"net"
	"path/filepath"
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
}

func newSandboxed(t *testing.T) *sandboxed {
	t.Helper()
	s := &sandboxed{t: t, clock: clockwork.NewFakeClockAt(time.Now())}
	s.world = sandbox.New(sandbox.Options{Clock: s.clock, PresenceLag: 25 * time.Second, NoRateLimits: true})
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
	s.Hub, err = Open(Options{
		Store: store.Options{Path: filepath.Join(t.TempDir(), store.FileName)}, Accounts: accounts, Clock: s.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range s.order {
		s.polls = append(s.polls, newPresencePoller(s.Hub, a))
		s.ends = append(s.ends, newEndWatcher(s.Hub, a))
	}
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

// until lets time pass, second by second with the pollers' turns, until the meeting is as wanted; it tells how long that
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
			if err != nil || len(st.Pollers) == 0 || st.Pollers[0].Error == "" {
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
