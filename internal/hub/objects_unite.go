package hub

import (
	"errors"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/store"
)

// uniteObjects finds out whether a recording of the platform's was found in a bucket before, under an id of our own, and
// makes one recording of both. m is r's meeting or nil; the caller writes it and r.
func (a *account) uniteObjects(tx *store.Tx, m *roster.Meeting, r *app.Recording) error {
	for _, f := range r.Files {
		if f.Key == "" {
			continue
		}
		found, err := tx.RecordingOf(a.Name, f.Key)
		if errors.Is(err, store.ErrNotFound) || err == nil && (found.ID == r.ID || !found.FromBucket) {
			continue
		}
		if err == nil {
			err = unite(tx, m, r, found)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unite makes found a part of r. Its id leads to r from now on, and its download may become r's.
func unite(tx *store.Tx, m *roster.Meeting, r *app.Recording, found app.Recording) error {
	moved := catalog.Unite(r, found)
	if err := uniteMeeting(tx, m, r, found); err != nil {
		return err
	}
	if moved {
		if err := tx.MoveDownload(r.Account, found.ID, r.ID); err != nil {
			return err
		}
	}
	return tx.DeleteRecording(found)
}

// uniteMeeting has the meeting that was found to be a recording's know it by its new id.
func uniteMeeting(tx *store.Tx, m *roster.Meeting, r *app.Recording, found app.Recording) error {
	if found.Meeting == "" {
		return nil
	}
	if m != nil && m.ID == found.Meeting {
		catalog.Forget(m, found.ID)
		return nil
	}
	other, err := tx.Meeting(found.Meeting)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	catalog.Forget(&other, found.ID)
	if m == nil && (r.Meeting == "" || r.Meeting == other.ID) {
		r.Meeting, r.Room = other.ID, other.Room
		if !slices.Contains(other.Recordings, r.ID) {
			other.Recordings = append(other.Recordings, r.ID)
		}
	}
	return tx.PutMeeting(other)
}
