package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// A damaged stay of a meeting whose stays were forgotten: of deliveries that came together, those that need it are stored as unapplied,
// and the others are applied.
func TestADamagedStayOfAForgottenMeeting(t *testing.T) {
	s := open(t, Options{})
	at := time.Unix(1_790_000_000, 0)
	event := func(n int, meeting, session string, left, over bool) Entry {
		return Entry{Delivery: delivery(n), Effect: func(tx *Tx, _ *app.Delivery) error {
			m, known, err := Found(tx.Meeting(meeting))
			if !known {
				m = roster.Meeting{Meeting: app.Meeting{ID: meeting, Status: app.Open}}
			}
			if over {
				m.Over(at.Add(time.Hour), true)
				return errors.Join(err, tx.PutMeeting(m))
			}
			stay, _, stayErr := Found(tx.Stay(meeting, session))
			p := provider.Participant{Session: session, JoinedAt: at, LeftAt: at.Add(time.Minute)}
			if stay.Joined(p, at, app.FromWebhook); left {
				stay.Left(p, at, app.FromWebhook)
			}
			return errors.Join(err, stayErr, tx.PutStay(meeting, stay), tx.PutMeeting(m))
		}}
	}
	n := 0
	var all []Entry
	for i := range 2 * wholeStays {
		n++
		all = append(all, event(n, "m", fmt.Sprint(i), i > 0, false))
	}
	if _, err := s.AppendBatch(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	between(t, s, func() {
		if s.warm["m"].tally.Whole() {
			t.Error("no one is forgotten")
		}
	})
	err := s.Update(t.Context(), func(tx *Tx) error { return tx.put(bucketStays, "m\x007", []byte("{damaged")) })
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.AppendBatch(t.Context(), []Entry{
		event(n+1, "m", "new", false, false), event(n+2, "other", "0", false, false), event(n+3, "m", "", false, true), event(n+4, "other", "1", false, false),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, unapplied := range []bool{true, false, true, false} {
		if d := got[i].Delivery; got[i].Err != nil || d.Seq != uint64(n+i+1) || (d.Unapplied != "") != unapplied {
			t.Errorf("%d: %v, event %d, unapplied: %q", i, got[i].Err, d.Seq, d.Unapplied)
		}
	}
	err = s.View(t.Context(), func(tx *Tx) error {
		m, err := tx.Meeting("m")
		other, otherErr := tx.Meeting("other")
		if m.Here != 1 || other.Here != 2 {
			t.Errorf("%d and %d are here", m.Here, other.Here)
		}
		return errors.Join(err, otherErr)
	})
	if err != nil {
		t.Fatal(err)
	}
}
