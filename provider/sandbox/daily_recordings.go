package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"greenroom/provider"
)

// s3Key returns the key of a cloud recording (A7).
func (w *World) s3Key(rec *recording) string {
	return fmt.Sprintf("%s/%s/%d", w.opt.DailyDomain, rec.room.name, rec.startedAt.UnixMilli())
}

func dailyTracks(rec *recording) []map[string]any {
	out := []map[string]any{}
	for _, t := range rec.tracks {
		out = append(out, map[string]any{"size": t.size, "type": t.kind, "s3Key": t.key})
	}
	return out
}

// dailyRecordingObject returns a recording as the API really sends it: without type, mtgSessionId null, duration absent until
// it is known (A7).
func (w *World) dailyRecordingObject(rec *recording) map[string]any {
	m := map[string]any{
		"id": rec.id, "room_name": rec.room.name, "start_ts": rec.startedAt.Unix(), "max_participants": rec.people,
		"share_token": "share-" + rec.id[:8], "mtgSessionId": nil, "s3key": w.s3Key(rec),
	}
	switch rec.state {
	case recRunning, recProcessing:
		m["status"] = "in-progress"
	case recReady:
		m["status"] = "finished"
		m["duration"] = int(rec.duration().Seconds())
	default:
		m["status"] = "canceled"
	}
	if rec.kind == "raw-tracks" {
		m["tracks"] = dailyTracks(rec)
		delete(m, "s3key")
	}
	if b := table(rec.room.daily.properties, "recordings_bucket"); b != nil {
		m["s3"] = map[string]any{
			"bucket_name": b["bucket_name"], "bucket_region": b["bucket_region"], "key": w.s3Key(rec),
			"endpoint": "s3.amazonaws.com",
		}
	}
	return m
}

func dailyListRecordings(c *call) answer {
	all := c.w.recordingsOf(provider.Daily)
	if name := c.query.Get("room_name"); name != "" {
		all = slices.DeleteFunc(all, func(rec *recording) bool { return rec.room.name != name })
	}
	return dailyList(c, all, func(rec *recording) string { return rec.id },
		func(rec *recording) any { return c.w.dailyRecordingObject(rec) })
}

// dailyRecording finds the recording that the path names.
func (c *call) dailyRecording() (*recording, bool) {
	return c.w.recordingByID(provider.Daily, c.params[0])
}

func dailyGetRecording(c *call, rec *recording) answer { return ok(c.w.dailyRecordingObject(rec)) }

func dailyDeleteRecording(c *call, rec *recording) answer {
	rec.deleted = true
	m := map[string]any{"deleted": true, "id": rec.id}
	if s3, custom := c.w.dailyRecordingObject(rec)["s3"]; custom {
		m["s3"] = s3
	}
	return ok(m)
}

func dailyAccessLink(c *call, rec *recording) answer {
	valid := time.Hour
	if v := c.query.Get("valid_for_secs"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return dailyInvalid("valid_for_secs must be a positive number")
		}
		valid = time.Duration(n) * time.Second
	}
	if !rec.hosted && (valid < 15*time.Minute || valid > 12*time.Hour) {
		return dailyInvalid("valid_for_secs must be between 900 and 43200 for a custom bucket")
	}
	if rec.kind == "raw-tracks" {
		return dailyInvalid("no access link for a recording of type raw-tracks")
	}
	expires := c.at.Add(valid)
	link := c.base + c.w.fileLink(rec, expires)
	if rec.state != recReady {
		// Daily puts the words of an error in the link's place (A7).
		link = "recording is not finished"
	}
	return ok(map[string]any{"download_link": link, "expires": expires.Unix()})
}

func dailyRecordingBody() schema {
	s := schema{
		"type":            {shape: isChoice, choices: []string{"cloud", "raw-tracks", "cloud-audio-only"}},
		"instanceId":      {shape: isUUID},
		"backgroundColor": {shape: isText},
		"layout":          {shape: isObject},
		"dataOutputs":     {shape: isTexts},
	}
	for _, name := range []string{"width", "height", "fps", "videoBitrate", "audioBitrate", "minIdleTimeOut", "maxDuration"} {
		s[name] = property{shape: isInt, least: 1}
	}
	return s
}

func dailyStartRecording(c *call, r *room) answer {
	kind, instance := cmp.Or(text(c.in, "type"), "cloud"), cmp.Or(text(c.in, "instanceId"), defaultInstance)
	if kind == "raw-tracks" && r.hosts() {
		return dailyInvalid("raw-tracks recording requires a custom S3 bucket")
	}
	rec, err := c.w.startRecording(r, kind, instance, "", c.at)
	switch {
	case errors.Is(err, errEmpty):
		return dailyError(404, "not-found", fmt.Sprintf("room %s does not seem to be hosting a call currently", r.name))
	case err != nil:
		return dailyInvalid("recording instance %s has an active stream", instance)
	}
	limit := cmp.Or(number(c.in, "maxDuration"), 15000)
	c.w.at(c.at.Add(time.Duration(limit)*time.Second), func(at time.Time) {
		if rec.state == recRunning {
			c.w.finish(rec, at)
		}
	})
	return ok(map[string]any{})
}

// defaultInstance is the instance of a start that names none.
const defaultInstance = "c3df927c-f738-4471-a2b7-066fa7e95a6b"

// running finds the recording that a stop or an update refers to.
func running(r *room, body map[string]any) (*recording, bool) {
	instance, raw := text(body, "instanceId"), text(body, "type") == "raw-tracks"
	for _, rec := range r.recordings {
		if rec.state == recRunning && (instance == "" || rec.instance == instance) && raw == (rec.kind == "raw-tracks") {
			return rec, true
		}
	}
	return nil, false
}

func dailyStopRecording(c *call, r *room) answer {
	rec, there := running(r, c.in)
	if !there {
		return dailyInvalid("room %s has no active recording", r.name)
	}
	c.w.finish(rec, c.at)
	return ok(map[string]any{})
}

func dailyUpdateRecording(c *call, r *room) answer {
	if _, there := running(r, c.in); !there {
		return dailyInvalid("room %s has no active recording", r.name)
	}
	return ok(map[string]any{"status": "sent"})
}

func (w *World) announceRecordingStarted(rec *recording, at time.Time) {
	if rec.room.platform == provider.LiveKit {
		w.announceLiveKitEgress("egress_started", rec, at)
		return
	}
	// The schema names no room (A10).
	w.emitDaily("recording.started", fmt.Sprintf("rec-sta-%s-%d", rec.instance, at.Unix()), map[string]any{
		"recording_id": rec.id, "action": "start-cloud-recording", "layout": map[string]any{"preset": "default"},
		"started_by": rec.startedBy, "instance_id": rec.instance, "start_ts": rec.startedAt.Unix(),
	}, at)
}

func (w *World) announceRecordingReady(rec *recording, at time.Time) {
	switch rec.room.platform {
	case provider.Whereby:
		w.announceWherebyRecording(rec, at)
		return
	case provider.LiveKit:
		w.announceLiveKitEgress("egress_ended", rec, at)
		return
	}
	p := map[string]any{
		"type": rec.kind, "recording_id": rec.id, "room_name": rec.room.name, "start_ts": rec.startedAt.Unix(),
		"status": "finished", "max_participants": rec.people, "duration": int(rec.duration().Seconds()),
		"s3_key": w.s3Key(rec), "share_token": "share-" + rec.id[:8], "tracks": nil,
	}
	if rec.kind == "raw-tracks" {
		p["tracks"] = dailyTracks(rec)
	}
	w.emitDaily("recording.ready-to-download", fmt.Sprintf("rec-rtd-%s-%d", rec.instance, at.Unix()), p, at)
}

func (w *World) announceRecordingFailed(rec *recording, at time.Time) {
	if rec.room.platform == provider.LiveKit {
		w.announceLiveKitEgress("egress_ended", rec, at)
	}
	if rec.room.platform != provider.Daily {
		return
	}
	w.emitDaily("recording.error", fmt.Sprintf("rec-err-%s-%d", rec.instance, at.Unix()), map[string]any{
		"action": "cloud-recording-error", "error_msg": "the recorder went away", "instance_id": rec.instance,
		"room_name": rec.room.name, "timestamp": at.Unix(),
	}, at)
}
