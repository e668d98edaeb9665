package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// trashName is the key of the deletions of the last minute.
const trashName = "trash"

// maxTrash is how many deletions can be undone.
const maxTrash = 50

// maxSuffix is how many names are tried for a restored object.
const maxSuffix = 1000

// maxCalendar is the largest text of a calendar that can be restored.
const maxCalendar = 64 << 20

// trashed is a deleted object.
type trashed struct {
	Kind    app.DeletedKind `json:"kind"`
	At      app.Time        `json:"at"`
	Room    *app.Room       `json:"room,omitempty"`
	Booking *store.Booking  `json:"booking,omitempty"`
	// Calendar is a subscription, Text its compressed text.
	Calendar *store.Calendar `json:"calendar,omitempty"`
	Text     []byte          `json:"text,omitempty"`
	// Forward has its position. The events of a Catch stay in its rings until it can no longer be restored.
	Forward *store.ForwardJob `json:"forward,omitempty"`
	Catch   *store.CatchJob   `json:"catch,omitempty"`
}

// trash reads what can be undone, the latest deletion last.
func (h *Hub) trash(tx *store.Tx) ([]trashed, error) {
	var all []trashed
	if raw := tx.Value(trashName); raw != nil {
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, fmt.Errorf("the deleted item is damaged: %w", err)
		}
	}
	now := h.clock.Now()
	return slices.DeleteFunc(all, func(t trashed) bool { return now.Sub(t.At.Time).Abs() > app.UndoFor }), nil
}

// discard keeps an object for a minute, in the commit that deletes it.
func (h *Hub) discard(tx *store.Tx, t trashed) error {
	all, err := h.trash(tx)
	if err != nil {
		return err
	}
	t.At = h.now()
	all = append(all, t)
	return h.keepTrash(tx, all[max(0, len(all)-maxTrash):])
}

// keepTrash writes what can be undone, and deletes the events of catches that can no longer be restored.
func (h *Hub) keepTrash(tx *store.Tx, all []trashed) error {
	for _, name := range tx.HiddenCatches() {
		if slices.ContainsFunc(all, func(t trashed) bool { return t.Catch != nil && t.Catch.Name == name }) {
			continue
		}
		if err := tx.DeleteCatch(name); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return tx.DeleteValue(trashName)
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return tx.PutValue(trashName, raw)
}

// emptyTrashLater removes a deletion when it can no longer be undone.
func (h *Hub) emptyTrashLater() {
	due := h.clock.After(app.UndoFor + time.Second)
	h.goes("deleted things", func() {
		select {
		case <-due:
			if err := h.emptyTrash(h.ctx); err != nil && h.ctx.Err() == nil {
				h.log.Error("a deletion could not be made permanent", "err", err)
			}
		case <-h.ctx.Done():
		}
	})
}

// emptyTrash removes what can no longer be undone.
func (h *Hub) emptyTrash(ctx context.Context) error {
	stale := false
	if err := h.store.View(ctx, func(tx *store.Tx) error {
		all, err := h.trash(tx)
		stale = err != nil || len(all) == 0 && tx.Value(trashName) != nil || len(tx.HiddenCatches()) > 0
		return nil
	}); err != nil || !stale {
		return err
	}
	return h.store.Update(ctx, func(tx *store.Tx) error {
		all, err := h.trash(tx)
		if err != nil {
			all = nil // it is damaged
		}
		return h.keepTrash(tx, all)
	})
}

// Undo brings back the latest deletion; see [app.Backend].
func (h *Hub) Undo(ctx context.Context, _ app.UndoRequest) (app.Undone, error) {
	var out app.Undone
	var had string
	var forward *store.ForwardJob
	h.forwards.changing.Lock()
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		out, had, forward = app.Undone{}, "", nil
		all, err := h.trash(tx)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return app.Errorf(provider.NotFound, "deletions on a platform can't be undone", "nothing was deleted here in the last minute")
		}
		last := all[len(all)-1]
		switch out.Kind = last.Kind; {
		case last.Room != nil:
			had = last.Room.GuestURL
			err = h.restoreRoom(tx, *last.Room, &out)
		case last.Booking != nil:
			err = h.restoreBooking(tx, *last.Booking, &out)
		case last.Calendar != nil:
			err = h.restoreCalendar(tx, *last.Calendar, last.Text, &out)
		case last.Forward != nil:
			forward = last.Forward
			err = h.restoreForward(tx, forward, &out)
		case last.Catch != nil:
			err = h.restoreCatch(tx, *last.Catch, &out)
		}
		if err != nil {
			return err
		}
		return h.keepTrash(tx, all[:len(all)-1])
	})
	if err == nil && forward != nil && h.opt.Forwarder != nil {
		h.forwards.lease(*forward, app.ForwardSpec{Source: forward.Source})
	}
	h.forwards.changing.Unlock()
	if err != nil {
		return out, writeError(err)
	}
	h.bookings.wake()
	if out.Room != nil && out.Room.Lasting() {
		h.relocate(ctx, &out, had)
	}
	return out, nil
}

// restoreRoom puts a room back. Its meetings and bookings still have its id. The platform rooms of its lasting link were removed.
func (h *Hub) restoreRoom(tx *store.Tx, r app.Room, out *app.Undone) error {
	was := r.Name
	err := rename(out, &r.Name, " (%d)", maxRoomName, "Another room is named %s now.", func(name string) error {
		had, err := tx.RoomByName(name)
		if had.ID == r.ID {
			return store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := range r.Places {
		if p := &r.Places[i]; !p.Adopted && p.Made() {
			*p = h.emptied(*p, r)
		}
	}
	if r.GuestURL, err = h.guestLinkOf(tx, r); err != nil {
		return err
	}
	if err := tx.PutRoom(r); err != nil {
		return err
	}
	if out.ID, out.Name, out.Room = r.ID, r.Name, &r; r.Name != was {
		return renameMeetings(tx, r)
	}
	return nil
}

// relocate makes the platform room of a lasting room that came back. had is its former guest link.
func (h *Hub) relocate(ctx context.Context, out *app.Undone, had string) {
	defer h.locks.lock(out.Room.ID)()
	a, err := h.usable(h.choose(*out.Room))
	if err == nil && out.Room.Place(a.Name) != nil {
		var r app.Room
		if r, err = h.keep(ctx, a, *out.Room); err == nil {
			*out.Room = r
			if r.GuestURL != had {
				out.Notes = append(out.Notes, "It has a new guest link: send it again.")
			}
		}
	}
	if err != nil {
		out.Notes = append(out.Notes, "Its lasting link has not been created again yet: "+app.AsError(err).Sentence())
	}
}

// restoreBooking puts a booking back.
func (h *Hub) restoreBooking(tx *store.Tx, b store.Booking, out *app.Undone) error {
	r, known, err := store.Found(tx.Room(b.RoomID))
	if !known {
		return cmp.Or(err, app.Errorf(provider.Conflict, "add the booking again in another room", "the room %s of the booking no longer exists", b.Room))
	}
	b.Room = r.Name
	if err := tx.PutBooking(b); err != nil {
		return err
	}
	v := h.bookingView(tx, b)
	out.ID, out.Name, out.Booking = b.ID, b.Room, &v
	return nil
}

// restoreCalendar puts a subscription back, with the text that was read.
func (h *Hub) restoreCalendar(tx *store.Tx, c store.Calendar, packed []byte, out *app.Undone) error {
	err := rename(out, &c.Name, " (%d)", maxRoomName, "Another calendar is named %s now.", func(name string) error {
		_, err := tx.Calendar(name)
		return err
	})
	if err != nil {
		return err
	}
	var text []byte
	if packed != nil {
		if text, err = store.Unpack(packed, maxCalendar); err != nil {
			return err
		}
	}
	if err := tx.PutCalendar(c, text); err != nil {
		return err
	}
	out.Name, out.Calendar = c.Name, &c.Calendar
	return nil
}

// restoreForward puts a forward back. It resumes where it was.
func (h *Hub) restoreForward(tx *store.Tx, j *store.ForwardJob, out *app.Undone) error {
	err := rename(out, &j.Name, "-%d", maxWord, "Another forward is named %s now.", func(name string) error {
		_, err := tx.Forward(name)
		return err
	})
	if err != nil {
		return err
	}
	if err := tx.PutForward(*j); err != nil {
		return err
	}
	v := h.forwards.view(tx, *j)
	out.Name, out.Forward = j.Name, &v
	return nil
}

// restoreCatch puts a catch back, with its events unless another one has its name.
func (h *Hub) restoreCatch(tx *store.Tx, c store.CatchJob, out *app.Undone) error {
	const renamed = "Another catch is named %s now: this one has another address, and its events are gone."
	err := rename(out, &c.Name, "-%d", maxWord, renamed, func(name string) error {
		_, err := tx.Catch(name)
		return err
	})
	if err != nil {
		return err
	}
	if err := tx.PutCatch(c); err != nil {
		return err
	}
	v := h.viewCatch(tx, c)
	out.Name, out.Catch = c.Name, &v
	return nil
}

// maxWord is the longest name that both forwards and catches may have.
const maxWord = 40

// rename gives a restored object a name that no other one has: its own, else one with a suffix and at most longest characters, and a
// note about that. find looks up a name and fails with [store.ErrNotFound] if it is free.
func rename(out *app.Undone, name *string, suffix string, longest int, note string, find func(string) error) error {
	was := *name
	for n := 2; n < maxSuffix; n++ {
		switch err := find(*name); {
		case errors.Is(err, store.ErrNotFound):
			if *name != was {
				out.Notes = append(out.Notes, fmt.Sprintf(note, was))
			}
			return nil
		case err != nil:
			return err
		}
		end := fmt.Sprintf(suffix, n)
		*name = shorten(was, longest-len(end)) + end
	}
	return app.Errorf(provider.Conflict, "", "too many items are named %q", was)
}
