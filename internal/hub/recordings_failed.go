package hub

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// failure is a recording's failure as Daily reports it: by the instance and the time, without the recording's id.
type failure struct {
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
	Meeting string    `json:"meeting,omitempty"`
}

// maxFailures bounds how many failures of an instance are remembered.
const maxFailures = 16

func failuresKey(account, instance string) string {
	return "failures\x00" + account + "\x00" + instance
}

// unnamed is the id of the recording that shows the failures of an instance that are of no known recording.
func unnamed(instance string) string { return "instance-" + instance }

// failuresOf lists the failures of an instance, oldest first. Earlier programs kept the recording that shows them alone.
func failuresOf(tx *store.Tx, account, instance string) ([]failure, error) {
	if raw := tx.Value(failuresKey(account, instance)); raw != nil {
		var all []failure
		return all, json.Unmarshal(raw, &all)
	}
	r, err := tx.Recording(account, unnamed(instance))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []failure{{At: r.StartedAt.UTC(), Why: r.Error, Meeting: r.Meeting}}, err
}

// addFailure remembers a failure of an instance.
func addFailure(tx *store.Tx, account, instance string, f failure) error {
	all, err := failuresOf(tx, account, instance)
	if err != nil || len(all) >= maxFailures {
		return err
	}
	f.At = f.At.UTC()
	for i := range all {
		if all[i].At.Equal(f.At) && all[i].Why == f.Why {
			f.Meeting = cmp.Or(all[i].Meeting, f.Meeting)
			all = slices.Delete(all, i, i+1)
			break
		}
	}
	all = append(all, f)
	slices.SortFunc(all, func(a, b failure) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Why, b.Why)) })
	raw, err := json.Marshal(all)
	return errors.Join(err, tx.PutValue(failuresKey(account, instance), raw))
}

// settleFailures gives the failures of an instance to the recordings of a meeting that they are of, however events came: a failure
// is of the last recording that the instance had begun by then, unless that one was ready before. Failures of none are
// shown by a recording of their own. The caller writes the meeting.
func settleFailures(tx *store.Tx, m *roster.Meeting, instance string) error {
	all, err := failuresOf(tx, m.Account, instance)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(f failure) bool { return f.Meeting != "" && f.Meeting != m.ID })
	if len(all) == 0 {
		return nil
	}
	recs, err := recordingsUnder(tx, m, instance)
	if err != nil {
		return err
	}
	why, none := map[int][]string{}, []failure{}
	for _, f := range all {
		if i := failed(recs, f.At); i >= 0 {
			why[i] = append(why[i], f.Why)
		} else {
			none = append(none, f)
		}
	}
	for i, r := range recs {
		given := r.Error == "" || slices.ContainsFunc(all, func(f failure) bool { return f.Why == r.Error })
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
			if err := tx.PutRecording(r); err != nil {
				return err
			}
		}
	}
	return showFailures(tx, m, instance, none)
}

// failed finds the recording that failed at a time among those of an instance, oldest first; -1 when it is none of them.
func failed(recs []app.Recording, at time.Time) int {
	for i := len(recs) - 1; i >= 0; i-- {
		r := recs[i]
		if at.Before(r.StartedAt.Truncate(time.Second)) {
			continue
		}
		if r.Status == app.RecordingReady && r.DurationS > 0 && at.After(r.StartedAt.Add(r.Length()+confirmSlack)) {
			return -1
		}
		return i
	}
	return -1
}

// recordingsUnder lists the recordings of a meeting that were made under an instance, oldest first.
func recordingsUnder(tx *store.Tx, m *roster.Meeting, instance string) (recs []app.Recording, err error) {
	for _, id := range m.Recordings {
		r, err := tx.Recording(m.Account, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if r.Instance == instance && r.ID != unnamed(instance) {
			recs = append(recs, r)
		}
	}
	slices.SortFunc(recs, func(a, b app.Recording) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt.Time), cmp.Compare(a.ID, b.ID))
	})
	return recs, nil
}

// showFailures shows failures that are of no known recording, or no longer that there are any.
func showFailures(tx *store.Tx, m *roster.Meeting, instance string, all []failure) error {
	r, err := tx.Recording(m.Account, unnamed(instance))
	fresh := errors.Is(err, store.ErrNotFound)
	switch {
	case err != nil && !fresh:
		return err
	case len(all) == 0 && fresh:
		return nil
	case len(all) == 0:
		m.Recordings = slices.DeleteFunc(m.Recordings, func(id string) bool { return id == r.ID })
		return tx.DeleteRecording(r)
	case fresh:
		r = app.Recording{ID: unnamed(instance), Account: m.Account, Platform: m.Platform, Instance: instance, Files: []provider.RecordingFile{}}
	}
	last := all[len(all)-1]
	r.Status, r.Error, r.StartedAt, r.Meeting, r.Room = app.RecordingFailed, last.Why, app.At(last.At), m.ID, m.Room
	confirm(m, r)
	return tx.PutRecording(r)
}
