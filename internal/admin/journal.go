package admin

import (
	"context"
	"log/slog"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Journal logs webhooks, meetings, recordings, downloads and forwards as they are published: successes at the info level, failures at warn. It
// returns when ctx ends.
func Journal(ctx context.Context, b app.Backend, log *slog.Logger) error {
	changes, err := b.Subscribe(ctx)
	if err != nil {
		return err
	}
	j := newJournal(log)
	for c := range changes {
		j.change(ctx, c)
	}
	return nil
}

// journal remembers the last logged states, since changes repeat them.
type journal struct {
	log       *slog.Logger
	meetings  map[string]app.MeetingStatus
	downloads map[string]string
	rejected  map[string]*rejections // by account and reason
	since     func() time.Duration
}

// rejections counts the rejected webhooks of one account for one reason, since anyone can send any number of them.
type rejections struct {
	logged time.Duration
	count  int // since then
}

const (
	// rejectedEvery is the shortest time between two logged webhooks with the same rejection. Those in between are counted.
	rejectedEvery = time.Minute
	// maxRejections is the largest number of reasons that are distinguished.
	maxRejections = 1000
)

func newJournal(log *slog.Logger) *journal {
	began := time.Now()
	return &journal{
		log: log, meetings: map[string]app.MeetingStatus{}, downloads: map[string]string{}, rejected: map[string]*rejections{},
		since: func() time.Duration { return time.Since(began) },
	}
}

// repeats reports whether a rejected webhook is only counted, or how many were counted before it.
func (j *journal) repeats(d *app.Delivery) (count int, counted bool) {
	if d.Verdict == provider.Verified || d.Status < 400 {
		return 0, false
	}
	key, now := d.Account+"\x00"+d.Reason, j.since()
	r := j.rejected[key]
	switch {
	case r == nil && len(j.rejected) >= maxRejections: // some are logged again
		clear(j.rejected)
		fallthrough
	case r == nil:
		j.rejected[key] = &rejections{logged: now}
		return 0, false
	case now-r.logged < rejectedEvery:
		r.count++
		return 0, true
	}
	count, r.count, r.logged = r.count, 0, now
	return count, false
}

func (j *journal) change(ctx context.Context, c app.Change) {
	switch {
	case c.Delivery != nil:
		d := c.Delivery
		count, counted := j.repeats(d)
		if counted {
			return
		}
		args := []any{"seq", d.Seq, "account", d.Account, "kind", string(d.Kind), "room", d.Room,
			"verdict", string(d.Verdict), "status", d.Status, "reason", d.Reason}
		if count > 0 {
			args = append(args, "alike", count)
		}
		j.log.InfoContext(ctx, "webhook", args...)
	case c.Meeting != nil:
		j.meeting(ctx, *c.Meeting)
	case c.Recording != nil:
		j.recording(ctx, *c.Recording)
	case c.Attempt != nil:
		level, a := slog.LevelInfo, c.Attempt
		if !a.Final || a.Status == 0 || a.Status >= 500 {
			level = slog.LevelWarn
		}
		j.log.Log(ctx, level, "forward", "name", a.Name, "seq", a.Seq, "attempt", a.Attempt, "status", a.Status, "error", a.Error, "final", a.Final)
	case c.Kind == app.Missed:
		j.log.WarnContext(ctx, "changes came too fast to be logged one by one")
	}
}

func (j *journal) meeting(ctx context.Context, m app.Meeting) {
	if j.meetings[m.ID] == m.Status {
		return
	}
	j.meetings[m.ID] = m.Status
	if m.Status == app.Ended {
		delete(j.meetings, m.ID)
	}
	j.log.InfoContext(ctx, "meeting", "room", m.Room, "account", m.Account, "status", string(m.Status), "id", m.ID)
}

func (j *journal) recording(ctx context.Context, r app.Recording) {
	state, reason := string(r.Status), r.Error
	failed := r.Status == app.RecordingFailed
	if d := r.Download; d != nil {
		state, reason = "download "+string(d.State), d.Reason
		failed = d.State == app.DownloadFailed
		if p := d.Command; p != nil && d.State == app.DownloadDone {
			state, reason = "program "+p.State, p.Reason
			failed = p.State == app.CommandFailed
		}
	}
	key := r.Account + "/" + r.ID
	if j.downloads[key] == state {
		return
	}
	if len(j.downloads) > 1000 { // states may be logged again
		clear(j.downloads)
	}
	j.downloads[key] = state
	level := slog.LevelInfo
	if failed {
		level = slog.LevelWarn
	}
	j.log.Log(ctx, level, "recording", "id", r.ID, "account", r.Account, "room", r.Room, "state", state, "reason", reason)
}
