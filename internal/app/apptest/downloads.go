package apptest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// PutRecording adds a recording, or replaces the one of its id, and publishes it.
func (m *Memory) PutRecording(r app.Recording) {
	m.Lock()
	defer m.Unlock()
	if i := m.recording(r.ID); i >= 0 {
		m.Recs[i] = r
	} else {
		m.Recs = slices.Insert(m.Recs, 0, r)
	}
	m.publish(app.Change{Kind: app.RecordingChange, Recording: &r})
}

func (m *Memory) recording(id string) int {
	return slices.IndexFunc(m.Recs, func(r app.Recording) bool { return r.ID == id })
}

// Recordings lists them, the one that was put last first.
func (m *Memory) Recordings(ctx context.Context, q app.RecordingQuery) ([]app.Recording, error) {
	if err := m.begin(ctx, "Recordings"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	var out []app.Recording
	for _, r := range m.Recs {
		if (q.Limit == 0 || len(out) < q.Limit) && (q.Since.IsZero() || !r.StartedAt.Before(q.Since.Time)) {
			out = append(out, r)
		}
	}
	return out, ctx.Err()
}

// Recording finds one.
func (m *Memory) Recording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.Recorded(ctx, "Recording", ref, nil)
}

// Recorded applies f, which may be nil, to a recording for a call of a method, and publishes it.
func (m *Memory) Recorded(ctx context.Context, method string, ref app.RecordingRef, f func(*app.Recording)) (app.Recording, error) {
	if err := m.begin(ctx, method); err != nil {
		return app.Recording{}, err
	}
	defer m.Unlock()
	i := m.recording(ref.ID)
	if i < 0 {
		return app.Recording{}, notFound("recording", ref.ID)
	}
	r := m.Recs[i]
	if f != nil {
		if r.Download != nil {
			r.Download = new(*r.Download)
		}
		f(&r)
		m.Recs[i] = r
		m.publish(app.Change{Kind: app.RecordingChange, Recording: &r})
	}
	return r, nil
}

// DownloadRecording marks one as waiting permanently: nothing is fetched here.
func (m *Memory) DownloadRecording(ctx context.Context, q app.DownloadRequest) (app.Recording, error) {
	return m.Recorded(ctx, "DownloadRecording", q.RecordingRef, func(r *app.Recording) {
		d := app.Download{State: app.DownloadWaiting, Total: r.Size(), AudioOnly: q.AudioOnly, DeleteAfter: q.DeleteAfter}
		if r.Download != nil && r.Download.State != app.DownloadDone {
			d.Bytes = r.Download.Bytes
		}
		r.Download = &d
	})
}

// PauseDownload marks one that waits as paused.
func (m *Memory) PauseDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.Recorded(ctx, "PauseDownload", ref, func(r *app.Recording) {
		if d := r.Download; d != nil && d.State.Active() {
			d.State, d.Rate, d.ETAS = app.DownloadPaused, 0, 0
		}
	})
}

// CancelDownload marks one as cancelled.
func (m *Memory) CancelDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.Recorded(ctx, "CancelDownload", ref, func(r *app.Recording) {
		if r.Download != nil && r.Download.State != app.DownloadDone {
			r.Download = &app.Download{State: app.DownloadCancelled, Total: r.Download.Total}
		}
	})
}

// DeleteRecording marks one as deleted, at the time at which everything here happens.
func (m *Memory) DeleteRecording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.Recorded(ctx, "DeleteRecording", ref, func(r *app.Recording) { r.DeletedAt = m.now() })
}

// IgnoreRecording leaves one out, or takes that back.
func (m *Memory) IgnoreRecording(ctx context.Context, req app.IgnoreRequest) (app.Recording, error) {
	return m.Recorded(ctx, "IgnoreRecording", req.RecordingRef, func(r *app.Recording) {
		if r.IgnoredAt = (app.Time{}); !req.Undo {
			r.IgnoredAt = m.now()
		}
	})
}

// NoteVerification stores the findings about the recording's files.
func (m *Memory) NoteVerification(ctx context.Context, v app.Verification) (app.Recording, error) {
	return m.Recorded(ctx, "NoteVerification", v.RecordingRef, func(r *app.Recording) {
		if r.Download != nil {
			r.Download.Apply(v, m.now())
		}
	})
}

// RerunCommand has nothing to run.
func (m *Memory) RerunCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.Recorded(ctx, "RerunCommand", ref, nil)
}

// SkipCommand has nothing to skip.
func (m *Memory) SkipCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.Recorded(ctx, "SkipCommand", ref, nil)
}

// Counts counts what queries select, of events all.
func (m *Memory) Counts(ctx context.Context, q app.CountQuery) (n app.Counts, err error) {
	if q.Meetings != nil {
		q.Meetings.Limit = 0
		list, err := m.Meetings(ctx, *q.Meetings)
		if err != nil {
			return n, err
		}
		n.Meetings = len(list)
	}
	if q.Recordings != nil {
		list, err := m.Recordings(ctx, *q.Recordings)
		if err != nil {
			return n, err
		}
		n.Recordings = len(list)
	}
	if q.Events != nil {
		m.Lock()
		defer m.Unlock()
		n.Events = len(m.events)
	}
	return n, ctx.Err()
}

// LimitDownloads sets the limit without checking it.
func (m *Memory) LimitDownloads(ctx context.Context, l app.DownloadLimit) (app.DownloadLimit, error) {
	return l, ctx.Err()
}

func testNoRecording(t *testing.T, h Harness) {
	ctx, b, none := t.Context(), h.Backend, app.RecordingRef{ID: "nowhere"}
	for name, call := range map[string]func(context.Context, app.RecordingRef) (app.Recording, error){
		"show": b.Recording, "pause": b.PauseDownload, "cancel": b.CancelDownload, "delete": b.DeleteRecording,
		"rerun": b.RerunCommand, "skip": b.SkipCommand,
		"ignore": func(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
			return b.IgnoreRecording(ctx, app.IgnoreRequest{RecordingRef: ref})
		},
		"download": func(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
			return b.DownloadRecording(ctx, app.DownloadRequest{RecordingRef: ref})
		},
	} {
		if _, err := call(ctx, none); !errors.Is(err, provider.NotFound) || app.AsError(err).Text == "" {
			t.Errorf("%s a recording that is not there: %v", name, err)
		}
	}
}
