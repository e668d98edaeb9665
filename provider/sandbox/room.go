package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/provider"
)

// The reasons why a person can't do something in a room.
var (
	ErrNoRoom    = errors.New("sandbox: no such room")
	ErrNoSession = errors.New("sandbox: no such session")
	ErrExpired   = errors.New("sandbox: the room is past its end")
	ErrEarly     = errors.New("sandbox: the room does not admit anyone yet")
	ErrFull      = errors.New("sandbox: the room is full")
	ErrLocked    = errors.New("sandbox: the room is locked: knock, or come as its owner")
	ErrToken     = errors.New("sandbox: the token does not admit to this room")
)

type roomKey struct {
	platform provider.Platform
	name     string
}

// room is one room of a platform. The name is without Whereby's leading slash.
type room struct {
	roomKey
	id        string // Daily's room id, Whereby's meetingId, LiveKit's sid
	createdAt time.Time
	deleted   bool

	// notBefore and end gate joining; zero for none. On Whereby the end is an hour after endDate.
	notBefore, end time.Time
	locked         bool
	size           int

	daily   dailyRoom
	whereby wherebyRoom
	livekit livekitRoom

	session    *session // the running one, nil if the room is and was empty
	sessions   []*session
	recordings []*recording
	banned     map[string]bool // user ids
	staged     bool            // a script is playing in it
}

// session is one gathering in a room: Daily's meeting session, Whereby's room session.
type session struct {
	id        string
	startedAt time.Time
	endedAt   time.Time // zero while it runs
	lastLeft  time.Time
	stays     []*stay
	peak      int
	announced bool // Whereby: session.started was sent
}

// stay is one person's presence.
type stay struct {
	id       string
	person   Person
	room     *room
	session  *session
	joinedAt time.Time
	leftAt   time.Time
	reason   string
	ejectAt  time.Time // zero for never
	tracks   []*livekitTrackState
	knocking bool
}

func (s *stay) here() bool { return s.leftAt.IsZero() }

// here returns the people present, in order of joining.
func (r *room) here() []*stay {
	if r.session == nil {
		return nil
	}
	var out []*stay
	for _, s := range r.session.stays {
		if s.here() {
			out = append(out, s)
		}
	}
	return out
}

// people counts the people present who are not bots.
func (r *room) people() int {
	n := 0
	for _, s := range r.here() {
		if !s.person.bot() {
			n++
		}
	}
	return n
}

func (r *room) expired(at time.Time) bool { return !r.end.IsZero() && !at.Before(r.end) }

// find returns a room that exists on its platform, expired or not.
func (w *World) find(p provider.Platform, name string) (*room, bool) {
	r, ok := w.byName[roomKey{p, bareName(name)}]
	return r, ok
}

// must is find with an error.
func (w *World) must(p provider.Platform, name string) (*room, error) {
	r, ok := w.find(p, name)
	if !ok {
		return nil, fmt.Errorf("%w: %s %q", ErrNoRoom, p, name)
	}
	return r, nil
}

// add adds a new room to the world and notifies the scripts.
func (w *World) add(r *room, at time.Time) {
	r.createdAt = at
	w.byName[r.roomKey] = r
	w.rooms = append(w.rooms, r)
	w.scriptNew(r, at)
}

// remove takes a room out of its platform's lists. People inside stay, and its events continue; the people of a script notice and
// leave.
func (w *World) remove(r *room) {
	if r.staged && !r.deleted {
		w.at(w.clock.Now().Add(2*time.Second), func(at time.Time) { w.empty(r, "room closed", at) })
	}
	r.deleted = true
	if w.byName[r.roomKey] == r {
		delete(w.byName, r.roomKey)
	}
	if len(r.here()) == 0 && r.session == nil {
		w.forget(r)
	}
}

// forget drops a removed room from memory, unless its recordings or sessions can still be requested.
func (w *World) forget(r *room) {
	if r.deleted && len(r.sessions) == 0 && len(r.recordings) == 0 {
		w.rooms = slices.DeleteFunc(w.rooms, func(o *room) bool { return o == r })
	}
}

// of returns the existing rooms of one platform, newest first.
func (w *World) of(p provider.Platform) []*room {
	var out []*room
	for _, r := range slices.Backward(w.rooms) {
		if r.platform == p && !r.deleted {
			out = append(out, r)
		}
	}
	return out
}

func bareName(name string) string {
	for len(name) > 0 && name[0] == '/' {
		name = name[1:]
	}
	return name
}
