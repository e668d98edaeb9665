package sandbox

import (
	"fmt"
	"time"

	"greenroom/provider"
)

// RoomOptions configure a room for [World.AddRoom].
type RoomOptions struct {
	// For is how long the room can be joined; 0 is a day.
	For    time.Duration
	Locked bool
	// Record turns cloud recording on; on Whereby it starts with the first participant.
	Record bool
}

// AddRoom creates a room as another user of the platform's API would, and returns its name: on Whereby the given one is a prefix.
func (w *World) AddRoom(p provider.Platform, name string, o RoomOptions) (string, error) {
	if _, err := platformOf(string(p)); err != nil {
		return "", err
	}
	if o.For <= 0 {
		o.For = 24 * time.Hour
	}
	c := &call{w: w}
	c.at = w.lock()
	defer w.unlock()
	create, end := wherebyCreate, c.at.Add(o.For)
	switch p {
	case provider.Daily:
		create = dailyCreateRoom
		properties := map[string]any{"exp": end.Unix(), "enable_knocking": o.Locked}
		c.in = map[string]any{"name": name, "properties": properties}
		if o.Locked {
			c.in["privacy"] = "private"
		}
		if o.Record {
			properties["enable_recording"] = "cloud"
		}
	case provider.LiveKit:
		create = livekitCreate
		c.in = map[string]any{"name": name, "empty_timeout": int64(o.For / time.Second), "departure_timeout": int64(o.For / time.Second)}
	default:
		c.in = map[string]any{"endDate": iso(end), "isLocked": o.Locked, "roomMode": "group", "roomNamePrefix": name}
		if o.Record {
			c.in["recording"] = map[string]any{
				"type": "cloud", "startTrigger": "automatic", "destination": map[string]any{"provider": "whereby"},
			}
		}
	}
	a := create(c)
	made, _ := a.body.(map[string]any)
	if a.status >= 300 {
		return "", fmt.Errorf("sandbox: add room %q: %v %v", name, made["error"], made["info"])
	}
	return bareName(text(made, "name") + text(made, "roomName")), nil
}

// PastRecording describes a recording for [World.AddRecording].
type PastRecording struct {
	// StartedAt and For are its start and length.
	StartedAt time.Time
	For       time.Duration
	// BytesPerSecond is the size of its file; 0 is the minimum of silence, the maximum is about 70,000.
	BytesPerSecond int64
	// People were there.
	People []string
}

// AddRecording adds a finished cloud recording to a room, stored by the platform, and returns its id. No webhook reports it: it
// is only in the platform's list.
func (w *World) AddRecording(p provider.Platform, name string, o PastRecording) (string, error) {
	return inRoom(w, p, name, func(r *room, _ time.Time) (string, error) {
		s := &session{id: w.uuid(), startedAt: o.StartedAt, endedAt: o.StartedAt.Add(o.For), peak: len(o.People)}
		for _, name := range o.People {
			s.stays = append(s.stays, &stay{
				id: w.uuid(), person: Person{Name: name}, room: r, session: s, joinedAt: s.startedAt, leftAt: s.endedAt, reason: "left",
			})
		}
		rec := &recording{
			id: w.recordingID(p), room: r, session: s, instance: w.uuid(), kind: "cloud", startedAt: s.startedAt, endedAt: s.endedAt,
			state: recReady, hosted: p != provider.LiveKit, people: len(o.People), rate: o.BytesPerSecond,
		}
		r.sessions = append(r.sessions, s)
		r.recordings = append(r.recordings, rec)
		return rec.id, nil
	})
}
