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

func dailyPresent(s *stay, at time.Time) map[string]any {
	return map[string]any{
		"room": s.room.name, "id": s.id, "userId": orNull(s.person.UserID), "userName": orNull(s.person.Name),
		"mtgSessionId": s.session.id, "joinTime": iso(s.joinedAt), "duration": int(at.Sub(s.joinedAt).Seconds()),
	}
}

func dailyRoomPresence(c *call) answer {
	name, lag := c.params[0], c.w.presenceLag()
	var seen []*stay
	for s := range c.w.stays(provider.Daily) {
		// A deleted room can still hold people.
		if s.room.name == name && s.seen(c.at, lag) {
			seen = append(seen, s)
		}
	}
	if _, there := c.dailyRoom(); !there && len(seen) == 0 {
		return dailyMissing("room")(c)
	}
	id, user := c.query.Get("userId"), c.query.Get("userName")
	seen = slices.DeleteFunc(seen, func(s *stay) bool {
		return id != "" && s.person.UserID != id || user != "" && s.person.Name != user
	})
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
	for s := range c.w.stays(provider.Daily) {
		if s.seen(c.at, lag) {
			out[s.room.name] = append(out[s.room.name], dailyPresent(s, c.at))
		}
	}
	return ok(out)
}

var dailyEjectBody = schema{"ids": {shape: isTexts}, "user_ids": {shape: isTexts}, "ban": optBool()}

func dailyEject(c *call, r *room) answer {
	ids, users := texts(c.in, "ids"), texts(c.in, "user_ids")
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
			if truth(c.in, "ban") && slices.Contains(users, s.person.UserID) { // sessions alone ban no one
				r.banned = append(r.banned, s.person.UserID)
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
