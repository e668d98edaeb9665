package catalog

import (
	"cmp"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// progress is the order of the states of a recording: late evidence never returns to an earlier one.
var progress = []app.RecordingStatus{
	app.RecordingRunning, app.RecordingProcessing, app.RecordingFailed, app.RecordingReady,
}

// further returns the later of two states.
func further(a app.RecordingStatus, b string) app.RecordingStatus {
	if b := app.RecordingStatus(b); slices.Index(progress, b) > slices.Index(progress, a) {
		return b
	}
	return a
}

// New returns a recording of an account that is known only from the evidence.
func New(account string, platform provider.Platform, e Evidence) app.Recording {
	return app.Recording{
		ID: e.ID, Account: account, Platform: platform, Room: e.Room, Files: []provider.RecordingFile{}, FromBucket: e.Object,
	}
}

// Merge adds evidence of the given time to a recording. m is the evidence's meeting or nil. Call [Conclude] once all evidence is
// added.
func Merge(r *app.Recording, m *roster.Meeting, e Evidence, at time.Time) {
	r.Status = further(r.Status, e.Status)
	if m != nil && r.Meeting == "" {
		r.Meeting = m.ID
	}
	if m != nil && r.Meeting == m.ID {
		r.Room = m.Room
	}
	r.Kind, r.Instance = cmp.Or(e.Kind, r.Kind), cmp.Or(r.Instance, e.Instance)
	r.StartedAt = cmp.Or(app.At(began(r.StartedAt.Time, e.StartedAt)), app.At(at))
	r.DurationS = max(r.DurationS, e.Duration.Seconds())
	switch {
	case e.Object:
		r.Files, r.ObjectAt = withObjects(*r, e.Files), app.At(app.Later(r.ObjectAt.Time, e.ObjectAt))
	case len(e.Files) > 0:
		r.Files = withSizes(e.Files, r.Files)
	}
}

// Conclude completes a recording after [Merge] and [Unite]: its error, and its end if the meeting was empty since it began.
func Conclude(r *app.Recording, m *roster.Meeting, failure string) {
	if r.Error == "" || failure != "" && failure < r.Error {
		r.Error = failure
	}
	if r.Status == app.RecordingReady {
		r.Error = ""
	}
	if m != nil && r.Status == app.RecordingRunning && m.EmptySince(r.StartedAt.Time) {
		r.Status = app.RecordingProcessing
	}
}

// Unite merges found, which was found in a bucket and has an id of ours, into the platform's recording r. Its id becomes an alias.
// It reports whether found's download becomes r's.
func Unite(r *app.Recording, found app.Recording) (moved bool) {
	r.Aliases = slices.Concat(r.Aliases, []string{found.ID}, found.Aliases)
	r.Files = withSizes(r.Files, found.Files)
	r.StartedAt = app.At(began(r.StartedAt.Time, found.StartedAt.Time))
	r.ObjectAt = app.At(app.Later(r.ObjectAt.Time, found.ObjectAt.Time))
	if found.Kind != "tracks" {
		r.Status = further(r.Status, string(found.Status))
	}
	r.IgnoredAt = cmp.Or(r.IgnoredAt, found.IgnoredAt)
	if moved = preferred(r.Download, found.Download); moved {
		r.Download = found.Download
	}
	return moved
}

// preferred reports whether the download of a recording found in a bucket is kept rather than that of the platform's recording. One
// that failed before anything arrived isn't: the platform may have other ways to its files.
func preferred(own, found *app.Download) bool {
	switch {
	case found == nil, found.State == app.DownloadFailed && found.Bytes == 0:
		return false
	case own == nil:
		return true
	}
	return own.State != app.DownloadDone && (own.Bytes == 0 || found.State == app.DownloadDone)
}

// began returns the earlier of two reported starts of a recording; zero is unknown. Platforms report whole seconds, names of
// objects milliseconds: within one second the more exact one counts.
func began(a, b time.Time) time.Time {
	switch x, y := a.Truncate(time.Second), b.Truncate(time.Second); {
	case a.IsZero():
		return b
	case b.IsZero():
		return a
	case x.Equal(y):
		return app.Later(a, b)
	case x.Before(y):
		return a
	}
	return b
}
