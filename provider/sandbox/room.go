package sandbox

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
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
	banned     []string // user ids
	staged     bool     // a script is playing in it
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
	return slices.DeleteFunc(slices.Clone(r.session.stays), func(s *stay) bool { return !s.here() })
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

// inRoom runs do on a room, with the world locked.
func inRoom[T any](w *World, p provider.Platform, name string, do func(r *room, at time.Time) (T, error)) (T, error) {
	at := w.lock()
	defer w.unlock()
	r, ok := w.find(p, name)
	if !ok {
		var none T
		return none, fmt.Errorf("%w: %s %q", ErrNoRoom, p, name)
	}
	return do(r, at)
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

// roomsOf returns a platform's rooms, newest first, including deleted ones; "" means all platforms.
func (w *World) roomsOf(p provider.Platform) []*room {
	rooms := slices.DeleteFunc(slices.Clone(w.rooms), func(r *room) bool { return p != "" && r.platform != p })
	slices.Reverse(rooms)
	return rooms
}

// of returns a platform's existing rooms, newest first.
func (w *World) of(p provider.Platform) []*room {
	return slices.DeleteFunc(w.roomsOf(p), func(r *room) bool { return r.deleted })
}

// stays yields every stay in a platform's rooms, ended or not; "" means all platforms.
func (w *World) stays(p provider.Platform) iter.Seq[*stay] {
	return func(yield func(*stay) bool) {
		for _, r := range w.roomsOf(p) {
			for _, session := range r.sessions {
				for _, s := range session.stays {
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}

func bareName(name string) string { return strings.TrimLeft(name, "/") }
