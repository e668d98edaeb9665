package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
	"greenroom/provider"
	"greenroom/store"
)

// patience bounds waiting for what must come; a test that reaches it has failed.
const patience = 2 * time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// platform is a provider whose answers the test sets. Its webhooks are provider.Event as JSON, signed by a header.
type platform struct {
	mu       sync.Mutex
	name     provider.Platform
	traits   provider.Traits
	created  []provider.MeetingSpec
	ended    []provider.Meeting
	used     map[string]bool
	present  map[string][]provider.Participant
	fail     error
	endFails error
	lookup   error
	presence int
}

func (p *platform) Platform() provider.Platform { return p.name }
func (p *platform) Traits() provider.Traits     { return p.traits }

func (p *platform) CreateMeeting(_ context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.created = append(p.created, s)
	switch {
	case p.fail != nil:
		return provider.Meeting{}, p.fail
	case p.used[s.Name]:
		return provider.Meeting{}, &provider.Error{Kind: provider.Conflict, Platform: p.name, Op: "create " + s.Name}
	}
	return provider.Meeting{ID: "id-" + s.Name, Room: s.Name, GuestURL: "https://x.example/" + s.Name, Until: s.Until}, nil
}

func (p *platform) EndMeeting(_ context.Context, m provider.Meeting) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = append(p.ended, m)
	return errors.Join(p.fail, p.endFails)
}

func (p *platform) Presence(_ context.Context, m provider.Meeting) ([]provider.Participant, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.presence++
	return p.present[m.Room], p.fail
}

func (p *platform) Links(_ context.Context, r provider.LinkRequest) (provider.Links, error) {
	return provider.Links{Guest: r.Meeting.GuestURL, Host: r.Meeting.GuestURL + "?t=secret"}, p.fail
}

func (p *platform) Lookup(_ context.Context, m provider.Meeting) (provider.Meeting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m, p.lookup
}

func (p *platform) ReadWebhook(r provider.WebhookRequest) (provider.Webhook, error) {
	switch r.Header.Get("X-Sig") {
	case "good":
	case "":
		return provider.Webhook{Verdict: provider.Rejected, Missing: true, Reason: "no signature"}, nil
	case "ping":
		return provider.Webhook{Verdict: provider.Unverified, Ping: true, Event: provider.Event{Kind: provider.KindTest}}, nil
	case "unset":
		return provider.Webhook{Verdict: provider.Unverified, Reason: "no secret"}, nil
	default:
		return provider.Webhook{Verdict: provider.Rejected, Reason: "wrong signature"}, nil
	}
	w := provider.Webhook{Verdict: provider.Verified}
	if err := json.Unmarshal(r.Body, &w.Event); err != nil {
		w.Reason = err.Error()
		w.Event = provider.Event{Kind: provider.KindUnknown}
	}
	return w, nil
}

type bench struct {
	*Hub
	t          testing.TB
	platform   *platform
	clock      *clockwork.FakeClock
	path       string
	accounts   []Account
	policy     Policy
	log        *slog.Logger // may be nil
	forward    Forwarder    // may be nil
	configured []app.ForwardSpec
}

func newBench(t testing.TB) *bench {
	b := &bench{
		t: t, clock: clockwork.NewFakeClockAt(t0), path: filepath.Join(t.TempDir(), store.FileName),
		platform: &platform{
			name: provider.Daily, used: map[string]bool{}, present: map[string][]provider.Participant{},
			traits: provider.Traits{PresenceLag: 25 * time.Second, PresenceEvery: 10 * time.Second, TokenRecords: true},
		},
	}
	b.accounts = []Account{{
		Account: provider.Account{Name: "daily", Platform: provider.Daily, WebhookSecret: "x"}, Provider: b.platform,
	}}
	b.open()
	t.Cleanup(b.close)
	return b
}

func (b *bench) open() {
	b.t.Helper()
	h, err := Open(Options{Store: store.Options{Path: b.path}, Accounts: b.accounts, Policy: b.policy, Clock: b.clock, Log: b.log, Forwarder: b.forward, Forwards: b.configured})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Hub = h
}

func (b *bench) close() {
	if b.Hub != nil {
		if err := b.Hub.Close(); err != nil {
			b.t.Error(err)
		}
		b.Hub = nil
	}
}

func (b *bench) room(name string) app.Room {
	b.t.Helper()
	r, err := b.CreateRoom(context.Background(), app.RoomSpec{Name: name})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) start(room string) app.StartedMeeting {
	b.t.Helper()
	s, err := b.StartMeeting(context.Background(), app.StartMeeting{Room: room})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) send(sig string, body []byte) app.Answer {
	b.t.Helper()
	a, err := b.Ingest(context.Background(), app.Inbound{
		Account: "daily", Method: "POST", Target: "/hooks/daily", ReceivedAt: b.clock.Now(), Body: body,
		Header: http.Header{"X-Sig": {sig}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// event delivers an event. It arrives after all that it reports has happened.
func (b *bench) event(e provider.Event) app.Answer {
	b.t.Helper()
	b.happen(e)
	return b.eventNow(e)
}

// happen lets time pass until all that an event reports has happened.
func (b *bench) happen(e provider.Event) {
	last := e.At
	if p := e.Participant; p != nil {
		last = app.Later(last, app.Later(p.JoinedAt, p.LeftAt))
	}
	if r := e.Recording; r != nil {
		last = app.Later(last, r.StartedAt)
	}
	if ahead := last.Sub(b.clock.Now()); ahead > 0 {
		b.clock.Advance(ahead)
	}
}

// eventNow delivers an event, whatever times it names.
func (b *bench) eventNow(e provider.Event) app.Answer {
	b.t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send("good", raw)
}

func (b *bench) meeting(ref string) app.MeetingDetail {
	b.t.Helper()
	d, err := b.Meeting(context.Background(), app.MeetingRef{Ref: ref})
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

func person(id string, joined time.Time) *provider.Participant {
	return &provider.Participant{Session: id, Name: "Name " + id, JoinedAt: joined}
}

func join(room, id string, at time.Time) provider.Event {
	return provider.Event{Kind: provider.KindParticipantJoined, ID: "j-" + id, At: at, Room: room, Participant: person(id, at)}
}

func TestAMeetingFromItsStartToItsEnd(t *testing.T) {
	b := newBench(t)
	b.room("Stand up ☕")
	m := b.start("stand UP ☕")
	if m.PlatformRoom != "Stand-up-20261122100000" || m.HostURL == "" || m.Reused || m.Status != app.Open {
		t.Fatalf("%+v", m)
	}
	if !m.EndsAt.Equal(t0.Add(app.DefaultLength)) {
		t.Errorf("ends at %v", m.EndsAt)
	}
	if again := b.start("Stand up ☕"); !again.Reused || again.ID != m.ID {
		t.Errorf("%+v is not the meeting that is open", again)
	}
	b.event(join(m.PlatformRoom, "ada", t0))
	b.event(join(m.PlatformRoom, "bob", t0.Add(time.Second)))
	left := person("ada", t0)
	left.LeftAt = t0.Add(time.Minute)
	b.event(provider.Event{
		Kind: provider.KindParticipantLeft, ID: "l-ada", At: left.LeftAt, Room: m.PlatformRoom, Participant: left,
	})
	d := b.meeting(m.PlatformRoom)
	if d.Here != 1 || d.Peak != 2 || d.Status != app.Live || len(d.Participants) != 2 || d.Participants[0].Session != "bob" {
		t.Errorf("%+v", d)
	}
	b.clock.Advance(2 * time.Minute)
	ended, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: m.ID})
	if err != nil || ended.Status != app.Ended || ended.Here != 0 {
		t.Fatalf("%+v, %v", ended, err)
	}
	if got := b.platform.ended[0].Sessions; len(got) != 1 || got[0] != "bob" {
		t.Errorf("asked to remove %v", got)
	}
	if again, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: m.ID}); err != nil || again.Status != app.Ended {
		t.Errorf("ending twice: %v, %v", again, err)
	}
	if len(b.platform.ended) != 1 {
		t.Error("the platform was asked to end it twice")
	}
	if next := b.start("Stand up ☕"); next.ID == m.ID || next.Reused {
		t.Error("a meeting that has ended was started again")
	}
}

func TestANameInUseIsMadeUnique(t *testing.T) {
	b := newBench(t)
	b.room("design")
	b.platform.used["design-20261122100000"] = true
	m := b.start("design")
	if m.PlatformRoom == "design-20261122100000" || len(m.PlatformRoom) != len("design-20261122100000-abcdef") {
		t.Errorf("%q", m.PlatformRoom)
	}
}

func TestTwoStartsAtOnceMakeOneMeeting(t *testing.T) {
	b := newBench(t)
	b.room("design")
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]int{}
	for range 8 {
		wg.Go(func() {
			m, err := b.StartMeeting(context.Background(), app.StartMeeting{Room: "design"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			ids[m.ID]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(ids) != 1 || len(b.platform.created) != 1 {
		t.Errorf("%d meetings, %d created", len(ids), len(b.platform.created))
	}
}

func TestVerdictsAndTheirAnswers(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name, sig, body string
		status          int
		verdict         provider.Verdict
	}{
		{"verified", "good", `{"Kind":"participant.joined","ID":"1","Room":"r","Participant":{"Session":"s"}}`, 200, provider.Verified},
		{"forged", "bad", `{}`, 401, provider.Rejected},
		{"unsigned", "", `{}`, 400, provider.Rejected},
		{"no secret", "unset", `{}`, 401, provider.Unverified},
		{"the platform's ping", "ping", `{}`, 200, provider.Unverified},
		{"unparsable", "good", `{{{`, 200, provider.Verified},
		{"unknown kind", "good", `{"Kind":"unknown","Type":"pigeon.landed"}`, 200, provider.Verified},
		{"no participant", "good", `{"Kind":"participant.left","ID":"2","Room":"r"}`, 200, provider.Verified},
		{"a name that is too long", "good", fmt.Sprintf(
			`{"Kind":"participant.left","ID":"3","Room":"r","Participant":{"Session":"%040000d"}}`, 1), 200, provider.Verified},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := b.send(c.sig, []byte(c.body))
			if a.Status != c.status {
				t.Errorf("answered %d", a.Status)
			}
			d, err := b.Event(t.Context(), app.EventRef{Seq: a.Seq})
			if err != nil || d.Verdict != c.verdict || string(d.Body) != c.body || d.Status != c.status {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
	meetings, err := b.Meetings(t.Context(), app.MeetingQuery{})
	if err != nil || len(meetings) != 1 {
		t.Errorf("%d meetings, %v; only the verified one adopts", len(meetings), err)
	}
	page, err := b.Events(t.Context(), app.EventQuery{})
	if err != nil {
		t.Fatal(err)
	}
	unapplied := 0
	for _, e := range page.Events {
		if e.Unapplied != "" {
			unapplied++
		}
	}
	if unapplied != 2 {
		t.Errorf("%d unapplied", unapplied)
	}
}

func TestEventsAboutUnknownRoomsAdoptThem(t *testing.T) {
	b := newBench(t)
	mine := b.room("office")
	b.event(join("office", "ada", t0))
	b.event(join("office", "bob", t0))
	rooms, err := b.Rooms(t.Context(), app.RoomQuery{})
	if err != nil || len(rooms) != 2 {
		t.Fatalf("%d rooms, %v", len(rooms), err)
	}
	for _, r := range rooms {
		if r.ID != mine.ID && (!r.Adopted || r.Meeting == nil || !r.Meeting.Adopted || r.Meeting.Here != 2 || r.Account != "daily") {
			t.Errorf("%+v, %+v", r, r.Meeting)
		}
		if r.ID == mine.ID && r.Meeting != nil {
			t.Error("another owner's room was used as ours")
		}
	}
}

func TestAnEventThatOvertakesOurOwnNoteIsNotLost(t *testing.T) {
	b := newBench(t)
	r := b.room("design")
	b.event(join("design-20261122100000", "ada", t0))
	m := b.start("design")
	d := b.meeting("design")
	if d.ID != m.ID || d.Here != 1 || d.Adopted || d.RoomID != r.ID {
		t.Errorf("%+v", d)
	}
	rooms, err := b.Rooms(t.Context(), app.RoomQuery{})
	if err != nil || len(rooms) != 1 {
		t.Errorf("%d rooms, %v", len(rooms), err)
	}
	page, err := b.Events(t.Context(), app.EventQuery{Meeting: "design"})
	if err != nil || len(page.Events) != 1 {
		t.Errorf("%d events of the meeting, %v", len(page.Events), err)
	}
}

func TestRecordingEventsInAnyOrder(t *testing.T) {
	begun := provider.Event{
		Kind: provider.KindRecordingStarted, ID: "r1", At: t0.Add(time.Minute), // names no room, as on Daily
		Recording: &provider.RecordingEvent{ID: "rec", StartedBy: "ada", StartedAt: t0.Add(time.Minute)},
	}
	ready := provider.Event{
		Kind: provider.KindRecordingReady, ID: "r2", At: t0.Add(time.Hour), Room: "design-20261122100000",
		Recording: &provider.RecordingEvent{
			ID: "rec", Kind: "cloud", StartedAt: t0.Add(time.Minute), Duration: 90 * time.Second,
			Files: []provider.RecordingFile{{Name: "a.mp4"}},
		},
	}
	for _, order := range [][]provider.Event{{begun, ready}, {ready, begun}} {
		b := newBench(t)
		b.room("design")
		m := b.start("design")
		b.event(join(m.PlatformRoom, "ada", t0))
		b.event(order[0])
		if order[0].Kind == begun.Kind {
			if d := b.meeting("design"); d.Recording != app.IsRecording || !d.RecordingSince.Equal(t0.Add(time.Minute)) {
				t.Errorf("%s since %v", d.Recording, d.RecordingSince)
			}
		}
		b.event(order[1])
		all, err := b.Recordings(t.Context(), app.RecordingQuery{Meeting: "design"})
		if err != nil || len(all) != 1 {
			t.Fatalf("%d recordings, %v", len(all), err)
		}
		r := all[0]
		if r.Status != app.RecordingReady || r.DurationS != 90 || len(r.Files) != 1 || r.Meeting != m.ID {
			t.Errorf("%+v", r)
		}
		if d := b.meeting("design"); d.Recording != app.NotRecording {
			t.Errorf("still %s", d.Recording)
		}
		b.close()
	}
}

func TestWhatIsDurableIsThereAfterReopening(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.event(join(m.PlatformRoom, "ada", t0))
	b.send("bad", []byte("forged"))
	b.close()
	b.open()
	if d := b.meeting("design"); d.Here != 1 {
		t.Errorf("here %d", d.Here)
	}
	if a := b.event(join(m.PlatformRoom, "ada", t0)); a.Status != 200 {
		t.Errorf("answered %d", a.Status)
	}
	page, err := b.Events(t.Context(), app.EventQuery{})
	if err != nil || len(page.Events) != 3 || page.Events[0].DuplicateOf != 1 || page.Events[1].Verdict != provider.Rejected {
		t.Errorf("%+v, %v", page.Events, err)
	}
}

func TestChangesArriveInOrderAndSlowReadersAreNotified(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fast, err := b.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := b.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	go func() {
		n, last := 0, uint64(0)
		for c := range fast {
			if c.Kind == app.Missed {
				t.Error("the fast reader missed something")
			}
			if c.Kind == app.DeliveryChange {
				if c.Delivery.Seq <= last {
					t.Errorf("%d after %d", c.Delivery.Seq, last)
				}
				last = c.Delivery.Seq
				if n++; n == 1500 {
					break
				}
			}
		}
		done <- n
	}()
	for i := range 1500 {
		b.event(join("r", fmt.Sprint(i), t0))
	}
	if n := <-done; n != 1500 {
		t.Errorf("%d changes", n)
	}
	missed := false
	for range backlog + 10 {
		if c, ok := <-slow; !ok || c.Kind == app.Missed {
			missed = ok
			break
		}
	}
	if !missed {
		t.Error("the slow reader was not notified")
	}
}

func TestAFailingPlatformLeavesEverythingAsItWas(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.event(join(m.PlatformRoom, "ada", t0))
	b.platform.fail = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily, Op: "call", Hint: "wait"}
	if _, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: "design"}); !errors.Is(err, provider.Unavailable) {
		t.Errorf("%v", err)
	}
	if d := b.meeting("design"); d.Status != app.Live || d.Here != 1 {
		t.Errorf("%s, here %d", d.Status, d.Here)
	}
	s, err := b.Status(t.Context(), app.StatusQuery{})
	if err != nil || s.Accounts[0].Health != "failing" || s.Accounts[0].Hint != "wait" {
		t.Errorf("%+v, %v", s.Accounts, err)
	}
}

// A call that the platform will answer once someone is in the meeting doesn't make the account look ill.
func TestARefusalOfOneMeetingIsNotTheAccounts(t *testing.T) {
	b := newBench(t)
	b.room("design")
	b.start("design")
	for _, kind := range []provider.Kind{provider.NotReady, provider.NotFound, provider.Conflict, provider.Invalid, provider.Unsupported} {
		b.platform.fail = &provider.Error{Kind: kind, Platform: provider.Daily, Op: "call"}
		if _, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: "design"}); !errors.Is(err, kind) {
			t.Fatalf("%v", err)
		}
		if s, err := b.Status(t.Context(), app.StatusQuery{}); err != nil || s.Accounts[0].Health == "failing" {
			t.Errorf("after %q: %+v, %v", kind, s.Accounts[0], err)
		}
	}
}

func TestPolicy(t *testing.T) {
	daily := Account{Account: provider.Account{Name: "daily", Platform: provider.Daily}, Provider: &platform{name: provider.Daily}}
	second := Account{Account: provider.Account{Name: "d2", Platform: provider.Daily}, Provider: &platform{name: provider.Daily}, Default: true}
	whereby := Account{Account: provider.Account{Name: "whereby", Platform: provider.Whereby}, Provider: &platform{name: provider.Whereby}}
	listed := app.Room{ID: "1", RoomSettings: app.RoomSettings{Name: "listed"}}
	other := app.Room{ID: "2", RoomSettings: app.RoomSettings{Name: "other"}}
	for _, c := range []struct {
		name     string
		accounts []Account
		policy   Policy
		room     app.Room
		want     string
		problem  bool
	}{
		{"nothing configured", nil, Policy{}, other, "whereby", true},
		{"Whereby only", []Account{whereby}, Policy{}, other, "whereby", false},
		{"Daily only", []Account{daily}, Policy{}, other, "daily", false},
		{"both, nothing said", []Account{daily, whereby}, Policy{}, other, "whereby", false},
		{"both, Daily by default", []Account{daily, whereby}, Policy{DefaultPlatform: provider.Daily}, other, "daily", false},
		{"migration off outranks the default", []Account{daily, whereby},
			Policy{MigrationSet: true, DefaultPlatform: provider.Daily}, other, "whereby", false},
		{"migration, listed by name", []Account{daily, whereby},
			Policy{MigrationSet: true, MigrationEnabled: true, MigrationRooms: []string{"listed"}}, listed, "daily", false},
		{"migration, listed by id", []Account{daily, whereby},
			Policy{MigrationSet: true, MigrationEnabled: true, MigrationRooms: []string{"1"}}, listed, "daily", false},
		{"migration, not listed", []Account{daily, whereby},
			Policy{MigrationSet: true, MigrationEnabled: true, MigrationRooms: []string{"1"}}, other, "whereby", false},
		{"migration, not listed, default Daily", []Account{daily, whereby},
			Policy{MigrationSet: true, MigrationEnabled: true, DefaultPlatform: provider.Daily}, other, "daily", false},
		{"pinned", []Account{daily, whereby}, Policy{MigrationSet: true}, app.Room{RoomSettings: app.RoomSettings{Account: "daily"}}, "daily", false},
		{"pinned to what is gone", []Account{whereby}, Policy{}, app.Room{RoomSettings: app.RoomSettings{Account: "daily"}}, "daily", true},
		{"the default account", []Account{daily, second}, Policy{DefaultPlatform: provider.Daily}, other, "d2", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.close()
			b.accounts, b.policy = c.accounts, c.policy
			b.open()
			got := b.choose(c.room)
			if got.Account != c.want || (got.Problem != "") != c.problem || got.Why == "" {
				t.Errorf("%+v", got)
			}
			if _, err := b.usable(got); errors.Is(err, app.NotConfigured) != c.problem {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRoomsAreChecked(t *testing.T) {
	b := newBench(t)
	b.room("Taken")
	for _, c := range []struct {
		spec app.RoomSpec
		kind provider.Kind
	}{
		{app.RoomSpec{Name: " "}, provider.Invalid},
		{app.RoomSpec{Name: "a/b"}, provider.Invalid},
		{app.RoomSpec{Name: "esc\x1b]0;x"}, provider.Invalid},
		{app.RoomSpec{Name: "bidi\u202e"}, provider.Invalid},
		{app.RoomSpec{Name: fmt.Sprintf("%065d", 1)}, provider.Invalid},
		{app.RoomSpec{Name: "-flag"}, provider.Invalid},
		{app.RoomSpec{Name: "r", Size: -1}, provider.Invalid},
		{app.RoomSpec{Name: "r", Recording: "tape"}, provider.Invalid},
		{app.RoomSpec{Name: "r", Trigger: "pulled"}, provider.Invalid},
		{app.RoomSpec{Name: "r", Account: "../x"}, provider.Invalid},
		{app.RoomSpec{Name: "tAKEN"}, provider.Conflict},
	} {
		if _, err := b.CreateRoom(t.Context(), c.spec); !errors.Is(err, c.kind) {
			t.Errorf("%+v: %v", c.spec, err)
		}
	}
	name := "renamed"
	b.start("Taken")
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "Taken"}); !errors.Is(err, provider.Conflict) {
		t.Errorf("deleted with a meeting open: %v", err)
	}
	if _, err := b.EditRoom(t.Context(), app.RoomPatch{Ref: "Taken", Name: &name}); err != nil {
		t.Fatal(err)
	}
	if d := b.meeting("renamed"); d.Room != "renamed" {
		t.Errorf("the meeting's room is %q", d.Room)
	}
	if _, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: "renamed"}); err != nil {
		t.Fatal(err)
	}
	gone, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "renamed"})
	if err != nil {
		t.Error(err)
	}
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: gone.ID}); !errors.Is(err, provider.NotFound) || strings.Contains(err.Error(), gone.ID) {
		t.Errorf("deleted again: %v", err)
	}
	if _, err := b.Room(t.Context(), app.RoomRef{Ref: "renamed"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("%v", err)
	}
}

// TestWhatIsRejectedKeepsItsBeginning: strangers decide how large it is, and which ring it is in decides what a flood drives
// out.
func TestWhatIsRejectedKeepsItsBeginning(t *testing.T) {
	b := newBench(t)
	body := bytes.Repeat([]byte("x"), keptBytes+1)
	refused := app.Answer{Status: http.StatusNotFound}
	for _, c := range []struct {
		name string
		in   app.Inbound
		want int
	}{
		{"a wrong signature", app.Inbound{Account: "daily", Header: http.Header{"X-Sig": {"bad"}}, Body: body}, 401},
		{"no signature", app.Inbound{Account: "daily", Body: body}, 400},
		{"no signature, and not read", app.Inbound{Account: "daily", Size: int64(len(body))}, 400},
		{"for no account", app.Inbound{Body: body, Refused: &refused, Reason: "no such hook"}, 404},
		{"relayed for no account", app.Inbound{Body: body, Refused: &refused, Reason: "no such hook", Position: &cursor.Position{Hook: "h", Epoch: 1, Seq: 1}}, 404},
	} {
		c.in.Method, c.in.Target, c.in.ReceivedAt = "POST", "/x", b.clock.Now()
		a, err := b.Ingest(t.Context(), c.in)
		if err != nil || a.Status != c.want || a.Seq == 0 {
			t.Errorf("%s: %+v, %v", c.name, a, err)
			continue
		}
		d, err := b.Event(t.Context(), app.EventRef{Seq: a.Seq})
		if err != nil || d.Size != int64(len(body)) || len(d.Body) != min(len(c.in.Body), keptBytes) || d.Reason == "" {
			t.Errorf("%s: %d bytes of %d are kept, %v", c.name, len(d.Body), d.Size, err)
		}
	}
	var flood sync.WaitGroup
	for range 250 { // more than there is room for
		flood.Go(func() {
			if _, err := b.Ingest(t.Context(), app.Inbound{Method: "GET", Target: "/", ReceivedAt: t0, Refused: &refused, Reason: "no such hook"}); err != nil {
				t.Error(err)
			}
		})
	}
	flood.Wait()
	page, err := b.Events(t.Context(), app.EventQuery{Account: "daily", Limit: 1000})
	if err != nil || len(page.Events) != 1 || page.Events[0].Status != 401 {
		t.Errorf("after a flood: %+v, %v", page.Events, err)
	}
}
