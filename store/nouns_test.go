package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

func update(t *testing.T, s *Store, f func(*Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s *Store, f func(*Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func meetingIDs(all []roster.Meeting) (ids []string) {
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	return ids
}

// A meeting that moves to another room is found only there, and each room has the right latest meeting.
func TestAMeetingIsFoundInItsRoom(t *testing.T) {
	s := open(t, Options{})
	meeting := func(id, room string) roster.Meeting {
		return roster.Meeting{Meeting: app.Meeting{ID: id, RoomID: room, Status: app.Open}}
	}
	update(t, s, func(tx *Tx) error {
		return errors.Join(tx.PutMeeting(meeting("m1", "a")), tx.PutMeeting(meeting("m2", "a")), tx.PutMeeting(meeting("m3", "b")))
	})
	update(t, s, func(tx *Tx) error {
		err := tx.PutMeeting(meeting("m2", "b"))
		latest, failed := tx.LatestOf("b")
		if latest.ID != "m3" {
			t.Errorf("the latest is %s", latest.ID)
		}
		return errors.Join(err, failed)
	})
	check := func(tx *Tx) error {
		for room, want := range map[string][]string{"a": {"m1"}, "b": {"m2", "m3"}, "c": nil} {
			all, err := tx.RoomMeetings(room)
			if err != nil || !slices.Equal(meetingIDs(all), want) {
				t.Errorf("room %s has %v, %v", room, meetingIDs(all), err)
			}
			latest, err := tx.LatestOf(room)
			if want == nil {
				want = []string{""}
			}
			if latest.ID != want[len(want)-1] || errors.Is(err, ErrNotFound) != (latest.ID == "") {
				t.Errorf("the latest of %s is %q, %v", room, latest.ID, err)
			}
		}
		for limit, want := range map[int][]string{1: {"m1"}, 2: {"m1", "m2"}, 9: {"m1", "m2", "m3"}} {
			if all, err := tx.MeetingsByPrefix("m", limit); err != nil || !slices.Equal(meetingIDs(all), want) {
				t.Errorf("%d at most: %v, %v", limit, meetingIDs(all), err)
			}
		}
		return nil
	}
	view(t, s, check)
	update(t, s, check)
}

// A platform's room means its meeting that isn't over, else the latest: late additions to a former one don't change that.
func TestAPlatformRoomMeansItsCurrentMeeting(t *testing.T) {
	s := open(t, Options{})
	put := func(id string, status app.MeetingStatus, platformID string) {
		t.Helper()
		update(t, s, func(tx *Tx) error {
			return tx.PutMeeting(roster.Meeting{Meeting: app.Meeting{ID: id, Account: "daily", PlatformRoom: "office", PlatformID: platformID, Status: status}})
		})
	}
	means := func(want string) {
		t.Helper()
		view(t, s, func(tx *Tx) error {
			m, err := tx.MeetingByPlatform("daily", "office", "")
			if err != nil || m.ID != want {
				t.Errorf("it means %q, not %q: %v", m.ID, want, err)
			}
			return nil
		})
	}
	put("m1", app.Open, "p1")
	means("m1")
	put("m1", app.Ended, "p1")
	means("m1")
	put("m2", app.Open, "p2")
	means("m2")
	put("m1", app.Ended, "p1")
	means("m2")
	put("m1", app.Open, "p1") // a late answer
	means("m2")
	put("m3", app.Ended, "p3")
	means("m2")
	put("m2", app.Ended, "p2")
	put("m1", app.Open, "p1")
	means("m1")
	view(t, s, func(tx *Tx) error {
		for id, want := range map[string]string{"p1": "m1", "p2": "m2", "p3": "m3"} {
			if m, err := tx.MeetingByPlatform("daily", "", id); err != nil || m.ID != want {
				t.Errorf("%s is %q, %v", id, m.ID, err)
			}
		}
		for _, other := range []struct{ account, room, id string }{{"whereby", "office", "p1"}, {"daily", "", ""}, {"daily", "x", "x"}} {
			if m, err := tx.MeetingByPlatform(other.account, other.room, other.id); !errors.Is(err, ErrNotFound) {
				t.Errorf("%+v is %q, %v", other, m.ID, err)
			}
		}
		unended, err := tx.Unended()
		if err != nil || !slices.Equal(meetingIDs(unended), []string{"m1"}) {
			t.Errorf("%v aren't over, %v", meetingIDs(unended), err)
		}
		return nil
	})
}

// Rooms are found by name in any case and composition, and a name belongs to one room.
func TestRoomsByName(t *testing.T) {
	s := open(t, Options{})
	room := func(id, name string) app.Room { return app.Room{ID: id, RoomSettings: app.RoomSettings{Name: name}} }
	update(t, s, func(tx *Tx) error { return errors.Join(tx.PutRoom(room("1", "Zoë")), tx.PutRoom(room("2", "Board"))) })
	find := func(name, want string) {
		t.Helper()
		view(t, s, func(tx *Tx) error {
			r, err := tx.RoomByName(name)
			if r.ID != want || errors.Is(err, ErrNotFound) != (want == "") {
				t.Errorf("%q is %q, %v", name, r.ID, err)
			}
			return nil
		})
	}
	find("ZOE\u0308", "1")
	find("board", "2")
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutRoom(room("3", "BOARD")) }); err == nil {
		t.Error("two rooms have one name")
	}
	update(t, s, func(tx *Tx) error { return tx.PutRoom(room("2", "bOARD")) })
	find("board", "2")
	update(t, s, func(tx *Tx) error { return tx.PutRoom(room("2", "Office")) })
	find("board", "")
	find("office", "2")
	update(t, s, func(tx *Tx) error { return tx.DeleteRoom(room("2", "Office")) })
	find("office", "")
	view(t, s, func(tx *Tx) error {
		id, err := tx.FormerRoom("OFFICE")
		if err != nil || id != "2" {
			t.Errorf("the former one is %q, %v", id, err)
		}
		if _, err := tx.FormerRoom("zoë"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		all, err := tx.Rooms()
		if err != nil || len(all) != 1 || all[0].ID != "1" {
			t.Errorf("%+v, %v", all, err)
		}
		return nil
	})
}

// Lists and counts of events agree with a filter that looks at every one.
func TestEventsAreFiltered(t *testing.T) {
	s := open(t, Options{SegmentRows: 170})
	kinds := []provider.EventKind{provider.KindParticipantJoined, provider.KindParticipantLeft, provider.KindUnknown}
	var all []app.Delivery
	var batch []Entry
	for n := range 400 {
		d := delivery(n)
		d.Seq, d.Account, d.Meeting, d.Kind = uint64(n+1), []string{"a", "b"}[n%2], fmt.Sprint(n%5), kinds[n%3]
		e := Entry{Delivery: d}
		if n%11 == 0 {
			e.Delivery.Verdict, e.Keep = provider.Rejected, KeepInRing
		}
		all, batch = append(all, e.Delivery), append(batch, e)
	}
	if _, err := s.AppendBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for _, q := range []app.EventQuery{
		{}, {Account: "b"}, {Account: "c"}, {Meeting: "3"}, {Account: "a", Meeting: "2"}, {Kinds: kinds[:1]}, {Kinds: kinds[1:]},
		{Verdict: provider.Verified}, {Verdict: provider.Rejected}, {Verdict: provider.Rejected, Account: "a"},
		{Since: app.At(t0.Add(201 * time.Second))}, {Since: app.At(t0.Add(201 * time.Second)), Account: "b", Verdict: provider.Verified},
		{Since: app.At(t0.Add(time.Hour))}, {Before: 100}, {After: 300, Account: "b"}, {After: 100, Before: 300, Meeting: "4"},
	} {
		var want []uint64
		for _, d := range slices.Backward(all) {
			if (q.Account == "" || d.Account == q.Account) && (q.Meeting == "" || d.Meeting == q.Meeting) && (q.Verdict == "" || d.Verdict == q.Verdict) &&
				(q.Kinds == nil || slices.Contains(q.Kinds, d.Kind)) && !d.At.Before(q.Since.Time) && d.Seq > q.After && (q.Before == 0 || d.Seq < q.Before) {
				want = append(want, d.Seq)
			}
		}
		q.Limit = 1000
		page, err := s.Events(t.Context(), q)
		var got []uint64
		for _, d := range page.Events {
			got = append(got, d.Seq)
		}
		if err != nil || !slices.Equal(got, want) || page.More {
			t.Errorf("%+v: %v, not %v; more %v, %v", q, got, want, page.More, err)
		}
		view(t, s, func(tx *Tx) error {
			if n := tx.CountEvents(q); n != len(want) {
				t.Errorf("%+v: %d are counted, not %d", q, n, len(want))
			}
			return nil
		})
	}
}

// Files left by an interrupted compaction don't block the next one.
func TestACompactionReplacesWhatOneLeft(t *testing.T) {
	s := open(t, Options{})
	appendN(t, s, 3, nil)
	if err := os.WriteFile(s.Path()+".compact", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Compact(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Path() + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if n := count(t, s); n != 3 {
		t.Errorf("%d deliveries", n)
	}
}
