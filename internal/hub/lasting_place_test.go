package hub

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// A platform room belongs to the lasting room that has it: by its name, or by its id where the platform has ids.
func TestWhoseAPlatformRoomIs(t *testing.T) {
	b, _ := newKeeper(t)
	mine := b.lasting("mine")
	b.room("new links only")
	for _, c := range []struct {
		account, room, id string
		found             bool
	}{
		{"daily", "mine", "", true}, {"daily", "mine", "id-other", true}, {"daily", "renamed", "id-mine", true}, {"daily", "other", "id-other", false},
		{"daily", "other", "", false}, {"second", "mine", "id-mine", false},
	} {
		err := b.store.View(t.Context(), func(tx *store.Tx) error {
			r, p, err := roomAt(tx, c.account, c.room, c.id)
			if found := p != nil; found != c.found || found && (r.ID != mine.ID || p.PlatformRoom != "mine") {
				t.Errorf("%+v: %+v, %v", c, r, err)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	// A platform without ids matches no other one that has none.
	if _, err := b.setPlace(t.Context(), mine, app.Place{Account: "daily", PlatformRoom: "mine"}); err != nil {
		t.Fatal(err)
	}
	p, err := store.Read(t.Context(), b.store, func(tx *store.Tx) (*app.Place, error) {
		_, p, err := roomAt(tx, "daily", "other", "")
		return p, err
	})
	if p != nil || err != nil {
		t.Errorf("without ids: %+v, %v", p, err)
	}
}

// A platform room that is gone is made again under its name, so that its link stays, unless the platform chooses the names.
func TestTheNameOfAPlatformRoomThatIsMadeAgain(t *testing.T) {
	b, _ := newKeeper(t)
	had := app.Place{Account: "daily", Platform: provider.Daily, PlatformID: "id", PlatformRoom: "was", GuestURL: "https://x.example/was", Changes: 3, Size: 4}
	r := app.Room{RoomSettings: app.RoomSettings{Name: "Design"}}
	if got, want := b.emptied(had, r), (app.Place{Account: "daily", Platform: provider.Daily, Name: "was", Changes: 4}); got != want {
		t.Errorf("%+v", got)
	}
	b.platform.traits.NamesRooms = false
	if got := b.emptied(had, r); !strings.HasPrefix(got.Name, "design-") || got.Changes != 4 || got.PlatformRoom != "" {
		t.Errorf("of a platform that chooses: %+v", got)
	}
	had.Account = "gone"
	if got := b.emptied(had, r); got.Name != "was" {
		t.Errorf("of an account that is not configured: %+v", got)
	}
}

// The notes of a lasting room say what its link will do, and what the platform didn't change.
func TestTheNotesOfALastingRoom(t *testing.T) {
	b, _ := newKeeper(t)
	const day = 24 * time.Hour
	lasting := app.Room{RoomSettings: app.RoomSettings{Name: "r", Link: app.LinkLasting, Size: 9, Recording: provider.RecordingNone}}
	made := app.Place{Account: "daily", PlatformRoom: "r", GuestURL: "https://x.example/r", Size: 9, Recording: provider.RecordingNone, MadeAt: app.At(t0)}
	ends := func(in time.Duration) app.Place {
		p := made
		p.MadeAt, p.EndsAt = app.At(t0.Add(in-100*day)), app.At(t0.Add(in))
		return p
	}
	adopted := func(p app.Place) app.Place { p.Adopted = true; return p }
	for name, c := range map[string]struct {
		room  app.Room
		place *app.Place
		want  string // part of the only note; empty for none
	}{
		"new links":                    {app.Room{}, nil, ""},
		"not made yet":                 {lasting, nil, "doesn't exist yet"},
		"being made":                   {lasting, &app.Place{Account: "daily", Name: "r"}, "doesn't exist yet"},
		"made":                         {lasting, &made, ""},
		"adopted before it had places": {app.Room{Adopted: true}, nil, ""},
		"other settings":               {lasting, ptr(func() app.Place { p := made; p.Size = 4; return p }()), "can't change them: up to 4 people."},
		"other settings, adopted":      {lasting, ptr(adopted(app.Place{Account: "daily", PlatformRoom: "r"})), ""},
		"a former link": {lasting, ptr(func() app.Place {
			p := made
			p.FormerURL, p.FormerEnds = "https://x.example/old", app.At(t0.Add(1))
			return p
		}()), "The old one works until 2026-11-22: https://x.example/old"},
		"a former link that ended": {lasting, ptr(func() app.Place { p := made; p.FormerURL, p.FormerEnds = "https://x.example/old", app.At(t0); return p }()), ""},
		"ends soon":                {lasting, ptr(ends(28*day - 1)), "The link changes before then."},
		"ends later":               {lasting, ptr(ends(28 * day)), ""},
		"ends soon, adopted":       {lasting, ptr(adopted(ends(day))), ""},
	} {
		if c.place != nil {
			c.room.SetPlace(*c.place)
		}
		got := b.linkNotes(c.room)
		if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for want, p := range map[string]app.Place{
		"not locked": {Size: 9, Recording: provider.RecordingNone}, "no limit on people": {Locked: true},
		"up to 1 people, recorded": {Locked: true, Size: 1, Recording: provider.RecordingCloud},
	} {
		if got := placeWords(p, app.RoomSettings{Locked: true, Size: 9, Recording: provider.RecordingNone}); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	for lasts, want := range map[time.Duration]time.Duration{100 * day: 14 * day, 56 * day: 14 * day, 40 * day: 10 * day, 4 * time.Hour: time.Hour} {
		if got := renewAhead(app.Place{MadeAt: app.At(t0), EndsAt: app.At(t0.Add(lasts))}); got != want {
			t.Errorf("one of %s is renewed %s ahead", lasts, got)
		}
	}
}

// A change of a lasting room reaches its platform room, which is made again where it vanished.
func TestAChangeReachesThePlatformRoom(t *testing.T) {
	b, k := newKeeper(t)
	b.lasting("design")
	b.edit(app.RoomPatch{Ref: "design", Size: ptr(5)})
	if got := k.rooms["design"]; got.Size != 5 {
		t.Errorf("%+v", got)
	}
	delete(k.rooms, "design")
	b.edit(app.RoomPatch{Ref: "design", Size: ptr(7)})
	if got := k.rooms["design"]; got.Size != 7 || len(k.makes) != 2 {
		t.Errorf("after it vanished: %+v, made %d times", got, len(k.makes))
	}
	k.changes = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily, Op: "change"}
	if _, err := b.EditRoom(t.Context(), app.RoomPatch{Ref: "design", Size: ptr(8)}); !errors.Is(err, provider.Unavailable) || b.show("design").Size != 7 {
		t.Errorf("%v; the size is %d", err, b.show("design").Size)
	}
	k.changes = nil
	// A name that is taken is refused before anything is made.
	b.room("plain")
	makes := len(k.makes)
	if _, err := b.EditRoom(t.Context(), app.RoomPatch{Ref: "plain", Name: ptr("design"), Link: ptr(app.LinkLasting)}); !errors.Is(err, provider.Conflict) || len(k.makes) != makes {
		t.Errorf("%v; made %d more", err, len(k.makes)-makes)
	}
	if _, err := b.EditRoom(t.Context(), app.RoomPatch{Ref: "none", Size: ptr(1)}); !errors.Is(err, provider.NotFound) {
		t.Error(err)
	}
	// The account can't be used any more: its platform room can't be removed, and the room stays.
	b.Hub.accounts["daily"].Unusable = &app.Error{Kind: app.NotConfigured, Text: "no key"}
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "design"}); !errors.Is(err, app.NotConfigured) || b.show("design").ID == "" {
		t.Errorf("deleted without its account: %v", err)
	}
}

// An adopted room that was stored before rooms had places has the platform room of its latest meeting, if that was adopted.
func TestAnAdoptedRoomFromBeforePlaces(t *testing.T) {
	b, k := newKeeper(t)
	b.event(join("office", "ada", t0))
	m := b.meeting("office")
	strip := func() {
		t.Helper()
		if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
			r, err := tx.Room(m.RoomID)
			r.Places = nil
			return errors.Join(err, tx.PutRoom(r))
		}); err != nil {
			t.Fatal(err)
		}
	}
	strip()
	if v := b.show("office"); len(v.Places) != 1 || v.Places[0].PlatformRoom != "office" || !v.Places[0].Adopted {
		t.Errorf("%+v", v.Places)
	}
	b.edit(app.RoomPatch{Ref: "office", Size: ptr(5)})
	if len(k.makes) != 0 {
		t.Errorf("a second room was made: %+v", k.makes)
	}
	strip()
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		m, err := tx.Meeting(m.ID)
		m.Adopted = false
		return errors.Join(err, tx.PutMeeting(m))
	}); err != nil {
		t.Fatal(err)
	}
	if v := b.show("office"); len(v.Places) != 0 {
		t.Errorf("of a meeting that was made here: %+v", v.Places)
	}
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutRoom(app.Room{ID: "bare", RoomSettings: app.RoomSettings{Name: "bare"}, Adopted: true})
	}); err != nil {
		t.Fatal(err)
	}
	if v := b.show("bare"); len(v.Places) != 0 {
		t.Errorf("without a meeting: %+v", v.Places)
	}
}

// The caretaker renews a platform room when its time has come, looks for others every hour, and reports links that change.
func TestWhenTheCaretakerActs(t *testing.T) {
	const day = 24 * time.Hour
	b, k := newKeeper(t)
	b.platform.traits.NamesRooms = false
	k.ends = t0.Add(40 * day) // renewed 10 days ahead
	b.lasting("design")
	first := b.show("design").Places[0]
	c, _ := newCaretaker(b.Hub, b.order[0])
	b.clock.Advance(30 * day)
	if c.turn(t.Context()); len(k.makes) != 1 {
		t.Fatal("it was renewed too early")
	}
	b.clock.Advance(lookKeptEvery)
	k.ends = t0.Add(100 * day)
	c.turn(t.Context())
	second := b.show("design").Places[0]
	if len(k.makes) != 2 || second.GuestURL == first.GuestURL || second.FormerURL != first.GuestURL || !second.FormerEnds.Equal(first.EndsAt.Time) ||
		second.Changes != first.Changes+1 {
		t.Fatalf("%+v\nafter %+v", second, first)
	}
	// It vanishes: twice in a row it is missing, then it is made again, and the link is another one.
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clear(k.rooms)
	b.clock.Advance(lookKeptEvery)
	if c.turn(t.Context()); len(k.makes) != 2 {
		t.Error("made again after one look")
	}
	b.clock.Advance(lookAgain)
	c.turn(t.Context())
	third := b.show("design").Places[0]
	if len(k.makes) != 3 || third.GuestURL == second.GuestURL {
		t.Fatalf("%+v, made %d times", third, len(k.makes))
	}
	b.bus.publish([]app.Change{{Kind: app.StatusChange}})
	reported := 0
	for c := range changes {
		if c.Activity != nil && c.Activity.Kind == app.LinkChanged {
			reported++
		}
		if c.Kind == app.StatusChange && reported > 0 {
			break
		}
	}
	if reported != 1 {
		t.Errorf("reported %d times", reported)
	}
}

// A caretaker that fails is logged; a platform that has no logo for a lasting room is, too.
func TestTroubleWithLastingRoomsIsLogged(t *testing.T) {
	b, l := logged(t)
	b.close()
	k := &roomKeeper{platform: b.platform, rooms: map[string]provider.KeptRoom{}}
	b.accounts[0].Provider = k
	b.open()
	b.lasting("plain")
	if n := l.lines("has no logo"); n != 0 {
		t.Errorf("%d lines about a room without a logo", n)
	}
	if _, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: "fancy", Link: app.LinkLasting, Logo: picture(t, logoWidth)}); err != nil {
		t.Fatal(err)
	}
	if n := l.lines("a lasting room has no logo"); n != 1 {
		t.Errorf("%d lines about a logo that the platform lacks", n)
	}
	c, _ := newCaretaker(b.Hub, b.order[0])
	if c.turn(t.Context()); l.lines("level=ERROR") != 0 {
		t.Error("all is well, and an error is logged")
	}
	k.lookup = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily}
	b.clock.Advance(lookKeptEvery)
	if c.turn(t.Context()); l.lines("could not be kept") != 2 {
		t.Error("two rooms could not be looked up, and it isn't logged")
	}
}

// A session belongs to the meeting that knows it, a few meetings back.
func TestTheMeetingOfASession(t *testing.T) {
	b := newBench(t)
	const many = maxFormer + 1
	id := func(n int) string { return string(rune('a' + n)) }
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		for n := range many { // each one's former is the one before it
			m := roster.Meeting{Meeting: app.Meeting{ID: id(n), RoomID: "r", Account: "daily", PlatformRoom: "r", Status: app.Ended}}
			if n > 0 {
				m.Former = id(n - 1)
			}
			stay := roster.Stay{Stay: app.Stay{Session: "s-" + m.ID}}
			if err := errors.Join(tx.PutMeeting(m), tx.PutStay(m.ID, stay)); err != nil {
				return err
			}
		}
		last, err := tx.Meeting(id(many - 1))
		if err != nil {
			return err
		}
		for session, want := range map[string]string{
			"s-" + id(many-1): id(many - 1), "s-" + id(many-2): id(many - 2), "s-" + id(1): id(1), "s-" + id(0): id(many - 1), "unknown": id(many - 1),
		} {
			if got, err := ofSession(tx, last, session); err != nil || got.ID != want {
				t.Errorf("%s is of %s, not %s, %v", session, got.ID, want, err)
			}
		}
		first, err := tx.Meeting(id(0))
		if got, sessionErr := ofSession(tx, first, "unknown"); err != nil || sessionErr != nil || got.ID != id(0) {
			t.Errorf("%s, %v, %v", got.ID, err, sessionErr)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
