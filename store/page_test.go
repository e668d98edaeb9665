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

func TestEveryRoomHasAPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	room := app.Room{ID: "r1", RoomSettings: app.RoomSettings{Name: "stand-up"}}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutRoom(room) }); err != nil {
		t.Fatal(err)
	}
	// A file of version 7 has no pages.
	if err := s.db.Update(func(b *bolt.Tx) error {
		return errors.Join(b.DeleteBucket(bucketPages), b.DeleteBucket(bucketPageTokens), b.DeleteBucket(bucketGuests),
			b.DeleteBucket(bucketHostTokens), putSchema(b, 7))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	var first Page
	if err := s.Update(t.Context(), func(tx *Tx) (err error) {
		if first, err = tx.Page("r1"); err != nil || len(first.Token) != PageTokenLen {
			t.Fatalf("after the migration: %+v, %v", first, err)
		}
		room.Name = "renamed"
		if err := tx.PutRoom(room); err != nil {
			return err
		}
		if again, err := tx.Page("r1"); err != nil || again != first {
			t.Errorf("a new name gives the page %+v, %v", again, err)
		}
		if r, err := tx.PageRoom(first.Token); err != nil || r.Name != "renamed" {
			t.Errorf("%+v, %v", r, err)
		}
		return tx.PutPage("r1", Page{Token: NewPageToken()})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		if _, err := tx.PageRoom(first.Token); !errors.Is(err, ErrNotFound) {
			t.Errorf("the former token: %v", err)
		}
		now, err := tx.Page("r1")
		if r, err := tx.PageRoom(now.Token); err != nil || r.ID != "r1" {
			t.Errorf("%+v, %v", r, err)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestThoseWhoWaitedAreTheNextMeetingsGuests(t *testing.T) {
	s := open(t, Options{})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.PutGuest("r1", app.Guest{ID: "b", CameAt: app.At(t0.Add(time.Second)), Session: "s"}),
			tx.PutGuest("r1", app.Guest{ID: "c", CameAt: app.At(t0)}), tx.PutGuest("r2", app.Guest{ID: "d"}))
	}); err != nil {
		t.Fatal(err)
	}
	for _, status := range []app.MeetingStatus{app.Ended, app.Open, app.Open} {
		m := roster.Meeting{Meeting: app.Meeting{ID: "m-" + string(status), RoomID: "r1", Status: status}}
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutMeeting(m) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		got, err := tx.Guests("m-open")
		if len(got) != 2 || got[0].ID != "c" || got[1].ID != "b" || got[1].Session != "" {
			t.Errorf("%+v", got)
		}
		for _, of := range []string{"r1", "m-ended"} {
			if left, err := tx.Guests(of); len(left) != 0 || err != nil {
				t.Errorf("%s: %+v, %v", of, left, err)
			}
		}
		if other, err := tx.Guests("r2"); len(other) != 1 || err != nil {
			t.Errorf("%+v, %v", other, err)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Guests who came while a meeting was overdue are its guests when it is used again.
func TestThoseWhoWaitedForAnOverdueMeetingAreItsGuests(t *testing.T) {
	s := open(t, Options{})
	m := roster.Meeting{Meeting: app.Meeting{ID: "m", RoomID: "r", Status: app.Open}}
	for _, f := range []func(*Tx) error{
		func(tx *Tx) error { return tx.PutMeeting(m) },
		func(tx *Tx) error { return tx.PutGuest("r", app.Guest{ID: "g", CameAt: app.At(t0)}) },
		func(tx *Tx) error {
			return errors.Join(tx.PutMeeting(m), tx.PutStay("m", roster.Stay{Stay: app.Stay{Session: "s", JoinedAt: app.At(t0)}}))
		},
	} {
		if err := s.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		got, err := tx.Guests("m")
		left, failed := tx.Guests("r")
		if len(got) != 1 || len(left) != 0 {
			t.Errorf("the meeting has %d guests, and %d wait", len(got), len(left))
		}
		return errors.Join(err, failed)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAHostsTokenIsForOnce(t *testing.T) {
	s := open(t, Options{})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.PutHostToken("old", HostToken{Meeting: "m", Until: t0}, t0.Add(-time.Hour)),
			tx.PutHostToken("one", HostToken{Meeting: "m", Until: t0.Add(time.Hour)}, t0))
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		secret string
		want   error
	}{{"old", ErrNotFound}, {"other", ErrNotFound}, {"one", nil}, {"one", ErrNotFound}} {
		if err := s.Update(t.Context(), func(tx *Tx) error {
			h, err := tx.TakeHostToken(c.secret)
			if !errors.Is(err, c.want) || err == nil && h.Meeting != "m" {
				t.Errorf("%s: %+v, %v", c.secret, h, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
