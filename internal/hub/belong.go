package hub

import (
	"errors"
	"time"

	"greenroom/internal/roster"
	"greenroom/store"
)

// belongs returns the meeting that evidence of the given time is about: m, the current one of its platform room, or an earlier one.
func belongs(tx *store.Tx, m roster.Meeting, at time.Time) (roster.Meeting, error) {
	for !at.IsZero() && !m.Holds(at) {
		former, known, err := store.Found(tx.Meeting(m.Former))
		if !known {
			return m, err
		}
		m = former
	}
	return m, nil
}

// ignore returns nil for an error of the given kind.
func ignore(err, kind error) error {
	if errors.Is(err, kind) {
		return nil
	}
	return err
}

// maxFormer bounds how many meetings are searched for a session.
const maxFormer = 8

// ofSession returns the meeting that has a session: m, or an earlier one in the same platform room. It returns m if none has.
func ofSession(tx *store.Tx, m roster.Meeting, session string) (roster.Meeting, error) {
	at := m
	for range maxFormer {
		if _, known, err := store.Found(tx.Stay(at.ID, session)); known || err != nil {
			return at, err
		}
		former, known, err := store.Found(tx.Meeting(at.Former))
		if !known {
			return m, err
		}
		at = former
	}
	return m, nil
}
