package hub

import (
	"context"
	"errors"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// Recordings lists recordings, newest first.
func (h *Hub) Recordings(ctx context.Context, q app.RecordingQuery) ([]app.Recording, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	out := []app.Recording{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		if q.Meeting != "" {
			m, err := h.findMeeting(tx, q.Meeting)
			if err != nil {
				return err
			}
			q.Meeting = m.ID
		}
		return tx.NewestRecordings(func(r app.Recording) bool {
			if (q.Meeting == "" || q.Meeting == r.Meeting) && (q.Status == "" || q.Status == r.Status) {
				out = append(out, r)
			}
			return len(out) < q.Limit
		})
	})
	return out, err
}

// recordingID is by what a recording is known: the platform's id, or the instance where a failure tells nothing else.
func recordingID(r *provider.RecordingEvent) string {
	if r.ID == "" && r.Instance != "" {
		return "instance-" + r.Instance
	}
	return r.ID
}

// progress orders the states of a recording: later ones are never taken back by an event that comes late.
var progress = []app.RecordingStatus{
	app.RecordingRunning, app.RecordingProcessing, app.RecordingFailed, app.RecordingReady,
}

func further(a, b app.RecordingStatus) app.RecordingStatus {
	if slices.Index(progress, b) > slices.Index(progress, a) {
		return b
	}
	return a
}

func (e *effect) applyRecording(m *roster.Meeting) error {
	rec := e.event.Recording
	if rec == nil || recordingID(rec) == "" {
		return errors.New("the event names no recording")
	}
	id := recordingID(rec)
	r, err := e.tx.Recording(e.account.Name, id)
	if errors.Is(err, store.ErrNotFound) {
		r = app.Recording{
			ID: id, Account: e.account.Name, Platform: e.account.Platform, Room: e.event.Room,
			Files: []provider.RecordingFile{},
		}
	} else if err != nil {
		return err
	}
	r.Status = further(r.Status, map[provider.EventKind]app.RecordingStatus{
		provider.KindRecordingStarted: app.RecordingRunning, provider.KindRecordingReady: app.RecordingReady,
		provider.KindRecordingFailed: app.RecordingFailed,
	}[e.event.Kind])
	if m != nil {
		r.Meeting, r.Room = m.ID, m.Room
	}
	if rec.Kind != "" {
		r.Kind = rec.Kind
	}
	if r.StartedAt.IsZero() || (!rec.StartedAt.IsZero() && rec.StartedAt.Before(r.StartedAt.Time)) {
		r.StartedAt = app.At(rec.StartedAt)
	}
	if r.StartedAt.IsZero() {
		r.StartedAt = app.At(e.at())
	}
	if rec.Duration > 0 {
		r.DurationS = rec.Duration.Seconds()
	}
	if len(rec.Files) > 0 {
		r.Files = rec.Files
	}
	if rec.Error != "" {
		r.Error = rec.Error
	}
	if m != nil && r.Status == app.RecordingRunning && m.EmptySince(r.StartedAt.Time) {
		r.Status = app.RecordingProcessing
	}
	if err := e.tx.PutRecording(r); err != nil || m == nil {
		return err
	}
	e.activity(m, "", rec.Error)
	m.Heard(e.received, app.FromWebhook)
	if !slices.Contains(m.Recordings, r.ID) {
		m.Recordings = append(m.Recordings, r.ID)
	}
	if err := noteRecording(e.tx, m); err != nil {
		return err
	}
	return e.tx.PutMeeting(*m)
}

// noteRecording computes whether the meeting is being recorded from its recordings.
func noteRecording(tx *store.Tx, m *roster.Meeting) error {
	m.Recording, m.RecordingSince = app.NotRecording, app.Time{}
	return eachRunning(tx, m, func(r app.Recording) error {
		if m.Status == app.Ended {
			return nil
		}
		m.Recording = app.IsRecording
		if m.RecordingSince.IsZero() || r.StartedAt.Before(m.RecordingSince.Time) {
			m.RecordingSince = r.StartedAt
		}
		return nil
	})
}

// stopRecordings moves on what was running when the meeting was empty: nobody was there any more to record.
func stopRecordings(tx *store.Tx, m *roster.Meeting, at time.Time) error {
	if err := eachRunning(tx, m, func(r app.Recording) error {
		if r.StartedAt.After(at) {
			return nil
		}
		r.Status = app.RecordingProcessing
		return tx.PutRecording(r)
	}); err != nil {
		return err
	}
	return noteRecording(tx, m)
}

func eachRunning(tx *store.Tx, m *roster.Meeting, visit func(app.Recording) error) error {
	for _, id := range m.Recordings {
		r, err := tx.Recording(m.Account, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil && r.Status == app.RecordingRunning {
			err = visit(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
