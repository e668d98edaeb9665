package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// nameTries is how many names are tried if the platform reports one as taken.
const nameTries = 5

// unmakeTime bounds the removal of a meeting that could not be stored.
const unmakeTime = 20 * time.Second

// maxAhead is how far in the future a meeting can end, within the limits of platforms and RFC 3339.
const maxAhead = 100 * 366 * 24 * time.Hour

// StartMeeting returns the room's open or live meeting, or creates one on the platform that the policy chooses.
func (h *Hub) StartMeeting(ctx context.Context, req app.StartMeeting) (app.StartedMeeting, error) {
	return h.startMeeting(ctx, req, nil)
}

// startMeeting is StartMeeting for an occurrence of a booking, if plan isn't nil.
func (h *Hub) startMeeting(ctx context.Context, req app.StartMeeting, plan *occurrence) (app.StartedMeeting, error) {
	view, err := h.Room(ctx, app.RoomRef{Ref: req.Room})
	if err != nil {
		return app.StartedMeeting{}, err
	}
	defer h.locks.lock(view.ID)()
	if view, err = h.Room(ctx, app.RoomRef{Ref: view.ID}); err != nil {
		return app.StartedMeeting{}, err // deleted while we waited
	}
	room := view.Room
	until, err := h.endOf(req)
	if err != nil {
		return app.StartedMeeting{}, err
	}
	if plan != nil {
		if err := h.store.View(ctx, func(tx *store.Tx) error { _, err := plan.current(tx); return err }); err != nil {
			return app.StartedMeeting{}, err
		}
	}
	choice := h.choose(room)
	switch {
	case !req.New:
		if s, ok, err := h.reuse(ctx, room, plan); ok || err != nil {
			if err == nil && req.Consent {
				s.Meeting, err = h.Consent(ctx, app.ConsentAnswer{Meeting: s.ID, Given: true})
			}
			return s, err
		}
	case room.Lasting():
		if _, err := h.usable(choice); err != nil {
			return app.StartedMeeting{}, err
		}
		if err := h.endRunning(ctx, room.ID); err != nil {
			return app.StartedMeeting{}, err
		}
	}
	a, err := h.usable(choice)
	if err != nil {
		return app.StartedMeeting{}, err
	}
	m := h.newMeeting(a, room, h.now(), app.FromHere)
	m.EndsAt, m.Chosen = app.At(until), choice.Why
	m.Locked, m.Size, m.Record, m.Trigger = room.Locked, room.Size, room.Recording, room.Trigger
	if plan != nil {
		m.Booking = plan.id
	}
	if req.Consent {
		m.Consent, m.ConsentAt = app.ConsentGiven, h.now()
	}
	if room.Lasting() {
		m, reused, err := h.startLasting(ctx, a, room, m, plan)
		if err != nil {
			return app.StartedMeeting{}, err
		}
		s, err := h.withHostLink(ctx, a, m.Meeting)
		if err != nil {
			s.Notes = append(s.Notes, noHostLink("the meeting is open", err))
		}
		s.Reused = reused
		return s, h.noteTokenStart(ctx, a, m.Meeting)
	}
	made, err := h.create(ctx, a, room, until, plan)
	if err != nil {
		return app.StartedMeeting{}, err
	}
	m.PlatformID, m.PlatformRoom, m.GuestURL = made.ID, made.Room, made.GuestURL
	m.TokenStarts = h.tokenStarts(a, m.Meeting)
	// The meeting exists on the platform now: it is stored even if the caller has gone.
	if err := h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		early, _, err := store.Found(tx.MeetingByPlatform(a.Name, made.Room, ""))
		switch {
		case early.Adopted:
			err = adoptedIsOurs(tx, early, &m)
		case err == nil:
			err = tx.PutMeeting(m)
		}
		if err != nil || plan == nil {
			return err
		}
		return plan.made(tx, h, &m)
	}); err != nil {
		return app.StartedMeeting{}, h.unmake(ctx, a, made, writeError(err))
	}
	s, err := h.withHostLink(ctx, a, m.Meeting)
	if err != nil {
		s.Notes = append(s.Notes, noHostLink("the meeting was started", err))
	}
	if room.Logo != "" {
		if note := h.uploadLogo(ctx, a, room, made); note != "" {
			s.Notes = append(s.Notes, note)
		}
	}
	return s, nil
}

// newMeeting returns a meeting of a room that opens at a time.
func (h *Hub) newMeeting(a *account, r app.Room, at app.Time, from app.Source) roster.Meeting {
	return roster.Meeting{
		Meeting: app.Meeting{
			ID: h.newID(), Room: r.Name, RoomID: r.ID, Account: a.Name, Platform: a.Platform, Status: app.Open, StartsAt: at,
			Recording: app.NotRecording, StatusSource: from, EvidenceAt: at,
		},
		Lag: a.Provider.Traits().PresenceLag,
	}
}

// unmake removes a meeting that could not be stored from the platform.
func (h *Hub) unmake(ctx context.Context, a *account, made provider.Meeting, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unmakeTime)
	defer cancel()
	if err := a.Provider.EndMeeting(ctx, made); err != nil {
		return &app.Error{
			Kind: provider.KindOf(why), Text: fmt.Sprintf("%s; the room %s remains on %s: %s", why, made.Room, a.Name, err),
			Hint: provider.HintOf(why), Err: why,
		}
	}
	return why
}

// adoptedIsOurs merges the meeting that an event created before ours was stored.
func adoptedIsOurs(tx *store.Tx, early roster.Meeting, m *roster.Meeting) error {
	m.ID = early.ID
	m.Marks, m.StartedMark, m.EndedMark, m.Recordings = early.Marks, early.StartedMark, early.EndedMark, early.Recordings
	if err := tx.PutMeeting(*m); err != nil {
		return err
	}
	r, err := tx.Room(early.RoomID)
	if err != nil || !r.Adopted {
		return err
	}
	return dropEmpty(tx, r)
}

func (h *Hub) endOf(req app.StartMeeting) (time.Time, error) {
	now := h.clock.Now()
	until := req.Until.Time
	switch {
	case req.For < 0, !req.Until.IsZero() && !until.After(now):
		return until, app.Errorf(provider.Invalid, "", "the meeting would end in the past")
	case req.For > 0 && !req.Until.IsZero():
		return until, app.Errorf(provider.Invalid, "use only one of them", "both a length and an end were given")
	case req.For > 0:
		until = now.Add(req.For)
	case req.Until.IsZero():
		until = now.Add(app.DefaultLength)
	}
	if until.Sub(now) > maxAhead {
		return until, app.Errorf(provider.Invalid, "use an earlier end", "the meeting would last more than a hundred years")
	}
	// Platforms take whole seconds; rounding up keeps a short meeting from ending before it began.
	if cut := until.Truncate(time.Second); !cut.Equal(until) {
		until = cut.Add(time.Second)
	}
	return until.UTC(), nil
}

// reuse returns the room's current meeting if it has one that isn't over.
func (h *Hub) reuse(ctx context.Context, room app.Room, plan *occurrence) (app.StartedMeeting, bool, error) {
	m, err := store.Read(ctx, h.store, func(tx *store.Tx) (*app.Meeting, error) { return h.currentOf(tx, room.ID) })
	if err != nil || m == nil || m.Status == app.Ended {
		return app.StartedMeeting{}, false, err
	}
	if plan != nil {
		switch serves, wait := plan.serves(room, *m, h.clock.Now()); {
		case wait:
			return app.StartedMeeting{}, false, errNotDue
		case !serves && m.Lasting:
			_, err := h.end(ctx, m.ID, h.clock.Now(), roster.ReasonExpired, app.FromClock)
			return app.StartedMeeting{}, false, err
		case !serves:
			return app.StartedMeeting{}, false, nil
		}
	}
	a, err := h.accountOf(m.Account)
	if err != nil {
		return app.StartedMeeting{}, false, err
	}
	elsewhere := room.Lasting() && !m.KeepsRoom()
	if elsewhere && m.Here == 0 { // guests come to the lasting room
		return app.StartedMeeting{}, false, h.endRunning(ctx, room.ID)
	}
	if !m.EndsAt.IsZero() && h.clock.Now().After(m.EndsAt.Time) {
		if m.Here > 0 {
			return app.StartedMeeting{}, false, nil // they may stay, but it is over
		}
		_, err := h.end(ctx, m.ID, m.EndsAt.Time, roster.ReasonExpired, app.FromClock)
		return app.StartedMeeting{}, false, err
	}
	if l, ok := a.Provider.(provider.Looker); ok {
		_, err := l.Lookup(ctx, platformMeeting(*m, nil))
		h.noteCall(a, err)
		if errors.Is(err, provider.NotFound) && m.Here == 0 {
			_, err := h.end(ctx, m.ID, h.clock.Now(), roster.ReasonGone, app.FromPlatform)
			return app.StartedMeeting{}, false, err
		}
	}
	if plan != nil {
		if err := h.changeMeeting(ctx, m.ID, func(tx *store.Tx, m *roster.Meeting) error { return plan.made(tx, h, m) }); err != nil {
			return app.StartedMeeting{}, false, err
		}
		if *m, err = h.meetingNow(ctx, m.ID); err != nil {
			return app.StartedMeeting{}, false, err
		}
	}
	s, err := h.withHostLink(ctx, a, *m)
	s.Reused = true
	if elsewhere {
		s.Notes = append(s.Notes, "this meeting began in a separate room: guests with the lasting link can't reach it")
	}
	return s, true, err
}

// create creates the meeting on the platform under a unique name.
func (h *Hub) create(ctx context.Context, a *account, room app.Room, until time.Time, plan *occurrence) (provider.Meeting, error) {
	slug := Slug(room.Name)
	base := slug + "-" + h.clock.Now().UTC().Format("20060102150405")
	name := base
	if plan != nil {
		if made, ok, err := plan.left(ctx, h, a, room, until); ok || err != nil {
			return made, err
		}
		var err error
		if name, err = plan.announce(ctx, h, a.Name, room); err != nil {
			return provider.Meeting{}, err
		}
		base = name
	}
	for try := 1; ; try++ {
		made, err := a.Provider.CreateMeeting(ctx, provider.MeetingSpec{
			Name: name, Room: slug, Locked: room.Locked, Size: room.Size, Until: until,
			Recording: room.Recording, Trigger: room.Trigger, RoomID: room.ID,
		})
		h.noteCall(a, err)
		if err == nil || !errors.Is(err, provider.Conflict) || try == nameTries {
			return made, err
		}
		if plan != nil {
			// Names of bookings are unique: the request of a killed process has arrived meanwhile.
			plan.found.Name, plan.found.Account = name, a.Name
			if made, ok, err := plan.left(ctx, h, a, room, until); ok || err != nil {
				return made, err
			}
		}
		name = base + "-" + strings.ToLower(rand.Text()[:6])
	}
}

// noHostLink returns the note about a meeting without a host link, with the remedy.
func noHostLink(state string, err error) string {
	note := state + ", but its host link could not be created: " + app.AsError(err).Sentence()
	if hint := provider.HintOf(err); hint != "" {
		note += "; " + hint
	}
	return note
}

func (h *Hub) withHostLink(ctx context.Context, a *account, m app.Meeting) (app.StartedMeeting, error) {
	s := app.StartedMeeting{Meeting: m}
	l, ok := a.Provider.(provider.Linker)
	if !ok {
		s.Notes = append(s.Notes, fmt.Sprintf("%s has no host links", a.Platform))
		return s, nil
	}
	start := h.tokenStarts(a, m)
	links, err := l.Links(ctx, provider.LinkRequest{Meeting: platformMeeting(m, nil), Host: true, StartRecording: start})
	h.noteCall(a, err)
	if a.needsPage(err) {
		links.Host, err = h.hostPageURL(ctx, m)
		links.Guest, _, _ = strings.Cut(links.Host, "#")
	}
	if err != nil {
		return s, err
	}
	s.HostURL = links.Host
	if s.GuestURL == "" {
		s.GuestURL = links.Guest // it carries a token, and is not stored
	}
	return s, nil
}

// tokenStarts reports whether the host link must start the recording, because no process here will. Both would record twice.
func (h *Hub) tokenStarts(a *account, m app.Meeting) bool {
	r, ok := a.Provider.(provider.Recorder)
	return ok && a.Provider.Traits().TokenRecords && !h.started.Load() && m.Record == provider.RecordingCloud && m.Trigger == provider.TriggerAutomatic &&
		slices.Equal(r.RecordingKinds(), []string{"cloud"})
}
