package store

import (
	"maps"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// maxWarm is how many meetings the writer caches between commits, and warmStays how many stays they have at most, unless a single
// meeting has more. Of meetings with more than wholeStays, the stays that have ended are not kept: the store has them.
const maxWarm, warmStays, wholeStays = 1024, 50_000, 64

// roomEvery is how many stays a meeting gains until the size of the cache is checked again.
const roomEvery = 32

// warm caches the stays of recently settled meetings, so that one more stay in a large meeting doesn't cost reading all of them
// again. Only the writer's goroutine uses it, and a failed commit empties it.
type warm map[string]*warmMeeting

type warmMeeting struct {
	meeting *roster.Meeting
	tally   *roster.Tally
}

// recall returns a meeting as this effect, an earlier one of the commit, or the last commit left it; nil if none of them knows it.
func (t *Tx) recall(id string) *roster.Meeting {
	if m := t.written(id); m != nil {
		return m
	}
	if m := t.cached(id); m != nil {
		return m.meeting
	}
	return nil
}

// written returns a meeting as this effect or an earlier one of the commit left it, nil if none did.
func (t *Tx) written(id string) *roster.Meeting {
	if m := t.meetings[id]; m != nil || t.over == nil || t.store == nil {
		return m
	}
	return t.store.dirty[id]
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
		return m.tally.Stay(session)
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
	w[meeting] = &warmMeeting{tally: roster.NewTally(stays)}
	w.makeRoom(meeting)
	return w[meeting], nil
}

// makeRoom drops meetings, in no particular order but never the given one, until the rest fits. Dropping all of them would make a host
// with one meeting more than fits read every meeting at each commit.
func (w warm) makeRoom(keep string) {
	stays := 0
	for _, m := range w {
		stays += m.tally.Size()
	}
	for id, m := range w {
		if len(w) <= maxWarm && stays <= warmStays {
			return
		}
		if id != keep {
			stays -= m.tally.Size()
			delete(w, id)
		}
	}
}

// forget drops the ended stays of touched meetings that have more than a number of stays.
func (w warm) forget(touched map[string][]*roster.Stay, more int) {
	for id := range touched {
		if m := w[id]; m != nil && m.tally.Len() > more {
			m.tally.Forget()
		}
	}
}

// settle computes the shown state of every meeting that the commit touched, once, however many effects did.
func (t *Tx) settle(w warm, touched map[string][]*roster.Stay) ([]app.Change, error) {
	var out []app.Change
	for _, id := range slices.Sorted(maps.Keys(touched)) {
		m := t.written(id)
		if m == nil {
			stored, err := t.Meeting(id)
			if err != nil {
				return nil, err
			}
			m = &stored
		}
		known, err := w.of(t, id)
		if err != nil {
			return nil, err
		}
		had := known.tally.Len()
		settled, ok := known.tally.Settle(m, touched[id]...)
		if !ok {
			delete(w, id)
			if known, err = w.of(t, id); err != nil {
				return nil, err
			}
			settled, _ = known.tally.Settle(m, touched[id]...)
		}
		changed := make(map[string]*roster.Stay)
		for _, s := range slices.Concat(settled, touched[id]) { // the last of a session counts
			changed[s.Session] = s
		}
		for session, s := range changed {
			if err := t.putJSON(bucketStays, id+"\x00"+session, s); err != nil {
				return nil, err
			}
		}
		if err := t.writeMeeting(m); err != nil {
			return nil, err
		}
		known.meeting = m
		if known.tally.Len()/roomEvery > had/roomEvery {
			w.makeRoom(id)
		}
		out = append(out, meetingChange(m))
	}
	return out, nil
}
