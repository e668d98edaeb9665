package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// keptName is the longest name of a room on a platform that appends to it.
const keptName = 28

// keep ensures that a lasting room has a platform room on the account, with the settings in r, and returns the room with it. The
// room is locked, and stored.
//
// The name of the platform room is stored before the platform is asked to create it, so that after a lost answer or a killed process
// the next call finds the room.
func (h *Hub) keep(ctx context.Context, a *account, r app.Room) (app.Room, error) {
	k, ok := a.Provider.(provider.RoomKeeper)
	if !ok {
		return r, cannot(a, provider.AbilityLasting)
	}
	place := app.Place{Account: a.Name, Platform: a.Platform}
	if had := r.Place(a.Name); had != nil {
		place = *had
	}
	if place.Made() {
		return h.setPlace(ctx, r, place)
	}
	for try := 1; ; try++ {
		tried := place.TriedAt
		if place.Name == "" {
			place.Name, tried = h.keptName(a, r, try > 1), app.Time{}
		}
		if place.TriedAt.IsZero() {
			place.TriedAt = h.now()
		}
		var err error
		if r, err = h.setPlace(ctx, r, place); err != nil {
			return r, err
		}
		spec := keptRoom(r, place.Name)
		spec.Tried = tried.Time
		made, err := k.KeepRoom(ctx, spec)
		h.noteCall(a, err)
		if err == nil {
			return h.kept(ctx, a, r, place, made)
		}
		if errors.Is(err, provider.Unavailable) {
			return r, err // it may exist: the next call finds out
		}
		place.Name, place.TriedAt = "", app.Time{}
		if errors.Is(err, provider.Conflict) && try < nameTries {
			continue
		}
		_, storeErr := h.setPlace(context.WithoutCancel(ctx), r, place)
		return r, errors.Join(err, storeErr)
	}
}

// kept stores the platform room that was created.
func (h *Hub) kept(ctx context.Context, a *account, r app.Room, place app.Place, made provider.Meeting) (app.Room, error) {
	place.PlatformID, place.PlatformRoom, place.GuestURL = made.ID, made.Room, made.GuestURL
	place.EndsAt, place.MadeAt, place.Adopted = app.At(made.Until), h.now(), false
	place.Name, place.TriedAt = "", app.Time{}
	place.Locked, place.Size, place.Recording, place.Trigger = r.Locked, r.Size, r.Recording, r.Trigger
	r, err := h.setPlace(context.WithoutCancel(ctx), r, place)
	if err == nil && r.Logo != "" {
		if note := h.uploadLogo(ctx, a, r, made); note != "" {
			h.log.Warn("a lasting room has no logo", "account", a.Name, "room", r.Name, "reason", note)
		}
	}
	return r, err
}

// keptName returns the name of a lasting room on its platform.
func (h *Hub) keptName(a *account, r app.Room, again bool) string {
	slug, tag := Slug(r.Name), "-"+strings.ToLower(rand.Text()[:8])
	switch {
	case !a.Provider.Traits().NamesRooms:
		return strings.ToLower(strings.TrimRight(slug[:min(len(slug), keptName)], "-")) + tag
	case again:
		return slug + tag
	}
	return slug
}

func keptRoom(r app.Room, name string) provider.KeptRoom {
	return provider.KeptRoom{Name: name, RoomID: r.ID, Locked: r.Locked, Size: r.Size, Recording: r.Recording, Trigger: r.Trigger}
}

// setPlace stores a place of a room, and returns r with it. Other settings of the stored room stay.
func (h *Hub) setPlace(ctx context.Context, r app.Room, place app.Place) (app.Room, error) {
	r.SetPlace(place)
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		now, err := tx.Room(r.ID)
		if err != nil {
			return err
		}
		now.SetPlace(place)
		if now.GuestURL, err = h.guestLinkOf(tx, now); err != nil {
			return err
		}
		if r.GuestURL, err = h.guestLinkOf(tx, r); err != nil {
			return err
		}
		return tx.PutRoom(now)
	})
	return r, writeError(err)
}

// guestLinkOf returns the link of a lasting room, empty for others and while it has none. On a platform whose links carry tokens that
// expire, it is the address of the room's page.
func (h *Hub) guestLinkOf(tx *store.Tx, r app.Room) (string, error) {
	p := r.Place(h.choose(r).Account)
	switch {
	case !r.Lasting() || p == nil:
		return "", nil
	case p.GuestURL != "" || !p.Made() || !h.tokensForGuests(p.Account):
		return p.GuestURL, nil
	}
	link, err := h.pageBase().of(tx, r)
	return link.PageURL, err
}

// tokensForGuests reports whether the links of an account's guests carry tokens.
func (h *Hub) tokensForGuests(account string) bool {
	return h.embedder(account) != nil && h.accounts[account].Provider.Traits().GuestTokens
}

// located adds its place to an adopted room that was stored before rooms had places.
func (h *Hub) located(tx *store.Tx, r app.Room) (app.Room, error) {
	if r.Adopted && len(r.Places) == 0 {
		m, err := latest(tx, r.ID)
		if err != nil {
			return r, err
		}
		if m != nil && m.Adopted {
			r.Places = []app.Place{adoptedPlace(*m)}
		}
	}
	var err error
	r.GuestURL, err = h.guestLinkOf(tx, r)
	return r, err
}

func adoptedPlace(m app.Meeting) app.Place {
	return app.Place{
		Account: m.Account, Platform: m.Platform, PlatformID: m.PlatformID, PlatformRoom: m.PlatformRoom, GuestURL: m.GuestURL,
		EndsAt: m.EndsAt, MadeAt: m.StartsAt, Adopted: true, Recording: provider.RecordingNone, Trigger: provider.TriggerNone,
	}
}

// platformRoom returns a place as its platform knows it.
func platformRoom(p app.Place) provider.Meeting {
	return provider.Meeting{ID: p.PlatformID, Room: p.PlatformRoom, GuestURL: p.GuestURL, Until: p.EndsAt.Time, Keep: true}
}

// roomAt finds the lasting room with a platform room. The place is nil if there is none.
func roomAt(tx *store.Tx, account, platformRoom, platformID string) (app.Room, *app.Place, error) {
	rooms, err := tx.Rooms()
	if err != nil {
		return app.Room{}, nil, err
	}
	for _, r := range rooms {
		p := r.Place(account)
		if p.Made() && (p.PlatformRoom == platformRoom || platformID != "" && p.PlatformID == platformID) {
			return r, p, nil
		}
	}
	return app.Room{}, nil, nil
}

// openKept prepares the platform room of a lasting room for a meeting, and creates it if it no longer exists.
func (h *Hub) openKept(ctx context.Context, a *account, r app.Room, spec provider.MeetingSpec) (app.Room, provider.Meeting, error) {
	k, ok := a.Provider.(provider.RoomKeeper)
	if !ok {
		return r, provider.Meeting{}, cannot(a, provider.AbilityLasting)
	}
	place := r.Place(a.Name)
	if place.Made() {
		opened, err := k.OpenRoom(ctx, platformRoom(*place), spec)
		h.noteCall(a, err)
		if !errors.Is(err, provider.NotFound) {
			return r, opened, err
		}
		if r, err = h.lostPlace(ctx, a, r); err != nil {
			return r, provider.Meeting{}, err
		}
	}
	was := r.GuestURL
	r, err := h.keep(ctx, a, r)
	if err != nil {
		return r, provider.Meeting{}, err
	}
	h.noteLink(a, r, was)
	opened, err := k.OpenRoom(ctx, platformRoom(*r.Place(a.Name)), spec)
	h.noteCall(a, err)
	return r, opened, err
}

// lostPlace records that the platform room of a lasting room is gone. If we named it, the next one gets the same name and link.
func (h *Hub) lostPlace(ctx context.Context, a *account, r app.Room) (app.Room, error) {
	return h.setPlace(ctx, r, h.emptied(*r.Place(a.Name), r))
}

// emptied returns the place without its platform room. If we named that, the next one gets the same name.
func (h *Hub) emptied(had app.Place, r app.Room) app.Place {
	place := app.Place{Account: had.Account, Platform: had.Platform, Changes: had.Changes + 1, Name: had.PlatformRoom}
	if a := h.accounts[had.Account]; a != nil && !a.Provider.Traits().NamesRooms {
		place.Name = h.keptName(a, r, false)
	}
	return place
}

// noteLink reports if the link of a lasting room has changed.
func (h *Hub) noteLink(a *account, r app.Room, was string) {
	if was == "" || was == r.GuestURL || h.tokensForGuests(a.Name) {
		return
	}
	h.log.Warn("the link of a lasting room has changed", "account", a.Name, "room", r.Name)
	h.bus.publish([]app.Change{{Kind: app.ActivityChange, Activity: &app.Activity{
		At: h.now(), Account: a.Name, Room: r.Name, Kind: app.LinkChanged, Detail: r.GuestURL, Source: app.FromHere,
	}}})
}

// startLasting opens a meeting in the platform room of a lasting room. The room is locked.
func (h *Hub) startLasting(ctx context.Context, a *account, r app.Room, m roster.Meeting, plan *occurrence) (roster.Meeting, bool, error) {
	r, opened, err := h.openKept(ctx, a, r, provider.MeetingSpec{
		Room: Slug(r.Name), Locked: r.Locked, Size: r.Size, Until: m.EndsAt.Time, Recording: r.Recording, Trigger: r.Trigger,
	})
	if err != nil {
		return m, false, err
	}
	m.PlatformID, m.PlatformRoom, m.GuestURL = opened.ID, opened.Room, opened.GuestURL
	m.Lasting, m.Adopted = true, r.Place(a.Name).Adopted
	if !opened.Until.IsZero() && opened.Until.Before(m.EndsAt.Time) {
		m.EndsAt = app.At(opened.Until)
	}
	reused := false
	err = h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		reused = false
		former, err := tx.MeetingByPlatform(a.Name, opened.Room, "")
		switch {
		case err == nil && former.Status != app.Ended: // a guest came in the meantime
			until := m.EndsAt
			if m, reused = former, true; m.Lasting && m.EndsAt.Before(until.Time) {
				m.EndsAt = until
			}
		case err == nil:
			m.Follow(former, m.StartsAt.Time)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		if err := tx.PutMeeting(m); err != nil || plan == nil {
			return err
		}
		return plan.made(tx, h, &m)
	})
	return m, reused, writeError(err)
}

// endRunning ends the open meeting of a lasting room, which can have only one. The room is locked.
func (h *Hub) endRunning(ctx context.Context, room string) error {
	var m roster.Meeting
	var stays []*roster.Stay
	err := h.store.View(ctx, func(tx *store.Tx) error {
		current, err := h.currentOf(tx, room)
		if err != nil || current == nil || current.Status == app.Ended {
			return err
		}
		if m, err = tx.Meeting(current.ID); err == nil {
			stays, err = tx.Stays(m.ID)
		}
		return err
	})
	if err != nil || m.ID == "" {
		return err
	}
	_, err = h.endMeeting(ctx, m, stays)
	return err
}
