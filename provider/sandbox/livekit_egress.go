package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"greenroom/provider"
)

// livekitEgress holds the properties that only LiveKit's recordings have.
type livekitEgress struct {
	path  string // as it was requested
	track string // the track's sid, empty for a whole room
}

var livekitS3 = schema{
	"access_key": {shape: isText}, "secret": {shape: isText}, "region": {shape: isText}, "endpoint": {shape: isText},
	"bucket": {shape: isText, required: true}, "force_path_style": {shape: isBool},
}

// livekitNoOutput refuses a recording without a file to write, or without a bucket for it.
func livekitNoOutput() answer {
	return livekitError("invalid_argument", "twirp error unknown: request has missing or invalid field: output")
}

// livekitStart starts a recording of either kind.
func livekitStart(c *call, r *room, raw any, track string) answer {
	file, err := livekitFile(raw)
	if err != nil {
		return livekitError("malformed", err.Error())
	}
	hooks, _ := c.in["webhooks"].([]any)
	for _, hook := range hooks {
		m, _ := hook.(map[string]any)
		if text(m, "signing_key") != c.w.opt.LiveKitKey {
			return livekitError("invalid_argument", "twirp error unknown: webhook signing key is not known")
		}
	}
	if text(table(file, "s3"), "bucket") == "" {
		return livekitNoOutput()
	}
	path := text(file, "filepath")
	kind := "cloud"
	if track != "" {
		kind = "track"
	}
	rec, err := c.w.startRecording(r, kind, path+track, "", c.at)
	if errors.Is(err, errEmpty) {
		// Egress starts in an empty room and fails when no one comes.
		return livekitError("failed_precondition", "twirp error unknown: start signal not received")
	}
	if err != nil {
		return livekitError("internal", "twirp error unknown: "+err.Error())
	}
	rec.egress = livekitEgress{path: path, track: track}
	return ok(c.w.livekitEgress(rec, true))
}

func livekitStartComposite(c *call, r *room) answer {
	outputs, _ := c.in["file_outputs"].([]any)
	if len(outputs) != 1 {
		return livekitNoOutput()
	}
	return livekitStart(c, r, outputs[0], "")
}

// livekitFile checks where a file is to be written.
func livekitFile(raw any) (map[string]any, error) {
	b, err := encode(raw)
	if err != nil {
		return nil, err
	}
	return parseBody(b, schema{
		"filepath": {shape: isText}, "file_type": {shape: isChoice, choices: []string{"DEFAULT_FILETYPE", "MP4", "OGG", "MP3"}},
		"s3": {shape: isTable, fields: livekitS3},
	})
}

func livekitStartTrack(c *call, r *room) answer {
	track := text(c.in, "track_id")
	if track != "" && !r.sends(track) {
		return livekitError("not_found", "twirp error unknown: track not found")
	}
	return livekitStart(c, r, c.in["file"], track)
}

func (r *room) sends(track string) bool {
	for _, s := range r.here() {
		for _, t := range s.tracks {
			if t.sid == track {
				return true
			}
		}
	}
	return false
}

func livekitListEgress(c *call) answer {
	items := []any{}
	name, id, active := text(c.in, "room_name"), text(c.in, "egress_id"), truth(c.in, "active")
	for _, rec := range c.w.recordingsOf(provider.LiveKit) {
		runs := rec.state == recRunning || rec.state == recProcessing
		if (name == "" || name == rec.room.name) && (id == "" || id == rec.id) && (!active || runs) {
			items = append(items, c.w.livekitEgress(rec, true))
		}
	}
	return ok(map[string]any{"items": items, "next_page_token": nil})
}

func livekitStopEgress(c *call) answer {
	rec, there := c.w.recordingByID(provider.LiveKit, text(c.in, "egress_id"))
	if !there {
		return livekitError("not_found", "twirp error unknown: egress does not exist")
	}
	if rec.state != recRunning {
		return livekitError("failed_precondition", fmt.Sprintf("twirp error unknown: egress with status %s cannot be stopped", rec.livekitState(c.at)))
	}
	c.w.finish(rec, c.at)
	return ok(c.w.livekitEgress(rec, true))
}

// livekitState is the state of a recording in LiveKit's words. It is starting for a second.
func (rec *recording) livekitState(at time.Time) string {
	switch rec.state {
	case recRunning:
		if at.Sub(rec.startedAt) < time.Second {
			return "EGRESS_STARTING"
		}
		return "EGRESS_ACTIVE"
	case recProcessing:
		return "EGRESS_ENDING"
	case recReady:
		return "EGRESS_COMPLETE"
	}
	return "EGRESS_FAILED"
}

// livekitEgress returns an egress, as answers have it (snake_case with zero values) or as webhooks do.
func (w *World) livekitEgress(rec *recording, full bool) map[string]any {
	path := cmp.Or(rec.egress.path, fmt.Sprintf("%s/%d.mp4", rec.room.name, rec.startedAt.UnixMilli()))
	nanos := func(t time.Time) string {
		if t.IsZero() {
			return "0"
		}
		return text10(t.UnixNano())
	}
	m := map[string]any{
		"egress_id": rec.id, "room_id": rec.room.id, "room_name": rec.room.name, "status": rec.livekitState(w.clock.Now()),
		"source_type": "EGRESS_SOURCE_TYPE_WEB", "started_at": nanos(rec.startedAt), "ended_at": nanos(rec.endedAt),
		"updated_at": nanos(w.clock.Now()), "error": "", "error_code": 0, "details": "", "manifest_location": "",
		"backup_storage_used": false, "retry_count": 0, "stream_results": []any{}, "segment_results": []any{}, "image_results": []any{},
	}
	if rec.state == recFailed {
		m["error"] = "the recorder went away"
	}
	file := map[string]any{"filepath": path, "disable_manifest": false}
	if rec.egress.track == "" {
		m["room_composite"] = map[string]any{"room_name": rec.room.name, "layout": "grid", "file_outputs": []any{file}}
	} else {
		m["track"] = map[string]any{"room_name": rec.room.name, "track_id": rec.egress.track, "file": file}
		if !strings.Contains(path[strings.LastIndex(path, "/")+1:], ".") {
			path += map[bool]string{true: ".ogg", false: ".webm"}[strings.Contains(path, "-audio-")]
		}
	}
	results := []any{}
	if rec.state == recReady {
		results = append(results, map[string]any{
			"filename": path, "started_at": nanos(rec.startedAt), "ended_at": nanos(rec.endedAt), "duration": text10(int64(rec.duration())),
			"size": text10(rec.movie().size()), "location": "https://sandbox.s3.amazonaws.com/" + path,
		})
	}
	m["file_results"] = results
	if full {
		return m
	}
	return camel(m).(map[string]any)
}

// announceLiveKitEgress sends an event of a recording.
func (w *World) announceLiveKitEgress(kind string, rec *recording, at time.Time) {
	w.announceLiveKit(kind, nil, nil, w.livekitEgress(rec, false), at)
}
