package roster

import (
	"time"

	"greenroom/internal/app"
	"greenroom/internal/stable"
)

// watchRecorder shows a meeting as recorded while a recorder is in it, since the given Unix time in nanoseconds, 0 for none.
// Whereby reports the start of a recording in no other way.
func (m *Meeting) watchRecorder(since int64) {
	switch {
	case since != 0 && m.Status != app.Ended:
		if m.Recording != app.IsRecording {
			m.BotRecords = true
		}
		if m.BotRecords {
			m.Recording, m.RecordingSince = app.IsRecording, app.At(time.Unix(0, since))
		}
	case m.BotRecords:
		m.BotRecords = false
		m.Recording, m.RecordingSince = app.NotRecording, app.Time{}
	}
}

// Gather returns since when people have been in the meeting without a break, and how many are there. The time is zero if
// there are none.
func Gather(stays []*Stay) (since time.Time, people int) {
	var gone []*Stay
	for _, s := range stays {
		switch {
		case s.Bot || s.JoinedAt.IsZero():
		case !s.Present():
			gone = append(gone, s)
		default:
			people++
			if since.IsZero() || s.JoinedAt.Before(since) {
				since = s.JoinedAt.Time
			}
		}
	}
	if people == 0 {
		return time.Time{}, 0
	}
	stable.Sort(gone, func(a, b *Stay) int { return b.LeftAt.Compare(a.LeftAt.Time) })
	for _, s := range gone {
		if !s.LeftAt.Before(since) && s.JoinedAt.Before(since) {
			since = s.JoinedAt.Time
		}
	}
	return since, people
}
