package tuitest

import (
	"context"
	"slices"

	"greenroom/internal/app"
)

// Recordings answers Recs, as many as the query's limit.
func (b *Backend) Recordings(_ context.Context, q app.RecordingQuery) ([]app.Recording, error) {
	b.Lock()
	defer b.Unlock()
	n := len(b.Recs)
	if q.Limit > 0 {
		n = min(n, q.Limit)
	}
	return slices.Clone(b.Recs[:n]), b.enter("Recordings")
}

// Recording finds one of Recs.
func (b *Backend) Recording(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return b.changeRecording("Recording", ref, nil)
}

func (b *Backend) changeRecording(method string, ref app.RecordingRef, f func(*app.Recording)) (app.Recording, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter(method); err != nil {
		return app.Recording{}, err
	}
	i := slices.IndexFunc(b.Recs, func(r app.Recording) bool { return r.ID == ref.ID })
	if i < 0 {
		return app.Recording{}, notFound("recording", ref.ID)
	}
	r := b.Recs[i]
	if f == nil {
		return r, nil
	}
	if r.Download != nil {
		r.Download = new(*r.Download)
	}
	f(&r)
	b.Recs[i] = r
	b.publish(app.Change{Kind: app.RecordingChange, Recording: &r})
	return r, nil
}

// Progress lets a download come to where the test says, and tells of it.
func (b *Backend) Progress(id string, f func(*app.Download)) {
	_, err := b.changeRecording("Progress", app.RecordingRef{ID: id}, func(r *app.Recording) {
		if r.Download == nil {
			r.Download = &app.Download{Total: r.Size()}
		}
		f(r.Download)
	})
	if err != nil {
		panic(err)
	}
}

// DownloadRecording has one wait; [Backend.Progress] lets it go on.
func (b *Backend) DownloadRecording(_ context.Context, q app.DownloadRequest) (app.Recording, error) {
	return b.changeRecording("DownloadRecording", q.RecordingRef, func(r *app.Recording) {
		b.Asked = append(b.Asked, q)
		d := app.Download{State: app.DownloadWaiting, Reason: "others are first", Total: r.Size(), AskedAt: app.At(b.Clock.Now())}
		if r.Download != nil && r.Download.State != app.DownloadDone {
			d.Bytes = r.Download.Bytes
		}
		r.Download = &d
	})
}

// PauseDownload pauses what goes on.
func (b *Backend) PauseDownload(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return b.changeRecording("PauseDownload", ref, func(r *app.Recording) {
		if d := r.Download; d != nil && d.State.Active() {
			d.State, d.Reason, d.Rate, d.ETAS = app.DownloadPaused, "paused by hand", 0, 0
		}
	})
}

// CancelDownload gives up what isn't done.
func (b *Backend) CancelDownload(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return b.changeRecording("CancelDownload", ref, func(r *app.Recording) {
		if d := r.Download; d != nil && d.State != app.DownloadDone {
			r.Download = &app.Download{State: app.DownloadCancelled, Total: d.Total}
		}
	})
}

// DeleteRecording marks one as deleted.
func (b *Backend) DeleteRecording(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return b.changeRecording("DeleteRecording", ref, func(r *app.Recording) { r.DeletedAt = app.At(b.Clock.Now()) })
}

// IgnoreRecording marks one as left out, or takes that back.
func (b *Backend) IgnoreRecording(_ context.Context, req app.IgnoreRequest) (app.Recording, error) {
	return b.changeRecording("IgnoreRecording", req.RecordingRef, func(r *app.Recording) {
		if r.IgnoredAt = (app.Time{}); !req.Undo {
			r.IgnoredAt = app.At(b.Clock.Now())
		}
	})
}

// RerunCommand has on_download wait.
func (b *Backend) RerunCommand(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return b.changeRecording("RerunCommand", ref, func(r *app.Recording) {
		if r.Download != nil {
			r.Download.Command = &app.DownloadCommand{State: app.CommandWaiting}
		}
	})
}

// SkipCommand has on_download skipped.
func (b *Backend) SkipCommand(_ context.Context, ref app.RecordingRef) (app.Recording, error) {
	return b.changeRecording("SkipCommand", ref, func(r *app.Recording) {
		if r.Download != nil && r.Download.Command != nil {
			r.Download.Command = &app.DownloadCommand{State: app.CommandSkipped}
		}
	})
}

// NoteVerification notes what was found of the recording's files.
func (b *Backend) NoteVerification(_ context.Context, v app.Verification) (app.Recording, error) {
	return b.changeRecording("NoteVerification", v.RecordingRef, func(r *app.Recording) {
		if r.Download != nil {
			r.Download.Apply(v, app.At(b.Clock.Now()))
		}
	})
}

// Counts answers the lengths of the lists, whatever the queries select.
func (b *Backend) Counts(context.Context, app.CountQuery) (app.Counts, error) {
	b.Lock()
	defer b.Unlock()
	return app.Counts{Meetings: len(b.meetings), Recordings: len(b.Recs)}, b.enter("Counts")
}

// LimitDownloads notes the limit in Stat.
func (b *Backend) LimitDownloads(_ context.Context, l app.DownloadLimit) (app.DownloadLimit, error) {
	b.Lock()
	defer b.Unlock()
	b.Stat.Downloads.Limit = l.BytesPerSecond
	return l, b.enter("LimitDownloads")
}
