package hub

import (
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// Those who are there come first, then those who wait, each in the order in which they came; then those who left, the last one first.
func TestTheOrderOfPeople(t *testing.T) {
	at := func(s int) app.Time { return app.At(t0.Add(time.Duration(s) * time.Second)) }
	want := []app.Stay{
		{Session: "c", JoinedAt: at(1)}, {Session: "b", JoinedAt: at(2)}, {Session: "d", JoinedAt: at(2)},
		{Session: "w2", Waiting: true}, {Session: "w", JoinedAt: at(0), Waiting: true},
		{Session: "e", JoinedAt: at(3), LeftAt: at(9)}, {Session: "a", JoinedAt: at(1), LeftAt: at(8)}, {Session: "g", JoinedAt: at(4), LeftAt: at(8)},
		{Session: "h", JoinedAt: at(4), LeftAt: at(8)}, {Session: "f", JoinedAt: at(0), LeftAt: at(7)},
	}
	want[3].WaitingSince, want[4].WaitingSince = at(1), at(1)
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, byPresence)
	for i := range want {
		if got[i].Session != want[i].Session {
			t.Errorf("%d: %s, not %s", i, got[i].Session, want[i].Session)
		}
	}
}

// Of a room's meetings the live one is shown, else the newest open one, else the latest.
func TestWhichMeetingOfARoomIsShown(t *testing.T) {
	b := newBench(t)
	b.room("r")
	start := func() app.StartedMeeting {
		t.Helper()
		b.clock.Advance(time.Second)
		m, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "r", New: true})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, second, third := start(), start(), start()
	shown := func(what, want string) {
		t.Helper()
		if d := b.meeting("r"); d.ID != want {
			t.Errorf("%s: %s", what, d.PlatformRoom)
		}
		rooms, err := b.Rooms(t.Context(), app.RoomQuery{})
		if err != nil || len(rooms) != 1 || rooms[0].Meeting == nil || rooms[0].Meeting.ID != want {
			t.Errorf("%s: %+v, %v", what, rooms, err)
		}
	}
	shown("all open", third.ID)
	b.event(join(second.PlatformRoom, "ada", b.clock.Now()))
	shown("one in the middle is live", second.ID)
	b.event(join(first.PlatformRoom, "bo", b.clock.Now()))
	shown("two are live", second.ID)
	b.end(second.ID)
	shown("the oldest is live", first.ID)
	b.end(first.ID)
	shown("one is open", third.ID)
	b.end(third.ID)
	shown("all have ended", third.ID)
}

// A platform that asks for patience gets it, within bounds.
func TestHowLongARateLimitIsObeyed(t *testing.T) {
	limited := func(after time.Duration) error { return &provider.Error{Kind: provider.RateLimited, RetryAfter: after} }
	for _, c := range []struct {
		err  error
		want time.Duration
	}{
		{limited(0), 10 * time.Second}, {limited(10*time.Second - 1), 10 * time.Second}, {limited(10*time.Second + 1), 10*time.Second + 1},
		{limited(time.Minute), time.Minute}, {limited(time.Hour), time.Minute}, {errors.New("other"), 10 * time.Second}, {nil, 10 * time.Second},
	} {
		if got := retryAfter(c.err, 10*time.Second); got != c.want {
			t.Errorf("%v: %s", c.err, got)
		}
	}
}

// A meeting's presence is read as often as the platform allows, those first that were not read for longest.
func TestWhenPresenceIsRead(t *testing.T) {
	b := newBench(t)
	b.room("r")
	b.start("r")
	p := newPresencePoller(b.Hub, b.order[0])
	reads := func() int {
		p.turn(t.Context())
		b.platform.mu.Lock()
		defer b.platform.mu.Unlock()
		return b.platform.presence
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {10*time.Second - 1, 1}, {1, 2}, {9 * time.Second, 2}, {time.Second, 3}} {
		b.clock.Advance(c.after)
		if got := reads(); got != c.want {
			t.Errorf("after %s more it was read %d times", c.after, got)
		}
	}
	b.readAgain()
	if got := reads(); got != 4 {
		t.Errorf("after a gap it was read %d times", got)
	}
	b.platform.fail = &provider.Error{Kind: provider.RateLimited, Platform: provider.Daily, RetryAfter: 30 * time.Second}
	b.clock.Advance(10 * time.Second)
	reads()
	b.clock.Advance(30*time.Second - 1)
	if got := reads(); got != 5 {
		t.Errorf("while it is limited it was read %d times", got)
	}
	b.clock.Advance(1)
	if got := reads(); got != 6 {
		t.Errorf("after the limit it was read %d times", got)
	}
	b.platform.fail = nil
	b.end("r")
	b.clock.Advance(time.Minute)
	if got := reads(); got != 6 || len(p.last) != 0 {
		t.Errorf("after its end it was read %d times, and %v is kept", got, p.last)
	}
}

// A reading moves the evidence of a meeting only while people are in it, or one that it lists is. Bots are no people.
func TestWhatAReadingIsEvidenceOf(t *testing.T) {
	b := newBench(t)
	b.room("r")
	m := b.start("r")
	read := func(people ...provider.Participant) app.MeetingDetail {
		t.Helper()
		b.clock.Advance(time.Minute)
		if err := b.Observe(t.Context(), m.ID, Reading{Begun: b.clock.Now(), Here: people}); err != nil {
			t.Fatal(err)
		}
		return b.meeting(m.ID)
	}
	if d := read(); !d.EvidenceAt.Equal(t0) || d.Status != app.Open {
		t.Errorf("empty: %s, evidence of %v", d.Status, d.EvidenceAt)
	}
	bot := *person("bot", t0)
	bot.Role = provider.RoleBot
	if d := read(bot); d.Here != 0 || d.Status != app.Open || !d.EvidenceAt.Equal(t0) {
		t.Errorf("a bot alone: %d here, %s, evidence of %v", d.Here, d.Status, d.EvidenceAt)
	}
	if d := read(*person("ada", t0)); d.Here != 1 || d.Status != app.Live || !d.EvidenceAt.Equal(b.clock.Now()) {
		t.Errorf("with Ada: %d here, %s, evidence of %v", d.Here, d.Status, d.EvidenceAt)
	}
	// Once lacking is not gone, and every reading that lacks her counts.
	if d := read(); d.Here != 1 {
		t.Errorf("after one reading without her: %d here", d.Here)
	}
	if d := read(); d.Here != 0 || d.Status != app.Open {
		t.Errorf("after two readings without her: %d here, %s", d.Here, d.Status)
	}
}

// Everything that is found in buckets and not settled is looked at again, while it is young.
func TestWhichFindsAreLookedAtAgain(t *testing.T) {
	b := newBench(t)
	for _, room := range []string{"one", "two"} {
		b.seen([]string{"daily"}, cloudTale(room).found...)
	}
	for _, room := range []string{"one", "two"} {
		b.event(join(room, "ada-"+room, t0.Add(time.Minute)))
	}
	s := &settler{hub: b.Hub}
	s.turn(t.Context())
	for _, r := range b.all() {
		if r.Meeting == "" {
			t.Errorf("%s has no meeting", r.ID)
		}
	}
	b.seen([]string{"daily"}, cloudTale("three").found...)
	b.event(join("three", "ada-three", t0.Add(time.Minute)))
	known := func() bool {
		s.turn(t.Context())
		return !slices.ContainsFunc(b.all(), func(r app.Recording) bool { return r.Meeting == "" })
	}
	if b.clock.Advance(settleEvery - 1 - b.clock.Since(t0.Add(time.Minute))); known() {
		t.Error("it was looked at again too soon")
	}
	if b.clock.Advance(settleEvery); !known() {
		t.Error("it was not looked at again")
	}
}

// A recording can be downloaded from an account whose platform hands files out, or whose bucket has them.
func TestADownloadNeedsAPlatformThatHandsOutFiles(t *testing.T) {
	b := newBench(t)
	r := app.Recording{Account: "daily", ID: "r"}
	if err := (origin{b.Hub}).CanDownload(r); !errors.Is(err, provider.Unsupported) {
		t.Errorf("without files: %v", err)
	}
	a := b.Hub.accounts["daily"]
	a.Recording.Bucket = "mine"
	if err := (origin{b.Hub}).CanDownload(r); err != nil {
		t.Errorf("from a bucket: %v", err)
	}
	a.Unusable = &app.Error{Kind: app.NotConfigured, Text: "no key"}
	if why := reasons(a)[provider.AbilityDownload]; why != "no key" {
		t.Errorf("an account that can't be used has %q", why)
	}
	if err := (origin{b.Hub}).CanDownload(app.Recording{Account: "gone"}); !errors.Is(err, app.NotConfigured) {
		t.Errorf("an unknown account: %v", err)
	}
}

// A recording that is waited for is listed again as often as downloads wait, and not more often.
func TestAListIsFreshForAWhile(t *testing.T) {
	b := newBench(t)
	b.close()
	a := &archive{platform: b.platform, size: 10, list: []provider.Recording{{ID: "r", Status: "ready", StartedAt: t0}}}
	b.accounts[0].Provider = a
	b.open()
	b.listed("daily", a.list...)
	r := b.all()[0]
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {4*time.Second - 1, 1}, {1, 2}} {
		b.clock.Advance(c.after)
		if got, err := (origin{b.Hub}).Refresh(t.Context(), r); err != nil || got.ID != "r" || a.calls != c.want {
			t.Errorf("after %s more: %d lists, %+v, %v", c.after, a.calls, got, err)
		}
	}
	b.clock.Advance(time.Minute)
	a.fail = 1
	if _, err := (origin{b.Hub}).Refresh(t.Context(), r); !errors.Is(err, errAway) {
		t.Errorf("while the platform is away: %v", err)
	}
	if _, err := (origin{b.Hub}).Refresh(t.Context(), app.Recording{Account: "gone"}); !errors.Is(err, app.NotConfigured) {
		t.Errorf("an unknown account: %v", err)
	}
}

// Whether there is a new booking is looked at as soon as one is written, and not after a failure.
func TestAWrittenBookingIsLookedAtAtOnce(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	woken := func() bool {
		select {
		case <-b.bookings.look:
			return true
		default:
			return false
		}
	}
	if b.book("design", "2026-12-01T09:00:00", ""); !woken() {
		t.Error("a booking")
	}
	if _, err := b.Book(t.Context(), app.BookingSpec{Room: "none", At: "2026-12-01T09:00:00", TimeZone: "UTC"}); err == nil || woken() {
		t.Errorf("a booking that failed: %v", err)
	}
	if got := b.lastingLinkOf("gone"); got != "" {
		t.Errorf("the link of a room that is gone: %q", got)
	}
}

func (b *bench) lastingLinkOf(room string) (link string) {
	b.t.Helper()
	if err := b.store.View(b.t.Context(), func(tx *store.Tx) error { link = b.lastingLink(tx, room); return nil }); err != nil {
		b.t.Fatal(err)
	}
	return link
}
