package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"greenroom/provider"
)

// Person is a person who enters a room. The zero value is an anonymous guest.
type Person struct {
	Name   string `json:"name,omitempty"`
	UserID string `json:"user_id,omitempty"`
	// Owner has the host's link: Daily's owner token, Whereby's room key.
	Owner bool `json:"owner,omitempty"`
	// Role is Whereby's role name; the default is host for owners and visitor for others. recorder, streamer and captioner are
	// bots.
	Role string `json:"role,omitempty"`
	// Token is a Daily meeting token or a LiveKit access token; its claims override the other fields.
	Token string `json:"token,omitempty"`
	// ExternalID and Metadata are passed through by Whereby from the link.
	ExternalID string `json:"external_id,omitempty"`
	Metadata   string `json:"metadata,omitempty"`

	admitted bool
}

// The role names of Whereby (B6).
var wherebyRoles = []string{
	"owner", "member", "host", "visitor", "granted_visitor", "viewer", "granted_viewer", "recorder", "streamer", "captioner",
}

func (p Person) role() string {
	switch {
	case p.Role != "":
		return p.Role
	case p.Owner:
		return "host"
	case p.admitted:
		return "granted_visitor"
	}
	return "visitor"
}

func (p Person) bot() bool { return slices.Contains(wherebyRoles[7:], p.Role) }

func (p Person) mayEnter() bool {
	return p.Owner || p.admitted || p.bot() || slices.Contains([]string{"owner", "member", "host"}, p.Role)
}

// connectionTimeout is the time until a lost connection is noticed.
const connectionTimeout = 20 * time.Second

// Join lets a person into a room and returns the session's id. The error is one of this package's, wrapped, if the room refuses
// the person.
func (w *World) Join(p provider.Platform, name string, who Person) (string, error) {
	return inRoom(w, p, name, func(r *room, at time.Time) (string, error) { return sessionOf(w.join(r, who, at)) })
}

// sessionOf returns the id of a stay that began without an error.
func sessionOf(s *stay, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return s.id, nil
}

// inSession runs do on the session that find finds, with the world locked. Without one, the error is [ErrNoSession].
func (w *World) inSession(find func(string) (*stay, bool), id string, do func(s *stay, at time.Time) error) error {
	at := w.lock()
	defer w.unlock()
	s, ok := find(id)
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoSession, id)
	}
	return do(s, at)
}

// Leave ends a session, with the platform's word for the reason. If it has ended already, the error is [ErrNoSession].
func (w *World) Leave(session, reason string) error {
	return w.inSession(w.present, session, func(s *stay, at time.Time) error {
		w.leave(s, reason, at)
		return nil
	})
}

// Drop breaks a person's connection. The platform notices 20 s later.
func (w *World) Drop(session string) error {
	return w.inSession(w.present, session, func(s *stay, at time.Time) error {
		w.drop(s, at)
		return nil
	})
}

func (w *World) drop(s *stay, at time.Time) {
	w.at(at.Add(connectionTimeout), func(at time.Time) { w.leave(s, "connection lost", at) })
}

// EndAll removes everyone from a room, knockers included.
func (w *World) EndAll(p provider.Platform, name string) error {
	_, err := inRoom(w, p, name, func(r *room, at time.Time) (any, error) {
		w.empty(r, "left", at)
		return nil, nil
	})
	return err
}

func (w *World) empty(r *room, reason string, at time.Time) {
	for _, k := range slices.Clone(w.waiting) {
		if k.room == r {
			w.deny(k, at)
		}
	}
	for _, s := range r.here() {
		w.leave(s, reason, at)
	}
}

// present finds a session that is in some room.
func (w *World) present(id string) (*stay, bool) {
	for _, r := range w.rooms {
		if s, there := first(r.here(), func(s *stay) bool { return s.id == id }); there {
			return s, true
		}
	}
	return nil, false
}

// enters checks whether a room admits a person now, and applies the person's token.
func (w *World) enters(r *room, who *Person, at time.Time) (tokenGrant, error) {
	var grant tokenGrant
	if who.Role != "" && !slices.Contains(wherebyRoles, who.Role) {
		return grant, fmt.Errorf("sandbox: no role %q", who.Role)
	}
	if r.expired(at) {
		return grant, ErrExpired
	}
	if at.Before(r.notBefore) {
		return grant, ErrEarly
	}
	if who.Token != "" {
		var err error
		if grant, err = w.redeemAny(who.Token, r, at); err != nil {
			return grant, err
		}
		who.Owner = who.Owner || grant.owner
		who.Name = cmp.Or(grant.userName, who.Name)
		who.UserID = cmp.Or(grant.userID, who.UserID)
		who.admitted = true
	}
	if slices.Contains(r.banned, who.UserID) {
		return grant, fmt.Errorf("%w (banned)", ErrLocked)
	}
	return grant, nil
}

func (w *World) join(r *room, who Person, at time.Time) (*stay, error) {
	if r.platform == provider.LiveKit {
		return w.joinAs(r, who, w.livekitID("PA_"), at)
	}
	return w.joinAs(r, who, w.uuid(), at)
}

func (w *World) joinAs(r *room, who Person, id string, at time.Time) (*stay, error) {
	grant, err := w.enters(r, &who, at)
	switch {
	case err != nil:
	case r.locked && !who.mayEnter():
		err = ErrLocked
	case !who.bot() && r.size > 0 && r.people() >= r.size:
		err = ErrFull
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: join %q: %w", r.name, err)
	}
	s := &stay{id: id, person: who, room: r, joinedAt: at}
	first := r.session == nil
	if first {
		r.session = &session{id: w.uuid(), startedAt: at}
		r.sessions = append(r.sessions, r.session)
	}
	s.session = r.session
	r.session.stays = append(r.session.stays, s)
	r.session.peak = max(r.session.peak, r.people())
	s.ejectAt = r.ejectAt(grant, at)
	if !s.ejectAt.IsZero() {
		w.at(s.ejectAt, func(at time.Time) { w.leave(s, "ejected", at) })
	}
	if first {
		w.announceMeetingStarted(r, at)
	}
	if r.platform == provider.LiveKit {
		w.livekitEnter(s, at)
	}
	w.announceJoined(s, at)
	w.autoRecord(s, grant, at)
	return s, nil
}

func (w *World) leave(s *stay, reason string, at time.Time) {
	if !s.here() {
		return
	}
	r := s.room
	s.leftAt, s.reason = at, reason
	s.session.lastLeft = at
	w.announceLeft(s, at)
	if r.people() > 0 {
		if r.people() < 2 {
			w.windDown(s.session, r, at)
		}
		return
	}
	for _, b := range r.here() {
		// Recorders stay a moment longer than the people.
		w.at(at.Add(time.Second), func(at time.Time) {
			if r.people() == 0 {
				w.finishRecordings(r, at)
				w.leave(b, "left", at)
			}
		})
	}
	if len(r.here()) == 0 {
		if r.platform == provider.LiveKit && !r.deleted {
			w.livekitExpire(r, time.Duration(r.livekit.departure)*time.Second, at)
		}
		w.windDown(s.session, r, at)
	}
}

// windDown ends a session if no one (on Whereby: fewer than two) came back within the grace.
func (w *World) windDown(s *session, r *room, at time.Time) {
	w.at(at.Add(w.opt.Grace), func(at time.Time) {
		if s.endedAt.IsZero() && r.session == s {
			w.announceSessionEnded(r, at)
		}
		if r.session != s || len(r.here()) > 0 || at.Sub(s.lastLeft) < w.opt.Grace {
			return
		}
		s.endedAt = s.lastLeft
		r.session = nil
		w.finishRecordings(r, at)
		w.announceMeetingEnded(r, s, at)
		w.forget(r)
	})
}

// Knock makes a person wait in a locked room's lobby and returns the waiting session's id.
func (w *World) Knock(p provider.Platform, name string, who Person) (string, error) {
	return inRoom(w, p, name, func(r *room, at time.Time) (string, error) { return sessionOf(w.knock(r, who, at)) })
}

func (w *World) knock(r *room, who Person, at time.Time) (*stay, error) {
	if _, err := w.enters(r, &who, at); err != nil {
		return nil, fmt.Errorf("sandbox: knock at %q: %w", r.name, err)
	}
	if !r.knockable() {
		return nil, fmt.Errorf("sandbox: knock at %q: it has no lobby", r.name)
	}
	s := &stay{id: w.uuid(), person: who, room: r, joinedAt: at, knocking: true}
	w.waiting = append(w.waiting, s)
	w.announceKnocked(s, at)
	return s, nil
}

// Admit lets a knocker in, with the same session id.
func (w *World) Admit(session string) error { return w.inSession(w.knocker, session, w.admit) }

func (w *World) admit(k *stay, at time.Time) error {
	who := k.person
	who.admitted = true
	if _, err := w.joinAs(k.room, who, k.id, at); err != nil {
		return err
	}
	w.unwait(k)
	return nil
}

// Deny turns a knocker away; also used when the knocker leaves.
func (w *World) Deny(session string) error {
	return w.inSession(w.knocker, session, func(k *stay, at time.Time) error {
		w.deny(k, at)
		return nil
	})
}

func (w *World) deny(k *stay, at time.Time) {
	w.unwait(k)
	w.announceKnockLeft(k, at)
}

func (w *World) knocker(id string) (*stay, bool) {
	return first(w.waiting, func(s *stay) bool { return s.id == id })
}

func (w *World) unwait(k *stay) {
	w.waiting = slices.DeleteFunc(w.waiting, func(s *stay) bool { return s == k })
}
