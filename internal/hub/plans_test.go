package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/provider"
)

// book books a room in UTC; the clock of a bench begins at 10:00 on Sunday, 22 November 2026.
func (b *bench) book(room, at, every string) app.Booking {
	b.t.Helper()
	v, err := b.Book(b.t.Context(), app.BookingSpec{Room: room, At: at, TimeZone: "UTC", Every: every})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// made counts the meetings that the platform was asked for.
func (b *bench) made() int {
	b.platform.mu.Lock()
	defer b.platform.mu.Unlock()
	return len(b.platform.created)
}

func (b *bench) upcoming(q app.UpcomingQuery) []string {
	b.t.Helper()
	u, err := b.Upcoming(b.t.Context(), q)
	if err != nil {
		b.t.Fatal(err)
	}
	out := []string{}
	for _, i := range u.Items {
		s := i.At.Format("0102 1504 ") + string(i.Source) + " " + i.Title
		if i.Meeting != "" {
			s += " " + string(i.Status)
		}
		if i.URL != "" {
			s += " " + i.URL
		}
		if len(i.Conflicts) > 0 {
			s += " with " + strings.Join(i.Conflicts, ", ")
		}
		out = append(out, s)
	}
	return append(out, u.Notes...)
}

func TestAMeetingIsMadeAheadExactlyOnce(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	booking := b.book("design", "2026-11-22T11:00:00", "day")
	ctx := t.Context()
	b.clock.Advance(49*time.Minute + 59*time.Second)
	if wait := b.bookings.turn(ctx); b.made() != 0 || wait != time.Second {
		t.Fatalf("%d meetings were made too early; the next look is in %s", b.made(), wait)
	}
	b.clock.Advance(time.Second)
	b.bookings.turn(ctx)
	b.bookings.turn(ctx)
	if b.made() != 1 {
		t.Fatalf("%d meetings", b.made())
	}
	spec := b.platform.created[0]
	if !spec.Until.Equal(t0.Add(2*time.Hour)) || !strings.HasPrefix(spec.Name, "Design-20261122110000-") {
		t.Errorf("it was made as %+v", spec)
	}
	// After a restart it is known, and so is its booking.
	b.close()
	b.open()
	b.bookings.turn(ctx)
	list, err := b.Bookings(ctx, app.BookingQuery{})
	if err != nil || b.made() != 1 || len(list) != 1 || list[0].Link != "https://x.example/"+spec.Name || list[0].Meeting == "" {
		t.Fatalf("%d meetings, bookings %+v, %v", b.made(), list, err)
	}
	if got := b.upcoming(app.UpcomingQuery{Days: 1}); len(got) != 1 || got[0] != "1122 1100 booking Design open https://x.example/"+spec.Name {
		t.Errorf("upcoming %q", got)
	}
	// One that was ended by hand isn't made again.
	m, err := b.EndMeeting(ctx, app.MeetingRef{Ref: list[0].Meeting})
	if err != nil || m.Booking != booking.ID {
		t.Fatal(m, err)
	}
	b.clock.Advance(30 * time.Minute)
	if b.bookings.turn(ctx); b.made() != 1 {
		t.Error("it was made again")
	}
	// A machine that slept makes what isn't over, once.
	b.clock.Advance(24*time.Hour + 15*time.Minute) // 11:35 on the next day
	if b.bookings.turn(ctx); b.made() != 2 {
		t.Errorf("%d meetings after waking", b.made())
	}
	b.clock.Advance(48*time.Hour + 30*time.Minute) // 12:05 two days later: that of the day before was missed for good
	if b.bookings.turn(ctx); b.made() != 2 {
		t.Errorf("%d meetings after sleeping too long", b.made())
	}
}

func TestTheOwnerMakesMeetingsByTheClock(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.book("design", "2026-11-22T11:00:00", "")
	b.goes("bookings", b.bookings.run) // alone: its timer is the only one that the clock has
	found := make(chan struct{})
	go func() {
		defer close(found)
		for c := range changes {
			if c.Kind == app.MeetingChange {
				return
			}
		}
	}()
	for done := false; !done; {
		select {
		case <-found:
			done = true
		default:
			if err := b.clock.BlockUntilContext(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			b.clock.Advance(10 * time.Second)
		}
	}
	if at := b.clock.Now().Sub(t0); b.made() != 1 || at < 50*time.Minute {
		t.Errorf("%d meetings after %s", b.made(), at)
	}
}

// A process that is killed between the platform's answer and the commit leaves a meeting there, which the next one finds.
func TestAMeetingWhoseRecordWasLostIsFound(t *testing.T) {
	b := newBench(t)
	r := b.room("Design")
	booking := b.book("design", "2026-11-22T10:05:00", "")
	o := &occurrence{id: booking.ID, slot: calendar.Slot{Start: t0.Add(5 * time.Minute), End: t0.Add(65 * time.Minute)}}
	name, err := o.announce(t.Context(), b.Hub, "daily", r)
	if err != nil {
		t.Fatal(err)
	}
	b.close()
	b.open()
	b.bookings.turn(t.Context())
	m, err := b.Meeting(t.Context(), app.MeetingRef{Ref: "design"})
	if err != nil || b.made() != 0 || m.PlatformRoom != name || m.Booking != booking.ID {
		t.Errorf("%d meetings were made; it is %+v, %v", b.made(), m.Meeting, err)
	}
}

func TestAMeetingThatTheTryDidNotMakeIsMade(t *testing.T) {
	b := newBench(t)
	r := b.room("Design")
	booking := b.book("design", "2026-11-22T10:05:00", "")
	o := &occurrence{id: booking.ID, slot: calendar.Slot{Start: t0.Add(5 * time.Minute), End: t0.Add(65 * time.Minute)}}
	name, err := o.announce(t.Context(), b.Hub, "daily", r)
	if err != nil {
		t.Fatal(err)
	}
	b.platform.lookup = &provider.Error{Kind: provider.Unavailable}
	b.bookings.turn(t.Context())
	if b.made() != 0 {
		t.Fatal("it was made while it was unknown whether it exists")
	}
	b.platform.lookup = &provider.Error{Kind: provider.NotFound}
	b.clock.Advance(bookingAgain)
	b.bookings.turn(t.Context())
	if b.made() != 1 || b.platform.created[0].Name != name {
		t.Errorf("created %+v", b.platform.created)
	}
}

func TestAFailureIsShownAndTriedAgain(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	b.book("design", "2026-11-22T10:05:00", "")
	b.platform.fail = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily, Text: "it is away"}
	b.platform.lookup = &provider.Error{Kind: provider.NotFound}
	b.bookings.turn(t.Context())
	if l, err := b.Bookings(t.Context(), app.BookingQuery{}); err != nil || l[0].Error == "" || l[0].Link != "" {
		t.Errorf("%+v, %v", l, err)
	}
	b.bookings.turn(t.Context())
	if b.made() != 1 {
		t.Error("it was tried again at once")
	}
	b.platform.mu.Lock()
	b.platform.fail = nil
	b.platform.mu.Unlock()
	b.clock.Advance(bookingAgain)
	b.bookings.turn(t.Context())
	if l, err := b.Bookings(t.Context(), app.BookingQuery{}); err != nil || l[0].Error != "" || l[0].Link == "" || b.made() != 2 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestWhichOpenMeetingServesABooking(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	ctx := t.Context()
	first := b.book("design", "2026-11-22T10:05:00", "")
	// One by hand that lasts long enough is the booking's.
	m, err := b.StartMeeting(ctx, app.StartMeeting{Room: "design", For: 3 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	b.bookings.turn(ctx)
	if l, err := b.Bookings(ctx, app.BookingQuery{}); err != nil || b.made() != 1 || l[0].ID != first.ID || l[0].Meeting != m.ID {
		t.Fatalf("%d meetings; %+v, %v", b.made(), l, err)
	}
	// That of another booking is not, and one that ends too early isn't either.
	b.book("design", "2026-11-22T10:10:00", "")
	b.bookings.turn(ctx)
	if b.made() != 2 {
		t.Errorf("%d meetings for two bookings", b.made())
	}
	b.room("Board")
	if _, err := b.StartMeeting(ctx, app.StartMeeting{Room: "board", For: 20 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	b.book("board", "2026-11-22T10:05:00", "")
	if b.bookings.turn(ctx); b.made() != 4 {
		t.Errorf("%d meetings", b.made())
	}
}

func TestChangingBookings(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	ctx := t.Context()
	v, err := b.Book(ctx, app.BookingSpec{Room: "design", At: "2026-12-31T10:00:00", TimeZone: "W. Europe Standard Time", Every: "month", Until: "2027-05-31", For: 30 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if v.TimeZone != "Europe/Berlin" || v.Rule != "FREQ=MONTHLY" || v.Until.UTC().Format(time.RFC3339) != "2027-05-31T21:59:59Z" || len(v.Notes) != 1 {
		t.Errorf("%+v", v)
	}
	at, every := "2026-12-01T09:00:00", "RRULE:FREQ=WEEKLY;UNTIL=20270101T000000Z"
	e, err := b.EditBooking(ctx, app.BookingPatch{BookingRef: app.BookingRef{Ref: v.ID[:12], Room: "Design"}, At: &at, Every: &every})
	if err != nil || e.ID != v.ID || e.LocalStart != at || e.Rule != "FREQ=WEEKLY" || e.Until.UTC().Format(time.RFC3339) != "2027-01-01T00:00:00Z" ||
		e.EndsAt.Sub(e.StartsAt.Time) != 30*time.Minute || e.Revision != 1 || len(e.Notes) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	b.room("Ops")
	other := app.BookingRef{Ref: v.ID, Room: "ops"}
	if _, err := b.EditBooking(ctx, app.BookingPatch{BookingRef: other, At: &at}); !errors.Is(err, provider.NotFound) {
		t.Errorf("another room's booking was changed: %v", err)
	}
	if _, err := b.RemoveBooking(ctx, other); !errors.Is(err, provider.NotFound) {
		t.Errorf("another room's booking was removed: %v", err)
	}
	once := ""
	if e, err := b.EditBooking(ctx, app.BookingPatch{BookingRef: app.BookingRef{Ref: v.ID}, Every: &once}); err != nil || e.Rule != "" || !e.Until.IsZero() {
		t.Errorf("%+v, %v", e, err)
	}
	for name, spec := range map[string]app.BookingSpec{
		"no zone":              {At: at, TimeZone: "Nowhere"},
		"no time":              {At: "tomorrow", TimeZone: "UTC"},
		"the past":             {At: "2026-11-22T08:00:00", TimeZone: "UTC"},
		"a past series":        {At: "2026-11-01T08:00:00", TimeZone: "UTC", Every: "day", Until: "2026-11-02"},
		"no length":            {At: at, TimeZone: "UTC", For: time.Second},
		"a month":              {At: at, TimeZone: "UTC", For: 31 * 24 * time.Hour},
		"no rule":              {At: at, TimeZone: "UTC", Every: "fortnight"},
		"an end of no rule":    {At: at, TimeZone: "UTC", Until: "2027-01-01"},
		"two ends":             {At: at, TimeZone: "UTC", Every: "FREQ=DAILY;UNTIL=20270101", Until: "2027-01-01"},
		"an end before":        {At: at, TimeZone: "UTC", Every: "day", Until: "2026-11-30"},
		"an end that is none":  {At: at, TimeZone: "UTC", Every: "day", Until: "soon"},
		"a rule without times": {At: at, TimeZone: "UTC", Every: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"},
	} {
		spec.Room = "design"
		if v, err := b.Book(ctx, spec); !errors.Is(err, provider.Invalid) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	// A series that has begun is no past.
	if v, err := b.Book(ctx, app.BookingSpec{Room: "design", At: "2026-11-02T08:00:00", TimeZone: "UTC", Every: "week"}); err != nil ||
		v.Next.Format("0102 1504") != "1123 0800" || v.StartsAt.Format("0102 1504") != "1102 0800" {
		t.Errorf("%+v, %v", v, err)
	}
	// With its room a booking is gone.
	if _, err := b.DeleteRoom(ctx, app.RoomRef{Ref: "design"}); err != nil {
		t.Fatal(err)
	}
	if l, err := b.Bookings(ctx, app.BookingQuery{}); err != nil || len(l) != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := b.RemoveBooking(ctx, app.BookingRef{Ref: v.ID}); !errors.Is(err, provider.NotFound) {
		t.Error(err)
	}
}

// reader is a CalendarReader over a map of texts.
type reader struct {
	texts map[string]string
	fail  error
	reads int
	had   calendar.Version
}

func (r *reader) read(_ context.Context, source string, had calendar.Version) (calendar.Text, error) {
	r.reads++
	r.had = had
	text := r.texts[source]
	version := calendar.Version{ETag: fmt.Sprint(len(text))}
	if r.fail != nil {
		return calendar.Text{}, r.fail
	}
	if had == version {
		return calendar.Text{Version: version, Unchanged: true}, nil
	}
	return calendar.Text{Body: []byte(text), Version: version}, nil
}

const workCalendar = `BEGIN:VCALENDAR
BEGIN:VEVENT
UID:1
SUMMARY:Interview
DTSTART:20261122T113000Z
DTEND:20261122T123000Z
LOCATION:https://zoom.us/j/1
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Holiday
DTSTART;VALUE=DATE:20261122
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Touching
DTSTART:20261122T123000Z
DTEND:20261122T130000Z
END:VEVENT
END:VCALENDAR
`

func TestUpcomingUnitesBookingsCalendarsAndMeetings(t *testing.T) {
	b := newBench(t)
	r := &reader{texts: map[string]string{"/work.ics": workCalendar}}
	b.Hub.opt.ReadCalendar = r.read
	ctx := t.Context()
	b.room("Design")
	b.room("Board")
	b.room("Office")
	b.book("design", "2026-11-22T10:05:00", "")
	b.book("board", "2026-11-22T12:00:00", "")
	booked := b.book("board", "2026-11-30T12:00:00", "") // beyond the week
	if _, err := b.AddCalendar(ctx, app.CalendarSpec{Name: "Work", URL: "/work.ics"}); err != nil {
		t.Fatal(err)
	}
	b.bookings.turn(ctx)
	office, err := b.StartMeeting(ctx, app.StartMeeting{Room: "office", For: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	b.event(join(office.PlatformRoom, "ada", t0))
	design := "https://x.example/" + b.platform.created[0].Name
	got := b.upcoming(app.UpcomingQuery{})
	want := []string{
		"1122 0000 calendar Holiday",
		"1122 1000 meeting Office live " + office.GuestURL + " with Design",
		"1122 1005 booking Design open " + design + " with Office",
		"1122 1130 calendar Interview https://zoom.us/j/1 with Board",
		"1122 1200 booking Board with Interview, Touching",
		"1122 1230 calendar Touching with Board",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := b.upcoming(app.UpcomingQuery{Days: 10}); len(got) != 7 {
		t.Errorf("ten days: %q", got)
	}
	// Our own bookings, exported and subscribed to again, are one line each.
	exported, err := b.ExportCalendar(ctx, app.CalendarExport{Room: "board"})
	if err != nil || exported.Bookings != 2 || !strings.Contains(exported.ICS, booked.ID+"@greenroom") {
		t.Fatal(exported, err)
	}
	r.texts["/own.ics"] = exported.ICS
	if _, err := b.AddCalendar(ctx, app.CalendarSpec{Name: "Own", URL: "/own.ics"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.upcoming(app.UpcomingQuery{})); diff != "" {
		t.Errorf("with our own calendar (-want +got):\n%s", diff)
	}
	for _, q := range []app.UpcomingQuery{{Days: -1}, {Days: 367}, {TimeZone: "Nowhere"}} {
		if _, err := b.Upcoming(ctx, q); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestCalendarsAreReadAgainAndKept(t *testing.T) {
	b := newBench(t)
	r := &reader{texts: map[string]string{"https://c.example/secret": workCalendar, "/html": "<html>"}}
	b.Hub.opt.ReadCalendar = r.read
	ctx := t.Context()
	c, err := b.AddCalendar(ctx, app.CalendarSpec{Name: "Work", URL: "https://c.example/secret"})
	if err != nil || c.Events != 3 || c.LastRead.IsZero() {
		t.Fatal(c, err)
	}
	for name, test := range map[string]struct {
		spec app.CalendarSpec
		want error
	}{
		"the same name":   {app.CalendarSpec{Name: "WORK", URL: "https://c.example/secret"}, provider.Conflict},
		"no name":         {app.CalendarSpec{Name: "-x", URL: "https://c.example/secret"}, provider.Invalid},
		"a relative path": {app.CalendarSpec{Name: "x", URL: "work.ics"}, provider.Invalid},
		"no calendar":     {app.CalendarSpec{Name: "x", URL: "/html"}, calendar.ErrNotCalendar},
	} {
		if _, err := b.AddCalendar(ctx, test.spec); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	reads := r.reads
	if b.upcoming(app.UpcomingQuery{}); r.reads != reads {
		t.Error("it was read again at once")
	}
	b.clock.Advance(fresh)
	if b.upcoming(app.UpcomingQuery{Offline: true}); r.reads != reads {
		t.Error("it was read offline")
	}
	if b.upcoming(app.UpcomingQuery{}); r.reads != reads+1 || r.had.ETag == "" {
		t.Errorf("%d readings, with %+v", r.reads-reads, r.had)
	}
	// What was read stays while reading fails, over a restart as well.
	r.fail = errors.New("c.example is away")
	b.clock.Advance(fresh)
	got := b.upcoming(app.UpcomingQuery{})
	if n := len(got); n != 4 || got[n-1] != "Calendar Work could not be read again: c.example is away" {
		t.Errorf("%q", got)
	}
	b.close()
	b.open()
	list, err := b.Calendars(ctx, app.CalendarQuery{})
	if err != nil || len(list) != 1 || list[0].Error != "c.example is away" || list[0].Events != 3 || !list[0].LastRead.Equal(t0.Add(fresh)) {
		t.Errorf("%+v, %v", list, err)
	}
	if got := b.upcoming(app.UpcomingQuery{}); len(got) != 4 {
		t.Errorf("%q", got)
	}
	b.Hub.opt.ReadCalendar = r.read
	r.fail, r.texts["https://c.example/secret"] = nil, strings.Replace(workCalendar, "Interview", "Talk", 1)
	b.clock.Advance(fresh)
	if got := b.upcoming(app.UpcomingQuery{}); len(got) != 3 || !strings.Contains(got[1], "Talk") {
		t.Errorf("%q", got)
	}
	if c, err := b.RemoveCalendar(ctx, app.CalendarRef{Name: "work"}); err != nil || c.Name != "Work" {
		t.Error(c, err)
	}
	if got := b.upcoming(app.UpcomingQuery{}); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func TestWhoIsExpected(t *testing.T) {
	b := newBench(t)
	r := &reader{texts: map[string]string{}}
	b.Hub.opt.ReadCalendar = r.read
	b.room("Design")
	ctx := t.Context()
	ada := app.Person{Name: "Ada", Mail: "ada@example.com"}
	if _, err := b.Book(ctx, app.BookingSpec{Room: "design", At: "2026-11-22T10:05:00", TimeZone: "UTC", Expect: []app.Person{ada}}); err != nil {
		t.Fatal(err)
	}
	b.bookings.turn(ctx)
	r.texts["/a"] = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261122T100500Z\nDTEND:20261122T110000Z\nLOCATION:https://X.example/" + b.platform.created[0].Name +
		"/\nATTENDEE;CN=Ada L:mailto:ADA@example.com\nATTENDEE;CN=Grace:mailto:grace@example.com\n" +
		"ATTENDEE;PARTSTAT=DECLINED;CN=Not today:mailto:not@example.com\nATTENDEE;PARTSTAT=DELEGATED;CN=Sends another:mailto:delegates@example.com\n" +
		"ATTENDEE;CUTYPE=ROOM;CN=Room 5:mailto:room5@example.com\nATTENDEE;CUTYPE=resource;CN=Projector:mailto:p@example.com\n" +
		"ATTENDEE;ROLE=NON-PARTICIPANT;CN=Assistant:mailto:a@example.com\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nDTSTART:20261123T100500Z\nLOCATION:https://x.example/" + b.platform.created[0].Name + "\nATTENDEE;CN=Later:mailto:later@example.com\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nDTSTART:20261122T100500Z\nDTEND:20261122T110000Z\nURL:https://tunnel.example/r/former-name-" + tokenOf(t, b.Hub, "Design") +
		"\nATTENDEE;CN=Page:mailto:page@example.com\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nDTSTART:20261122T100500Z\nDTEND:20261122T110000Z\nURL:https://tunnel.example/r/former-name-" + tokenLike +
		"\nATTENDEE;CN=Elsewhere:mailto:elsewhere@example.com\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nDTSTART:20261122T100500Z\nDTEND:20261122T110000Z\nATTENDEE;CN=Other:mailto:other@example.com\nEND:VEVENT\nEND:VCALENDAR\n"
	if _, err := b.AddCalendar(ctx, app.CalendarSpec{Name: "a", URL: "/a"}); err != nil {
		t.Fatal(err)
	}
	got, err := b.Expected(ctx, app.MeetingRef{Ref: "design"})
	if diff := cmp.Diff([]app.Person{ada, {Name: "Grace", Mail: "grace@example.com"}, {Name: "Page", Mail: "page@example.com"}}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// An event of a calendar that has a room's own link is the booking at its time: it is no line of its own, and conflicts with nothing.
func TestAnEventWithTheRoomsLinkIsItsBooking(t *testing.T) {
	b := newBench(t)
	r := &reader{texts: map[string]string{}}
	b.Hub.opt.ReadCalendar = r.read
	ctx := t.Context()
	b.room("Design")
	b.book("design", "2026-11-22T10:05:00", "")
	b.book("design", "2026-11-23T10:00:00", "")
	b.bookings.turn(ctx)
	event := func(start, end, link string) string {
		return "BEGIN:VEVENT\nDTSTART:" + start + "\nDTEND:" + end + "\nSUMMARY:Planning\nLOCATION:" + link + "\nEND:VEVENT\n"
	}
	page := "https://tunnel.example/r/design-" + tokenOf(t, b.Hub, "Design")
	open := "https://x.example/" + b.platform.created[0].Name
	r.texts["/a"] = "BEGIN:VCALENDAR\n" + event("20261122T101500Z", "20261122T110000Z", open) + // of the meeting that was made ahead
		event("20261123T100000Z", "20261123T103000Z", page) +
		event("20261123T100000Z", "20261123T103000Z", "https://x.example/another") +
		event("20261124T100000Z", "20261124T103000Z", page) + "END:VCALENDAR\n"
	if _, err := b.AddCalendar(ctx, app.CalendarSpec{Name: "a", URL: "/a"}); err != nil {
		t.Fatal(err)
	}
	up, err := b.Upcoming(ctx, app.UpcomingQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range up.Items {
		got = append(got, fmt.Sprint(i.At.UTC().Format("0102 1504 "), i.Source, " ", i.Room, " ", i.Conflicts))
	}
	want := []string{"1122 1005 booking Design []", "1123 1000 calendar  [Design]", "1123 1000 booking Design [Planning]", "1124 1000 calendar Design []"}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is exported has the link of the meeting that was made, and a number that rises with every change.
func TestExport(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	ctx := t.Context()
	series := b.book("design", "2026-11-22T10:05:00", "week")
	b.bookings.turn(ctx)
	export := func() string {
		t.Helper()
		e, err := b.ExportCalendar(ctx, app.CalendarExport{})
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(e.ICS, "\r\n ", "")
	}
	got := export()
	for _, want := range []string{
		"UID:" + series.ID + "@greenroom", "RRULE:FREQ=WEEKLY", "SEQUENCE:0", "RECURRENCE-ID:20261122T100500Z", "URL:https://x.example/" + b.platform.created[0].Name,
	} {
		if !strings.Contains(got, want+"\r\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if got != export() {
		t.Error("the second time it is another one")
	}
	length := 2 * time.Hour
	if _, err := b.EditBooking(ctx, app.BookingPatch{BookingRef: app.BookingRef{Ref: series.ID}, For: &length}); err != nil {
		t.Fatal(err)
	}
	if got := export(); !strings.Contains(got, "SEQUENCE:1\r\n") || !strings.Contains(got, "UID:"+series.ID+"@greenroom\r\n") {
		t.Errorf("after a change:\n%s", got)
	}
}
