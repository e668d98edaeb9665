package roster

import (
	"time"

	"greenroom/internal/app"
)

// Stragglers is how long after the end of a meeting evidence may still be about it and not about the next meeting in the
// same platform room.
const Stragglers = time.Minute

// Follow makes m the meeting after former in the same platform room, from at on. Evidence from before m.Since is about
// former or an earlier meeting. Later evidence of former moves to m.
func (m *Meeting) Follow(former Meeting, at time.Time) {
	m.Former, m.Since = former.ID, at.Add(-1).UTC()
	if end := former.EndedAt.Add(Stragglers); former.Status == app.Ended && end.Before(m.Since) {
		m.Since = end.UTC()
	}
	for _, mark := range former.Marks {
		if m.Holds(mark) {
			m.mark(mark)
		}
	}
	if m.Holds(former.EndedMark) {
		m.EndedMark = app.Later(m.EndedMark, former.EndedMark)
	}
}

// Holds reports whether evidence of the given time can be about m and not about a meeting before it.
func (m *Meeting) Holds(at time.Time) bool { return m.Former == "" || at.After(m.Since) }

// IsBefore reports whether evidence of the given time is about a later, still unknown meeting in the same platform room.
// Outside of lasting rooms only an end that was requested here separates two meetings.
func (m *Meeting) IsBefore(at time.Time) bool {
	return m.KeepsRoom() && m.Status == app.Ended && (m.Lasting || m.EndReason == ReasonEndedHere) && at.After(m.EndedAt.Add(Stragglers))
}

// Leftover reports whether someone whom a presence reading begun at the given time lists is from the meeting before m: they
// joined before m began, and the platform may still list them although they have left.
func (m *Meeting) Leftover(joined, begun time.Time) bool {
	return m.Former != "" && !joined.IsZero() && !m.Holds(joined) && !begun.After(m.Since.Add(Stragglers+m.Lag))
}

// Began adds evidence of when a meeting in a lasting room began. The earliest counts.
func (m *Meeting) Began(at time.Time) {
	if m.KeepsRoom() && !at.IsZero() && m.Holds(at) && (m.StartsAt.IsZero() || at.Before(m.StartsAt.Time)) {
		m.StartsAt = app.At(at)
	}
}
