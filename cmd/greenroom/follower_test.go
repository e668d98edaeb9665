package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// history is a Backend's events, served in small pages as a busy store would.
type history struct {
	upTo  uint64
	odd   bool // only odd numbers match
	limit int
	asked int
}

func (h *history) page(q app.EventQuery) (app.EventPage, error) {
	h.asked++
	var all []app.Delivery
	for seq := q.After + 1; seq <= h.upTo && (q.Before == 0 || seq < q.Before); seq++ {
		if h.odd && seq%2 == 0 {
			continue
		}
		all = append(all, app.Delivery{Seq: seq})
	}
	var p app.EventPage
	if q.After == 0 && q.Limit == 1 { // the newest
		return app.EventPage{Events: []app.Delivery{{Seq: h.upTo}}}, nil
	}
	if len(all) > h.limit {
		all, p.More = all[:h.limit], true
		p.Next = all[h.limit-1].Seq
	}
	slices.Reverse(all)
	p.Events = all
	return p, nil
}

func delivery(seq uint64) app.Change {
	return app.Change{Kind: app.DeliveryChange, Delivery: &app.Delivery{Seq: seq}}
}

func TestFollowerLeavesNothingOut(t *testing.T) {
	for _, test := range []struct {
		name    string
		from    uint64
		query   app.EventQuery
		stored  uint64
		odd     bool
		changes []app.Change
		want    string
	}{
		{"what comes next", 0, app.EventQuery{}, 5, false, []app.Change{delivery(6), delivery(7)}, "6 7"},
		{"from a number", 3, app.EventQuery{}, 9, false, nil, "3 4 5 6 7 8 9"},
		{"seen in both ways", 3, app.EventQuery{}, 6, false, []app.Change{delivery(5), delivery(6), delivery(7)}, "3 4 5 6 7"},
		{"dropped by the stream", 0, app.EventQuery{}, 5, false, []app.Change{delivery(6), {Kind: app.Missed}, delivery(12)}, "6 7 8 9 10 11 12"},
		{"a gap without a word", 0, app.EventQuery{}, 5, false, []app.Change{delivery(9)}, "6 7 8 9"},
		{"narrow", 0, app.EventQuery{Account: "a"}, 5, true, []app.Change{delivery(6), delivery(7), delivery(8), delivery(9)}, "7 9"},
		{"other changes", 0, app.EventQuery{}, 5, false, []app.Change{{Kind: app.StatusChange}, {Kind: app.DeliveryChange}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &history{upTo: test.stored, odd: test.odd, limit: 2}
			b := &fake{changes: make(chan app.Change), events: h.page}
			var got []string
			f := follower{backend: b, query: test.query, from: test.from, print: func(d app.Delivery) error {
				got = append(got, fmt.Sprint(d.Seq))
				return nil
			}}
			go func() {
				defer close(b.changes)
				for _, c := range test.changes {
					if c.Delivery != nil {
						b.changes <- app.Change{Kind: app.StatusChange} // the one before it was handled
						h.upTo = max(h.upTo, c.Delivery.Seq)
					}
					b.changes <- c
				}
			}()
			if err := f.run(context.Background()); err != nil {
				t.Fatal(err)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("printed %q, not %q", s, test.want)
			}
		})
	}
}

// With --until nothing is looked at beyond its first match, in which order ever the stream and the store show it.
func TestFollowerEnds(t *testing.T) {
	for _, test := range []struct {
		name    string
		count   int
		until   bool // number 6 matches
		stored  uint64
		changes []app.Change
		want    string
		met     bool
	}{
		{"after a count of stored ones", 2, false, 5, nil, "3 4", true},
		{"after a count of new ones", 4, false, 5, []app.Change{delivery(6), delivery(7)}, "3 4 5 6", true},
		{"before the count", 9, false, 5, []app.Change{delivery(6)}, "3 4 5 6", false},
		{"at a stored one", 0, true, 9, nil, "3 4 5 6", true},
		{"at a new one", 0, true, 5, []app.Change{delivery(6), delivery(7)}, "3 4 5 6", true},
		{"at one of several", 0, true, 5, []app.Change{delivery(8), delivery(9)}, "3 4 5 6", true},
		{"at one that the stream dropped", 0, true, 5, []app.Change{{Kind: app.Missed}, delivery(9)}, "3 4 5 6", true},
		{"not yet", 0, true, 4, []app.Change{delivery(5)}, "3 4 5", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &history{upTo: test.stored, limit: 2}
			b := &fake{changes: make(chan app.Change, 9), events: func(q app.EventQuery) (app.EventPage, error) {
				if q.Filter == "" {
					return h.page(q)
				}
				if q.After < 6 && h.upTo >= 6 && q.Before > 6 {
					return app.EventPage{Events: []app.Delivery{{Seq: 6}}}, nil
				}
				return app.EventPage{}, nil
			}}
			var got []string
			f := follower{backend: b, from: 3, count: test.count, print: func(d app.Delivery) error {
				got = append(got, fmt.Sprint(d.Seq))
				return nil
			}}
			if test.until {
				f.until = "seq:6"
			}
			f.ready = func() error {
				for _, c := range test.changes {
					if c.Delivery != nil {
						h.upTo = max(h.upTo, c.Delivery.Seq)
					}
					b.changes <- c
				}
				close(b.changes)
				return nil
			}
			if err := f.run(context.Background()); err != nil || f.met != test.met {
				t.Errorf("met: %t, %v", f.met, err)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("printed %q, not %q", s, test.want)
			}
		})
	}
}

func TestFollowerWaitsForAMeetingToCome(t *testing.T) {
	b := &fake{changes: make(chan app.Change, 1), events: func(app.EventQuery) (app.EventPage, error) {
		return app.EventPage{}, &app.Error{Kind: provider.NotFound, Text: "no meeting"}
	}}
	b.changes <- delivery(1)
	close(b.changes)
	f := follower{backend: b, query: app.EventQuery{Meeting: "later"}, from: 1, print: func(app.Delivery) error { return nil }}
	if err := f.run(context.Background()); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestNewestReadsShortPages(t *testing.T) {
	h := [][]uint64{{9, 8}, {}, {5}, {2, 1}}
	n := 0
	b := &fake{events: func(q app.EventQuery) (app.EventPage, error) {
		p := app.EventPage{More: n < len(h)-1, Next: uint64(100 - n)}
		if n > 0 && q.Before != uint64(100-n+1) {
			t.Errorf("page %d is asked for before %d", n, q.Before)
		}
		for _, s := range h[n] {
			p.Events = append(p.Events, app.Delivery{Seq: s})
		}
		n++
		return p, nil
	}}
	got, _, err := newest(context.Background(), b, app.EventQuery{}, 5)
	if err != nil || len(got) != 5 {
		t.Errorf("%d events, %v", len(got), err)
	}
}

// What was printed may be written once nothing more waits to be printed.
func TestFollowerIsIdleOnceNothingWaits(t *testing.T) {
	h := &history{upTo: 5, limit: 2}
	b := &fake{changes: make(chan app.Change, 3), events: h.page}
	var got []string
	full := errors.New("the disk is full")
	f := follower{backend: b, print: func(d app.Delivery) error {
		got = append(got, fmt.Sprint(d.Seq))
		return nil
	}, idle: func() error {
		if got = append(got, "idle"); len(got) == 3 {
			b.changes <- delivery(8)
			return nil
		}
		return full
	}}
	b.changes <- delivery(6)
	b.changes <- delivery(7)
	if err := f.run(t.Context()); !errors.Is(err, full) {
		t.Error(err)
	}
	if s := strings.Join(got, " "); s != "6 7 idle 8 idle" {
		t.Errorf("%q", s)
	}
}

// What was printed before following fails, or is cancelled, is written.
func TestFollowerIsIdleBeforeItFails(t *testing.T) {
	broken := errors.New("the store is closed")
	b := &fake{changes: make(chan app.Change, 3), events: func(q app.EventQuery) (app.EventPage, error) {
		if q.Forward {
			return app.EventPage{}, broken
		}
		return app.EventPage{Events: []app.Delivery{{Seq: 5}}}, nil
	}}
	var got []string
	f := follower{backend: b, print: func(d app.Delivery) error {
		got = append(got, fmt.Sprint(d.Seq))
		return nil
	}, idle: func() error {
		got = append(got, "idle")
		return nil
	}}
	b.changes <- delivery(6)
	b.changes <- app.Change{Kind: app.Missed}
	b.changes <- delivery(9)
	if err := f.run(t.Context()); !errors.Is(err, broken) {
		t.Error(err)
	}
	if s := strings.Join(got, " "); s != "6 idle" {
		t.Errorf("%q", s)
	}
}
