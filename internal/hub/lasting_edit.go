package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/store"
)

// createLasting creates a lasting room with its platform room. It completes a room whose platform room is still being created, since
// the answer to an earlier call was lost.
func (h *Hub) createLasting(ctx context.Context, r app.Room) (app.Room, error) {
	a, err := h.usable(h.choose(r))
	if err != nil {
		return r, err
	}
	if _, ok := a.Provider.(provider.RoomKeeper); !ok {
		return r, cannot(a, provider.AbilityLasting)
	}
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		had, err := tx.RoomByName(r.Name)
		if err == nil && had.RoomSettings == r.RoomSettings && !had.Place(a.Name).Made() && had.Place(a.Name) != nil {
			r = had
			return nil
		}
		if ignore(err, store.ErrNotFound) != nil {
			return err
		}
		return putNewName(tx, r)
	})
	if err != nil {
		return r, writeError(err)
	}
	defer h.locks.lock(r.ID)()
	made, err := h.keep(ctx, a, r)
	if err == nil || errors.Is(err, provider.Unavailable) {
		return made, unfinished(err)
	}
	// The platform refuses it: there is no such room.
	return r, errors.Join(err, writeError(h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.DeleteRoom(r) })))
}

// unfinished extends the error of a lasting room without its platform room by what to do.
func unfinished(err error) error {
	if err == nil {
		return nil
	}
	e := *app.AsError(err)
	e.Text += "; the room is kept, but its link is not created yet"
	e.Hint = "run the same command again, or start a meeting in the room"
	return &e
}

// editPlace applies a patch to the platform room of a lasting room, before the patch is stored. The room is locked.
func (h *Hub) editPlace(ctx context.Context, p app.RoomPatch) error {
	var was, r app.Room
	err := h.store.View(ctx, func(tx *store.Tx) (err error) {
		if was, err = findRoom(tx, p.Ref); err == nil {
			was, err = h.located(tx, was)
		}
		return err
	})
	if err != nil {
		return err
	}
	r = was
	p.Apply(&r.RoomSettings)
	if r.Name = roomName(r.Name); !r.Lasting() {
		return nil
	}
	if err := h.checkRoom(r); err != nil {
		return err
	}
	choice := h.choose(r)
	place := r.Place(choice.Account)
	if place.Made() && (place.Adopted || placeHas(*place, r.RoomSettings)) && was.Lasting() {
		return nil // nothing to do on the platform
	}
	a, err := h.usable(choice)
	if err != nil {
		return err
	}
	if place.Made() && !place.Adopted {
		gone, err := h.changePlace(ctx, a, r, *place)
		if err != nil || !gone {
			return err
		}
		if r, err = h.lostPlace(ctx, a, r); err != nil {
			return err
		}
	} else if place.Made() {
		return nil
	}
	if p.Name != nil { // a name in use is refused before anything is created
		if err := h.store.View(ctx, func(tx *store.Tx) error { return nameFree(tx, r) }); err != nil {
			return err
		}
	}
	_, err = h.keep(ctx, a, r)
	return err
}

// placeHas reports whether a platform room has the settings.
func placeHas(p app.Place, s app.RoomSettings) bool {
	return p.Locked == s.Locked && p.Size == s.Size && p.Recording == s.Recording && p.Trigger == s.Trigger
}

// changePlace applies the room's settings to its platform room and the open meeting in it. Settings that the platform can't change
// stay.
func (h *Hub) changePlace(ctx context.Context, a *account, r app.Room, p app.Place) (gone bool, err error) {
	k, ok := a.Provider.(provider.RoomKeeper)
	if !ok {
		return false, cannot(a, provider.AbilityLasting)
	}
	had := app.Room{ID: r.ID, RoomSettings: app.RoomSettings{Locked: p.Locked, Size: p.Size, Recording: p.Recording, Trigger: p.Trigger}}
	err = k.ChangeRoom(ctx, platformRoom(p), keptRoom(had, p.PlatformRoom), keptRoom(r, p.PlatformRoom))
	h.noteCall(a, err)
	switch {
	case errors.Is(err, provider.NotFound):
		return true, nil
	case errors.Is(err, provider.Unsupported):
		return false, nil // shown in the notes of the room
	case err != nil:
		return false, err
	}
	p.Locked, p.Size, p.Recording, p.Trigger = r.Locked, r.Size, r.Recording, r.Trigger
	ctx = context.WithoutCancel(ctx)
	if _, err := h.setPlace(ctx, r, p); err != nil {
		return false, err
	}
	return false, writeError(h.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.MeetingByPlatform(a.Name, p.PlatformRoom, "")
		if err != nil || m.Status == app.Ended || !m.Lasting {
			return ignore(err, store.ErrNotFound)
		}
		m.Locked, m.Size = r.Locked, r.Size
		return tx.PutMeeting(m)
	}))
}

// removePlaces removes the platform rooms that were created for a lasting link. Those of accounts that aren't configured stay.
func (h *Hub) removePlaces(ctx context.Context, r app.Room) error {
	for _, p := range r.Places {
		if p.Adopted || !p.Made() || h.accounts[p.Account] == nil {
			continue
		}
		a, err := h.accountOf(p.Account)
		if err != nil {
			return err
		}
		m := platformRoom(p)
		m.Keep = false
		err = a.Provider.EndMeeting(ctx, m)
		h.noteCall(a, err)
		if err != nil {
			return err
		}
	}
	return nil
}

// linkNotes returns remarks about the link of a lasting room.
func (h *Hub) linkNotes(r app.Room) (notes []string) {
	if !r.Lasting() {
		return nil
	}
	choice := h.choose(r)
	p, now := r.Place(choice.Account), h.clock.Now()
	if !p.Made() {
		if r.Adopted && p == nil {
			return nil
		}
		return []string{"The lasting link doesn't exist yet: starting a meeting creates it."}
	}
	title := choice.Platform.Title()
	if !p.Adopted && !placeHas(*p, r.RoomSettings) {
		notes = append(notes, fmt.Sprintf("The lasting room on %s still has its old settings, since %s can't change them: %s.",
			title, title, placeWords(*p, r.RoomSettings)))
	}
	if !p.FormerEnds.IsZero() && now.Before(p.FormerEnds.Time) {
		notes = append(notes, fmt.Sprintf("The link has changed. The old one works until %s: %s",
			p.FormerEnds.Format(time.DateOnly), plain.Text(p.FormerURL)))
	}
	if !p.EndsAt.IsZero() && !p.Adopted && p.EndsAt.Sub(now) < 2*renewAhead(*p) {
		notes = append(notes, fmt.Sprintf("%s will remove the room on %s. The link changes before then.", title, p.EndsAt.Format(time.DateOnly)))
	}
	return notes
}

// placeWords lists the settings of a platform room that differ from those of the room.
func placeWords(p app.Place, s app.RoomSettings) string {
	var differ []string
	add := func(is bool, yes, no string) {
		if is {
			differ = append(differ, yes)
		} else {
			differ = append(differ, no)
		}
	}
	if p.Locked != s.Locked {
		add(p.Locked, "locked", "not locked")
	}
	if p.Size != s.Size {
		add(p.Size > 0, fmt.Sprintf("up to %d people", p.Size), "no limit on people")
	}
	switch recorded := app.Recorded(p.Recording); {
	case recorded != app.Recorded(s.Recording):
		add(recorded, "recorded", "not recorded")
	case recorded && p.Recording != s.Recording:
		differ = append(differ, "recorded as "+string(p.Recording))
	case recorded && p.Trigger != s.Trigger:
		differ = append(differ, "trigger of the recording "+string(p.Trigger))
	}
	return strings.Join(differ, ", ")
}

// renewAhead is how long before its end a platform room is replaced.
func renewAhead(p app.Place) time.Duration {
	return min(p.EndsAt.Sub(p.MadeAt.Time)/4, 14*24*time.Hour)
}

const (
	// keepEvery is how often lasting rooms are checked, lookKeptEvery how often the platform is asked whether one exists.
	keepEvery     = time.Minute
	lookKeptEvery = time.Hour
	// keepAgain is how soon the creation of a platform room is retried.
	keepAgain = 5 * time.Minute
)

// caretaker recreates missing platform rooms of an account's lasting rooms, and renews those that expire.
type caretaker struct {
	hub     *Hub
	account *account
	next    map[string]time.Time
	missing map[string]bool
}

func newCaretaker(h *Hub, a *account) (*caretaker, bool) {
	_, ok := a.Provider.(provider.RoomKeeper)
	return &caretaker{hub: h, account: a, next: make(map[string]time.Time), missing: make(map[string]bool)}, ok
}

func (c *caretaker) run() {
	tick := c.hub.clock.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.Chan():
			c.turn(c.hub.ctx)
		case <-c.hub.ctx.Done():
			return
		}
	}
}

func (c *caretaker) turn(ctx context.Context) {
	h := c.hub
	rooms, err := store.Read(ctx, h.store, (*store.Tx).Rooms)
	if err != nil {
		h.complain(err, "the lasting rooms could not be read", c.account)
		return
	}
	for _, r := range rooms {
		p := r.Place(c.account.Name)
		if !r.Lasting() || h.choose(r).Account != c.account.Name || p == nil || p.Adopted || ctx.Err() != nil {
			continue
		}
		if h.clock.Now().Before(c.next[r.ID]) {
			continue
		}
		c.next[r.ID] = h.clock.Now().Add(keepAgain)
		if err := c.look(ctx, r.ID); err != nil {
			h.complain(err, "the platform room of a lasting room could not be kept", c.account)
		}
	}
}

// look creates, finds or renews the platform room of one lasting room.
func (c *caretaker) look(ctx context.Context, id string) error {
	h, a := c.hub, c.account
	defer h.locks.lock(id)()
	var r app.Room
	was := ""
	if err := h.store.View(ctx, func(tx *store.Tx) (err error) {
		if r, err = tx.Room(id); err == nil {
			was, err = h.guestLinkOf(tx, r)
		}
		return err
	}); err != nil {
		return ignore(err, store.ErrNotFound)
	}
	p := r.Place(a.Name)
	if p == nil || !r.Lasting() {
		return nil
	}
	switch now := h.clock.Now(); {
	case !p.Made():
	case !p.EndsAt.IsZero() && p.EndsAt.Sub(now) < renewAhead(*p):
		return c.renew(ctx, r, *p)
	default:
		l, ok := a.Provider.(provider.Looker)
		if !ok {
			return nil
		}
		_, err := l.Lookup(ctx, platformRoom(*p))
		h.noteCall(a, err)
		gone := errors.Is(err, provider.NotFound)
		twice := gone && c.missing[id]
		if c.missing[id] = gone; !gone {
			c.next[id] = now.Add(lookKeptEvery)
			return err
		}
		if !twice {
			c.next[id] = now.Add(lookAgain)
			return nil
		}
		if r, err = h.lostPlace(ctx, a, r); err != nil {
			return err
		}
	}
	delete(c.missing, id)
	r, err := h.keep(ctx, a, r)
	if err == nil {
		h.noteLink(a, r, was)
	}
	return err
}

// renew replaces a platform room that expires soon. The old link works until then.
func (c *caretaker) renew(ctx context.Context, r app.Room, had app.Place) error {
	h, a, was := c.hub, c.account, had.GuestURL
	k := a.Provider.(provider.RoomKeeper)
	place := had
	if place.Name == "" {
		place.Name = h.keptName(a, r, true)
	}
	spec := keptRoom(r, place.Name)
	spec.Tried = place.TriedAt.Time
	if place.TriedAt.IsZero() {
		place.TriedAt = h.now()
	}
	r, err := h.setPlace(ctx, r, place)
	if err != nil {
		return err
	}
	made, err := k.KeepRoom(ctx, spec)
	h.noteCall(a, err)
	if err != nil {
		if !errors.Is(err, provider.Unavailable) {
			_, storeErr := h.setPlace(context.WithoutCancel(ctx), r, had)
			err = errors.Join(err, storeErr)
		}
		return err
	}
	place.FormerURL, place.FormerEnds, place.Changes = had.GuestURL, had.EndsAt, had.Changes+1
	if r, err = h.kept(ctx, a, r, place, made); err == nil {
		h.noteLink(a, r, was)
	}
	return err
}
