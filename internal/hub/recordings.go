package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
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
	if q.Sweep {
		if err := h.sweepBuckets(ctx); err != nil {
			return nil, err
		}
	}
	if q.Refresh {
		if err := h.refreshRecordings(ctx); err != nil {
			return nil, err
		}
	}
	out := []app.Recording{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		return h.eachRecording(tx, q, func(r app.Recording) bool {
			out = append(out, r)
			return len(out) < q.Limit
		})
	})
	for i := range out {
		out[i] = h.downloads.Overlay(out[i])
	}
	return out, err
}

// eachRecording visits the recordings that a query selects, whatever its limit, newest first, until visit returns false.
func (h *Hub) eachRecording(tx *store.Tx, q app.RecordingQuery, visit func(app.Recording) bool) error {
	if q.Meeting != "" {
		m, err := h.findMeeting(tx, q.Meeting)
		if err != nil {
			return err
		}
		q.Meeting = m.ID
	}
	return tx.NewestRecordings(func(r app.Recording) bool {
		if !q.Since.IsZero() && r.StartedAt.Before(q.Since.Time) {
			return false
		}
		selected := (q.Meeting == "" || q.Meeting == r.Meeting) && (q.Status == "" || q.Status == r.Status) &&
			strings.HasPrefix(r.ID, q.Prefix)
		return !selected || visit(r)
	})
}

// Counts counts what queries select; see [app.Backend].
func (h *Hub) Counts(ctx context.Context, q app.CountQuery) (n app.Counts, err error) {
	err = h.store.View(ctx, func(tx *store.Tx) error {
		if q.Meetings != nil {
			if err := h.eachMeeting(ctx, tx, *q.Meetings, func(app.Meeting) bool { n.Meetings++; return ctx.Err() == nil }); err != nil {
				return err
			}
		}
		if q.Recordings != nil {
			if err := h.eachRecording(tx, *q.Recordings, func(app.Recording) bool { n.Recordings++; return ctx.Err() == nil }); err != nil {
				return err
			}
		}
		if q.Events != nil {
			e := *q.Events
			if e.Meeting != "" {
				m, err := h.findMeeting(tx, e.Meeting)
				if err != nil {
					return err
				}
				e.Meeting = m.ID
			}
			n.Events = tx.CountEvents(e)
		}
		return ctx.Err()
	})
	return n, err
}

// recordingID is the id of a recording: the platform's, or the instance for a failure without one.
func recordingID(r *provider.RecordingEvent) string {
	if r.ID == "" && r.Instance != "" {
		return unnamed(r.Instance)
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

// sighting is one report about a recording: an event, or a row of the platform's list.
type sighting struct {
	id, instance, room, kind, failure string
	status                            app.RecordingStatus
	started                           time.Time
	duration                          time.Duration
	files                             []provider.RecordingFile
	// object says that a bucket reported it, and objectAt when the newest of the objects was made.
	object   bool
	objectAt time.Time
}

func (e *effect) applyRecording(m *roster.Meeting) error {
	rec := e.event.Recording
	if rec == nil || recordingID(rec) == "" {
		return errors.New("the event names no recording")
	}
	s := sighting{
		id: recordingID(rec), instance: rec.Instance, room: e.event.Room, kind: rec.Kind, failure: rec.Error,
		status: map[provider.EventKind]app.RecordingStatus{
			provider.KindRecordingStarted: app.RecordingRunning, provider.KindRecordingReady: app.RecordingReady,
			provider.KindRecordingFailed: app.RecordingFailed,
		}[e.event.Kind],
		started: rec.StartedAt, duration: rec.Duration, files: rec.Files,
	}
	if s.started.IsZero() && e.event.Kind != provider.KindRecordingFailed {
		s.started = e.at()
	}
	nameless := rec.ID == "" && s.status == app.RecordingFailed
	if nameless {
		f := failure{At: e.at(), Why: s.failure}
		if m != nil {
			f.Meeting = m.ID
		}
		if err := addFailure(e.tx, e.account.Name, rec.Instance, f); err != nil {
			return err
		}
	}
	if nameless && m != nil {
		if err := settleFailures(e.tx, m, rec.Instance); err != nil {
			return err
		}
	} else if _, err := e.account.merge(e.tx, m, s, e.at()); err != nil {
		return err
	}
	if m == nil {
		return e.leaveForStarter(s)
	}
	e.activity(m, "", rec.Error)
	m.Observed(e.received, app.FromWebhook)
	if err := noteRecording(e.tx, m); err != nil {
		return err
	}
	return e.tx.PutMeeting(*m)
}

// starterKey is the store key under which recordings wait for their starter's join event: Daily's recording.started
// names no room, and may come before the joining of its starter.
func starterKey(a *account, session string) string { return "starter\x00" + a.Name + "\x00" + session }

// maxStarted bounds how many recordings wait for one starter.
const maxStarted = 16

// startedBy lists the recordings that wait for a starter. Earlier programs kept a single id.
func startedBy(tx *store.Tx, a *account, session string) (ids []string) {
	raw := tx.Value(starterKey(a, session))
	if raw != nil && json.Unmarshal(raw, &ids) != nil {
		ids = []string{string(raw)}
	}
	return ids
}

func (e *effect) leaveForStarter(s sighting) error {
	by := e.event.Recording.StartedBy
	if by == "" || s.status != app.RecordingRunning {
		return nil
	}
	ids := startedBy(e.tx, e.account, by)
	if slices.Contains(ids, s.id) || len(ids) >= maxStarted {
		return nil
	}
	raw, err := json.Marshal(append(ids, s.id))
	return errors.Join(err, e.tx.PutValue(starterKey(e.account, by), raw))
}

// claimRecordings gives a meeting the recordings that a participant started before their join event.
func (a *account) claimRecordings(tx *store.Tx, m *roster.Meeting, session string, at time.Time) error {
	ids := startedBy(tx, a, session)
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		if _, err := a.merge(tx, m, sighting{id: id, status: app.RecordingRunning}, at); err != nil {
			return err
		}
	}
	return errors.Join(noteRecording(tx, m), tx.DeleteValue(starterKey(a, session)))
}

// merge adds a sighting to what is known of a recording, and the recording to its meeting, which the caller writes. It
// is idempotent, and events and lists may come in any order. It reports whether anything was learned.
func (a *account) merge(tx *store.Tx, m *roster.Meeting, s sighting, at time.Time) (bool, error) {
	r, err := tx.Recording(a.Name, s.id)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return false, err
	}
	if fresh {
		r = app.Recording{
			ID: s.id, Account: a.Name, Platform: a.Platform, Room: s.room, Files: []provider.RecordingFile{}, FromBucket: s.object,
		}
	}
	was := r
	r.Status = further(r.Status, s.status)
	if m != nil && r.Meeting == "" {
		r.Meeting = m.ID
	}
	if m != nil && r.Meeting == m.ID {
		r.Room = m.Room
	}
	r.Kind, r.Instance = cmp.Or(s.kind, r.Kind), cmp.Or(r.Instance, s.instance)
	r.StartedAt = app.At(began(r.StartedAt.Time, s.started))
	if r.StartedAt.IsZero() {
		r.StartedAt = app.At(at)
	}
	r.DurationS = max(r.DurationS, s.duration.Seconds())
	switch {
	case s.object:
		r.Files, r.ObjectAt = withObjects(r, s.files), app.At(later(r.ObjectAt.Time, s.objectAt))
	case len(s.files) > 0:
		r.Files = withSizes(s.files, r.Files)
	}
	if !r.FromBucket {
		if err := a.uniteObjects(tx, m, &r); err != nil {
			return false, err
		}
	}
	if r.Error == "" || s.failure != "" && s.failure < r.Error {
		r.Error = s.failure
	}
	if r.Status == app.RecordingReady {
		r.Error = ""
	}
	if m != nil && r.Status == app.RecordingRunning && m.EmptySince(r.StartedAt.Time) {
		r.Status = app.RecordingProcessing
	}
	if m != nil {
		confirm(m, r)
	}
	if !fresh && reflect.DeepEqual(r, was) {
		return false, nil
	}
	if r.Status == app.RecordingReady {
		if err := a.autoDownload(tx, m, &r, at); err != nil {
			return false, err
		}
	}
	if err := tx.PutRecording(r); err != nil || m == nil || r.Instance == "" {
		return true, err
	}
	return true, settleFailures(tx, m, r.Instance)
}

// confirmSlack is by how much the platform's clock may be behind ours.
const confirmSlack = 30 * time.Second

// confirm notes in a meeting what one of its recordings says: that it is one of its own, and that a start
// that was asked for has happened.
func confirm(m *roster.Meeting, r app.Recording) {
	if !slices.Contains(m.Recordings, r.ID) {
		m.Recordings = append(m.Recordings, r.ID)
		slices.Sort(m.Recordings)
	}
	if !m.RecordAsked.IsZero() && !r.StartedAt.Before(m.RecordAsked.Add(-confirmSlack)) {
		m.RecordAsked = time.Time{}
	}
}

// noteRecording computes from a meeting's recordings whether it is being recorded, and why not.
func noteRecording(tx *store.Tx, m *roster.Meeting) error {
	if err := noteFailure(tx, m); err != nil {
		return err
	}
	m.Recording, m.RecordingSince = app.NotRecording, app.Time{}
	if m.Status == app.Ended {
		m.RecordAsked = time.Time{}
		return nil
	}
	if !m.RecordAsked.IsZero() {
		m.Recording = app.StartingRecording
	}
	return eachRunning(tx, m, func(r app.Recording) error {
		if m.Recording != app.IsRecording || r.StartedAt.Before(m.RecordingSince.Time) {
			m.RecordingSince = r.StartedAt
		}
		m.Recording, m.BotRecords = app.IsRecording, false
		return nil
	})
}

// noteFailure computes why a meeting is not recorded: its latest recording failed, or none could be started since.
func noteFailure(tx *store.Tx, m *roster.Meeting) error {
	var last app.Recording
	for _, id := range m.Recordings {
		r, err := tx.Recording(m.Account, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if c := r.StartedAt.Compare(last.StartedAt.Time); c > 0 || c == 0 && r.ID > last.ID {
			last = r
		}
	}
	m.RecordingError = ""
	if last.Status == app.RecordingFailed && !last.StartedAt.Before(m.ErrorsFrom) {
		m.RecordingError = last.Error
	}
	if m.StartError != "" && m.StartErrorAt.After(last.StartedAt.Time) {
		m.RecordingError = m.StartError
	}
	return nil
}

// stopRecordings ends recordings that were running when the meeting became empty: there was nothing left to record.
func stopRecordings(tx *store.Tx, m *roster.Meeting, at time.Time) error {
	if !m.RecordAsked.After(at) {
		m.RecordAsked = time.Time{}
	}
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
