package hub

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// Bookings up to the limits are accepted, and those beyond them are refused.
func TestTheLimitsOfABooking(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	const at = "2026-12-01T09:00:00"
	for name, c := range map[string]struct {
		spec    app.BookingSpec
		refused bool
	}{
		"the first year":       {app.BookingSpec{At: "1970-01-01T09:00:00", Every: "FREQ=YEARLY"}, false},
		"a year before it":     {app.BookingSpec{At: "1969-12-31T09:00:00", Every: "FREQ=YEARLY"}, true},
		"the last year":        {app.BookingSpec{At: "2500-12-31T09:00:00"}, false},
		"a year after it":      {app.BookingSpec{At: "2501-01-01T09:00:00"}, true},
		"a minute":             {app.BookingSpec{At: at, For: time.Minute}, false},
		"less than a minute":   {app.BookingSpec{At: at, For: time.Minute - 1}, true},
		"a week":               {app.BookingSpec{At: at, For: longestBooking}, false},
		"more than a week":     {app.BookingSpec{At: at, For: longestBooking + 1}, true},
		"a crowd":              {app.BookingSpec{At: at, Expect: make([]app.Person, maxExpected)}, false},
		"more than are listed": {app.BookingSpec{At: at, Expect: make([]app.Person, maxExpected+1)}, true},
		"until its first day":  {app.BookingSpec{At: at, Every: "day", Until: "2026-12-01"}, false},
		"until the day before": {app.BookingSpec{At: at, Every: "day", Until: "2026-11-30"}, true},
	} {
		c.spec.Room, c.spec.TimeZone = "design", "UTC"
		v, err := b.Book(t.Context(), c.spec)
		if c.refused && !errors.Is(err, provider.Invalid) || !c.refused && (err != nil || v.ID == "" || v.Next.IsZero()) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// A booking without a length lasts as long as others do, and one with a length keeps it when something else changes.
func TestWhatAnEditKeepsOfABooking(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	plain := b.book("design", "2026-12-01T09:00:00", "")
	if got := plain.EndsAt.Sub(plain.StartsAt.Time); got != app.DefaultBooking {
		t.Errorf("it lasts %s", got)
	}
	ada := []app.Person{{Name: "Ada"}}
	series, err := b.Book(t.Context(), app.BookingSpec{
		Room: "design", At: "2026-12-01T09:00:00", TimeZone: "Europe/Berlin", For: 20 * time.Minute, Every: "week", Until: "2027-01-31", Expect: ada,
	})
	if err != nil {
		t.Fatal(err)
	}
	edit := func(p app.BookingPatch) app.Booking {
		t.Helper()
		p.Ref = series.ID
		v, err := b.EditBooking(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, p := range map[string]app.BookingPatch{"another time": {At: ptr("2026-12-01T11:00:00")}, "another repetition": {Every: ptr("day")}} {
		v := edit(p)
		if until := v.Until.UTC().Format(time.RFC3339); until != "2027-01-31T22:59:59Z" || v.EndsAt.Sub(v.StartsAt.Time) != 20*time.Minute ||
			!slices.Equal(v.Expect, ada) || v.TimeZone != "Europe/Berlin" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if v := edit(app.BookingPatch{Until: ptr("")}); !v.Until.IsZero() || v.Rule != "FREQ=DAILY" {
		t.Errorf("without an end: %+v", v)
	}
	if v := edit(app.BookingPatch{Every: ptr("week"), Until: ptr("2027-02-01")}); v.Until.UTC().Format(time.DateOnly) != "2027-02-01" {
		t.Errorf("with another end: %+v", v)
	}
	if v := edit(app.BookingPatch{Every: ptr("FREQ=WEEKLY;until=20270301T000000Z")}); v.Until.UTC().Format(time.DateOnly) != "2027-03-01" {
		t.Errorf("with an end of the rule's: %+v", v)
	}
}

// Bookings are found by the beginning of their id when that is long enough and names only one.
func TestBookingsAreFoundByTheBeginningOfTheirID(t *testing.T) {
	b := newBench(t)
	r := b.room("Design")
	put := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			v := store.Booking{Booking: app.Booking{ID: id, RoomID: r.ID, TimeZone: "UTC", LocalStart: "2026-12-01T09:00:00"}, Length: time.Hour}
			if err := b.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutBooking(v) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("abcd1", "abcd2", "bcde1")
	for ref, want := range map[string]error{
		"bcd": provider.NotFound, "": provider.NotFound, "zzzz": provider.NotFound, "abcd": provider.Invalid,
	} {
		if v, err := b.RemoveBooking(t.Context(), app.BookingRef{Ref: ref}); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v", ref, v, err)
		} else if want == provider.Invalid && (!strings.Contains(err.Error(), "abcd1") || !strings.Contains(err.Error(), "abcd2")) {
			t.Errorf("%q: %v", ref, err)
		}
	}
	for _, ref := range []string{"bcde", "ABCD2"} {
		if v, err := b.RemoveBooking(t.Context(), app.BookingRef{Ref: ref}); err != nil || v.ID[:4] != strings.ToLower(ref)[:4] {
			t.Errorf("%q: %+v, %v", ref, v, err)
		}
	}
	if l, err := b.Bookings(t.Context(), app.BookingQuery{}); err != nil || len(l) != 1 || l[0].ID != "abcd1" {
		t.Errorf("%+v, %v", l, err)
	}
}

// Bookings are listed in the order in which they take place next; those that are over come last.
func TestTheOrderOfBookings(t *testing.T) {
	b := newBench(t)
	b.room("Design")
	b.room("Board")
	over2, over1 := b.book("design", "2026-11-22T12:00:00", ""), b.book("design", "2026-11-22T11:00:00", "")
	late, daily := b.book("board", "2026-11-30T09:00:00", ""), b.book("design", "2026-11-22T13:00:00", "day")
	began := b.book("design", "2026-11-20T13:00:00", "day") // at the same times, and it began earlier
	b.clock.Advance(24 * time.Hour)
	list := func(room string) (ids []string) {
		t.Helper()
		all, err := b.Bookings(t.Context(), app.BookingQuery{Room: room})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all {
			ids = append(ids, v.ID)
		}
		return ids
	}
	if got, want := list(""), []string{began.ID, daily.ID, late.ID, over1.ID, over2.ID}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if got := list("board"); !slices.Equal(got, []string{late.ID}) {
		t.Errorf("of one room: %v", got)
	}
	if _, err := b.Bookings(t.Context(), app.BookingQuery{Room: "none"}); !errors.Is(err, provider.NotFound) {
		t.Error(err)
	}
}

// A booking whose record can't be planned shows why, and keeps no other one from being made.
func TestABookingThatCanNotBePlannedHoldsNoOtherUp(t *testing.T) {
	b := newBench(t)
	r := b.room("Design")
	good := b.book("design", "2026-11-22T10:05:00", "")
	fine := store.Booking{Booking: app.Booking{RoomID: r.ID, TimeZone: "UTC", LocalStart: "2026-12-01T09:00:00"}, Length: time.Hour}
	for id, spoil := range map[string]func(*store.Booking){
		"has no time:":      func(v *store.Booking) { v.LocalStart = "noon" },
		"has no time zone:": func(v *store.Booking) { v.TimeZone = "Nowhere" },
		"sometimes":         func(v *store.Booking) { v.Rule = "sometimes" },
	} {
		v := fine
		v.ID = id
		spoil(&v)
		if err := b.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutBooking(v) }); err != nil {
			t.Fatal(err)
		}
	}
	b.bookings.turn(t.Context())
	all, err := b.Bookings(t.Context(), app.BookingQuery{})
	if err != nil || len(all) != 4 || b.made() != 1 {
		t.Fatalf("%d made, %+v, %v", b.made(), all, err)
	}
	for _, v := range all {
		if want := v.ID != good.ID; want != (v.Error != "") || want && !strings.Contains(v.Error, v.ID) || v.Expect == nil {
			t.Errorf("%+v", v)
		}
	}
	if got := b.upcoming(app.UpcomingQuery{}); len(got) != 4 {
		t.Errorf("upcoming: %q", got)
	}
}

// A booking's line shows the link of its meeting until that has ended, and that of the lasting room where there is one.
func TestTheLinkOfABooking(t *testing.T) {
	b, _ := newKeeper(t)
	b.room("Design")
	b.lasting("Board")
	b.book("design", "2026-11-22T10:05:00", "")
	b.book("board", "2026-11-23T10:05:00", "")
	of := func(room string) app.Booking {
		t.Helper()
		l, err := b.Bookings(t.Context(), app.BookingQuery{Room: room})
		if err != nil || len(l) != 1 {
			t.Fatalf("%+v, %v", l, err)
		}
		return l[0]
	}
	if v := of("board"); v.Link != "https://x.example/Board" || v.Meeting != "" {
		t.Errorf("of a lasting room: %+v", v)
	}
	if v := of("design"); v.Link != "" || v.Meeting != "" {
		t.Errorf("before it is made: %+v", v)
	}
	b.bookings.turn(t.Context())
	v := of("design")
	if v.Link == "" || v.Meeting == "" {
		t.Errorf("when it is made: %+v", v)
	}
	b.end(v.Meeting)
	if v := of("design"); v.Link != "" || v.Meeting == "" {
		t.Errorf("when it has ended: %+v", v)
	}
}

// A calendar whose stored text is damaged is named each time, and hides no other one.
func TestADamagedCalendarHidesNoOther(t *testing.T) {
	b := newBench(t)
	r := &reader{texts: map[string]string{"/work.ics": workCalendar, "/home.ics": workCalendar}}
	b.Hub.opt.ReadCalendar = r.read
	for name, url := range map[string]string{"Work": "/work.ics", "Home": "/home.ics"} {
		if _, err := b.AddCalendar(t.Context(), app.CalendarSpec{Name: name, URL: url}); err != nil {
			t.Fatal(err)
		}
	}
	want := len(b.upcoming(app.UpcomingQuery{})) / 2
	b.damage(func(tx *bolt.Tx) error { return tx.Bucket([]byte("cal-texts")).Put([]byte("home"), []byte("no gzip")) })
	for range 2 {
		got := b.upcoming(app.UpcomingQuery{Offline: true})
		if len(got) != want+1 || !strings.HasPrefix(got[want], "Calendar Home can't be read: ") {
			t.Errorf("%q", got)
		}
	}
	// Reading it again mends it.
	b.Hub.opt.ReadCalendar = r.read
	r.texts["/home.ics"] += "\r\n"
	b.clock.Advance(fresh)
	if got := b.upcoming(app.UpcomingQuery{}); len(got) != 2*want {
		t.Errorf("%q", got)
	}
}

// There are at most so many calendars, and names have the letters of names.
func TestTheLimitsOfCalendars(t *testing.T) {
	b := newBench(t)
	r := &reader{texts: map[string]string{"/work.ics": "BEGIN:VCALENDAR\nEND:VCALENDAR\n"}}
	add := func(name string) error {
		_, err := b.AddCalendar(t.Context(), app.CalendarSpec{Name: name, URL: "/work.ics"})
		return err
	}
	if err := add("early"); !errors.Is(err, provider.Unsupported) {
		t.Errorf("without a reader: %v", err)
	}
	b.Hub.opt.ReadCalendar = r.read
	for n := range maxCalendars {
		if err := add(strings.Repeat("n", n+1)); err != nil {
			t.Fatal(n, err)
		}
	}
	reads := r.reads
	if err := add("one more"); !errors.Is(err, provider.Conflict) || r.reads != reads {
		t.Errorf("%v after %d readings", err, r.reads-reads)
	}
	if _, err := b.RemoveCalendar(t.Context(), app.CalendarRef{Name: "none"}); !errors.Is(err, provider.NotFound) {
		t.Error(err)
	}
	if _, err := b.RemoveCalendar(t.Context(), app.CalendarRef{Name: "N"}); err != nil {
		t.Error(err)
	}
	if err := add("one more"); err != nil {
		t.Error(err)
	}
}
