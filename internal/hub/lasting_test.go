package hub

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// roomKeeper is a platform that keeps rooms.
type roomKeeper struct {
	*platform
	// rooms are those that exist, by name, with the settings that they have.
	rooms  map[string]provider.KeptRoom
	ends   time.Time
	makes  []provider.KeptRoom
	loses  int // answers to creations that get lost
	fixed  bool
	refuse error
	// changes is the error of every change.
	changes error
}

func (k *roomKeeper) KeepRoom(_ context.Context, r provider.KeptRoom) (provider.Meeting, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.makes = append(k.makes, r)
	if k.refuse != nil {
		return provider.Meeting{}, k.refuse
	}
	if _, exists := k.rooms[r.Name]; exists && (r.Tried.IsZero() || k.used[r.Name]) {
		return provider.Meeting{}, &provider.Error{Kind: provider.Conflict, Platform: k.name, Op: "keep " + r.Name}
	}
	k.rooms[r.Name] = r
	if k.loses > 0 {
		k.loses--
		return provider.Meeting{}, &provider.Error{Kind: provider.Unavailable, Platform: k.name, Op: "keep " + r.Name, Text: "the answer was lost"}
	}
	return k.kept(r.Name), nil
}

func (k *roomKeeper) kept(name string) provider.Meeting {
	return provider.Meeting{ID: "id-" + name, Room: name, GuestURL: "https://x.example/" + name, Until: k.ends}
}

func (k *roomKeeper) OpenRoom(_ context.Context, m provider.Meeting, _ provider.MeetingSpec) (provider.Meeting, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, exists := k.rooms[m.Room]; !exists {
		return m, &provider.Error{Kind: provider.NotFound, Platform: k.name, Op: "open " + m.Room}
	}
	return k.kept(m.Room), nil
}

func (k *roomKeeper) ChangeRoom(_ context.Context, m provider.Meeting, _, now provider.KeptRoom) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.changes != nil {
		return k.changes
	}
	if k.fixed {
		return &provider.Error{Kind: provider.Unsupported, Platform: k.name, Op: "change " + m.Room}
	}
	if _, exists := k.rooms[m.Room]; !exists {
		return &provider.Error{Kind: provider.NotFound, Platform: k.name, Op: "change " + m.Room}
	}
	k.rooms[m.Room] = now
	return nil
}

func (k *roomKeeper) Lookup(_ context.Context, m provider.Meeting) (provider.Meeting, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, exists := k.rooms[m.Room]; !exists {
		return m, &provider.Error{Kind: provider.NotFound, Platform: k.name, Op: "look up " + m.Room}
	}
	return k.kept(m.Room), k.lookup
}

func (k *roomKeeper) EndMeeting(ctx context.Context, m provider.Meeting) error {
	if err := k.platform.EndMeeting(ctx, m); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !m.Keep {
		delete(k.rooms, m.Room)
	}
	return nil
}

func (k *roomKeeper) names() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for name := range k.rooms {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// newKeeper is a bench whose account keeps rooms under the names that we give.
func newKeeper(t testing.TB) (*bench, *roomKeeper) {
	b := newBench(t)
	b.close()
	b.platform.traits.NamesRooms, b.platform.traits.EmptiesRooms = true, true
	k := &roomKeeper{platform: b.platform, rooms: map[string]provider.KeptRoom{}}
	b.accounts[0].Provider = k
	b.open()
	return b, k
}

func (b *bench) lasting(name string) app.Room {
	b.t.Helper()
	r, err := b.CreateRoom(context.Background(), app.RoomSpec{Name: name, Link: app.LinkLasting})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) show(name string) app.RoomView {
	b.t.Helper()
	v, err := b.Room(context.Background(), app.RoomRef{Ref: name})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *bench) edit(p app.RoomPatch) app.Room {
	b.t.Helper()
	r, err := b.EditRoom(context.Background(), p)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func ptr[T any](v T) *T { return &v }

func TestALastingRoomHasOneLinkForAllMeetings(t *testing.T) {
	b, k := newKeeper(t)
	const link = "https://x.example/All-hands"
	r := b.lasting("All hands")
	if r.GuestURL != link || b.show("all hands").GuestURL != link {
		t.Fatalf("the link is %q, then %q", r.GuestURL, b.show("all hands").GuestURL)
	}
	var ids []string
	for range 3 {
		s, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "all hands", For: time.Hour})
		if err != nil || s.Reused || s.GuestURL != link || s.HostURL == "" || !s.Lasting || !s.EndsAt.Equal(b.clock.Now().Add(time.Hour)) {
			t.Fatalf("%+v, %v", s, err)
		}
		if again := b.start("all hands"); !again.Reused || again.ID != s.ID {
			t.Errorf("started twice: %+v", again)
		}
		b.clock.Advance(10 * time.Minute)
		if m := b.end("all hands"); m.ID != s.ID {
			t.Errorf("ended %+v", m)
		}
		ids = append(ids, s.ID)
		b.clock.Advance(10 * time.Minute)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 || len(k.names()) != 1 || len(b.platform.created) != 0 || len(k.makes) != 1 {
		t.Errorf("meetings %v in the rooms %v", ids, k.names())
	}
	for _, m := range b.platform.ended {
		if !m.Keep {
			t.Errorf("the room would be removed: %+v", m)
		}
	}
	b.close()
	b.open()
	if v := b.show("all hands"); v.GuestURL != link || v.Link != app.LinkLasting {
		t.Errorf("after a restart: %+v", v)
	}
}

// An answer that is lost, in this process or the one before, leaves one room.
func TestALostAnswerLeavesOneRoom(t *testing.T) {
	b, k := newKeeper(t)
	k.loses = 2
	spec := app.RoomSpec{Name: "design", Link: app.LinkLasting}
	_, err := b.CreateRoom(t.Context(), spec)
	if !errors.Is(err, provider.Unavailable) || !strings.Contains(app.AsError(err).Hint, "run the same command again") {
		t.Fatal(err)
	}
	if v := b.show("design"); v.GuestURL != "" || len(v.Notes) != 1 {
		t.Errorf("before it is known: %+v", v)
	}
	b.close()
	b.open()
	b.clock.Advance(time.Minute)
	if _, err := b.CreateRoom(t.Context(), spec); !errors.Is(err, provider.Unavailable) {
		t.Fatal(err)
	}
	r, err := b.CreateRoom(t.Context(), spec)
	if err != nil || r.GuestURL != "https://x.example/design" || len(k.names()) != 1 {
		t.Fatalf("%+v, %v; rooms %v", r, err, k.names())
	}
	if tried := k.makes[2].Tried; !tried.Equal(t0) {
		t.Errorf("tried first at %v", tried)
	}
	if _, err := b.CreateRoom(t.Context(), spec); !errors.Is(err, provider.Conflict) {
		t.Errorf("again: %v", err)
	}
}

func TestAForeignRoomIsNeverUsed(t *testing.T) {
	b, k := newKeeper(t)
	theirs := provider.KeptRoom{Name: "design", Size: 77}
	k.rooms["design"], k.used["design"] = theirs, true
	r := b.lasting("design")
	if !strings.HasPrefix(r.GuestURL, "https://x.example/design-") || k.rooms["design"] != theirs {
		t.Errorf("the link is %q, their room %+v", r.GuestURL, k.rooms["design"])
	}
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "design"}); err != nil {
		t.Fatal(err)
	}
	if got := k.names(); len(got) != 1 || got[0] != "design" {
		t.Errorf("left are %v", got)
	}
}

func TestAPlatformThatRefusesLeavesNoRoom(t *testing.T) {
	b, k := newKeeper(t)
	k.refuse = &provider.Error{Kind: provider.Unauthenticated, Platform: provider.Daily, Op: "keep"}
	spec := app.RoomSpec{Name: "design", Link: app.LinkLasting}
	if _, err := b.CreateRoom(t.Context(), spec); !errors.Is(err, provider.Unauthenticated) {
		t.Fatal(err)
	}
	if rooms, err := b.Rooms(t.Context(), app.RoomQuery{}); err != nil || len(rooms) != 0 {
		t.Errorf("%+v, %v", rooms, err)
	}
	b.room("design")
	if _, err := b.EditRoom(t.Context(), app.RoomPatch{Ref: "design", Link: ptr(app.LinkLasting), Size: ptr(9)}); !errors.Is(err, provider.Unauthenticated) {
		t.Fatal(err)
	}
	if v := b.show("design"); v.Link != app.LinkNew || v.Size != 0 || len(v.Places) != 0 {
		t.Errorf("changed all the same: %+v", v)
	}
	// An account that can't keep rooms, or none, is an error at once.
	b.close()
	b.accounts[0].Provider = b.platform
	b.open()
	if _, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: "other", Link: app.LinkLasting}); !errors.Is(err, provider.Unsupported) {
		t.Error(err)
	}
	b.close()
	b.accounts = nil
	b.open()
	if _, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: "other", Link: app.LinkLasting}); !errors.Is(err, app.NotConfigured) {
		t.Error(err)
	}
}

func TestARoomThatVanishedIsMadeAgain(t *testing.T) {
	b, k := newKeeper(t)
	link := b.lasting("design").GuestURL
	delete(k.rooms, "design")
	if s := b.start("design"); s.GuestURL != link || len(k.names()) != 1 {
		t.Errorf("%+v", s)
	}
	b.end("design")
	// Without a start the owner finds it missing twice.
	delete(k.rooms, "design")
	c, _ := newCaretaker(b.Hub, b.order[0])
	c.turn(t.Context())
	if len(k.names()) != 0 {
		t.Error("one answer was enough")
	}
	b.clock.Advance(lookAgain)
	c.turn(t.Context())
	if v := b.show("design"); v.GuestURL != link || len(k.names()) != 1 {
		t.Errorf("%+v", v)
	}
	n := len(k.makes)
	b.clock.Advance(lookKeptEvery)
	if c.turn(t.Context()); len(k.makes) != n {
		t.Error("a room that exists was made again")
	}
}

func TestSettingsReachTheLastingRoom(t *testing.T) {
	b, k := newKeeper(t)
	link := b.lasting("design").GuestURL
	m := b.start("design")
	b.edit(app.RoomPatch{Ref: "design", Size: ptr(12), Locked: ptr(true), Name: ptr("Design team")})
	if got := k.rooms["design"]; got.Size != 12 || !got.Locked {
		t.Errorf("the room has %+v", got)
	}
	if d := b.meeting(m.ID); d.Size != 12 || !d.Locked {
		t.Errorf("its meeting has %+v", d)
	}
	// Switched off, the room stays; switched on, the link is the former one, with the settings of now.
	if r := b.edit(app.RoomPatch{Ref: "design team", Link: ptr(app.LinkNew)}); r.GuestURL != "" || len(k.names()) != 1 {
		t.Errorf("%+v, %v", r, k.names())
	}
	b.end("design team")
	if s := b.start("design team"); s.GuestURL == link || s.Lasting {
		t.Errorf("%+v", s)
	}
	b.edit(app.RoomPatch{Ref: "design team", Size: ptr(3)})
	if r := b.edit(app.RoomPatch{Ref: "design team", Link: ptr(app.LinkLasting)}); r.GuestURL != link || k.rooms["design"].Size != 3 {
		t.Errorf("%+v, %+v", r, k.rooms["design"])
	}
	// The empty meeting in a room of its own gives way, since guests come to the lasting one.
	if s := b.start("design team"); s.GuestURL != link || s.Reused {
		t.Errorf("%+v", s)
	}
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "design team"}); !errors.Is(err, provider.Conflict) || len(k.names()) != 1 {
		t.Errorf("deleted in a meeting: %v", err)
	}
	b.end("design team")
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "design team"}); err != nil || len(k.names()) != 0 {
		t.Errorf("%v; left are %v", err, k.names())
	}
}

// Where the platform can't change a room, the setting is kept and shown.
func TestWhatThePlatformCannotChangeIsShown(t *testing.T) {
	b, k := newKeeper(t)
	b.lasting("design")
	k.fixed = true
	b.edit(app.RoomPatch{Ref: "design", Locked: ptr(true)})
	if v := b.show("design"); !v.Locked || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "can't change") {
		t.Errorf("%+v", v)
	}
}

func TestNewEndsTheRunningMeetingOfALastingRoom(t *testing.T) {
	b, _ := newKeeper(t)
	b.lasting("design")
	first := b.start("design")
	b.event(join(first.PlatformRoom, "ada", t0))
	b.clock.Advance(time.Hour)
	second, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "design", New: true})
	if err != nil || second.Reused || second.ID == first.ID {
		t.Fatal(second, err)
	}
	if d := b.meeting(first.ID); d.Status != app.Ended || d.Here != 0 || len(b.platform.ended) != 1 || b.platform.ended[0].Sessions[0] != "ada" {
		t.Errorf("the first is %+v; ended were %+v", d, b.platform.ended)
	}
	// What comes late belongs to the meeting of its session.
	now := b.clock.Now()
	b.event(leave("design", "ada", t0, now.Add(2*time.Second)))
	b.event(provider.Event{Kind: provider.KindMeetingEnded, ID: "me", At: now.Add(-time.Second), Room: "design", Emptied: true})
	b.clock.Advance(10 * time.Second)
	for _, lists := range [][]provider.Participant{{*person("ada", t0)}, {}} {
		if err := b.Observe(t.Context(), second.ID, Reading{Begun: b.clock.Now(), Here: lists}); err != nil {
			t.Fatal(err)
		}
	}
	if d := b.meeting(second.ID); d.Here != 0 || d.Status != app.Open || len(d.Participants) != 0 {
		t.Errorf("the second has %+v", d)
	}
	if d := b.meeting(first.ID); len(d.Participants) != 1 || d.Status != app.Ended {
		t.Errorf("the first has %+v", d)
	}
}

// A platform that can't remove people leaves them in the room: they are in the next meeting, once its readings are beyond doubt.
func TestWhoStaysInTheRoomIsInTheNextMeeting(t *testing.T) {
	b, _ := newKeeper(t)
	b.lasting("design")
	b.event(join("design", "ada", t0))
	b.clock.Advance(time.Hour)
	b.end("design")
	b.clock.Advance(time.Hour)
	second := b.start("design")
	b.clock.Advance(2 * time.Minute)
	if err := b.Observe(t.Context(), second.ID, Reading{Begun: b.clock.Now(), Here: []provider.Participant{*person("ada", t0)}}); err != nil {
		t.Fatal(err)
	}
	d := b.meeting(second.ID)
	if d.Here != 1 || d.Participants[0].JoinedAt.Before(t0.Add(time.Hour)) {
		t.Fatalf("%+v", d)
	}
	b.clock.Advance(time.Minute)
	b.event(leave("design", "ada", t0, b.clock.Now()))
	if d := b.meeting(second.ID); d.Here != 0 || len(d.Participants) != 1 || !d.Participants[0].LeftAt.Equal(b.clock.Now()) {
		t.Errorf("%+v", d)
	}
}

// Guests who come with the link before the host begin a meeting of the room, and the host's start joins it.
func TestGuestsBeginAMeetingWithTheLastingLink(t *testing.T) {
	b, _ := newKeeper(t)
	r := b.lasting("design")
	b.event(join("design", "ada", t0))
	v := b.show("design")
	if v.Meeting == nil || v.Meeting.Here != 1 || v.Meeting.RoomID != r.ID || v.Meeting.Adopted || !v.Meeting.Lasting {
		t.Fatalf("%+v", v.Meeting)
	}
	if rooms, err := b.Rooms(t.Context(), app.RoomQuery{}); err != nil || len(rooms) != 1 {
		t.Errorf("%+v, %v", rooms, err)
	}
	if s := b.start("design"); !s.Reused || s.ID != v.Meeting.ID {
		t.Errorf("%+v", s)
	}
	// It ends when it is empty past its end, and who comes later begins another one.
	b.event(leave("design", "ada", t0, t0.Add(time.Minute)))
	b.clock.Advance(9 * time.Hour)
	w := newEndWatcher(b.Hub, b.order[0])
	w.turn(t.Context())
	b.clock.Advance(overdueFor)
	w.turn(t.Context())
	if d := b.meeting(v.Meeting.ID); d.Status != app.Ended || d.EndReason != "expired" {
		t.Fatalf("%+v", d)
	}
	b.clock.Advance(time.Hour)
	b.event(join("design", "bob", b.clock.Now()))
	if d := b.meeting("design"); d.ID == v.Meeting.ID || d.Here != 1 || d.RoomID != r.ID {
		t.Errorf("%+v", d)
	}
}

func TestAnAdoptedRoomKeepsItsPlatformRoom(t *testing.T) {
	b, k := newKeeper(t)
	k.rooms["office"] = provider.KeptRoom{Name: "office"}
	b.event(join("office", "ada", t0))
	first := b.meeting("office")
	b.end(first.ID)
	b.clock.Advance(time.Hour)
	s := b.start("office")
	if s.PlatformRoom != "office" || s.ID == first.ID || len(b.platform.created) != 0 || !s.Adopted {
		t.Errorf("%+v", s)
	}
	if v := b.show("office"); v.Link != app.LinkLasting || v.GuestURL != "https://x.example/office" && v.GuestURL != first.GuestURL {
		t.Errorf("%+v", v)
	}
	b.end("office")
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "office"}); err != nil || len(k.names()) != 1 {
		t.Errorf("%v; left are %v", err, k.names())
	}
}

func TestALinkIsRenewedBeforeItsEnd(t *testing.T) {
	b, k := newKeeper(t)
	b.platform.traits.NamesRooms = false
	k.ends = t0.Add(100 * 24 * time.Hour)
	first := b.lasting("Weekly meeting of everyone in sales").GuestURL
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, _ := newCaretaker(b.Hub, b.order[0])
	b.clock.Advance(80 * 24 * time.Hour)
	c.turn(t.Context())
	if v := b.show("Weekly meeting of everyone in sales"); v.GuestURL != first || len(v.Notes) != 1 {
		t.Fatalf("%+v", v)
	}
	b.clock.Advance(7 * 24 * time.Hour)
	k.ends = b.clock.Now().Add(100 * 24 * time.Hour)
	k.loses = 1
	c.turn(t.Context())
	b.clock.Advance(keepAgain)
	c.turn(t.Context())
	v := b.show("Weekly meeting of everyone in sales")
	if v.GuestURL == first || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], first) || len(k.names()) != 2 {
		t.Fatalf("%+v, rooms %v", v, k.names())
	}
	for c := range changes {
		if c.Activity != nil && c.Activity.Kind == app.LinkChanged && c.Activity.Detail == v.GuestURL {
			break
		}
	}
	if c.turn(t.Context()); len(k.names()) != 2 {
		t.Error("renewed twice")
	}
}

func TestBookingsOfALastingRoom(t *testing.T) {
	b, k := newKeeper(t)
	link := b.lasting("design").GuestURL
	daily := b.book("design", "2026-11-22T11:00:00", "day")
	after := b.book("design", "2026-11-22T12:00:00", "")
	if daily.Link != link || after.Link != link {
		t.Fatalf("links %q and %q", daily.Link, after.Link)
	}
	ics, err := b.ExportCalendar(t.Context(), app.CalendarExport{})
	if err != nil || strings.Count(ics.ICS, "URL:"+link) != 2 {
		t.Errorf("%s, %v", ics.ICS, err)
	}
	made := func(id string) string {
		list, err := b.Bookings(t.Context(), app.BookingQuery{})
		if err != nil {
			t.Fatal(err)
		}
		return list[slices.IndexFunc(list, func(v app.Booking) bool { return v.ID == id })].Meeting
	}
	b.clock.Advance(50 * time.Minute)
	b.bookings.turn(t.Context())
	first := made(daily.ID)
	if first == "" || b.meeting(first).GuestURL != link {
		t.Fatalf("made %q", first)
	}
	// The next one waits while the former is in the room, and begins at its time.
	b.clock.Advance(time.Hour)
	b.bookings.turn(t.Context())
	if got := made(after.ID); got != "" {
		t.Errorf("the second was made while the first runs: %s", got)
	}
	b.clock.Advance(10 * time.Minute)
	b.bookings.turn(t.Context())
	second := made(after.ID)
	if second == "" || second == first || b.meeting(first).Status != app.Ended || len(k.names()) != 1 {
		t.Fatalf("second %q; the first is %+v", second, b.meeting(first))
	}
	// A meeting that people are still in continues for the occurrence that begins.
	next := b.book("design", "2026-11-22T13:00:00", "")
	b.event(join("design", "ada", b.clock.Now()))
	b.clock.Advance(time.Hour)
	b.bookings.turn(t.Context())
	if got := made(next.ID); got != second {
		t.Errorf("%s, not the meeting that people are in", got)
	}
	if d := b.meeting(second); d.EndsAt.Before(t0.Add(4 * time.Hour)) {
		t.Errorf("it ends at %v", d.EndsAt)
	}
}

// namer is a platform that chooses the names, and may lose the answer to a creation or have it arrive late.
type namer struct {
	*platform
	made  []provider.Meeting
	loses int
	late  []provider.MeetingSpec // creations that have not arrived yet
	holds bool
}

func (n *namer) arrive(s provider.MeetingSpec) provider.Meeting {
	m := provider.Meeting{ID: "8" + s.Name, Room: strings.ToLower(s.Room) + "-" + s.Name, GuestURL: "https://x.example/" + s.Name, Until: s.Until}
	n.made = append(n.made, m)
	return m
}

func (n *namer) CreateMeeting(_ context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.created = append(n.created, s)
	lost := &provider.Error{Kind: provider.Unavailable, Platform: n.name, Op: "create", Text: "the answer was lost"}
	if n.holds {
		n.late = append(n.late, s)
		return provider.Meeting{}, lost
	}
	m := n.arrive(s)
	if n.loses > 0 {
		n.loses--
		return provider.Meeting{}, lost
	}
	return m, nil
}

func (n *namer) Lookup(_ context.Context, m provider.Meeting) (provider.Meeting, error) {
	return m, &provider.Error{Kind: provider.Invalid, Platform: n.name, Op: "look up", Text: "no id"}
}

func (n *namer) Rooms(_ context.Context, yield func(provider.Meeting) bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.made {
		if !yield(m) {
			return nil
		}
	}
	return nil
}

// A platform that chooses the names can't be asked for one: after a lost answer, its list shows whether the meeting was made, and
// nothing is created while the request may still be on its way.
func TestALostAnswerToABookingMakesOneMeeting(t *testing.T) {
	for name, prepare := range map[string]func(n *namer){
		"the answer is lost":    func(n *namer) { n.loses = 1 },
		"the request is late":   func(n *namer) { n.holds = true },
		"the request never was": func(n *namer) { n.holds = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.close()
			n := &namer{platform: b.platform}
			prepare(n)
			b.accounts[0].Provider = n
			b.open()
			b.room("Design")
			booking := b.book("design", "2026-11-22T10:05:00", "")
			b.bookings.turn(t.Context())
			if list, err := b.Bookings(t.Context(), app.BookingQuery{}); err != nil || list[0].Error == "" || list[0].Meeting != "" {
				t.Fatalf("after a lost answer: %+v, %v", list, err)
			}
			b.close() // another process looks
			b.open()
			b.clock.Advance(bookingAgain)
			b.bookings.turn(t.Context())
			if n.holds = false; name == "the request is late" {
				n.arrive(n.late[0])
			}
			b.clock.Advance(doubtFor)
			b.bookings.turn(t.Context())
			b.bookings.turn(t.Context())
			list, err := b.Bookings(t.Context(), app.BookingQuery{})
			if err != nil || list[0].ID != booking.ID || list[0].Meeting == "" || list[0].Error != "" || len(n.made) != 1 {
				t.Errorf("%d meetings on the platform; %+v, %v", len(n.made), list, err)
			}
		})
	}
}
