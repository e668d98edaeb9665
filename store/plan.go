package store

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
)

// Booking is a booking as it is kept. Its occurrences and links are computed.
type Booking struct {
	app.Booking
	// Length is how long an occurrence lasts.
	Length time.Duration `json:"length"`
	// Made are the meetings that were made for occurrences which are not over.
	Made []Occurrence `json:"made,omitempty"`
}

// Occurrence is one occurrence of a booking, and the meeting created for it.
type Occurrence struct {
	Start app.Time `json:"start"`
	End   app.Time `json:"end"`
	// Account and Name are where and under which name a meeting is about to be made, Meeting is the id of the one that was.
	Account string   `json:"account,omitempty"`
	Name    string   `json:"name,omitempty"`
	Tried   app.Time `json:"tried,omitzero"`
	Meeting string   `json:"meeting,omitempty"`
}

// Occurrence returns the record of the occurrence that begins at start, nil if there is none.
func (b *Booking) Occurrence(start time.Time) *Occurrence {
	for i := range b.Made {
		if b.Made[i].Start.Equal(start) {
			return &b.Made[i]
		}
	}
	return nil
}

// Note sets the record of an occurrence, and drops the records of occurrences that were over at now.
func (b *Booking) Note(o Occurrence, now time.Time) {
	b.Made = slices.DeleteFunc(b.Made, func(had Occurrence) bool { return had.Start.Equal(o.Start.Time) || had.End.Before(now) })
	b.Made = append(b.Made, o)
}

// Booking reads a booking by its id.
func (t *Tx) Booking(id string) (Booking, error) { return decode[Booking](t.get(bucketBookings, id)) }

// Bookings reads the bookings whose ids begin with prefix, in the order in which they were made.
func (t *Tx) Bookings(prefix string) ([]Booking, error) {
	return scanAll[Booking](t, bucketBookings, strings.ToLower(prefix))
}

// PutBooking writes a booking.
func (t *Tx) PutBooking(b Booking) error {
	t.Changed(app.Change{Kind: app.BookingChange})
	return t.putJSON(bucketBookings, b.ID, b)
}

// DeleteBooking removes a booking.
func (t *Tx) DeleteBooking(id string) error {
	t.Changed(app.Change{Kind: app.BookingChange, Deleted: true})
	return t.del(bucketBookings, id)
}

// Calendar is a subscription as it is kept. Its text is beside it.
type Calendar struct {
	app.Calendar
	// ETag and Modified are the server's words for the text that was read last, TriedAt is when it was asked last.
	ETag     string   `json:"etag,omitempty"`
	Modified string   `json:"modified,omitempty"`
	TriedAt  app.Time `json:"tried_at"`
	// Version counts the texts.
	Version int `json:"version"`
}

// Calendar reads a subscription by its name, whose case doesn't matter.
func (t *Tx) Calendar(name string) (Calendar, error) {
	return decode[Calendar](t.get(bucketCalendars, fold(name)))
}

// Calendars lists the subscriptions by name.
func (t *Tx) Calendars() ([]Calendar, error) { return scanAll[Calendar](t, bucketCalendars, "") }

// PutCalendar writes a subscription, and its text unless that is nil.
func (t *Tx) PutCalendar(c Calendar, text []byte) error {
	if text != nil {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(text); err != nil {
			return fmt.Errorf("store: compress a calendar: %w", err)
		}
		if err := z.Close(); err != nil {
			return fmt.Errorf("store: compress a calendar: %w", err)
		}
		if err := t.put(bucketCalTexts, fold(c.Name), b.Bytes()); err != nil {
			return err
		}
	}
	t.Changed(app.Change{Kind: app.CalendarChange})
	return t.putJSON(bucketCalendars, fold(c.Name), c)
}

// CalendarText reads the text of a subscription, compressed; see [Unpack].
func (t *Tx) CalendarText(name string) ([]byte, error) {
	raw := t.get(bucketCalTexts, fold(name))
	if raw == nil {
		return nil, ErrNotFound
	}
	return bytes.Clone(raw), nil
}

// Unpack returns at most limit bytes of a calendar's text.
func Unpack(packed []byte, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("store: a damaged calendar: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(z, limit))
	if err != nil {
		return nil, fmt.Errorf("store: a damaged calendar: %w", err)
	}
	return text, nil
}

// DeleteCalendar removes a subscription with its text.
func (t *Tx) DeleteCalendar(name string) error {
	t.Changed(app.Change{Kind: app.CalendarChange, Deleted: true})
	return errors.Join(t.del(bucketCalendars, fold(name)), t.del(bucketCalTexts, fold(name)))
}
