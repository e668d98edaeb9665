package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"greenroom/provider"
)

// seen reports whether presence shows a stay: both its beginning and its end lag (A3).
func (s *stay) seen(at time.Time, lag time.Duration) bool {
	if s.joinedAt.Add(lag).After(at) {
		return false
	}
	return s.here() || s.leftAt.Add(lag).After(at)
}

// seenIn returns the people that presence shows in the rooms of a name. A deleted room can still hold people.
func (w *World) seenIn(name string, at time.Time, lag time.Duration) []*stay {
	var out []*stay
	for _, r := range w.rooms {
		if r.platform != provider.Daily || r.name != name {
			continue
		}
		for _, session := range r.sessions {
			for _, s := range session.stays {
				if s.seen(at, lag) {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

func dailyPresent(s *stay, at time.Time) map[string]any {
	nullable := func(v string) any {
		if v == "" {
			return nil
		}
		return v
	}
	return map[string]any{
		"room": s.room.name, "id": s.id, "userId": nullable(s.person.UserID), "userName": nullable(s.person.Name),
		"mtgSessionId": s.session.id, "joinTime": iso(s.joinedAt), "duration": int(at.Sub(s.joinedAt).Seconds()),
	}
}

func dailyRoomPresence(c *call) answer {
	name := c.params[0]
	seen := c.w.seenIn(name, c.at, c.w.presenceLag())
	if _, there := c.w.find(provider.Daily, name); !there && len(seen) == 0 {
		return dailyMissing("room", name)
	}
	if id := c.query.Get("userId"); id != "" {
		seen = slices.DeleteFunc(seen, func(s *stay) bool { return s.person.UserID != id })
	}
	if user := c.query.Get("userName"); user != "" {
		seen = slices.DeleteFunc(seen, func(s *stay) bool { return s.person.Name != user })
	}
	total := len(seen)
	if l := c.query.Get("limit"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 1 {
			return dailyInvalid("limit must be a positive number")
		}
		seen = seen[:min(n, total)]
	}
	data := make([]any, 0, len(seen))
	for _, s := range seen {
		data = append(data, dailyPresent(s, c.at))
	}
	return ok(map[string]any{"total_count": total, "data": data})
}

func dailyPresence(c *call) answer {
	lag := c.w.presenceLag()
	out := map[string][]any{}
	for _, r := range c.w.rooms {
		if r.platform != provider.Daily {
			continue
		}
		for _, session := range r.sessions {
			for _, s := range session.stays {
				if s.seen(c.at, lag) {
					out[r.name] = append(out[r.name], dailyPresent(s, c.at))
				}
			}
		}
	}
	return ok(out)
}

var dailyEjectBody = schema{"ids": {shape: isTexts}, "user_ids": {shape: isTexts}, "ban": optBool()}

func dailyEject(c *call) answer {
	body := c.in
	r, there := c.w.find(provider.Daily, c.params[0])
	if !there {
		return dailyMissing("room", c.params[0])
	}
	ids, users := texts(body, "ids"), texts(body, "user_ids")
	for name, list := range map[string][]string{"ids": ids, "user_ids": users} {
		if len(list) > 100 {
			return dailyInvalid("property '%s' has more than 100 items", name)
		}
	}
	if len(ids)+len(users) == 0 {
		return dailyInvalid("ids or user_ids is required")
	}
	ejected := []string{}
	for _, s := range r.here() {
		if slices.Contains(ids, s.id) || s.person.UserID != "" && slices.Contains(users, s.person.UserID) {
			if truth(body, "ban") && slices.Contains(users, s.person.UserID) { // sessions alone ban no one
				if r.banned == nil {
					r.banned = map[string]bool{}
				}
				r.banned[s.person.UserID] = true
			}
			c.w.leave(s, "ejected", c.at)
			ejected = append(ejected, s.id)
		}
	}
	return ok(map[string]any{"ejectedIds": ejected})
}

// unixQuery reads a time in unix seconds from the query; the zero time when absent.
func unixQuery(c *call, name string) (time.Time, error) {
	v := c.query.Get(name)
	if v == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s must be unix time in seconds", name)
	}
	return time.Unix(n, 0), nil
}
