package hub

import (
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/store"
)

// uniteObjects merges recordings that were found in a bucket, under our own ids, into the platform's recording r of the same files. m
// is r's meeting or nil; the caller writes both.
func (a *account) uniteObjects(tx *store.Tx, m *roster.Meeting, r *app.Recording) error {
	for _, f := range r.Files {
		if f.Key == "" {
			continue
		}
		found, known, err := store.Found(tx.RecordingOf(a.Name, f.Key))
		if known && found.ID != r.ID && found.FromBucket {
			err = unite(tx, m, r, found)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unite merges found into r. Its id becomes an alias of r, and its download may become r's.
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

// uniteMeeting replaces the id of found in its meeting by that of r.
func uniteMeeting(tx *store.Tx, m *roster.Meeting, r *app.Recording, found app.Recording) error {
	if found.Meeting == "" {
		return nil
	}
	if m != nil && m.ID == found.Meeting {
		catalog.Forget(m, found.ID)
		return nil
	}
	other, known, err := store.Found(tx.Meeting(found.Meeting))
	if !known {
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
