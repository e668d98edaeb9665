package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/stable"
	"greenroom/provider"
)

// recordingState is the state of a recording.
type recordingState string

const (
	recRunning    recordingState = "recording"
	recProcessing recordingState = "processing"
	recReady      recordingState = "ready"
	recFailed     recordingState = "failed"
)

// recording is one recording of a room on either platform.
type recording struct {
	id        string
	room      *room
	session   *session
	instance  string
	kind      string // Daily: cloud, raw-tracks, cloud-audio-only; Whereby: cloud
	startedBy string
	startedAt time.Time
	endedAt   time.Time
	state     recordingState
	hosted    bool // stored by the platform rather than in the customer's bucket
	bot       *stay
	deleted   bool
	people    int
	tracks    []track
	egress    livekitEgress
	rate      int64 // bytes per second of its media, 0 for the minimum of silence
}

// track is one file of a raw-tracks recording.
type track struct {
	kind, key string
	size      int64
}

func (rec *recording) duration() time.Duration { return rec.endedAt.Sub(rec.startedAt) }

// movie is the recording's file.
func (rec *recording) movie() movie { return newMovie(rec.duration(), rec.rate) }

// The refusals of starting a recording.
var (
	errEmpty  = errors.New("sandbox: no one is in the room")
	errStream = errors.New("sandbox: the recording is already running")
)

// StartRecording starts a recording in a room that isn't empty, and returns its id.
func (w *World) StartRecording(p provider.Platform, name string) (string, error) {
	return inRoom(w, p, name, func(r *room, at time.Time) (string, error) {
		kind := "cloud"
		if text(r.daily.properties, "enable_recording") == "raw-tracks" {
			kind = "raw-tracks"
		}
		rec, err := w.startRecording(r, kind, w.uuid(), "", at)
		if err != nil {
			return "", fmt.Errorf("sandbox: record %q: %w", name, err)
		}
		return rec.id, nil
	})
}

// FinishRecording ends a room's running recordings, or the given ones. They become ready after [Options.Processing].
func (w *World) FinishRecording(p provider.Platform, name string, ids ...string) error {
	return w.endRecordings(p, name, ids, w.finish)
}

// FailRecording fails a room's running recordings, or the given ones.
func (w *World) FailRecording(p provider.Platform, name string, ids ...string) error {
	return w.endRecordings(p, name, ids, w.fail)
}

func (w *World) endRecordings(p provider.Platform, name string, ids []string, end func(*recording, time.Time)) error {
	_, err := inRoom(w, p, name, func(r *room, at time.Time) (n int, err error) {
		for _, rec := range r.recordings {
			if rec.state == recRunning && (len(ids) == 0 || slices.Contains(ids, rec.id)) {
				end(rec, at)
				n++
			}
		}
		if n == 0 {
			return 0, fmt.Errorf("sandbox: %q: no recording is running", name)
		}
		return n, nil
	})
	return err
}

func (w *World) startRecording(r *room, kind, instance, by string, at time.Time) (*recording, error) {
	here := r.here()
	if len(here) == 0 {
		return nil, errEmpty
	}
	for _, rec := range r.recordings {
		if rec.state == recRunning && (rec.instance == instance || r.platform == provider.Whereby) {
			return nil, errStream
		}
	}
	rec := &recording{
		id: w.recordingID(r.platform), room: r, session: r.session, instance: instance, kind: kind, startedBy: cmp.Or(by, here[0].id),
		startedAt: at, state: recRunning, people: r.people(), hosted: r.hosts(),
	}
	r.recordings = append(r.recordings, rec)
	if r.platform == provider.Whereby {
		// The recorder enters the room as a client (B6).
		if bot, err := w.join(r, Person{Role: "recorder"}, at); err == nil {
			rec.bot = bot
		}
		return rec, nil
	}
	w.at(at.Add(time.Second), func(at time.Time) { w.announceRecordingStarted(rec, at) })
	return rec, nil
}

// recordingID returns the id of a new recording.
func (w *World) recordingID(p provider.Platform) string {
	if p == provider.LiveKit {
		return w.livekitID("EG_")
	}
	return w.uuid()
}

// hosts reports whether the platform itself stores a room's recordings.
func (r *room) hosts() bool {
	switch r.platform {
	case provider.Daily:
		return r.daily.properties["recordings_bucket"] == nil
	case provider.LiveKit:
		return false
	}
	return r.whereby.recording.provider != "s3"
}

// autoRecord starts the recording that a person's arrival triggers.
func (w *World) autoRecord(s *stay, g tokenGrant, at time.Time) {
	r := s.room
	if s.person.bot() {
		return
	}
	for _, rec := range r.recordings {
		if rec.state == recRunning {
			rec.people = max(rec.people, r.people())
		}
	}
	start := false
	if r.platform == provider.Daily {
		start = g.record && (g.recording == "cloud" || text(r.daily.properties, "enable_recording") == "cloud") && !r.recording()
	} else if r.platform == provider.Whereby && r.whereby.recording.kind == "cloud" {
		switch r.whereby.recording.trigger {
		case "automatic":
			start = true
		case "automatic-2nd-participant":
			start = r.people() >= 2
		}
	}
	if start {
		// The room isn't empty, so the only refusal is that a recording is running.
		_, _ = w.startRecording(r, "cloud", w.uuid(), s.id, at)
	}
}

// recording reports whether a recording is running.
func (r *room) recording() bool {
	return slices.ContainsFunc(r.recordings, func(rec *recording) bool { return rec.state == recRunning })
}

// finishRecordings ends every running recording of a room.
func (w *World) finishRecordings(r *room, at time.Time) {
	for _, rec := range r.recordings {
		if rec.state == recRunning {
			w.finish(rec, at)
		}
	}
}

// end ends a recording in a state. Its bot leaves.
func (w *World) end(rec *recording, state recordingState, at time.Time) {
	rec.state, rec.endedAt = state, at
	if rec.bot != nil {
		w.leave(rec.bot, "left", at)
	}
}

func (w *World) finish(rec *recording, at time.Time) {
	w.end(rec, recProcessing, at)
	if rec.duration() <= 0 {
		// Nothing was recorded: no file, and no event (A10).
		rec.state = recFailed
		return
	}
	rec.tracks = w.tracksOf(rec)
	w.at(at.Add(w.opt.Processing), func(at time.Time) {
		rec.state = recReady
		w.announceRecordingReady(rec, at)
	})
}

func (w *World) fail(rec *recording, at time.Time) {
	w.end(rec, recFailed, at)
	w.announceRecordingFailed(rec, at)
}

// tracksOf returns the tracks of a raw-tracks recording: audio and video for every person who was there (A7).
func (w *World) tracksOf(rec *recording) []track {
	if rec.kind != "raw-tracks" {
		return nil
	}
	var out []track
	for _, s := range rec.session.stays {
		if !s.here() && s.leftAt.Before(rec.startedAt) {
			continue
		}
		from := rec.startedAt
		if s.joinedAt.After(from) {
			from = s.joinedAt
		}
		for _, kind := range []string{"audio", "video"} {
			key := fmt.Sprintf("%s/%s/%d-%s-cam-%s-%d", w.opt.DailyDomain, rec.room.name, rec.startedAt.UnixMilli(),
				s.id, kind, from.UnixMilli())
			out = append(out, track{kind: kind, key: key, size: rec.movie().size()})
		}
	}
	return out
}

// recordingsOf returns a platform's recordings that were not deleted, newest first; "" means all platforms.
func (w *World) recordingsOf(p provider.Platform) []*recording {
	var out []*recording
	for _, r := range slices.Backward(w.roomsOf(p)) {
		for _, rec := range r.recordings {
			if !rec.deleted {
				out = append(out, rec)
			}
		}
	}
	stable.Sort(out, func(a, b *recording) int { return b.startedAt.Compare(a.startedAt) })
	return out
}

// recordingByID finds one of recordingsOf.
func (w *World) recordingByID(p provider.Platform, id string) (*recording, bool) {
	return first(w.recordingsOf(p), func(rec *recording) bool { return rec.id == id })
}
