package catalog

import (
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// nearestWithin is how far a recording's start may be from its meeting's.
const nearestWithin = 168 * time.Hour

// Near reports whether a recording that began at a time, zero if unknown, can belong to a meeting of its room.
func Near(m roster.Meeting, began time.Time) bool {
	return began.IsZero() || began.Sub(m.StartsAt.Time).Abs() <= nearestWithin
}

// Confirm adds a recording to its meeting, and ends the wait for a requested start if this recording is its result.
func Confirm(m *roster.Meeting, r app.Recording) {
	if !slices.Contains(m.Recordings, r.ID) {
		m.Recordings = append(m.Recordings, r.ID)
		slices.Sort(m.Recordings)
	}
	if !m.RecordAsked.IsZero() && !r.StartedAt.Before(m.RecordAsked.Add(-ClockSlack)) {
		m.RecordAsked = time.Time{}
	}
}

// Forget removes a recording from its meeting.
func Forget(m *roster.Meeting, id string) {
	m.Recordings = slices.DeleteFunc(m.Recordings, func(known string) bool { return known == id })
}

// Note computes from a meeting's recordings whether it is being recorded, or why not.
func Note(m *roster.Meeting, recordings []app.Recording) {
	m.RecordingError = reason(m, recordings)
	m.Recording, m.RecordingSince = app.NotRecording, app.Time{}
	if m.Status == app.Ended {
		m.RecordAsked = time.Time{}
		return
	}
	if !m.RecordAsked.IsZero() {
		m.Recording = app.StartingRecording
	}
	for _, r := range recordings {
		if r.Status != app.RecordingRunning {
			continue
		}
		if m.Recording != app.IsRecording || r.StartedAt.Before(m.RecordingSince.Time) {
			m.RecordingSince = r.StartedAt
		}
		m.Recording, m.BotRecords = app.IsRecording, false
	}
}

// reason returns why a meeting is not recorded: its latest recording failed, or a later one could not be started.
func reason(m *roster.Meeting, recordings []app.Recording) (why string) {
	var last app.Recording
	for _, r := range recordings {
		if c := r.StartedAt.Compare(last.StartedAt.Time); c > 0 || c == 0 && r.ID > last.ID {
			last = r
		}
	}
	if last.Status == app.RecordingFailed && !last.StartedAt.Before(m.ErrorsFrom) {
		why = last.Error
	}
	if m.StartError != "" && m.StartErrorAt.After(last.StartedAt.Time) {
		why = m.StartError
	}
	return why
}

// Stop ends the recordings that were running when their meeting became empty or they were stopped. It returns those that change.
// Call [Note] afterwards.
func Stop(m *roster.Meeting, recordings []app.Recording, at time.Time) (changed []app.Recording) {
	if !m.RecordAsked.After(at) {
		m.RecordAsked = time.Time{}
	}
	for i, r := range recordings {
		if r.Status == app.RecordingRunning && !r.StartedAt.After(at) {
			recordings[i].Status = app.RecordingProcessing
			changed = append(changed, recordings[i])
		}
	}
	return changed
}
