package sandbox

import (
	"slices"
	"strings"
	"time"

	"greenroom/provider"
)

// counts are the people and bots of some stays, in the words of insights (B4).
func counts(stays []*stay, at time.Time) map[string]any {
	var people, recorders, streamers int
	var minutes, recorderMinutes, streamerMinutes float64
	for _, s := range stays {
		m := s.duration(at).Minutes()
		switch s.person.role() {
		case "recorder":
			recorders++
			recorderMinutes += m
		case "streamer":
			streamers++
			streamerMinutes += m
		default:
			people++
			minutes += m
		}
	}
	return map[string]any{
		"totalParticipantMinutes": int(minutes), "totalRecorderMinutes": int(recorderMinutes),
		"totalStreamerMinutes": int(streamerMinutes), "totalUniqueParticipants": people,
		"totalUniqueRecorders": recorders, "totalUniqueStreamers": streamers,
	}
}

func wherebyInsightRooms(c *call) answer {
	rooms := c.w.wherebyRooms()
	for op, keep := range map[string]func(name, want string) bool{
		"exact": func(a, b string) bool { return a == b }, "startsWith": strings.HasPrefix, "contains": strings.Contains,
	} {
		if want := c.query.Get("roomName[" + op + "]"); want != "" {
			rooms = slices.DeleteFunc(rooms, func(r *room) bool { return !keep("/"+r.name, want) })
		}
	}
	for op, drop := range map[string]func(r *room, t time.Time) bool{
		"from": func(r *room, t time.Time) bool { return r.createdAt.Before(t) },
		"to":   func(r *room, t time.Time) bool { return r.createdAt.After(t) },
	} {
		if v := c.query.Get("createdAt[" + op + "]"); v != "" {
			t, err := wherebyDate(v)
			if err != nil {
				return wherebyError(400, err.Error())
			}
			rooms = slices.DeleteFunc(rooms, func(r *room) bool { return drop(r, t) })
		}
	}
	return wherebyPage(c, rooms, 10, func(r *room) any {
		var stays []*stay
		var first, last time.Time
		for _, s := range r.sessions {
			stays = append(stays, s.stays...)
			last = s.startedAt
		}
		if len(r.sessions) > 0 {
			first = r.sessions[0].startedAt
		}
		m := counts(stays, c.at)
		m["roomName"], m["createdAt"], m["endAt"] = "/"+r.name, iso(r.createdAt), iso(r.whereby.endDate)
		m["firstSessionStartedAt"], m["lastSessionStartedAt"] = isoOrNil(first), isoOrNil(last)
		m["totalSessions"], m["rating"], m["totalRatings"] = len(r.sessions), nil, 0
		return m
	})
}

// wherebyRooms returns Whereby's rooms, newest first, including deleted ones: insights outlive them.
func (w *World) wherebyRooms() []*room {
	var out []*room
	for _, r := range slices.Backward(w.rooms) {
		if r.platform == provider.Whereby {
			out = append(out, r)
		}
	}
	return out
}

func wherebySessions(c *call) answer {
	name := c.query.Get("roomName")
	if name == "" {
		return wherebyError(400, "roomName is required")
	}
	var all []*session
	for _, r := range c.w.wherebyRooms() {
		if "/"+r.name == name {
			all = append(all, r.sessions...)
		}
	}
	if id := c.query.Get("roomSessionId"); id != "" {
		all = slices.DeleteFunc(all, func(s *session) bool { return s.id != id })
	}
	slices.Reverse(all)
	return wherebyPage(c, all, 10, func(s *session) any {
		m := counts(s.stays, c.at)
		m["roomSessionId"], m["roomName"], m["startedAt"] = s.id, name, iso(s.startedAt)
		if !s.endedAt.IsZero() {
			m["endedAt"] = iso(s.endedAt)
		}
		return m
	})
}

func wherebyAttendee(s *stay) map[string]any {
	m := map[string]any{
		"roomSessionId": s.session.id, "participantId": s.id, "deviceId": "device-" + s.id[:8], "userId": nil,
		"roleName": s.person.role(), "displayName": s.person.Name, "joinedAt": iso(s.joinedAt), "leftAt": isoOrNil(s.leftAt),
		"externalId": nil,
	}
	if s.person.UserID != "" {
		m["userId"] = s.person.UserID
	}
	if s.person.ExternalID != "" {
		m["externalId"] = s.person.ExternalID
	}
	return m
}

func (w *World) wherebyStays(keep func(*stay) bool) []*stay {
	var out []*stay
	for _, r := range w.wherebyRooms() {
		for _, session := range r.sessions {
			for _, s := range session.stays {
				if keep(s) {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

func wherebyParticipants(c *call) answer {
	session, external := c.query.Get("roomSessionId"), c.query.Get("externalId")
	if session == "" && external == "" {
		return wherebyError(400, "roomSessionId or externalId is required")
	}
	all := c.w.wherebyStays(func(s *stay) bool {
		return (session == "" || s.session.id == session) && (external == "" || s.person.ExternalID == external)
	})
	return wherebyPage(c, all, 10, func(s *stay) any { return wherebyAttendee(s) })
}

func wherebyParticipant(c *call) answer {
	session, id := c.query.Get("roomSessionId"), c.query.Get("participantId")
	if session == "" || id == "" {
		return wherebyError(400, "roomSessionId and participantId are required")
	}
	out := []any{}
	for _, s := range c.w.wherebyStays(func(s *stay) bool { return s.session.id == session && s.id == id }) {
		out = append(out, wherebyAttendee(s))
	}
	return answer{status: 200, header: c.w.pointHeaders(c.at), body: out}
}
