package apptest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// PutRecording adds a recording, or replaces the one of its id, and tells of it.
func (m *Memory) PutRecording(r app.Recording) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.recording(r.ID); i >= 0 {
		m.recordings[i] = r
	} else {
		m.recordings = append(m.recordings, r)
	}
	m.publish(app.Change{Kind: app.RecordingChange, Recording: &r})
}

func (m *Memory) recording(id string) int {
	for i, r := range m.recordings {
		if r.ID == id {
			return i
		}
	}
	return -1
}

// Recordings lists them, the one that was put last first.
func (m *Memory) Recordings(ctx context.Context, q app.RecordingQuery) ([]app.Recording, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []app.Recording
	for _, r := range slices.Backward(m.recordings) {
		if q.Since.IsZero() || !r.StartedAt.Before(q.Since.Time) {
			out = append(out, r)
		}
	}
	return out, ctx.Err()
}

// Recording finds one.
func (m *Memory) Recording(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.changeRecording(ref, nil)
}

func (m *Memory) changeRecording(ref app.RecordingRef, f func(*app.Recording)) (app.Recording, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.recording(ref.ID)
	if i < 0 {
		return app.Recording{}, notFound("recording", ref.ID)
	}
	r := m.recordings[i]
	if f != nil {
		if r.Download != nil {
			r.Download = new(*r.Download)
		}
		f(&r)
		m.recordings[i] = r
		m.publish(app.Change{Kind: app.RecordingChange, Recording: &r})
	}
	return r, nil
}

// DownloadRecording marks one as waiting for good: nothing is fetched here.
func (m *Memory) DownloadRecording(_ context.Context, r app.DownloadRequest) (app.Recording, error) {
	return m.changeRecording(r.RecordingRef, func(rec *app.Recording) {
		rec.Download = &app.Download{State: app.DownloadWaiting, Total: rec.Size(), AudioOnly: r.AudioOnly, DeleteAfter: r.DeleteAfter}
	})
}

// PauseDownload marks one that waits as paused.
func (m *Memory) PauseDownload(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.changeRecording(ref, func(r *app.Recording) {
		if r.Download != nil && r.Download.State.Active() {
			r.Download.State = app.DownloadPaused
		}
	})
}

// CancelDownload marks one as cancelled.
func (m *Memory) CancelDownload(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.changeRecording(ref, func(r *app.Recording) {
		if r.Download != nil && r.Download.State != app.DownloadDone {
			r.Download = &app.Download{State: app.DownloadCancelled}
		}
	})
}

// DeleteRecording marks one as deleted, at the time at which everything here happens.
func (m *Memory) DeleteRecording(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.changeRecording(ref, func(r *app.Recording) { r.DeletedAt = app.At(began) })
}

// IgnoreRecording leaves one out, or takes that back.
func (m *Memory) IgnoreRecording(_ context.Context, req app.IgnoreRequest) (app.Recording, error) {
	return m.changeRecording(req.RecordingRef, func(r *app.Recording) {
		if r.IgnoredAt = (app.Time{}); !req.Undo {
			r.IgnoredAt = app.At(time.Now())
		}
	})
}

// NoteVerification notes what was found of the recording's files.
func (m *Memory) NoteVerification(_ context.Context, v app.Verification) (app.Recording, error) {
	return m.changeRecording(v.RecordingRef, func(r *app.Recording) {
		if r.Download != nil {
			r.Download.Apply(v, app.At(began))
		}
	})
}

// RerunCommand has nothing to run.
func (m *Memory) RerunCommand(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.changeRecording(ref, nil)
}

// SkipCommand has nothing to skip.
func (m *Memory) SkipCommand(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return m.changeRecording(ref, nil)
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
		m.mu.Lock()
		defer m.mu.Unlock()
		n.Events = len(m.events)
	}
	return n, ctx.Err()
}

// LimitDownloads takes any limit.
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
