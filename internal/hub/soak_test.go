package hub

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/sandbox"
	"greenroom/provider/whereby"
	"greenroom/store"
)

// soakStep is how far the clock goes at once. In a room one thing happens in a step, so that history, whose times are
// whole seconds, keeps their order.
const soakStep = 5 * time.Second

// soakSize is how much happens.
type soakSize struct {
	length       time.Duration
	rooms, stays int
}

// soakOf is a whole day when GREENROOM_SOAK is set, otherwise as much as a test run bears.
func soakOf() soakSize {
	switch {
	case os.Getenv("GREENROOM_SOAK") != "":
		return soakSize{24 * time.Hour, 40, 2000}
	case testing.Short():
		return soakSize{time.Hour, 6, 50}
	}
	return soakSize{2 * time.Hour, 15, 200}
}

// borrowed is the world's time for a client, which runs ahead by what it had to wait: a turn never blocks.
type borrowed struct {
	world clockwork.Clock
	mu    sync.Mutex
	ahead time.Time
}

func (b *borrowed) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return app.Later(b.world.Now(), b.ahead)
}

func (b *borrowed) Sleep(ctx context.Context, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ahead = app.Later(b.world.Now(), b.ahead).Add(max(d, 0))
	return ctx.Err()
}

// soak is a day: two worlds, three accounts, one hub.
type soak struct {
	t      *testing.T
	size   soakSize
	rng    *rand.Rand
	clock  *clockwork.FakeClock
	worlds []*sandbox.World
	hooks  *delivery
	opt    Options
	hub    *Hub
	turns  []func(context.Context)
	places []*place
	deeds  map[int][]func()
}

// place is one room of the day.
type place struct {
	world    *sandbox.World
	platform provider.Platform
	account  string
	room     string // the platform's
	recorded bool
	busy     map[int]bool // steps in which something happens
}

func newSoak(t *testing.T) *soak {
	s := &soak{
		t: t, size: soakOf(), rng: rand.New(rand.NewPCG(7, 11)), hooks: &delivery{}, deeds: map[int][]func(){},
		clock: clockwork.NewFakeClockAt(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)),
	}
	var accounts []Account
	for i, names := range [][]string{{"one", "whereby"}, {"two"}} {
		w := sandbox.New(sandbox.Options{Clock: s.clock, Seed: uint64(i + 1), Transport: s.hooks})
		n, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- w.Serve(n) }()
		t.Cleanup(func() {
			if err := cmp.Or(w.Close(), <-served); err != nil {
				t.Error(err)
			}
		})
		s.worlds = append(s.worlds, w)
		for _, name := range names {
			accounts = append(accounts, s.account(w, name, "http://"+n.Addr().String()))
		}
	}
	s.opt = Options{
		Store: store.Options{Path: filepath.Join(t.TempDir(), store.FileName)}, Accounts: accounts, Clock: s.clock,
	}
	s.open()
	t.Cleanup(func() {
		if err := s.hub.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *soak) account(w *sandbox.World, name, base string) Account {
	s.t.Helper()
	clock := &borrowed{world: s.clock}
	a := provider.Account{Name: name, Platform: provider.Daily, APIKey: sandbox.DailyKey, APIURL: base + "/daily/v1",
		WebhookSecret: sandbox.DailyWebhookSecret}
	var p provider.Provider
	var err error
	if name == "whereby" {
		a.Platform, a.APIKey, a.APIURL, a.WebhookSecret = provider.Whereby, sandbox.WherebyKey, base+"/whereby/v1", sandbox.WherebyWebhookSecret
		p, err = whereby.New(a, whereby.Options{Clock: clock})
	} else {
		p, err = daily.New(a, daily.Options{Clock: clock})
	}
	if err == nil {
		_, err = w.SetWebhook(a.Platform, "http://hook.example/"+name, "")
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return Account{Account: a, Provider: p}
}

// open opens the hub, and makes its readers' turns as Start would.
func (s *soak) open() {
	s.t.Helper()
	h, err := Open(s.opt)
	if err != nil {
		s.t.Fatal(err)
	}
	s.hub, s.turns = h, nil
	for _, a := range h.order {
		s.turns = append(s.turns, newPresencePoller(h, a).turn, newEndWatcher(h, a).turn)
		if o, ok := newSweeper(h, a); ok {
			s.turns = append(s.turns, o.turn)
		}
		if o, ok := newAutoRecorder(h, a); ok {
			s.turns = append(s.turns, o.turn)
		}
		if o, ok := newRecordingPoller(h, a); ok {
			s.turns = append(s.turns, o.turn)
		}
		if o, ok := newHistorian(h, a); ok {
			s.turns = append(s.turns, o.turn)
		}
	}
	h.started.Store(true)
	s.hooks.mu.Lock()
	s.hooks.hub = h
	s.hooks.mu.Unlock()
}

func (s *soak) settle() {
	for _, w := range s.worlds {
		if err := w.Settle(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// step lets time pass, then due events happen, then all pollers read.
func (s *soak) step(n int) {
	s.settle()
	s.clock.Advance(soakStep)
	s.settle()
	for _, do := range s.deeds[n] {
		do()
	}
	s.settle()
	for _, turn := range s.turns {
		turn(s.t.Context())
	}
}

// furnish makes the rooms: most from here, every seventh on Daily elsewhere, half of them recorded.
func (s *soak) furnish() {
	for i := range s.size.rooms {
		name := fmt.Sprintf("room-%d", i)
		p := &place{world: s.worlds[0], platform: provider.Daily, account: "one", busy: map[int]bool{}}
		switch i % 3 {
		case 1:
			p.platform, p.account = provider.Whereby, "whereby"
		case 2:
			p.world, p.account = s.worlds[1], "two"
		}
		until := s.clock.Now().Add(s.size.length + 3*time.Hour)
		if p.platform == provider.Daily && i%7 == 0 {
			m, err := s.hub.accounts[p.account].Provider.CreateMeeting(s.t.Context(), provider.MeetingSpec{
				Name: name, Room: name, Until: until, Recording: provider.RecordingNone, Trigger: provider.TriggerNone,
			})
			if err != nil {
				s.t.Fatal(err)
			}
			p.room = m.Room
		} else {
			spec := app.RoomSpec{Name: name, Account: p.account, Size: 100, Recording: provider.RecordingNone}
			if i%2 == 0 {
				p.recorded, spec.Recording, spec.Trigger = true, provider.RecordingCloud, provider.TriggerAutomatic
			}
			if _, err := s.hub.CreateRoom(s.t.Context(), spec); err != nil {
				s.t.Fatal(err)
			}
			m, err := s.hub.StartMeeting(s.t.Context(), app.StartMeeting{Room: name, Until: app.At(until)})
			if err != nil {
				s.t.Fatal(err)
			}
			p.room = m.PlatformRoom
		}
		s.places = append(s.places, p)
	}
}

// free finds a step at or after n in which nothing else happens in the place.
func (p *place) free(n int) int {
	for p.busy[n] {
		n++
	}
	p.busy[n] = true
	return n
}

// people plans who comes and goes: in each room two or three gatherings' worth of stays, of half a minute to an hour.
func (s *soak) people() {
	steps := int(s.size.length / soakStep)
	for i := range s.size.stays {
		p := s.places[i%len(s.places)]
		length := 30*time.Second + time.Duration(s.rng.ExpFloat64()*float64(12*time.Minute))
		length = min(length, time.Hour, s.size.length/3)
		from := p.free(10 + s.rng.IntN(steps*3/4))
		to := p.free(from + int(length/soakStep))
		who := sandbox.Person{Name: fmt.Sprintf("Person %d ☕", i), Owner: i%5 == 0}
		if i%3 == 0 {
			who.UserID = fmt.Sprintf("user-%d", i)
		}
		var session string
		s.deeds[from] = append(s.deeds[from], func() {
			var err error
			if session, err = p.world.Join(p.platform, p.room, who); err != nil {
				s.t.Error(err)
			}
		})
		s.deeds[to] = append(s.deeds[to], func() {
			if err := p.world.Leave(session, ""); err != nil {
				s.t.Error(err)
			}
		})
	}
}

// trouble plans what goes wrong.
func (s *soak) trouble() {
	fault := func(w *sandbox.World, f sandbox.Fault) string {
		id, err := w.Fault(f)
		if err != nil {
			s.t.Fatal(err)
		}
		return id
	}
	steps := int(s.size.length / soakStep)
	during := func(from, length int, f sandbox.Fault) {
		var ids []string
		s.deeds[from] = append(s.deeds[from], func() {
			for _, w := range s.worlds {
				ids = append(ids, fault(w, f))
			}
		})
		s.deeds[from+length] = append(s.deeds[from+length], func() {
			for i, w := range s.worlds {
				w.ClearFaults(ids[i])
			}
		})
	}
	for _, w := range s.worlds {
		fault(w, sandbox.Fault{Kind: sandbox.LoseWebhook, Probability: 0.10})
		fault(w, sandbox.Fault{Kind: sandbox.DuplicateWebhook, Probability: 0.05 / 0.90})
		fault(w, sandbox.Fault{Kind: sandbox.ReorderWebhook, Probability: 0.10 / 0.85})
	}
	minutes := func(n int) int { return n * int(time.Minute/soakStep) }
	during(steps/4, minutes(10), sandbox.Fault{Kind: sandbox.RateLimit, Probability: 0.7})
	during(steps/3, minutes(5), sandbox.Fault{Kind: sandbox.ServerError, Status: 503})
	during(steps*2/3, minutes(5), sandbox.Fault{Kind: sandbox.DropConnection})
	during(steps/2, minutes(2), sandbox.Fault{Kind: sandbox.HTML, Match: "GET "})
	s.deeds[steps*3/5] = append(s.deeds[steps*3/5], func() {
		if err := s.hub.Close(); err != nil {
			s.t.Fatal(err)
		}
		s.open()
	})
}

// A day of it: lost, doubled and overtaken webhooks, a storm of rate limits, outages, a restart. In the end every stay,
// every count and every recording is what the world knows it to be.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	s.furnish()
	s.people()
	s.trouble()
	steps := int((s.size.length + 65*time.Minute) / soakStep)
	for n := range steps {
		s.step(n)
		if (n+1)%int(time.Hour/soakStep) == 0 {
			t.Logf("%v are over", time.Duration(n+1)*soakStep)
		}
	}
	for _, p := range s.places {
		s.check(p)
	}
	s.checkTrouble()
}

// checkTrouble sees that the day was as bad as planned: otherwise it proves nothing.
func (s *soak) checkTrouble() {
	t := s.t
	page, err := s.hub.Events(t.Context(), app.EventQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	again, unapplied := 0, 0
	for _, e := range page.Events {
		if e.DuplicateOf != 0 {
			again++
		}
		if e.Unapplied != "" {
			unapplied++
			t.Logf("unapplied: %s %s: %s", e.Account, e.Type, e.Unapplied)
		}
	}
	corrected := 0
	for _, p := range s.places {
		stays := s.evidence(p)
		for _, x := range stays {
			if x.LeftReported.IsZero() || x.Coarse {
				corrected++
			}
		}
	}
	t.Logf("of the last %d webhooks %d came again, %d had no effect; %d stays rest on history", len(page.Events), again, unapplied, corrected)
	if again == 0 || corrected == 0 {
		t.Error("nothing was doubled, or nothing was lost")
	}
}

func (s *soak) evidence(p *place) (stays []*roster.Stay) {
	if err := s.hub.store.View(s.t.Context(), func(tx *store.Tx) error {
		m, err := tx.MeetingByPlatform(p.account, p.room, "")
		if err == nil {
			stays, err = tx.Stays(m.ID)
		}
		return err
	}); err != nil {
		s.t.Error(err)
	}
	return stays
}

func (s *soak) check(p *place) {
	t, within := s.t, 2*time.Second+100*time.Millisecond
	d, err := s.hub.Meeting(t.Context(), app.MeetingRef{Ref: p.room})
	if err != nil {
		t.Errorf("%s: %v", p.room, err)
		return
	}
	known := map[string]app.Stay{}
	for _, x := range d.Participants {
		known[x.Session] = x
	}
	var real []*roster.Stay
	for _, w := range p.world.Stays() {
		if w.Room != p.room || w.Platform != p.platform {
			continue
		}
		got, ok := known[w.Session]
		delete(known, w.Session)
		switch {
		case !ok:
			t.Errorf("%s: the hub has no %+v", p.room, w)
		case got.JoinedAt.Sub(w.JoinedAt).Abs() > within || got.LeftAt.Sub(w.LeftAt).Abs() > within || got.Name != w.Name || got.Bot != w.Bot:
			t.Errorf("%s: %q %v–%v, really %v–%v (%s)", p.room, got.Name, got.JoinedAt, got.LeftAt, w.JoinedAt, w.LeftAt, got.Reason)
		}
		real = append(real, &roster.Stay{Stay: app.Stay{
			Session: w.Session, Bot: w.Bot, JoinedAt: app.At(w.JoinedAt),
		}, LeftReported: w.LeftAt})
	}
	for _, x := range known {
		t.Errorf("%s: made up: %+v", p.room, x)
	}
	truth := roster.Meeting{Meeting: app.Meeting{Status: app.Open}}
	roster.NewTally(real).Settle(&truth)
	if d.Here != truth.Here || d.Peak != truth.Peak || d.Status != app.Open || d.Recording != app.NotRecording {
		t.Errorf("%s: here %d, peak %d, %s, %s; really %d and %d", p.room, d.Here, d.Peak, d.Status, d.Recording, truth.Here, truth.Peak)
	}
	s.checkRecordings(p, d)
}

func (s *soak) checkRecordings(p *place, d app.MeetingDetail) {
	t := s.t
	list, err := s.hub.Recordings(t.Context(), app.RecordingQuery{Meeting: d.ID, Limit: 1000})
	if err != nil {
		t.Error(err)
		return
	}
	known := map[string]app.Recording{}
	for _, r := range list {
		known[r.ID] = r
	}
	var real []sandbox.RecordedState
	for _, r := range p.world.Recorded() {
		if r.Room != p.room || r.Platform != p.platform {
			continue
		}
		real = append(real, r)
		got, ok := known[r.ID]
		delete(known, r.ID)
		want := app.RecordingStatus(r.State)
		took := r.EndedAt.Sub(r.StartedAt).Seconds()
		if want == app.RecordingFailed && p.platform == provider.Whereby && !ok {
			continue // nothing was recorded, and Whereby says nothing of it
		}
		if !ok || got.Status != want || want == app.RecordingReady && (got.DurationS < took-1.5 || got.DurationS > took+1.5 || len(got.Files) == 0) {
			t.Errorf("%s: recording %+v, really %+v", p.room, got, r)
		}
	}
	for _, r := range known {
		t.Errorf("%s: made up: %+v", p.room, r)
	}
	if p.recorded != (len(real) > 0) {
		t.Errorf("%s: recorded %v, %d recordings", p.room, p.recorded, len(real))
	}
	slices.SortFunc(real, func(a, b sandbox.RecordedState) int { return a.StartedAt.Compare(b.StartedAt) })
	for i := 1; i < len(real); i++ {
		if real[i].StartedAt.Before(real[i-1].EndedAt) {
			t.Errorf("%s: recorded twice at once: %+v, %+v", p.room, real[i-1], real[i])
		}
	}
}
