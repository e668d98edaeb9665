package ipc

import (
	"context"

	"greenroom/internal/app"
)

// Recording finds a recording.
func (c *Client) Recording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return call[app.Recording](ctx, c, "Recording", ref)
}

// DownloadRecording has a recording fetched.
func (c *Client) DownloadRecording(ctx context.Context, r app.DownloadRequest) (app.Recording, error) {
	return call[app.Recording](ctx, c, "DownloadRecording", r)
}

// PauseDownload pauses a download.
func (c *Client) PauseDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return call[app.Recording](ctx, c, "PauseDownload", ref)
}

// CancelDownload gives a download up.
func (c *Client) CancelDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return call[app.Recording](ctx, c, "CancelDownload", ref)
}

// DeleteRecording deletes a recording on its platform.
func (c *Client) DeleteRecording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return call[app.Recording](ctx, c, "DeleteRecording", ref)
}

// IgnoreRecording leaves a recording out when all are downloaded.
func (c *Client) IgnoreRecording(ctx context.Context, r app.IgnoreRequest) (app.Recording, error) {
	return call[app.Recording](ctx, c, "IgnoreRecording", r)
}

// RerunCommand runs on_download again.
func (c *Client) RerunCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return call[app.Recording](ctx, c, "RerunCommand", ref)
}

// SkipCommand ends on_download for a recording.
func (c *Client) SkipCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return call[app.Recording](ctx, c, "SkipCommand", ref)
}

// Counts counts what queries select.
func (c *Client) Counts(ctx context.Context, q app.CountQuery) (app.Counts, error) {
	return call[app.Counts](ctx, c, "Counts", q)
}

// NoteVerification remembers what reading downloaded files has found.
func (c *Client) NoteVerification(ctx context.Context, v app.Verification) (app.Recording, error) {
	return call[app.Recording](ctx, c, "NoteVerification", v)
}

// LimitDownloads changes the bandwidth of downloads.
func (c *Client) LimitDownloads(ctx context.Context, l app.DownloadLimit) (app.DownloadLimit, error) {
	return call[app.DownloadLimit](ctx, c, "LimitDownloads", l)
}

// Recording finds a recording.
func (s *Session) Recording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return route(ctx, s, again, ref, app.Backend.Recording)
}

// DownloadRecording has a recording fetched. It is repeated with the next owner: a download that is under way stays as it
// is.
func (s *Session) DownloadRecording(ctx context.Context, r app.DownloadRequest) (app.Recording, error) {
	return route(ctx, s, !r.Again, r, app.Backend.DownloadRecording)
}

// PauseDownload pauses a download.
func (s *Session) PauseDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return route(ctx, s, again, ref, app.Backend.PauseDownload)
}

// CancelDownload gives a download up.
func (s *Session) CancelDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return route(ctx, s, once, ref, app.Backend.CancelDownload)
}

// DeleteRecording deletes a recording on its platform.
func (s *Session) DeleteRecording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return route(ctx, s, once, ref, app.Backend.DeleteRecording)
}

// IgnoreRecording leaves a recording out when all are downloaded.
func (s *Session) IgnoreRecording(ctx context.Context, r app.IgnoreRequest) (app.Recording, error) {
	return route(ctx, s, again, r, app.Backend.IgnoreRecording)
}

// RerunCommand runs on_download again.
func (s *Session) RerunCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return route(ctx, s, once, ref, app.Backend.RerunCommand)
}

// SkipCommand ends on_download for a recording.
func (s *Session) SkipCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return route(ctx, s, again, ref, app.Backend.SkipCommand)
}

// Counts counts what queries select.
func (s *Session) Counts(ctx context.Context, q app.CountQuery) (app.Counts, error) {
	return route(ctx, s, again, q, app.Backend.Counts)
}

// NoteVerification remembers what reading downloaded files has found.
func (s *Session) NoteVerification(ctx context.Context, v app.Verification) (app.Recording, error) {
	return route(ctx, s, again, v, app.Backend.NoteVerification)
}

// LimitDownloads changes the bandwidth of downloads.
func (s *Session) LimitDownloads(ctx context.Context, l app.DownloadLimit) (app.DownloadLimit, error) {
	return route(ctx, s, again, l, app.Backend.LimitDownloads)
}
