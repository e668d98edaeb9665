package sandbox

import (
	"strconv"
	"time"

	"greenroom/provider"
)

// filename returns the recording's file name (B7): the room without slash, the start in whole seconds.
func (rec *recording) filename() string {
	format := rec.room.whereby.recording.format
	if format == "" {
		format = "mp4"
	}
	return rec.room.name + "-" + rec.startedAt.UTC().Format("2006-01-02T15:04:05Z") + "." + format
}

func wherebyRecordingObject(rec *recording) map[string]any {
	m := map[string]any{
		"recordingId": rec.id, "roomSessionId": rec.session.id, "filename": rec.filename(),
		"startDate": iso(rec.startedAt), "endDate": isoOrNil(rec.endedAt), "sizeInMegaBytes": 0.0,
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

func wherebyRecording(c *call) answer {
	rec, there := c.w.recordingByID(provider.Whereby, c.params[0])
	if !there {
		return wherebyError(404, "Not found")
	}
	return answer{status: 200, header: c.w.pointHeaders(c.at), body: wherebyRecordingObject(rec)}
}

func wherebyDeleteRecording(c *call) answer {
	if rec, there := c.w.recordingByID(provider.Whereby, c.params[0]); there {
		rec.deleted = true
	}
	return answer{status: 204, header: c.w.pointHeaders(c.at)}
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
	return answer{status: 204, header: c.w.pointHeaders(c.at)}
}

func wherebyAccessLink(c *call) answer {
	rec, there := c.w.recordingByID(provider.Whereby, c.params[0])
	if !there || rec.state != recReady {
		return wherebyError(404, "Not found")
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
	return answer{status: 200, header: c.w.pointHeaders(c.at), body: map[string]any{
		"accessLink": c.base + c.w.fileLink(rec, expires), "expires": expires.UnixMilli(),
	}}
}

// tellWherebyRecording sends recording.finished, which names no meeting (B6).
func (w *World) tellWherebyRecording(rec *recording, at time.Time) {
	w.emitWhereby("recording.finished", map[string]any{
		"filename": rec.filename(), "recordingId": rec.id, "roomName": "/" + rec.room.name, "status": "completed",
	}, at)
}
