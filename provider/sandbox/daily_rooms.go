package sandbox

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"time"

	"greenroom/provider"
)

// dailyRoom holds the properties that only Daily's rooms have.
type dailyRoom struct {
	privacy    string
	properties map[string]any
}

var dailyName = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

// collectAfter is how long an expired room still exists.
const collectAfter = time.Hour

func dailyCreateRoom(c *call) answer {
	name, named := c.in["name"].(string)
	if !dailyName.MatchString(name) || named && name == "" {
		const allowed = "contains invalid characters (room names can contain A-Z, a-z, 0-9, '-', and '_')"
		return dailyInvalid("room name '%s' %s", name, allowed)
	}
	if len(name) > 128 {
		return dailyInvalid("room name is %d characters long, more than 128", len(name))
	}
	if err := checkRoomProperties(table(c.in, "properties"), c.at); err != nil {
		return dailyInvalid("%s", err)
	}
	if !named {
		name = c.w.word(20, alphanumeric)
	}
	if old, exists := c.w.find(provider.Daily, name); exists {
		if !old.expired(c.at) {
			return dailyInvalid("a room named %s already exists", name)
		}
		c.w.remove(old)
	}
	r := &room{roomKey: roomKey{provider.Daily, name}, id: c.w.uuid()}
	r.daily = dailyRoom{privacy: "public", properties: map[string]any{}}
	c.w.applyDaily(r, c.in)
	c.w.add(r, c.at)
	return ok(c.dailyRoomObject(r))
}

// applyDaily applies a checked body to a room and schedules its collection.
func (w *World) applyDaily(r *room, body map[string]any) {
	r.daily.privacy = cmp.Or(text(body, "privacy"), r.daily.privacy)
	for k, v := range table(body, "properties") {
		if r.daily.properties[k] = v; v == nil {
			delete(r.daily.properties, k)
		}
	}
	p := r.daily.properties
	r.locked = r.daily.privacy == "private"
	r.size = int(cmp.Or(number(p, "max_participants"), 200))
	if nbf := number(p, "nbf"); nbf > 0 {
		r.notBefore = time.Unix(nbf, 0)
	}
	if exp := number(p, "exp"); exp > 0 {
		r.end = time.Unix(exp, 0)
		end := r.end
		w.at(end.Add(collectAfter), func(time.Time) {
			if r.end.Equal(end) && !r.deleted {
				w.remove(r)
			}
		})
	}
}

// ejectAt returns when a person who joins now will be ejected: fixed at the join, and governed only by the token if that has any
// eject setting (A2).
func (r *room) ejectAt(g tokenGrant, at time.Time) time.Time {
	if g.ejects {
		return earliest(g.ejectAt, elapsed(at, g.ejectAfter))
	}
	p := r.daily.properties
	var exp time.Time
	if truth(p, "eject_at_room_exp") {
		exp = r.end
	}
	return earliest(exp, elapsed(at, number(p, "eject_after_elapsed")))
}

func elapsed(at time.Time, seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return at.Add(time.Duration(seconds) * time.Second)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// knockable reports whether guests can knock.
func (r *room) knockable() bool {
	if r.platform == provider.Whereby {
		return r.locked
	}
	return r.platform == provider.Daily && r.locked && truth(r.daily.properties, "enable_knocking")
}

// dailyRoomObject returns a room as Daily shows it; config holds only what differs from the defaults.
func (c *call) dailyRoomObject(r *room) map[string]any {
	defaults := dailyRoomProperties()
	config := map[string]any{}
	for k, v := range r.daily.properties {
		if def := defaults[k].def; def == nil || !reflect.DeepEqual(def, v) {
			config[k] = v
		}
	}
	return map[string]any{
		"id": r.id, "name": r.name, "api_created": true, "privacy": r.daily.privacy,
		"url": c.base + "/join/daily/" + r.name, "created_at": iso(r.createdAt), "config": config,
	}
}

// dailyRoom finds the room that the path names, expired or not.
func (c *call) dailyRoom() (*room, bool) { return c.w.find(provider.Daily, c.params[0]) }

// dailyLive finds a room that has not expired: an expired one behaves as deleted.
func (c *call) dailyLive() (*room, bool) {
	r, there := c.dailyRoom()
	return r, there && !r.expired(c.at)
}

func dailyGetRoom(c *call, r *room) answer { return ok(c.dailyRoomObject(r)) }

func dailyUpdateRoom(c *call, r *room) answer {
	if err := checkRoomProperties(table(c.in, "properties"), c.at); err != nil {
		return dailyInvalid("%s", err)
	}
	c.w.applyDaily(r, c.in)
	return ok(c.dailyRoomObject(r))
}

func dailyDeleteRoom(c *call, r *room) answer {
	c.w.remove(r)
	if r.expired(c.at) {
		a := dailyMissing("room")(c)
		a.body.(map[string]any)["deleted"] = true
		return a
	}
	return ok(map[string]any{"deleted": true, "name": r.name})
}

func dailyListRooms(c *call) answer {
	rooms := slices.DeleteFunc(c.w.of(provider.Daily), func(r *room) bool { return r.expired(c.at) })
	return dailyList(c, rooms, func(r *room) string { return r.id }, func(r *room) any { return c.dailyRoomObject(r) })
}

// dailyList is the envelope of every list: total_count ignores the paging but honours the filters (A1).
func dailyList[T any](c *call, all []T, id func(T) string, show func(T) any) answer {
	part, refused := dailyPage(c, all, id, "starting_after", "ending_before")
	if refused != nil {
		return *refused
	}
	data := make([]any, 0, len(part))
	for _, t := range part {
		data = append(data, show(t))
	}
	return ok(map[string]any{"total_count": len(all), "data": data})
}
