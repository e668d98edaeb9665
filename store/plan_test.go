package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
)

// A file of version 5 has no buckets for bookings and calendars.
func TestAFileOfTheSixthVersionIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutForward(ForwardJob{Name: "dev"}) }); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Update(func(b *bolt.Tx) error {
		return errors.Join(b.DeleteBucket(bucketBookings), b.DeleteBucket(bucketCalendars), b.DeleteBucket(bucketCalTexts), putSchema(b, 5))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.Forward("dev"); err != nil {
			return err
		}
		return tx.PutBooking(Booking{Booking: app.Booking{ID: "b1"}})
	}); err != nil {
		t.Error(err)
	}
}

func TestCalendarsKeepTheirText(t *testing.T) {
	s := open(t, Options{})
	text := bytes.Repeat([]byte("BEGIN:VCALENDAR\r\n"), 10_000)
	put := func(c Calendar, text []byte) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutCalendar(c, text) }); err != nil {
			t.Fatal(err)
		}
	}
	put(Calendar{Calendar: app.Calendar{Name: "Work"}, ETag: "1"}, text)
	put(Calendar{Calendar: app.Calendar{Name: "work", Error: "it is away"}, ETag: "1"}, nil)
	if err := s.View(t.Context(), func(tx *Tx) error {
		all, err := tx.Calendars()
		if err != nil || len(all) != 1 || all[0].Error == "" {
			t.Errorf("%+v, %v", all, err)
		}
		packed, err := tx.CalendarText("WORK")
		if err != nil || len(packed) > len(text)/10 {
			t.Errorf("%d bytes, %v", len(packed), err)
		}
		if got, err := Unpack(packed, int64(len(text))); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if got, err := Unpack(packed, 10); err != nil || len(got) != 10 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.DeleteCalendar("work") }); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		if _, err := tx.CalendarText("work"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
