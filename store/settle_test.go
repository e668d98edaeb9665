package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// A host with hundreds of live meetings: a webhook costs reading its meeting's stays once, not at each commit.
func TestTheStaysOfManyMeetingsAreReadOnce(t *testing.T) {
	s := open(t, Options{})
	come := func(meeting, session string) {
		t.Helper()
		err := s.Update(t.Context(), func(tx *Tx) error {
			m, err := tx.Meeting(meeting)
			if err != nil {
				m = roster.Meeting{Meeting: app.Meeting{ID: meeting, Status: app.Open}}
			}
			at := app.At(time.Unix(1_790_000_000, 0))
			if err := tx.PutStay(meeting, roster.Stay{Stay: app.Stay{Session: session, JoinedAt: at}}); err != nil {
				return err
			}
			return tx.PutMeeting(m)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]*warmMeeting{}
	for round := range 3 {
		for i := range 300 {
			id := fmt.Sprintf("m%03d", i)
			come(id, fmt.Sprintf("s%d", round))
			between(t, s, func() {
				had, now := known[id], s.warm[id]
				if had != nil && had != now {
					t.Errorf("round %d reads the stays of %s again", round+1, id)
				}
				known[id] = now
			})
		}
	}
}

// What is kept has a limit, and a meeting that alone exceeds it is kept.
func TestWarmMeetingsMakeRoom(t *testing.T) {
	w := warm{}
	add := func(id string, stays int) {
		w[id] = &warmMeeting{tally: roster.NewTally(nil)}
		for i := range stays {
			w[id].tally.Put(&roster.Stay{Stay: app.Stay{Session: fmt.Sprint(i)}})
		}
		w.makeRoom(id)
	}
	for i := range 10 {
		add(fmt.Sprint(i), warmStays/4)
		if len(w) > 4 {
			t.Fatalf("%d meetings with a quarter of the stays each are kept", len(w))
		}
	}
	if len(w) != 4 {
		t.Errorf("%d meetings are kept, and 4 fit", len(w))
	}
	add("large", warmStays+1)
	if len(w) != 1 || w["large"] == nil {
		t.Errorf("%d meetings are kept beside one that exceeds the limit", len(w)-1)
	}
	add("small", 1)
	if w["small"] == nil || len(w) != 1 {
		t.Errorf("the large meeting made no room: %d are kept", len(w))
	}
	clear(w)
	for i := range 4 {
		id := fmt.Sprint("left ", i)
		add(id, 0)
		for n := range warmStays {
			w[id].tally.Put(&roster.Stay{Stay: app.Stay{Session: fmt.Sprint(n), JoinedAt: app.At(t0), LeftAt: app.At(t0)}, LeftReported: t0})
		}
		w[id].tally.Settle(&roster.Meeting{})
		w[id].tally.Forget()
		w.makeRoom(id)
	}
	if len(w) != 4 {
		t.Errorf("%d meetings are kept whose stays have ended, and 4 fit", len(w))
	}
	for i := range maxWarm + 5 {
		add(fmt.Sprint("m", i), 0)
	}
	if len(w) != maxWarm {
		t.Errorf("%d meetings are kept, not %d", len(w), maxWarm)
	}
}

// A meeting that grows while no other is read makes room as well, and those who left a large meeting are not kept in memory: the
// store has them.
func TestAMeetingThatGrows(t *testing.T) {
	s := open(t, Options{})
	at := time.Unix(1_790_000_000, 0)
	visit := func(meeting string, n int, stays ...int) {
		t.Helper()
		err := s.Update(t.Context(), func(tx *Tx) error {
			m, known, err := Found(tx.Meeting(meeting))
			if !known {
				m = roster.Meeting{Meeting: app.Meeting{ID: meeting, Status: app.Open}}
			}
			for _, i := range stays {
				p := provider.Participant{Session: fmt.Sprint(i), Name: "Ada", JoinedAt: at, LeftAt: at.Add(time.Duration(n) * time.Second)}
				stay, _, stayErr := Found(tx.Stay(meeting, p.Session))
				if stay.Joined(p, at, app.FromWebhook); n > 0 {
					stay.Left(p, at, app.FromWebhook)
				}
				err = errors.Join(err, stayErr, tx.PutStay(meeting, stay))
			}
			return errors.Join(err, tx.PutMeeting(m))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	all := make([]int, 3*wholeStays)
	for i := range all {
		all[i] = i
	}
	visit("other", 0, 1)
	visit("m", 0, all...)
	between(t, s, func() {
		if !s.warm["m"].tally.Whole() {
			t.Error("some who are present are forgotten")
		}
	})
	visit("m", 20, all[1:]...)
	between(t, s, func() {
		if m := s.warm["m"]; m.tally.Whole() || m.meeting.Here != 1 {
			t.Errorf("all are kept: %v; %d are here", m.tally.Whole(), m.meeting.Here)
		}
	})
	visit("m", 10, 7, 0) // the earlier leaving counts
	visit("m", 0, 500)
	err := s.Update(t.Context(), func(tx *Tx) error {
		m, err := tx.Meeting("m")
		if staying, err := tx.Staying("m"); err != nil || len(staying) != 1 || staying[0].Session != "500" {
			t.Errorf("%d stays, of which one has no end: %v", len(staying), err)
		}
		stay, stayErr := tx.Stay("m", "7")
		stays, staysErr := tx.Stays("m")
		if m.Here != 1 || !stay.LeftAt.Equal(at.Add(10*time.Second)) || len(stays) != len(all)+1 {
			t.Errorf("%d here, %v left at %v, %d stays", m.Here, stay.Session, stay.LeftAt, len(stays))
		}
		m.Over(at.Add(time.Minute), true) // closes the one who is present, for which all are read again
		return errors.Join(err, stayErr, staysErr, tx.PutMeeting(m))
	})
	if err != nil {
		t.Fatal(err)
	}
	between(t, s, func() {
		if m := s.warm["m"]; m.tally.Whole() || m.meeting.Here != 0 || m.meeting.Peak != len(all)+1 {
			t.Errorf("after the end %d are here of %d; all are kept: %v", m.meeting.Here, m.meeting.Peak, m.tally.Whole())
		}
	})
	for first := 1000; first < warmStays+1000; first += 1000 {
		crowd := make([]int, 1000)
		for i := range crowd {
			crowd[i] = first + i
		}
		visit("crowd", 0, crowd...)
	}
	between(t, s, func() {
		if s.warm["other"] != nil || s.warm["crowd"] == nil {
			t.Errorf("%d meetings are kept beside one that grew beyond the limit", len(s.warm)-1)
		}
	})
}

// A stay that can't be stored makes its own delivery unapplied, with the reason, and no other commit necessary.
func TestAStayThatCannotBeStored(t *testing.T) {
	s := open(t, Options{})
	before := s.Commits()
	var all []Entry
	for n := range 3 {
		session := fmt.Sprint(n)
		if n == 1 {
			session = strings.Repeat("x", bolt.MaxKeySize)
		}
		all = append(all, Entry{Delivery: delivery(n), Effect: func(tx *Tx, _ *app.Delivery) error {
			return errors.Join(tx.PutMeeting(roster.Meeting{Meeting: app.Meeting{ID: "m", Status: app.Open}}), tx.PutStay("m", roster.Stay{Stay: app.Stay{Session: session}}))
		}})
	}
	got, err := s.AppendBatch(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for n, a := range got {
		if strings.Contains(a.Delivery.Unapplied, "a key of") != (n == 1) || a.Delivery.Unapplied != "" && n != 1 {
			t.Errorf("delivery %d is unapplied: %q", n, a.Delivery.Unapplied)
		}
	}
	if n := s.Commits() - before; n != 1 {
		t.Errorf("%d commits", n)
	}
}
