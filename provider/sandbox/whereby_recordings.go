package sandbox

import (
	"cmp"
	"strconv"
	"time"

	"greenroom/provider"
)

// filename returns the recording's file name (B7): the room without slash, the start in whole seconds.
func (rec *recording) filename() string {
	return rec.room.name + "-" + rec.startedAt.UTC().Format("2006-01-02T15:04:05Z") + "." + cmp.Or(rec.room.whereby.recording.format, "mp4")
}

func wherebyRecordingObject(rec *recording) map[string]any {
	m := map[string]any{
		"recordingId": rec.id, "roomSessionId": rec.session.id, "filename": rec.filename(),
		"startDate": iso(rec.startedAt), "endDate": unlessZero(rec.endedAt, iso), "sizeInMegaBytes": 0.0,
	}
	if rec.state == recReady {
		m["sizeInMegaBytes"] = float64(rec.movie().size()) / 1e6
	}
	return m
}

func wherebyRecordings(c *call) answer {
	name := c.query.Get("roomName")
	var all []*recording
	for _, rec := range c.w.recordingsOf(provider.Whereby) {
		if rec.state == recReady && (name == "" || name == "/"+rec.room.name) {
			all = append(all, rec)
		}
	}
	return wherebyPage(c, all, 50, func(rec *recording) any { return wherebyRecordingObject(rec) })
}

// wherebyRecording finds the recording that the path names.
func (c *call) wherebyRecording() (*recording, bool) {
	return c.w.recordingByID(provider.Whereby, c.params[0])
}

func wherebyGetRecording(_ *call, rec *recording) answer { return ok(wherebyRecordingObject(rec)) }

func wherebyDeleteRecording(c *call) answer {
	if rec, there := c.wherebyRecording(); there {
		rec.deleted = true
	}
	return answer{status: 204}
}

func wherebyBulkDelete(c *call) answer {
	ids := texts(c.in, "recordingIds")
	c.w.at(c.at.Add(time.Second), func(time.Time) {
		for _, id := range ids {
			if rec, there := c.w.recordingByID(provider.Whereby, id); there {
				rec.deleted = true
			}
		}
	})
	return answer{status: 204}
}

func wherebyAccessLink(c *call, rec *recording) answer {
	if rec.state != recReady {
		return wherebyMissing(c)
	}
	if !rec.hosted {
		return wherebyError(403, "Forbidden")
	}
	valid := 3600
	if v := c.query.Get("validForSeconds"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 43200 {
			return wherebyError(400, "validForSeconds must be from 1 to 43200")
		}
		valid = n
	}
	expires := c.at.Add(time.Duration(valid) * time.Second)
	return ok(map[string]any{"accessLink": c.base + c.w.fileLink(rec, expires), "expires": expires.UnixMilli()})
}

// announceWherebyRecording sends recording.finished, which names no meeting (B6).
func (w *World) announceWherebyRecording(rec *recording, at time.Time) {
	w.emitWhereby("recording.finished", map[string]any{
		"filename": rec.filename(), "recordingId": rec.id, "roomName": "/" + rec.room.name, "status": "completed",
	}, at)
}
