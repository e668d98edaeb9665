package store

import (
	"maps"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// maxWarm is how many meetings the writer caches between commits, and warmStays how many stays they have at most, unless a single
// meeting has more.
const maxWarm, warmStays = 1024, 20_000

// warm caches the stays of recently settled meetings, so that one more stay in a large meeting doesn't cost reading all of them
// again. Only the writer's goroutine uses it, and a failed commit empties it.
type warm map[string]*warmMeeting

type warmMeeting struct {
	roster.Meeting
	tally *roster.Tally
}

// recall returns a cached meeting as the last commit or an earlier effect of this one left it.
func (s *Store) recall(id string) (roster.Meeting, bool) {
	if s == nil {
		return roster.Meeting{}, false
	}
	if m, ok := s.dirty[id]; ok {
		return m, true
	}
	if m := s.warm[id]; m != nil {
		return m.Meeting, true
	}
	return roster.Meeting{}, false
}

// of returns a meeting's cached stays, and reads the missing ones.
func (w warm) of(t *Tx, meeting string) (*warmMeeting, error) {
	if m := w[meeting]; m != nil {
		return m, nil
	}
	stays, err := t.Stays(meeting)
	if err != nil {
		return nil, err
	}
	w.makeRoom(len(stays))
	w[meeting] = &warmMeeting{tally: roster.NewTally(stays)}
	return w[meeting], nil
}

// makeRoom drops meetings, whichever come first, until one with so many stays fits. Dropping all of them would make a host with one
// meeting more than fits read every meeting at each commit.
func (w warm) makeRoom(stays int) {
	for _, m := range w {
		stays += m.tally.Len()
	}
	for id, m := range w {
		if len(w) < maxWarm && stays <= warmStays {
			return
		}
		stays -= m.tally.Len()
		delete(w, id)
	}
}

// settle computes the shown state of every meeting that the commit touched, once, however many effects did.
func (t *Tx) settle(w warm, touched map[string][]roster.Stay) ([]app.Change, error) {
	var out []app.Change
	for _, id := range slices.Sorted(maps.Keys(touched)) {
		m, err := t.Meeting(id)
		if err != nil {
			return nil, err
		}
		known, err := w.of(t, id)
		if err != nil {
			return nil, err
		}
		for _, s := range known.tally.Settle(&m, touched[id]...) {
			if err := t.writeStay(id, *s); err != nil {
				return nil, err
			}
		}
		if err := t.writeMeeting(m); err != nil {
			return nil, err
		}
		known.Meeting = m
		out = append(out, meetingChange(m))
	}
	return out, nil
}
