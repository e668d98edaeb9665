package hub

import (
	"context"

	"greenroom/internal/app"
	"greenroom/internal/latin"
	"greenroom/store"
)

// Rooms lists the rooms with their current meetings.
func (h *Hub) Rooms(ctx context.Context, q app.RoomQuery) ([]app.RoomView, error) {
	out := []app.RoomView{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		rooms, err := tx.Rooms()
		if err != nil {
			return err
		}
		current, err := currentMeetings(tx)
		if err != nil {
			return err
		}
		next, err := h.nextBookings(tx, "")
		if err != nil {
			return err
		}
		base := h.pageBase()
		for _, r := range rooms {
			if q.Group != "" && !latin.Same(roomName(q.Group), r.Group) {
				continue
			}
			v, err := h.roomView(tx, base, r, current[r.ID], next[r.ID])
			if err != nil {
				return err
			}
			if q.People && v.Meeting != nil && v.Meeting.Status != app.Ended {
				if v.People, err = there(tx, v.Meeting.ID); err != nil {
					return err
				}
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// Room reads one room by its id or name.
func (h *Hub) Room(ctx context.Context, ref app.RoomRef) (app.RoomView, error) {
	var v app.RoomView
	err := h.store.View(ctx, func(tx *store.Tx) error {
		r, err := findRoom(tx, ref.Ref)
		if err != nil {
			return err
		}
		current, err := currentMeetings(tx)
		if err != nil {
			return err
		}
		next, err := h.nextBookings(tx, r.ID)
		if err != nil {
			return err
		}
		v, err = h.roomView(tx, h.pageBase(), r, current[r.ID], next[r.ID])
		return err
	})
	return v, err
}

// roomView returns the view of a room with the given open meeting, nil for none, and booking.
func (h *Hub) roomView(tx *store.Tx, base pageBase, r app.Room, m *app.Meeting, next *app.Booking) (app.RoomView, error) {
	r, err := h.located(tx, r)
	if err != nil {
		return app.RoomView{}, err
	}
	v := app.RoomView{Room: r, Would: h.choose(r), Meeting: m, Booking: next, Notes: h.linkNotes(r)}
	if v.PageLink, err = base.of(tx, r); err != nil {
		return v, err
	}
	if v.Meeting == nil {
		v.Meeting, err = latest(tx, r.ID)
	}
	if v.Meeting != nil {
		h.giveGuestURL(v.Meeting, v.PageLink)
	}
	return v, err
}

// nextBookings returns the booking with the next occurrence of each room, or of one.
func (h *Hub) nextBookings(tx *store.Tx, room string) (map[string]*app.Booking, error) {
	bookings, err := roomBookings(tx, room)
	if err != nil {
		return nil, err
	}
	next := make(map[string]*app.Booking)
	for _, b := range bookings {
		v := h.bookingView(tx, b)
		if had := next[b.RoomID]; !v.Next.IsZero() && (had == nil || v.Next.Before(had.Next.Time)) {
			next[b.RoomID] = &v
		}
	}
	return next, nil
}

// there returns the names of those who are in a meeting or wait to be let in.
func there(tx *store.Tx, meeting string) (names []string, err error) {
	stays, err := tx.Stays(meeting)
	for _, s := range stays {
		if s.LeftAt.IsZero() {
			names = append(names, s.Name)
		}
	}
	return names, err
}
