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
		w.makeRoom(stays)
		w[id] = &warmMeeting{tally: roster.NewTally(make([]*roster.Stay, 0))}
		for i := range stays {
			w[id].tally.Settle(&roster.Meeting{}, &roster.Stay{Stay: app.Stay{Session: fmt.Sprint(i)}})
		}
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
	for i := range maxWarm + 5 {
		add(fmt.Sprint("m", i), 0)
	}
	if len(w) != maxWarm {
		t.Errorf("%d meetings are kept, not %d", len(w), maxWarm)
	}
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
