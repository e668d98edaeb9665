package store

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// A file of version 3 as its faults left it: the former meeting holds the platform's room, two meetings of one room are open,
// a deleted room's name leads nowhere, and one name in two spellings is two rooms.
func TestAFileOfTheFourthVersionIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	meeting := func(id, room string, status app.MeetingStatus, starts int) roster.Meeting {
		m := roster.Meeting{Meeting: app.Meeting{
			ID: id, Room: room, RoomID: "id-" + room, Account: "daily", PlatformRoom: room, PlatformID: "p-" + room, Status: status,
			StartsAt: app.At(t0.Add(time.Duration(starts) * time.Hour)), Adopted: true,
		}}
		if status == app.Ended {
			m.EndedAt, m.EndReason = app.At(m.StartsAt.Add(10*time.Minute)), roster.ReasonEndedHere
		}
		return m
	}
	if err := s.db.Update(func(b *bolt.Tx) error {
		tx := &Tx{b: b, over: make(map[string]map[string][]byte)}
		late := meeting("1", "office", app.Ended, 0)
		late.Marks = []time.Time{t0.Add(5 * time.Minute), t0.Add(90 * time.Minute)}
		for _, m := range []roster.Meeting{
			late, meeting("2", "office", app.Open, 1), meeting("3", "office", app.Open, 2), meeting("4", "gone", app.Ended, 3),
		} {
			if err := errors.Join(tx.putJSON(bucketMeetings, m.ID, m), tx.indexUnended(&m),
				tx.put(bucketRoomMeets, m.RoomID+"\x00"+m.ID, nil)); err != nil {
				return err
			}
		}
		for i, name := range []string{"office", "Z\u00fcrich", "Zu\u0308rich"} {
			r := app.Room{ID: "id-" + name, RoomSettings: app.RoomSettings{Name: name}, CreatedAt: app.At(t0.Add(time.Duration(i) * time.Second))}
			if err := errors.Join(tx.putJSON(bucketRooms, r.ID, r), tx.put(bucketRoomNames, name, []byte(r.ID))); err != nil {
				return err
			}
		}
		return errors.Join(
			tx.put(bucketPlatform, platformKey("daily", "room", "office"), []byte("1")),
			tx.put(bucketPlatform, platformKey("daily", "id", "p-stale"), []byte("1")),
			tx.flush(), b.DeleteBucket(bucketFormerNames), b.DeleteBucket(bucketForwards), putSchema(b, 3),
		)
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	if err := s.View(t.Context(), func(tx *Tx) error {
		for _, key := range [][2]string{{"office", ""}, {"", "p-office"}} {
			m, err := tx.MeetingByPlatform("daily", key[0], key[1])
			if err != nil || m.ID != "3" || m.Former != "2" {
				t.Errorf("%v is the room of meeting %q after %q, %v", key, m.ID, m.Former, err)
			}
		}
		if _, err := tx.MeetingByPlatform("daily", "", "p-stale"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a stale entry remains: %v", err)
		}
		left, err := tx.Meeting("2")
		if err != nil || left.Status != app.Ended || left.Former != "1" || !left.Since.Equal(t0.Add(11*time.Minute)) ||
			!left.Holds(t0.Add(90*time.Minute)) || len(left.Marks) != 1 {
			t.Errorf("the meeting that was left behind: %+v, %v", left, err)
		}
		if unended, err := tx.Unended(); err != nil || len(unended) != 1 {
			t.Errorf("%d open, %v", len(unended), err)
		}
		if id, err := tx.FormerRoom("GONE"); err != nil || id != "id-gone" {
			t.Errorf("the deleted room is %q, %v", id, err)
		}
		rooms, err := tx.Rooms()
		if err != nil || len(rooms) != 3 {
			t.Errorf("%d rooms, %v", len(rooms), err)
		}
		for name, id := range map[string]string{"z\u00fcrich": "id-Z\u00fcrich", "Z\u00fcrich (2)": "id-Zu\u0308rich"} {
			if r, err := tx.RoomByName(name); err != nil || r.ID != id {
				t.Errorf("%q is %+v, %v", name, r, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
