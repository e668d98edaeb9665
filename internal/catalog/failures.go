package catalog

import (
	"cmp"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/internal/stable"
	"greenroom/provider"
)

// Failure is a recording's failure as Daily reports it: by the instance and the time, without the recording's id.
type Failure struct {
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
	Meeting string    `json:"meeting,omitempty"`
}

// maxFailures bounds how many failures of an instance are remembered.
const maxFailures = 16

// Unnamed returns the id of the recording that shows an instance's failures that belong to no known recording.
func Unnamed(instance string) string { return "instance-" + instance }

// AddFailure adds a failure to those of an instance, oldest first. It returns nil if there are too many.
func AddFailure(all []Failure, f Failure) []Failure {
	if len(all) >= maxFailures {
		return nil
	}
	f.At = f.At.UTC()
	all = slices.Clone(all)
	if i := slices.IndexFunc(all, func(had Failure) bool { return had.At.Equal(f.At) && had.Why == f.Why }); i >= 0 {
		f.Meeting = cmp.Or(all[i].Meeting, f.Meeting)
		all = slices.Delete(all, i, i+1)
	}
	all = append(all, f)
	stable.Sort(all, func(a, b Failure) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Why, b.Why)) })
	return all
}

// SettleFailures assigns the failures of an instance to its recordings in a meeting, independent of the order of events: a failure
// belongs to the last recording that had begun by then, unless that one was ready before. It returns the recordings that change,
// and the failures that belong to none.
func SettleFailures(recordings []app.Recording, instance string, all []Failure) (changed []app.Recording, none []Failure) {
	recs := slices.DeleteFunc(slices.Clone(recordings), func(r app.Recording) bool {
		return r.Instance != instance || r.ID == Unnamed(instance)
	})
	stable.Sort(recs, func(a, b app.Recording) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt.Time), cmp.Compare(a.ID, b.ID))
	})
	why := map[int][]string{}
	for _, f := range all {
		if i := failed(recs, f.At); i >= 0 {
			why[i] = append(why[i], f.Why)
		} else {
			none = append(none, f)
		}
	}
	for i, r := range recs {
		given := r.Error == "" || slices.ContainsFunc(all, func(f Failure) bool { return f.Why == r.Error })
		status, text, over := r.Status, r.Error, i+1 < len(recs) // an instance makes one recording at a time
		switch {
		case status == app.RecordingReady:
		case why[i] != nil:
			status = app.RecordingFailed
			if least := slices.Min(why[i]); given || least < text {
				text = least
			}
		case status == app.RecordingFailed && given && over, status == app.RecordingRunning && over:
			status, text = app.RecordingProcessing, ""
		}
		if status != r.Status || text != r.Error {
			r.Status, r.Error = status, text
			changed = append(changed, r)
		}
	}
	return changed, none
}

// failed returns the index of the recording that failed at a time among those of an instance, oldest first; -1 for none.
func failed(recs []app.Recording, at time.Time) int {
	for i := len(recs) - 1; i >= 0; i-- {
		r := recs[i]
		if at.Before(r.StartedAt.Truncate(time.Second)) {
			continue
		}
		if r.Status == app.RecordingReady && r.DurationS > 0 && at.After(r.StartedAt.Add(r.Length()+ClockSlack)) {
			return -1
		}
		return i
	}
	return -1
}

// ShowFailure makes r, which may be new, the recording that shows a meeting's failure of no known recording.
func ShowFailure(r *app.Recording, m *roster.Meeting, instance string, f Failure) {
	if r.ID == "" {
		*r = app.Recording{ID: Unnamed(instance), Account: m.Account, Platform: m.Platform, Instance: instance, Files: []provider.RecordingFile{}}
	}
	r.Status, r.Error, r.StartedAt, r.Meeting, r.Room = app.RecordingFailed, f.Why, app.At(f.At), m.ID, m.Room
}

// SameFailure finds the recording of a meeting that shows the failure of a listed one, which an event named only by its instance.
func SameFailure(recordings []app.Recording, e Evidence) (shown app.Recording, ok bool) {
	i := slices.IndexFunc(recordings, func(r app.Recording) bool {
		return r.Status == app.RecordingFailed && r.ID == Unnamed(r.Instance) && !r.StartedAt.Before(e.StartedAt)
	})
	if i < 0 {
		return shown, false
	}
	return recordings[i], true
}
