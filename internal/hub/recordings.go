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
	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// Recordings lists recordings, newest first.
func (h *Hub) Recordings(ctx context.Context, q app.RecordingQuery) ([]app.Recording, error) {
	q.Limit = cmp.Or(max(q.Limit, 0), 100)
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

// eachRecording visits the recordings that a query selects, without its limit, newest first, until visit returns false.
func (h *Hub) eachRecording(tx *store.Tx, q app.RecordingQuery, visit func(app.Recording) bool) error {
	if err := h.meetingID(tx, &q.Meeting); err != nil {
		return err
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
			if err := h.meetingID(tx, &e.Meeting); err != nil {
				return err
			}
			n.Events = tx.CountEvents(e)
		}
		return ctx.Err()
	})
	return n, err
}

func (e *effect) applyRecording(m *roster.Meeting) error {
	s, named := catalog.FromEvent(e.event, e.at())
	if s.ID == "" {
		return errors.New("the event doesn't name a recording")
	}
	nameless := !named && e.event.Kind == provider.KindRecordingFailed
	if nameless {
		f := catalog.Failure{At: e.at(), Why: s.Failure}
		if m != nil {
			f.Meeting = m.ID
		}
		if err := addFailure(e.tx, e.account.Name, s.Instance, f); err != nil {
			return err
		}
	}
	if nameless && m != nil {
		if err := settleFailures(e.tx, m, s.Instance); err != nil {
			return err
		}
	} else if _, err := e.account.merge(e.tx, m, s, e.at()); err != nil {
		return err
	}
	if m == nil {
		return e.leaveForStarter(s)
	}
	e.activity(m, "", s.Failure)
	m.Observed(e.received, app.FromWebhook)
	if err := noteRecording(e.tx, m); err != nil {
		return err
	}
	return e.tx.PutMeeting(*m)
}

// starterKey returns the key under which recordings wait for their starter's join event: Daily's recording.started names no room,
// and may arrive before that event.
func starterKey(a *account, session string) string { return "starter\x00" + a.Name + "\x00" + session }

// maxStarted bounds how many recordings wait for one starter.
const maxStarted = 16

// startedBy lists the recordings that wait for a starter. Earlier versions stored a single id.
func startedBy(tx *store.Tx, a *account, session string) (ids []string) {
	raw := tx.Value(starterKey(a, session))
	if raw != nil && json.Unmarshal(raw, &ids) != nil {
		ids = []string{string(raw)}
	}
	return ids
}

func (e *effect) leaveForStarter(s catalog.Evidence) error {
	by := e.event.Recording.StartedBy
	if by == "" || e.event.Kind != provider.KindRecordingStarted {
		return nil
	}
	ids := startedBy(e.tx, e.account, by)
	if slices.Contains(ids, s.ID) || len(ids) >= maxStarted {
		return nil
	}
	raw, err := json.Marshal(append(ids, s.ID))
	return errors.Join(err, e.tx.PutValue(starterKey(e.account, by), raw))
}

// claimRecordings adds the recordings that a participant started before their join event to the meeting.
func (a *account) claimRecordings(tx *store.Tx, m *roster.Meeting, session string, at time.Time) error {
	ids := startedBy(tx, a, session)
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		running := provider.Recording{ID: id, Status: string(app.RecordingRunning)}
		if _, err := a.merge(tx, m, catalog.Evidence{Recording: running}, at); err != nil {
			return err
		}
	}
	return errors.Join(noteRecording(tx, m), tx.DeleteValue(starterKey(a, session)))
}

// merge adds evidence to a recording, and the recording to its meeting, which the caller writes. It is idempotent and independent of
// the order of events and lists. It reports whether anything changed.
func (a *account) merge(tx *store.Tx, m *roster.Meeting, s catalog.Evidence, at time.Time) (bool, error) {
	r, known, err := store.Found(tx.Recording(a.Name, s.ID))
	if err != nil {
		return false, err
	}
	if !known {
		r = catalog.New(a.Name, a.Platform, s)
	}
	was := r
	catalog.Merge(&r, m, s, at)
	if !r.FromBucket {
		if err := a.uniteObjects(tx, m, &r); err != nil {
			return false, err
		}
	}
	catalog.Conclude(&r, m, s.Failure)
	if m != nil {
		catalog.Confirm(m, r)
	}
	if known && reflect.DeepEqual(r, was) {
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

// recordingsOf reads a meeting's recordings.
func recordingsOf(tx *store.Tx, m *roster.Meeting) (all []app.Recording, err error) {
	for _, id := range m.Recordings {
		r, known, err := store.Found(tx.Recording(m.Account, id))
		if err != nil {
			return nil, err
		}
		if known {
			all = append(all, r)
		}
	}
	return all, nil
}

// noteRecording computes from a meeting's recordings whether it is being recorded, or why not.
func noteRecording(tx *store.Tx, m *roster.Meeting) error {
	all, err := recordingsOf(tx, m)
	if err == nil {
		catalog.Note(m, all)
	}
	return err
}

// stopRecordings ends the recordings that were running when the meeting became empty.
func stopRecordings(tx *store.Tx, m *roster.Meeting, at time.Time) error {
	all, err := recordingsOf(tx, m)
	if err != nil {
		return err
	}
	if err := putRecordings(tx, catalog.Stop(m, all, at)); err != nil {
		return err
	}
	catalog.Note(m, all)
	return nil
}

func putRecordings(tx *store.Tx, all []app.Recording) error {
	for _, r := range all {
		if err := tx.PutRecording(r); err != nil {
			return err
		}
	}
	return nil
}
