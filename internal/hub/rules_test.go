package hub

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/internal/filter"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// What the listener or a relay refused is answered as they decided, and recorded with the reason where there is one.
func TestRefusedRequestsAreRecorded(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name   string
		in     app.Inbound
		status int
		reason string
	}{
		{"with a reason", app.Inbound{Refused: &app.Answer{Status: 413}, Reason: "too large"}, 413, "too large"},
		{"without a body", app.Inbound{Missing: "it is lost"}, 413, "the body was not delivered: it is lost"},
		{"without a reason", app.Inbound{Refused: &app.Answer{Status: 429, RetryAfter: 7}}, 429, ""},
	} {
		c.in.Account, c.in.Method, c.in.Target, c.in.ReceivedAt = "daily", "POST", "/hooks/daily", b.clock.Now()
		a, err := b.Ingest(t.Context(), c.in)
		if err != nil || a.Status != c.status || !a.Stored || c.in.Refused != nil && a.RetryAfter != c.in.Refused.RetryAfter {
			t.Errorf("%s: %+v, %v", c.name, a, err)
		}
		d, err := b.Event(t.Context(), app.EventRef{Seq: a.Seq})
		if c.reason == "" {
			if err == nil {
				t.Errorf("%s: recorded as %+v", c.name, d)
			}
			continue
		}
		if err != nil || d.Reason != c.reason || d.Verdict != provider.Rejected || d.Status != c.status {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
	if _, err := b.Ingest(t.Context(), app.Inbound{Account: "zoom", Method: "POST"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("an unknown account: %v", err)
	}
	at := *b.relayed(1, "", nil).Position
	at.Hook = strings.Repeat("h", maxHookName)
	in := b.relayed(1, "bad", nil)
	in.Position = &at
	if got := b.batch(in); got[0].Status != http.StatusUnauthorized {
		t.Errorf("the longest name of a hook: %+v", got)
	}
}

// A rejected request that can't be recorded is logged and refused all the same; a ping isn't confirmed before it is on disk.
func TestARejectedRequestThatCanNotBeRecorded(t *testing.T) {
	b, l := logged(t)
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	if a := b.send("bad", nil); a.Status != http.StatusUnauthorized || a.Stored || l.lines("could not be recorded") != 1 {
		t.Errorf("%+v", a)
	}
	if a := b.send("ping", nil); a.Status != http.StatusServiceUnavailable || a.Stored {
		t.Errorf("a ping: %+v", a)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	l.lines("")
	a, err := b.Ingest(gone, app.Inbound{Account: "daily", Method: "POST", Target: "/hooks/daily", Header: http.Header{"X-Sig": {"bad"}}, ReceivedAt: t0})
	if err != nil || a.Stored || l.lines("could not be recorded") != 0 {
		t.Errorf("of a sender that left: %+v, %v", a, err)
	}
}

// A room has the defaults of its recording, and limits; what lies on them is accepted.
func TestTheLimitsOfRooms(t *testing.T) {
	b := newBench(t)
	for recording, want := range map[provider.RecordingMode]provider.Trigger{
		"": provider.TriggerNone, provider.RecordingNone: provider.TriggerNone, provider.RecordingCloud: provider.TriggerAutomatic2nd,
	} {
		r, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: "r" + string(recording), Recording: recording})
		if err != nil || r.Trigger != want || r.Link != app.LinkNew || r.Recording == "" {
			t.Errorf("%q: %+v, %v", recording, r, err)
		}
	}
	long := strings.Repeat("ä", maxRoomName)
	for name, c := range map[string]struct {
		spec app.RoomSpec
		ok   bool
	}{
		"the longest name": {app.RoomSpec{Name: long}, true}, "a longer one": {app.RoomSpec{Name: long + "x"}, false},
		"the longest group": {app.RoomSpec{Name: "g", Group: long}, true}, "a longer group": {app.RoomSpec{Name: "g2", Group: long + "x"}, false},
		"the largest": {app.RoomSpec{Name: "l", Size: maxRoomSize}, true}, "a larger one": {app.RoomSpec{Name: "l2", Size: maxRoomSize + 1}, false},
		"no limit": {app.RoomSpec{Name: "z", Size: 0}, true}, "less than none": {app.RoomSpec{Name: "z2", Size: -1}, false},
	} {
		if _, err := b.CreateRoom(t.Context(), c.spec); (err == nil) != c.ok || err != nil && !errors.Is(err, provider.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.room("ahead")
	if _, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "ahead", For: maxAhead}); err != nil {
		t.Errorf("the latest end: %v", err)
	}
	if _, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "ahead", For: maxAhead + 1, New: true}); !errors.Is(err, provider.Invalid) {
		t.Errorf("a later one: %v", err)
	}
}

// Counts count everything that is selected.
func TestCountsCountEverything(t *testing.T) {
	b := newBench(t)
	for _, room := range []string{"one", "two", "three"} {
		b.room(room)
		b.start(room)
	}
	b.listed("daily", provider.Recording{ID: "a", Status: "ready", StartedAt: t0}, provider.Recording{ID: "b", Status: "ready", StartedAt: t0})
	b.joins(4)
	n, err := b.Counts(t.Context(), app.CountQuery{Meetings: &app.MeetingQuery{}, Recordings: &app.RecordingQuery{}, Events: &app.EventQuery{}})
	if err != nil || n.Meetings != 4 || n.Recordings != 2 || n.Events != 4 {
		t.Errorf("%+v, %v", n, err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := b.Counts(gone, app.CountQuery{Meetings: &app.MeetingQuery{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("of a caller that left: %v", err)
	}
}

// A booking without a link says in calendars when it gets one.
func TestAnExportSaysWhenTheLinkIsMade(t *testing.T) {
	const notYet = "The link is created shortly before"
	b, _ := newKeeper(t)
	b.room("Design")
	b.lasting("Board")
	b.book("design", "2026-11-22T10:05:00", "")
	b.book("board", "2026-11-23T10:05:00", "")
	export := func(room string) string {
		t.Helper()
		e, err := b.ExportCalendar(t.Context(), app.CalendarExport{Room: room})
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(e.ICS, "\r\n ", "")
	}
	if got := export("design"); !strings.Contains(got, notYet) || strings.Contains(got, "URL:") {
		t.Errorf("before it is made:\n%s", got)
	}
	if got := export("board"); strings.Contains(got, notYet) || !strings.Contains(got, "URL:https://x.example/Board") {
		t.Errorf("of a lasting room:\n%s", got)
	}
	b.bookings.turn(t.Context())
	if got := export("design"); strings.Contains(got, notYet) || !strings.Contains(got, "URL:https://x.example/Design-") {
		t.Errorf("when it is made:\n%s", got)
	}
}

// A calendar of the same name at another address is another calendar, also while the former one is being read.
func TestACalendarThatIsReplaced(t *testing.T) {
	b := newBench(t)
	r := &reader{texts: map[string]string{"/old": workCalendar, "/new": strings.ReplaceAll(workCalendar, "Interview", "Talk")}}
	b.Hub.opt.ReadCalendar = r.read
	add := func(url string) {
		t.Helper()
		if _, err := b.AddCalendar(t.Context(), app.CalendarSpec{Name: "Work", URL: url}); err != nil {
			t.Fatal(err)
		}
	}
	replace := func(url string) {
		t.Helper()
		if _, err := b.RemoveCalendar(t.Context(), app.CalendarRef{Name: "Work"}); err != nil {
			t.Fatal(err)
		}
		add(url)
	}
	shows := func(title string) {
		t.Helper()
		if got := strings.Join(b.upcoming(app.UpcomingQuery{Offline: true}), "\n"); !strings.Contains(got, title) {
			t.Errorf("no %s:\n%s", title, got)
		}
	}
	add("/old")
	shows("Interview")
	replace("/new")
	shows("Talk")
	b.Hub.opt.ReadCalendar = func(ctx context.Context, source string, had calendar.Version) (calendar.Text, error) {
		b.Hub.opt.ReadCalendar = r.read
		replace("/old") // before the text arrives
		return calendar.Text{Body: []byte(r.texts[source])}, nil
	}
	b.calendars.refresh(t.Context(), 0)
	shows("Interview")
}

// The forward of a run is named after its target, and stays as long as it is renewed.
func TestTheForwardOfARun(t *testing.T) {
	b := forwarding(t, map[string]*receiver{hooks: newReceiver(accepts)})
	run := app.ForwardSpec{URL: hooks, Source: app.ForwardByRun, Lease: time.Minute}
	f := b.setForward(run)
	if f.Name == "forward" || !strings.Contains(hooks, f.Name) {
		t.Errorf("it is named %q", f.Name)
	}
	b.clock.Advance(30 * time.Second)
	b.setForward(run)
	b.clock.Advance(45 * time.Second)
	if _, err := b.RemoveForward(t.Context(), app.ForwardRef{Name: f.Name}); !errors.Is(err, provider.Conflict) {
		t.Errorf("removed while it runs: %v", err)
	}
	run.Lease = 0
	b.setForward(run)
	if _, err := b.RemoveForward(t.Context(), app.ForwardRef{Name: f.Name}); err != nil {
		t.Errorf("after its run: %v", err)
	}
}

// An id names its meeting, also where it begins others' ids.
func TestAnIDGoesBeforeBeginnings(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{"abcd", "abcde"} {
		m := roster.Meeting{Meeting: app.Meeting{ID: id, RoomID: id, Room: "r", Account: "daily", PlatformRoom: id + "-room", Status: app.Ended}}
		if err := b.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutMeeting(m) }); err != nil {
			t.Fatal(err)
		}
	}
	for ref, want := range map[string]string{"abcd": "abcd", "abcde": "abcde", "abcde-room": "abcde"} {
		if d := b.meeting(ref); d.ID != want {
			t.Errorf("%s names %s", ref, d.ID)
		}
	}
}

// Recordings are expected among all recent ones, not among the newest alone.
func TestExpectedRecordingsBehindOthers(t *testing.T) {
	b := newBench(t)
	b.close()
	b.accounts[0].Provider = &archive{platform: b.platform, size: 10}
	b.open()
	p, _ := newRecordingPoller(b.Hub, b.order[0])
	expected := func() bool {
		t.Helper()
		got, err := p.expected(t.Context(), b.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	b.listed("daily", provider.Recording{ID: "new", Status: "ready", StartedAt: t0})
	if expected() {
		t.Error("a recording that is ready is expected")
	}
	b.listed("daily", provider.Recording{ID: "old", Status: "processing", StartedAt: t0.Add(-time.Hour)})
	if !expected() {
		t.Error("one that is processed isn't expected")
	}
}

// A filter that fails is an error of the caller, and a zone that doesn't exist, too.
func TestAListWithABadFilter(t *testing.T) {
	b := newBench(t)
	for _, q := range []app.MeetingQuery{{Filter: "("}, {TimeZone: "Nowhere"}} {
		if _, err := b.Meetings(t.Context(), q); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := filter.Parse("(", filter.Options{Now: t0}); err == nil {
		t.Error("the filter is fine")
	}
}
