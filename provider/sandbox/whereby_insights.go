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
	rooms := c.w.roomsOf(provider.Whereby) // also deleted ones: insights outlive them
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
		for i, s := range r.sessions {
			stays = append(stays, s.stays...)
			if last = s.startedAt; i == 0 {
				first = last
			}
		}
		m := counts(stays, c.at)
		m["roomName"], m["createdAt"], m["endAt"] = "/"+r.name, iso(r.createdAt), iso(r.whereby.endDate)
		m["firstSessionStartedAt"], m["lastSessionStartedAt"] = unlessZero(first, iso), unlessZero(last, iso)
		m["totalSessions"], m["rating"], m["totalRatings"] = len(r.sessions), nil, 0
		return m
	})
}

func wherebySessions(c *call) answer {
	name := c.query.Get("roomName")
	if name == "" {
		return wherebyError(400, "roomName is required")
	}
	var all []*session
	for _, r := range c.w.roomsOf(provider.Whereby) {
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
	return map[string]any{
		"roomSessionId": s.session.id, "participantId": s.id, "deviceId": "device-" + s.id[:8], "userId": orNull(s.person.UserID),
		"roleName": s.person.role(), "displayName": s.person.Name, "joinedAt": iso(s.joinedAt), "leftAt": unlessZero(s.leftAt, iso),
		"externalId": orNull(s.person.ExternalID),
	}
}

func wherebyParticipants(c *call) answer {
	session, external := c.query.Get("roomSessionId"), c.query.Get("externalId")
	if session == "" && external == "" {
		return wherebyError(400, "roomSessionId or externalId is required")
	}
	all := slices.DeleteFunc(slices.Collect(c.w.stays(provider.Whereby)), func(s *stay) bool {
		return session != "" && s.session.id != session || external != "" && s.person.ExternalID != external
	})
	return wherebyPage(c, all, 10, func(s *stay) any { return wherebyAttendee(s) })
}

func wherebyParticipant(c *call) answer {
	session, id := c.query.Get("roomSessionId"), c.query.Get("participantId")
	if session == "" || id == "" {
		return wherebyError(400, "roomSessionId and participantId are required")
	}
	out := []any{}
	for s := range c.w.stays(provider.Whereby) {
		if s.session.id == session && s.id == id {
			out = append(out, wherebyAttendee(s))
		}
	}
	return ok(out)
}
