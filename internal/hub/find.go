package hub

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// minPrefix is the shortest beginning of an id that names a meeting.
	minPrefix = 4
	// maxNamed bounds how many meetings an error about an ambiguous name lists.
	maxNamed = 3
)

// findMeeting finds the meeting that ref names: by its id; by its room's name (the live meeting, else the latest); by its platform
// room; by the name of a deleted room; by the beginning of its id. The user's rooms outrank platform rooms of the same name, which
// others can create. Two meetings that match equally well are an error.
func (h *Hub) findMeeting(tx *store.Tx, ref string) (roster.Meeting, error) {
	m, err := tx.Meeting(ref)
	if ref != "" && !errors.Is(err, store.ErrNotFound) {
		return m, err
	}
	r, err := findRoom(tx, ref)
	if err == nil {
		return h.meetingOfRoom(tx, r.ID, r.Name)
	}
	if !errors.Is(err, provider.NotFound) {
		return m, err
	}
	missing := app.AsError(err)
	fits, err := h.elsewhere(tx, ref)
	if err == nil && len(fits) == 0 && len(ref) >= minPrefix {
		fits, err = tx.MeetingsByPrefix(strings.ToLower(ref), maxNamed+1)
	}
	switch {
	case err != nil:
		return m, err
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) == 0:
		return m, app.Errorf(provider.NotFound, missing.Hint, "there is no meeting %q (tried id, room name, platform room)", ref)
	}
	return m, ambiguous(ref, fits)
}

// elsewhere lists the meetings that match a name which no room has: by the platforms' rooms, and by the latest deleted room.
func (h *Hub) elsewhere(tx *store.Tx, ref string) (fits []roster.Meeting, err error) {
	add := func(m roster.Meeting, err error) error {
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, provider.NotFound) {
			return nil
		}
		if !slices.ContainsFunc(fits, func(had roster.Meeting) bool { return had.ID == m.ID }) {
			fits = append(fits, m)
		}
		return err
	}
	for _, a := range h.order {
		byRoom := add(tx.MeetingByPlatform(a.Name, strings.TrimPrefix(ref, "/"), ""))
		if err := errors.Join(byRoom, add(tx.MeetingByPlatform(a.Name, "", ref))); err != nil {
			return nil, err
		}
	}
	former, known, err := store.Found(tx.FormerRoom(ref))
	if !known {
		return fits, err
	}
	return fits, add(h.meetingOfRoom(tx, former, ref))
}

// meetingID replaces the name of a meeting, if there is one, by the meeting's id.
func (h *Hub) meetingID(tx *store.Tx, ref *string) error {
	if *ref == "" {
		return nil
	}
	m, err := h.findMeeting(tx, *ref)
	*ref = m.ID
	return err
}

// meetingOfRoom returns a room's live meeting, else its newest open one, else its latest.
func (h *Hub) meetingOfRoom(tx *store.Tx, id, name string) (roster.Meeting, error) {
	current, err := h.currentOf(tx, id)
	if err != nil {
		return roster.Meeting{}, err
	}
	if current == nil {
		return roster.Meeting{}, notFound("room %s has had no meeting yet", name)
	}
	return tx.Meeting(current.ID)
}

// roomOrFormer returns the id of a room, or of the latest deleted one of the name.
func roomOrFormer(tx *store.Tx, ref string) (string, error) {
	r, err := findRoom(tx, ref)
	if !errors.Is(err, provider.NotFound) {
		return r.ID, err
	}
	if id, formerErr := tx.FormerRoom(ref); !errors.Is(formerErr, store.ErrNotFound) {
		return id, formerErr
	}
	return "", err
}

// ambiguous returns the error of a name that matches several meetings.
func ambiguous(ref string, fits []roster.Meeting) error {
	var named []string
	for _, m := range fits[:min(len(fits), maxNamed)] {
		named = append(named, fmt.Sprintf("%s (%s on %s, %s)", m.ID, plain.Text(m.Room), m.Account, m.Status))
	}
	text := fmt.Sprintf("%q matches several meetings: %s", ref, strings.Join(named, ", "))
	if len(fits) > maxNamed {
		text += " and more"
	}
	return app.Errorf(provider.Invalid, "use the meeting's id", "%s", text)
}
