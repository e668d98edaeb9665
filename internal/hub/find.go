package hub

import (
	"errors"
	"fmt"
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

// findMeeting finds the meeting that ref names: by its id; by its room's name, where the live meeting goes before the latest
// one; by its platform room; by the name of a room that was deleted; by the beginning of its id. A room of the user's goes
// before any platform room of the same name: strangers can make those. Two meetings that fit equally well are an error.
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
		return m, &app.Error{
			Kind: provider.NotFound, Text: fmt.Sprintf("there is no meeting %q (tried id, room name, platform room)", ref),
			Hint: missing.Hint,
		}
	}
	return m, ambiguous(ref, fits)
}

// elsewhere lists the different meetings that a name fits which no room has: by the platforms' rooms, and by the room that
// was deleted last.
func (h *Hub) elsewhere(tx *store.Tx, ref string) (fits []roster.Meeting, err error) {
	add := func(m roster.Meeting, err error) error {
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, provider.NotFound) {
			return nil
		}
		for _, had := range fits {
			if had.ID == m.ID {
				return err
			}
		}
		fits = append(fits, m)
		return err
	}
	for _, a := range h.order {
		byRoom, err := tx.MeetingByPlatform(a.Name, strings.TrimPrefix(ref, "/"), "")
		if err := add(byRoom, err); err != nil {
			return nil, err
		}
		byID, err := tx.MeetingByPlatform(a.Name, "", ref)
		if err := add(byID, err); err != nil {
			return nil, err
		}
	}
	former, err := tx.FormerRoom(ref)
	if errors.Is(err, store.ErrNotFound) {
		return fits, nil
	}
	if err != nil {
		return nil, err
	}
	return fits, add(h.meetingOfRoom(tx, former, ref))
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

// roomOrFormer finds the id of a room or, where there is none of the name, of the one that was deleted last.
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

// ambiguous is the error of a name that fits several meetings.
func ambiguous(ref string, fits []roster.Meeting) error {
	var named []string
	for _, m := range fits[:min(len(fits), maxNamed)] {
		named = append(named, fmt.Sprintf("%s (%s on %s, %s)", m.ID, plain.Text(m.Room), m.Account, m.Status))
	}
	text := fmt.Sprintf("%q matches several meetings: %s", ref, strings.Join(named, ", "))
	if len(fits) > maxNamed {
		text += " and more"
	}
	return &app.Error{Kind: provider.Invalid, Text: text, Hint: "use the meeting's id"}
}
