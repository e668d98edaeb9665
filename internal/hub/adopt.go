package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/roster"
	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/store"
)

// PlatformRooms lists the rooms on the platforms; see [app.Backend]. If one account fails, the list fails: the others can be listed
// by name.
func (h *Hub) PlatformRooms(ctx context.Context, q app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	accounts := h.order
	if q.Account != "" {
		a, err := h.accountOf(q.Account)
		if err != nil {
			return nil, err
		}
		if _, ok := a.Provider.(provider.RoomLister); !ok {
			return nil, cannot(a, provider.AbilityAdopt)
		}
		accounts = []*account{a}
	}
	lists, errs := make([][]provider.Meeting, len(accounts)), make([]error, len(accounts))
	var wg sync.WaitGroup
	for i, a := range accounts {
		if l, ok := a.Provider.(provider.RoomLister); ok {
			h.crash.GoIn(&wg, "rooms of "+a.Name, func() { lists[i], errs[i] = h.listRooms(ctx, a, l) })
		}
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, app.AsError(err)
	}
	out := []app.PlatformRoom{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		for i, a := range accounts {
			for _, m := range lists[i] {
				r := app.PlatformRoom{
					Account: a.Name, Platform: a.Platform, PlatformID: m.ID, PlatformRoom: m.Room, GuestURL: m.GuestURL,
					EndsAt: app.At(m.Until),
				}
				known, ok, err := store.Found(tx.MeetingByPlatform(a.Name, m.Room, m.ID))
				if err != nil {
					return err
				}
				if ok && known.Status != app.Ended {
					r.Known, r.Meeting, r.Room = true, known.ID, known.Room
				} else if at, place, err := roomAt(tx, a.Name, m.Room, m.ID); err != nil {
					return err
				} else if place != nil && !place.Adopted {
					r.Known, r.Room = true, at.Name
				}
				out = append(out, r)
			}
		}
		return nil
	})
	return out, err
}

func (h *Hub) listRooms(ctx context.Context, a *account, l provider.RoomLister) ([]provider.Meeting, error) {
	var out []provider.Meeting
	err := l.Rooms(ctx, func(m provider.Meeting) bool {
		out = append(out, m)
		return len(out) < app.PlatformRoomsMost
	})
	h.noteCall(a, err)
	stable.Sort(out, func(x, y provider.Meeting) int { return y.CreatedAt.Compare(x.CreatedAt) })
	return out, err
}

// AdoptRoom adopts a room that exists on a platform; see [app.Backend].
func (h *Hub) AdoptRoom(ctx context.Context, req app.Adoption) (app.RoomView, error) {
	a, err := h.accountOf(req.Account)
	if err != nil {
		return app.RoomView{}, err
	}
	if req.Name = roomName(req.Name); req.Name != "" {
		if err := h.checkRoom(app.Room{RoomSettings: app.RoomSettings{Name: req.Name, Recording: provider.RecordingNone, Trigger: provider.TriggerNone}}); err != nil {
			return app.RoomView{}, err
		}
	}
	found, err := h.findOnPlatform(ctx, a, req.PlatformRoom)
	if err != nil {
		return app.RoomView{}, err
	}
	var room string
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		m, known, err := store.Found(tx.MeetingByPlatform(a.Name, found.Room, found.ID))
		if err != nil {
			return err
		}
		ours, place, err := roomAt(tx, a.Name, found.Room, found.ID)
		switch former := m; {
		case err != nil:
			return err
		case place != nil && !place.Adopted && (!known || m.Status == app.Ended):
			room = ours.ID // the platform room of a lasting room is known
			return nil
		case !known:
			m, err = h.adopt(tx, a, found, req.Name, "", h.now().Time, nil)
		case m.Status == app.Ended:
			m, err = h.adopt(tx, a, found, req.Name, "", h.now().Time, &former)
		default:
			complete(&m, found)
			err = h.renameAdopted(tx, &m, req.Name)
		}
		room = m.RoomID
		return err
	})
	if err != nil {
		return app.RoomView{}, writeError(err)
	}
	return h.Room(ctx, app.RoomRef{Ref: room})
}

// findOnPlatform finds a room by its name on the platform.
func (h *Hub) findOnPlatform(ctx context.Context, a *account, name string) (provider.Meeting, error) {
	if l, ok := a.Provider.(provider.Looker); ok && a.Provider.Traits().NamesRooms {
		m, err := l.Lookup(ctx, provider.Meeting{Room: name})
		h.noteCall(a, err)
		return m, err
	}
	l, ok := a.Provider.(provider.RoomLister)
	if !ok {
		return provider.Meeting{}, cannot(a, provider.AbilityAdopt)
	}
	var found provider.Meeting
	err := l.Rooms(ctx, func(m provider.Meeting) bool {
		if m.Room == name || m.ID == name {
			found = m
		}
		return found.Room == ""
	})
	h.noteCall(a, err)
	if err == nil && found.Room == "" {
		err = notFound("there is no room %q on %s", name, a.Name)
	}
	return found, err
}

// adopt creates a meeting, and a room if there is none of the name, for a platform room that was not created here. With an empty
// name the room gets the platform's name. ours is the id of our room that the platform room carries, which keeps the meeting: an
// event can arrive before the meeting is stored. former is the earlier meeting in the platform room, nil for none; the new one gets
// the evidence from at on, and that after former.
func (h *Hub) adopt(
	tx *store.Tx, a *account, found provider.Meeting, name, ours string, at time.Time, former *roster.Meeting,
) (roster.Meeting, error) {
	room, place, err := roomAt(tx, a.Name, found.Room, found.ID)
	switch {
	case err != nil:
		return roster.Meeting{}, err
	case place != nil && !place.Adopted:
		return h.opened(tx, a, room, *place, at, former)
	}
	var mine app.Room
	if ours != "" && name == "" {
		if mine, _, err = store.Found(tx.Room(ours)); err != nil {
			return roster.Meeting{}, err
		}
	}
	switch {
	case mine.ID != "":
		room = mine
	case name != "":
		room, err = h.roomNamed(tx, a, name, at)
	case place == nil:
		room, err = h.roomFor(tx, a, found.Room, at)
	}
	if err != nil {
		return roster.Meeting{}, err
	}
	m := h.newMeeting(a, room, app.At(at), app.FromPlatform)
	m.PlatformID, m.PlatformRoom, m.GuestURL, m.EndsAt = found.ID, found.Room, found.GuestURL, app.At(found.Until)
	m.Adopted, m.Record, m.Trigger, m.Chosen = true, provider.RecordingNone, provider.TriggerNone, "found on the platform"
	if former != nil {
		m.Follow(*former, at)
	}
	if room.Adopted && (room.Place(a.Name) == nil || room.Place(a.Name).PlatformRoom == found.Room) {
		room.SetPlace(adoptedPlace(m.Meeting))
		if room.GuestURL, err = h.guestLinkOf(tx, room); err != nil {
			return m, err
		}
		if err := tx.PutRoom(room); err != nil {
			return m, err
		}
	}
	return m, tx.PutMeeting(m)
}

// opened creates the meeting that guests began in the platform room of a lasting room, without a start from here.
func (h *Hub) opened(tx *store.Tx, a *account, r app.Room, p app.Place, at time.Time, former *roster.Meeting) (roster.Meeting, error) {
	m := h.newMeeting(a, r, app.At(at), app.FromPlatform)
	m.PlatformID, m.PlatformRoom, m.GuestURL = p.PlatformID, p.PlatformRoom, p.GuestURL
	m.EndsAt, m.Lasting, m.Chosen = app.At(app.Later(at, h.clock.Now()).Add(app.DefaultLength)), true, "its lasting link is there"
	m.Locked, m.Size, m.Record, m.Trigger = p.Locked, p.Size, p.Recording, p.Trigger
	if former != nil {
		m.Follow(*former, at)
	}
	return m, tx.PutMeeting(m)
}

// complete adds the platform's details to a meeting whose event lacked them.
func complete(m *roster.Meeting, found provider.Meeting) {
	m.GuestURL = cmp.Or(m.GuestURL, found.GuestURL)
	m.PlatformID = cmp.Or(m.PlatformID, found.ID)
	if m.EndsAt.IsZero() {
		m.EndsAt = app.At(found.Until)
	}
}

// roomNamed finds or creates the room of an adopted meeting.
func (h *Hub) roomNamed(tx *store.Tx, a *account, name string, at time.Time) (app.Room, error) {
	r, err := tx.RoomByName(name)
	switch {
	case err == nil && r.Account != "" && r.Account != a.Name:
		return r, app.Errorf(provider.Conflict, "choose another name", "room %s belongs to the account %s", r.Name, r.Account)
	case !errors.Is(err, store.ErrNotFound):
		return r, err
	}
	r = h.adoptedRoom(a, name, at)
	return r, tx.PutRoom(r)
}

func (h *Hub) adoptedRoom(a *account, name string, at time.Time) app.Room {
	return app.Room{
		ID: h.newID(),
		RoomSettings: app.RoomSettings{
			Name: name, Account: a.Name, Recording: provider.RecordingNone, Trigger: provider.TriggerNone,
		},
		CreatedAt: app.At(at), Adopted: true,
	}
}

// roomFor creates the room of an adopted meeting under the platform's name, with a suffix if another room has it.
func (h *Hub) roomFor(tx *store.Tx, a *account, platformRoom string, at time.Time) (app.Room, error) {
	name := shorten(roomName(plain.Text(platformRoom)), maxRoomName-len(" (adopted 99)"))
	room := h.adoptedRoom(a, name, at)
	for n := 1; n < 100; n++ {
		had, err := tx.RoomByName(room.Name)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return room, tx.PutRoom(room)
		case err != nil:
			return room, err
		case had.Adopted && had.Account == a.Name:
			return had, nil
		}
		room.Name = name + " (adopted)"
		if n > 1 {
			room.Name = fmt.Sprintf("%s (adopted %d)", name, n)
		}
	}
	return room, fmt.Errorf("too many rooms are named %q", name)
}

func shorten(s string, runes int) string {
	r := []rune(s)
	return string(r[:min(len(r), runes)])
}

// renameAdopted moves a known meeting to the requested room: its own one renamed, or an existing one. A room that was created here
// keeps its meeting.
func (h *Hub) renameAdopted(tx *store.Tx, m *roster.Meeting, name string) error {
	if name == "" || name == m.Room || !m.Adopted {
		return tx.PutMeeting(*m)
	}
	was, known, err := store.Found(tx.Room(m.RoomID))
	if err != nil {
		return err
	}
	other, exists, err := store.Found(tx.RoomByName(name))
	if err != nil {
		return err
	}
	if known && was.Adopted && (!exists || other.ID == was.ID) {
		was.Name = name
		m.Room = name
		if err := errors.Join(tx.PutRoom(was), tx.PutMeeting(*m)); err != nil {
			return err
		}
		return renameMeetings(tx, was)
	}
	room, err := h.roomNamed(tx, h.accounts[m.Account], name, m.StartsAt.Time)
	if err != nil {
		return err
	}
	m.RoomID, m.Room = room.ID, room.Name
	if err := tx.PutMeeting(*m); err != nil || !was.Adopted {
		return err
	}
	return dropEmpty(tx, was)
}

// dropEmpty deletes an adopted room that has no meetings left.
func dropEmpty(tx *store.Tx, r app.Room) error {
	if others, err := tx.RoomMeetings(r.ID); err != nil || len(others) > 0 {
		return err
	}
	return tx.DeleteRoom(r)
}
