package hub

import (
	"errors"
	"time"

	"greenroom/internal/roster"
	"greenroom/store"
)

// belongs returns the meeting that evidence of the given time is about: m, the current one of its platform room, or one
// before it.
func belongs(tx *store.Tx, m roster.Meeting, at time.Time) (roster.Meeting, error) {
	for !at.IsZero() && !m.Holds(at) {
		former, err := tx.Meeting(m.Former)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
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

// maxFormer bounds how many meetings back a session is looked for.
const maxFormer = 8

// ofSession returns the meeting that knows a session: m, or one before it in the same platform room.
func ofSession(tx *store.Tx, m roster.Meeting, session string) (roster.Meeting, error) {
	at := m
	for range maxFormer {
		_, err := tx.Stay(at.ID, session)
		if err == nil {
			return at, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return m, err
		}
		if at.Former == "" {
			return m, nil
		}
		former, err := tx.Meeting(at.Former)
		if errors.Is(err, store.ErrNotFound) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		at = former
	}
	return m, nil
}
