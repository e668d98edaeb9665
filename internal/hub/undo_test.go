package hub

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

func (b *bench) undo() app.Undone {
	b.t.Helper()
	u, err := b.Undo(b.t.Context(), app.UndoRequest{})
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

func (b *bench) delete(room string) {
	b.t.Helper()
	if _, err := b.DeleteRoom(b.t.Context(), app.RoomRef{Ref: room}); err != nil {
		b.t.Fatal(err)
	}
}

// A room comes back with its meetings and bookings, in another process too; a minute later it doesn't.
func TestADeletedRoomComesBack(t *testing.T) {
	b := newBench(t)
	r := b.room("design")
	booking := b.book("design", "2026-11-23T11:00:00", "week")
	m := b.start("design")
	b.end("design")
	b.delete("design")
	if list, err := b.Bookings(t.Context(), app.BookingQuery{}); err != nil || len(list) != 0 {
		t.Errorf("bookings of a deleted room: %+v, %v", list, err)
	}
	b.close()
	b.clock.Advance(app.UndoFor)
	b.open()
	b.Start()
	if u := b.undo(); u.Kind != app.DeletedRoom || u.ID != r.ID || u.Name != "design" || len(u.Notes) != 0 {
		t.Fatalf("%+v", u)
	}
	if v := b.show("design"); v.ID != r.ID || v.Meeting == nil || v.Meeting.ID != m.ID || !v.CreatedAt.Equal(r.CreatedAt.Time) {
		t.Errorf("%+v", v)
	}
	if list, err := b.Bookings(t.Context(), app.BookingQuery{}); err != nil || len(list) != 1 || list[0].ID != booking.ID || list[0].Rule != booking.Rule {
		t.Errorf("bookings %+v, %v", list, err)
	}
	b.delete("design")
	b.clock.Advance(app.UndoFor + time.Second)
	if _, err := b.Undo(t.Context(), app.UndoRequest{}); !errors.Is(err, provider.NotFound) {
		t.Errorf("undone after more than a minute: %v", err)
	}
	// What can't be undone any more is not kept.
	b.close()
	b.open()
	b.Start()
	if err := b.store.View(t.Context(), func(tx *store.Tx) error {
		if raw := tx.Value(trashName); raw != nil {
			t.Errorf("the store still has %s", raw)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestANameInUseGetsASuffix(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("ä", maxRoomName)
	r := b.room(long)
	m := b.start(long)
	b.end(long)
	b.delete(long)
	b.room(strings.ToUpper(long))
	u := b.undo()
	if u.ID != r.ID || !strings.HasSuffix(u.Name, "ä (2)") || len([]rune(u.Name)) != maxRoomName || len(u.Notes) != 1 {
		t.Errorf("%+v", u)
	}
	if d := b.meeting(m.ID); d.Room != u.Name {
		t.Errorf("its meeting is of %q", d.Room)
	}
}

// The platform room was removed: it is made again, with the same link where we name it.
func TestALastingRoomComesBackWithItsLink(t *testing.T) {
	b, k := newKeeper(t)
	link := b.lasting("design").GuestURL
	b.delete("design")
	if len(k.names()) != 0 {
		t.Fatal(k.names())
	}
	u := b.undo()
	if u.Room == nil || u.Room.GuestURL != link || b.show("design").GuestURL != link || len(k.names()) != 1 {
		t.Errorf("%+v; rooms %v", u, k.names())
	}
	// While the platform is away, the room comes back without the link, which follows.
	b.delete("design")
	k.loses = 1
	if u := b.undo(); len(u.Notes) != 1 || b.show("design").GuestURL != "" {
		t.Errorf("%+v", u)
	}
	c, _ := newCaretaker(b.Hub, b.order[0])
	if c.turn(t.Context()); b.show("design").GuestURL != link {
		t.Errorf("%+v", b.show("design"))
	}
}

func TestACalendarComesBackWithItsText(t *testing.T) {
	b := newBench(t)
	text := "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutCalendar(store.Calendar{Calendar: app.Calendar{Name: "work", URL: "https://x.example/a.ics"}}, []byte(text))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RemoveCalendar(t.Context(), app.CalendarRef{Name: "work"}); err != nil {
		t.Fatal(err)
	}
	if u := b.undo(); u.Kind != app.DeletedCalendar || u.Name != "work" || u.Calendar.URL != "https://x.example/a.ics" {
		t.Errorf("%+v", u)
	}
	if err := b.store.View(t.Context(), func(tx *store.Tx) error {
		packed, err := tx.CalendarText("work")
		if err != nil {
			return err
		}
		got, err := store.Unpack(packed, 1000)
		if string(got) != text {
			t.Errorf("the text is %q", got)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// A catch comes back with its events, which nothing shows meanwhile. They are deleted once it can't come back.
func TestACatchComesBackWithItsEvents(t *testing.T) {
	b := newBench(t)
	b.Start()
	made, err := b.CreateCatch(t.Context(), app.CatchSpec{Name: "ci", Scheme: "none"})
	if err != nil {
		t.Fatal(err)
	}
	post := func() {
		t.Helper()
		if _, err := b.Ingest(t.Context(), app.Inbound{Account: "catch:ci", Method: "POST", Target: made.Path, Body: app.Body("{}"), ReceivedAt: b.clock.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	events := func() int {
		t.Helper()
		page, err := b.Events(t.Context(), app.EventQuery{Account: "catch:ci", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Events)
	}
	remove := func() {
		t.Helper()
		if _, err := b.RemoveCatch(t.Context(), app.CatchRef{Name: "ci"}); err != nil {
			t.Fatal(err)
		}
	}
	hidden := func() (names []string) {
		t.Helper()
		if err := b.store.View(t.Context(), func(tx *store.Tx) error { names = tx.HiddenCatches(); return nil }); err != nil {
			t.Fatal(err)
		}
		return names
	}
	post()
	if n := events(); n != 1 {
		t.Fatalf("%d events", n)
	}
	remove()
	if n := events(); n != 0 || len(hidden()) != 1 {
		t.Errorf("%d events of a catch that is gone, %v hidden", n, hidden())
	}
	if u := b.undo(); u.Catch == nil || u.Catch.Path != made.Path || u.Catch.Events != 1 || events() != 1 {
		t.Errorf("came back %+v with %d events", u.Catch, events())
	}
	remove()
	if _, err := b.CreateCatch(t.Context(), app.CatchSpec{Name: "ci", Scheme: "none"}); err != nil {
		t.Fatal(err)
	}
	if n := events(); n != 0 || len(hidden()) != 0 {
		t.Errorf("another catch has %d events of the former one", n)
	}
	if u := b.undo(); u.Name != "ci-2" || u.Catch.Events != 0 || len(u.Notes) != 1 {
		t.Errorf("came back %+v", u)
	}
	made, err = b.CreateCatch(t.Context(), app.CatchSpec{Name: "cd", Scheme: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Ingest(t.Context(), app.Inbound{Account: "catch:cd", Method: "POST", Target: made.Path, Body: app.Body("{}"), ReceivedAt: b.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RemoveCatch(t.Context(), app.CatchRef{Name: "cd"}); err != nil || len(hidden()) != 1 {
		t.Fatalf("%v, hidden %v", err, hidden())
	}
	b.clock.Advance(app.UndoFor + time.Second)
	if err := b.emptyTrash(t.Context()); err != nil || len(hidden()) != 0 {
		t.Errorf("after a minute %v is hidden, %v", hidden(), err)
	}
}
