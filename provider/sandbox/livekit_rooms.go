package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"greenroom/provider"
)

// livekitRoom holds the properties that only LiveKit's rooms have.
type livekitRoom struct {
	metadata, turnPassword string
	empty, departure       int64 // seconds
	size                   int64
}

// The server's defaults.
const (
	livekitEmpty     = 300
	livekitDeparture = 20
)

func text10(n int64) string { return strconv.FormatInt(n, 10) }

// livekitCreate creates a room, or changes the given settings of the room of that name.
func livekitCreate(c *call) answer {
	name := text(c.in, "name")
	r, exists := c.w.find(provider.LiveKit, name)
	if !exists {
		r = &room{
			roomKey: roomKey{provider.LiveKit, name}, id: c.w.livekitID("RM_"),
			livekit: livekitRoom{empty: livekitEmpty, departure: livekitDeparture, turnPassword: c.w.word(43, alphanumeric)},
		}
	}
	l := &r.livekit
	for field, to := range map[string]*int64{"empty_timeout": &l.empty, "departure_timeout": &l.departure, "max_participants": &l.size} {
		if n := number(c.in, field); n > 0 {
			*to = n
		}
	}
	l.metadata = cmp.Or(text(c.in, "metadata"), l.metadata)
	r.size = int(l.size)
	if !exists {
		c.w.add(r, c.at)
		c.w.announceLiveKit("room_started", r, nil, nil, c.at)
		c.w.livekitExpire(r, time.Duration(l.empty)*time.Second, c.at)
	}
	return ok(c.w.livekitRoom(r))
}

// livekitExpire finishes a room that is empty for so long. Whenever the last person leaves, another wait begins.
func (w *World) livekitExpire(r *room, after time.Duration, at time.Time) {
	w.at(at.Add(after), func(at time.Time) {
		last := r.createdAt
		if n := len(r.sessions); n > 0 {
			last = r.sessions[n-1].lastLeft
		}
		if !r.deleted && len(r.here()) == 0 && at.Sub(last) >= after {
			w.livekitFinish(r, at)
		}
	})
}

// livekitFinish ends a room. It removes everyone first.
func (w *World) livekitFinish(r *room, at time.Time) {
	w.empty(r, "room closed", at)
	w.finishRecordings(r, at)
	w.announceLiveKit("room_finished", r, nil, nil, at)
	w.remove(r)
}

func livekitDelete(c *call, r *room) answer {
	c.w.livekitFinish(r, c.at)
	return ok(map[string]any{})
}

func livekitList(c *call) answer {
	names, out := texts(c.in, "names"), []any{}
	for _, r := range c.w.of(provider.LiveKit) {
		if len(names) == 0 || slices.Contains(names, r.name) {
			out = append(out, c.w.livekitRoom(r))
		}
	}
	return ok(map[string]any{"rooms": out})
}

func livekitMetadata(c *call, r *room) answer {
	r.livekit.metadata = text(c.in, "metadata")
	return ok(c.w.livekitRoom(r))
}

// livekitCodecs are the codecs of every room.
var livekitCodecs = []string{"audio/PCMU", "audio/PCMA", "audio/opus", "audio/red", "video/VP8", "video/H264", "video/VP9", "video/AV1", "video/H265", "video/rtx"}

// livekitRoom returns a room as answers have it: zero values are written, integers of 64 bits are texts.
func (w *World) livekitRoom(r *room) map[string]any {
	codecs := []any{}
	for _, mime := range livekitCodecs {
		codecs = append(codecs, map[string]any{"mime": mime, "fmtp_line": ""})
	}
	return map[string]any{
		"sid": r.id, "name": r.name, "empty_timeout": r.livekit.empty, "departure_timeout": r.livekit.departure,
		"max_participants": r.livekit.size, "creation_time": text10(r.createdAt.Unix()),
		"creation_time_ms": text10(r.createdAt.UnixMilli()), "turn_password": r.livekit.turnPassword, "enabled_codecs": codecs,
		"metadata": r.livekit.metadata, "num_participants": len(r.here()), "num_publishers": r.people(),
		"active_recording": r.recording(), "version": nil,
	}
}

func livekitPeople(c *call) answer {
	out := []any{}
	// The list of a room that doesn't exist is empty, too.
	if r, there := c.livekitRoom(); there {
		for _, s := range r.here() {
			out = append(out, livekitParticipant(s))
		}
	}
	return ok(map[string]any{"participants": out})
}

func livekitTrack(t *livekitTrackState) map[string]any {
	name, mime, source := "microphone", "audio/opus", "MICROPHONE"
	if t.kind == "VIDEO" {
		name, mime, source = "camera", "video/VP8", "CAMERA"
	}
	return map[string]any{
		"sid": t.sid, "type": t.kind, "name": name, "muted": t.muted, "width": 0, "height": 0, "simulcast": false, "disable_dtx": false,
		"source": source, "layers": []any{}, "mime_type": mime, "mid": "0",
		"codecs": []any{}, "stereo": false, "disable_red": false, "encryption": "NONE", "stream": "camera", "version": nil,
		"audio_features": []any{}, "backup_codec_policy": "PREFER_REGRESSION", "packet_trailer_features": []any{},
	}
}

// livekitParticipant returns a participant as answers have it. The server shows no roles: our hosts have an attribute.
func livekitParticipant(s *stay) map[string]any {
	tracks := []any{}
	for _, t := range s.tracks {
		tracks = append(tracks, livekitTrack(t))
	}
	attributes := map[string]any{}
	if s.person.Owner {
		attributes["greenroom.host"] = "true"
	}
	return map[string]any{
		"sid": s.id, "identity": s.livekitIdentity(), "state": "ACTIVE", "tracks": tracks, "metadata": s.person.Metadata,
		"joined_at": text10(s.joinedAt.Unix()), "joined_at_ms": text10(s.joinedAt.UnixMilli()), "name": s.person.Name, "version": 2,
		"permission": map[string]any{
			"can_subscribe": true, "can_publish": true, "can_publish_data": true, "can_publish_sources": []any{}, "hidden": s.person.bot(),
			"recorder": s.person.bot(), "can_update_metadata": false, "agent": false, "can_subscribe_metrics": false,
			"can_manage_agent_session": false,
		},
		"region": "", "is_publisher": len(s.tracks) > 0, "kind": s.person.livekitKind(), "attributes": attributes,
		"disconnect_reason": "UNKNOWN_REASON", "kind_details": []any{}, "data_tracks": []any{}, "client_protocol": 0, "capabilities": []any{},
	}
}

// livekitPerson finds the person whom the body names.
func (c *call) livekitPerson() (*stay, bool) {
	r, there := c.livekitRoom()
	if !there {
		return nil, false
	}
	return first(r.here(), func(s *stay) bool { return s.livekitIdentity() == text(c.in, "identity") })
}

func livekitRemove(c *call) answer {
	s, there := c.livekitPerson()
	if !there {
		return livekitError("not_found", "twirp error unknown: participant does not exist")
	}
	c.w.leave(s, "ejected", c.at)
	return ok(map[string]any{})
}

// livekitMute mutes a track. Unmuting is refused unless the world allows it.
func livekitMute(c *call) answer {
	s, there := c.livekitPerson()
	if !there {
		return livekitTrouble(503) // no part of the server is responsible for the participant
	}
	muted := truth(c.in, "muted")
	if !muted && !c.w.opt.RemoteUnmute {
		return livekitError("failed_precondition", "twirp error unknown: remote unmute not enabled")
	}
	t, there := first(s.tracks, func(t *livekitTrackState) bool { return t.sid == text(c.in, "track_sid") })
	if !there {
		return livekitError("not_found", "twirp error unknown: track is not found")
	}
	t.muted = muted
	return ok(map[string]any{"track": livekitTrack(t)})
}
