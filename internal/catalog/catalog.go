// Package catalog holds the rules for recordings, as package roster does for people: how events, the platform's list and buckets
// combine into one recording, its state, its failures, and what it means for its meeting.
//
// The package is pure: no I/O, no clock. Evidence may come late, repeated and in any order; adding it again changes nothing.
package catalog

import (
	"cmp"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/internal/roster"
	"greenroom/provider"
)

const (
	// ClockSlack is how far the platform's clock may be behind ours.
	ClockSlack = 30 * time.Second
	// QuietTracks is how long to wait after the last raw track before treating a recording as complete without the platform's
	// confirmation. It is longer than Daily's default limit of a recording (15,000 s): the track of a participant who stays to
	// the end comes at the end.
	QuietTracks = 6 * time.Hour
)

// Evidence is one report about a recording: an event, a row of the platform's list, or objects in a bucket. Empty fields are
// unknown.
type Evidence struct {
	provider.Recording
	Instance, Failure string
	// Object reports that it is from a bucket, ObjectAt is when the newest of its objects was made.
	Object   bool
	ObjectAt time.Time
}

// FromEvent returns the evidence of an event, and whether the event names its recording: a failure may name only the instance, and
// gets the id [Unnamed]. The id is empty if the event names neither.
func FromEvent(ev provider.Event, at time.Time) (e Evidence, named bool) {
	rec := ev.Recording
	if rec == nil {
		return e, false
	}
	e.Recording = provider.Recording{
		ID: rec.ID, Room: ev.Room, Kind: rec.Kind, StartedAt: rec.StartedAt, Duration: rec.Duration, Files: rec.Files,
	}
	e.Instance, e.Failure, named = rec.Instance, rec.Error, rec.ID != ""
	if !named && rec.Instance != "" {
		e.ID = Unnamed(rec.Instance)
	}
	switch ev.Kind {
	case provider.KindRecordingStarted:
		e.Status = string(app.RecordingRunning)
	case provider.KindRecordingReady:
		e.Status = string(app.RecordingReady)
	case provider.KindRecordingFailed:
		e.Status = string(app.RecordingFailed)
	}
	if e.StartedAt.IsZero() && ev.Kind != provider.KindRecordingFailed {
		e.StartedAt = at
	}
	return e, named
}

// Listed returns the evidence of a row of the platform's list.
func Listed(r provider.Recording, now time.Time) Evidence {
	if r.Status == string(app.RecordingRunning) && now.Before(r.StartedAt) {
		r.StartedAt = now // a running one has begun
	}
	return Evidence{Recording: r}
}

// InBucket returns the evidence of a recording found in a bucket. A single object is a recording that is ready. A bucket never
// shows whether all tracks are there: without the platform's confirmation they count as complete if none has arrived for
// [QuietTracks] and the meeting isn't live. m is the recording's meeting or nil.
func InBucket(known app.Recording, m *roster.Meeting, f recording.Found, now time.Time) Evidence {
	e := Evidence{Recording: f.Recording, Object: true, ObjectAt: f.At}
	e.ID, e.Kind = known.ID, cmp.Or(known.Kind, f.Recording.Kind)
	last := app.Later(app.Later(known.ObjectAt.Time, f.At), f.Recording.StartedAt)
	switch {
	case f.Recording.Kind != "tracks":
	case !known.FromBucket:
		e.Status = string(known.Status)
	case now.Sub(last) >= QuietTracks && (m == nil || m.Status != app.Live):
		e.Status = string(app.RecordingReady)
	}
	return e
}

// Found returns a stored recording as a bucket's report, so that it can be judged again.
func Found(r app.Recording) recording.Found {
	return recording.Found{At: r.ObjectAt.Time, Recording: provider.Recording{
		ID: r.ID, Room: r.Room, Status: string(r.Status), Kind: r.Kind, StartedAt: r.StartedAt.Time, Files: r.Files,
	}}
}

// Unsettled reports whether a recording from a bucket may change with time: its tracks become complete, or its meeting known.
func Unsettled(r app.Recording) bool {
	return r.FromBucket && (r.Status == app.RecordingProcessing || r.Meeting == "")
}

// Adds reports whether the row of the platform's list adds to a known recording.
func Adds(known app.Recording, r provider.Recording) bool {
	final := known.Status == app.RecordingReady || known.Status == app.RecordingFailed && r.Status == string(app.RecordingFailed)
	return !final || known.Meeting == "" || known.DurationS == 0 && r.Duration > 0 || namesMore(r, known)
}

// AddsObjects reports whether a bucket's evidence changes a known recording.
func AddsObjects(known app.Recording, m *roster.Meeting, e Evidence) bool {
	return known.ObjectAt.Before(e.ObjectAt) || further(known.Status, e.Status) != known.Status || known.Meeting == "" && m != nil ||
		!slices.Equal(withObjects(known, e.Files), known.Files)
}

const (
	// changeWithin is how long after its end an unfinished recording is expected to change.
	changeWithin = 24 * time.Hour
	// listWithin is how soon the platform is expected to list a recording that was found in a bucket.
	listWithin = 10 * time.Minute
)

// Expected reports whether the platform's list should soon have more about a recording. running reports whether its meeting is being
// recorded.
func Expected(r app.Recording, running bool, now time.Time) bool {
	unfinished := r.Status == app.RecordingRunning || r.Status == app.RecordingProcessing
	return unfinished && !running && now.Sub(r.StartedAt.Add(r.Length())) < changeWithin ||
		r.FromBucket && now.Sub(r.ObjectAt.Time) < listWithin
}
