package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"greenroom/internal/stable"
	"greenroom/provider"
)

// analyticsFloor is the shortest stay in analytics (A4).
const analyticsFloor = 10 * time.Second

// gathering is a session with its room, as in /meetings.
type gathering struct {
	*session
	room string
}

// gatherings returns Daily's sessions, newest first.
func (w *World) gatherings() []gathering {
	var out []gathering
	for _, r := range w.roomsOf(provider.Daily) {
		for _, s := range r.sessions {
			out = append(out, gathering{s, r.name})
		}
	}
	stable.Sort(out, func(a, b gathering) int { return b.startedAt.Compare(a.startedAt) })
	return out
}

func (s *stay) duration(at time.Time) time.Duration {
	if s.here() {
		return at.Sub(s.joinedAt)
	}
	return s.leftAt.Sub(s.joinedAt)
}

// dailyAttendees returns the participants in analytics, with null for missing names.
func dailyAttendees(s *session, at time.Time) []map[string]any {
	out := []map[string]any{}
	for _, p := range s.stays {
		if p.duration(at) < analyticsFloor {
			continue
		}
		out = append(out, map[string]any{
			"user_id": orNull(p.person.UserID), "participant_id": p.id, "user_name": orNull(p.person.Name),
			"join_time": p.joinedAt.Unix(), "duration": int(p.duration(at).Seconds()),
		})
	}
	return out
}

func dailyGathering(g gathering, at time.Time, attendees bool) map[string]any {
	end := g.endedAt
	if end.IsZero() {
		end = at
	}
	m := map[string]any{
		"id": g.id, "room": g.room, "start_time": g.startedAt.Unix(), "duration": int(end.Sub(g.startedAt).Seconds()),
		"ongoing": g.endedAt.IsZero(), "max_participants": g.peak,
	}
	if attendees {
		m["participants"] = dailyAttendees(g.session, at)
	}
	return m
}

func dailyMeetings(c *call) answer {
	from, err := unixQuery(c, "timeframe_start")
	to, err2 := unixQuery(c, "timeframe_end")
	if err := cmp.Or(err, err2); err != nil {
		return dailyInvalid("%s", err)
	}
	ongoing, filtered := c.query.Get("ongoing"), c.query.Has("ongoing")
	if _, err := strconv.ParseBool(ongoing); filtered && err != nil {
		return dailyInvalid("ongoing must be true or false")
	}
	name := c.query.Get("room")
	all := slices.DeleteFunc(c.w.gatherings(), func(g gathering) bool {
		return name != "" && g.room != name || g.startedAt.Before(from) && !from.IsZero() ||
			!to.IsZero() && !g.startedAt.Before(to) || filtered && (ongoing == "true") != g.endedAt.IsZero()
	})
	attendees := c.query.Get("no_participants") != "true"
	return dailyList(c, all, func(g gathering) string { return g.id },
		func(g gathering) any { return dailyGathering(g, c.at, attendees) })
}

func (c *call) gathering() (gathering, bool) {
	return first(c.w.gatherings(), func(g gathering) bool { return g.id == c.params[0] })
}

func dailyMeeting(c *call, g gathering) answer { return ok(dailyGathering(g, c.at, true)) }

func dailyMeetingParticipants(c *call, g gathering) answer {
	part, refused := dailyPage(c, dailyAttendees(g.session, c.at), func(m map[string]any) string { return text(m, "participant_id") },
		"joined_after", "joined_before")
	if refused != nil {
		return *refused
	}
	if len(part) == 0 {
		return dailyError(404, "not-found", "no participants")
	}
	return ok(map[string]any{"data": part})
}
