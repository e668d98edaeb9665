package store

import (
	"maps"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// maxWarm is how many meetings the writer caches between commits, and warmStays how many stays they have at most, unless a single
// meeting has more.
const maxWarm, warmStays = 1024, 50_000

// warm caches the stays of recently settled meetings, so that one more stay in a large meeting doesn't cost reading all of them
// again. Only the writer's goroutine uses it, and a failed commit empties it.
type warm map[string]*warmMeeting

type warmMeeting struct {
	roster.Meeting
	tally *roster.Tally
}

// recall returns a meeting as this effect, an earlier one of the commit, or the last commit left it; nil if none of them knows it.
func (t *Tx) recall(id string) *roster.Meeting {
	if m := t.meetings[id]; m != nil {
		return m
	}
	if t.over != nil && t.store != nil && t.store.dirty[id] != nil {
		return t.store.dirty[id]
	}
	if m := t.cached(id); m != nil {
		return &m.Meeting
	}
	return nil
}

// cached returns what the writer caches of a meeting, nil if that is nothing or t isn't one of its effects.
func (t *Tx) cached(meeting string) *warmMeeting {
	if t.over == nil || t.store == nil {
		return nil
	}
	return t.store.warm[meeting]
}

// recallStay returns a stay as this effect, an earlier one of the commit, or the last commit left it. known is false if none of
// them knows the meeting's stays, and the stay nil if there is none.
func (t *Tx) recallStay(meeting, session string) (stay *roster.Stay, known bool) {
	for _, put := range [...][]*roster.Stay{t.stays[meeting], t.earlier[meeting]} {
		for _, s := range slices.Backward(put) {
			if s.Session == session {
				return s, true
			}
		}
	}
	if m := t.cached(meeting); m != nil {
		return m.tally.Stay(session), true
	}
	return nil, false
}

// of returns a meeting's cached stays, and reads the missing ones.
func (w warm) of(t *Tx, meeting string) (*warmMeeting, error) {
	if m := w[meeting]; m != nil {
		return m, nil
	}
	stays, err := t.storedStays(meeting)
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
func (t *Tx) settle(w warm, touched map[string][]*roster.Stay) ([]app.Change, error) {
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
		changed := make(map[string]*roster.Stay)
		for _, s := range known.tally.Settle(&m, touched[id]...) {
			changed[s.Session] = s
		}
		for _, s := range touched[id] {
			changed[s.Session] = known.tally.Stay(s.Session)
		}
		for session, s := range changed {
			if err := t.putJSON(bucketStays, id+"\x00"+session, s); err != nil {
				return nil, err
			}
		}
		if err := t.writeMeeting(&m); err != nil {
			return nil, err
		}
		known.Meeting = m
		out = append(out, meetingChange(&m))
	}
	return out, nil
}
