package hub

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// began is the earlier of two reported beginnings of a recording, the zero time meaning unknown. Platforms report whole
// seconds, and names of objects milliseconds: within one second the more exact one counts.
func began(a, b time.Time) time.Time {
	switch x, y := a.Truncate(time.Second), b.Truncate(time.Second); {
	case a.IsZero():
		return b
	case b.IsZero():
		return a
	case x.Equal(y):
		return later(a, b)
	case x.Before(y):
		return a
	}
	return b
}

// withSizes is files with the sizes that are known of them already where they tell none.
func withSizes(files, known []provider.RecordingFile) []provider.RecordingFile {
	out := slices.Clone(files)
	for i := range out {
		if f := fileOf(known, out[i].Key); f != nil && out[i].Size == 0 {
			out[i].Size = f.Size
		}
	}
	return out
}

// withObjects adds a bucket's objects to a recording's files. The platform's list of files is authoritative once it exists; it
// lacks only the sizes.
func withObjects(r app.Recording, objects []provider.RecordingFile) []provider.RecordingFile {
	out := slices.Clone(r.Files)
	for _, o := range objects {
		if f := fileOf(out, o.Key); f != nil {
			f.Size = max(f.Size, o.Size)
		} else if r.FromBucket {
			out = append(out, o)
		}
	}
	if r.FromBucket {
		slices.SortFunc(out, func(a, b provider.RecordingFile) int { return cmp.Compare(a.Key, b.Key) })
	}
	return out
}

func fileOf(files []provider.RecordingFile, key string) *provider.RecordingFile {
	for i := range files {
		if key != "" && files[i].Key == key {
			return &files[i]
		}
	}
	return nil
}

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

// unite makes found a part of r. Its id leads to r from now on, and its download becomes r's.
func unite(tx *store.Tx, m *roster.Meeting, r *app.Recording, found app.Recording) error {
	r.Aliases = append(slices.Clone(r.Aliases), append([]string{found.ID}, found.Aliases...)...)
	r.Files = withSizes(r.Files, found.Files)
	r.StartedAt = app.At(began(r.StartedAt.Time, found.StartedAt.Time))
	r.ObjectAt = app.At(later(r.ObjectAt.Time, found.ObjectAt.Time))
	if found.Kind != "tracks" {
		r.Status = further(r.Status, found.Status)
	}
	if err := uniteMeeting(tx, m, r, found); err != nil {
		return err
	}
	if r.IgnoredAt.IsZero() {
		r.IgnoredAt = found.IgnoredAt
	}
	if preferred(r.Download, found.Download) {
		if err := tx.MoveDownload(r.Account, found.ID, r.ID); err != nil {
			return err
		}
		r.Download = found.Download
	}
	return tx.DeleteRecording(found)
}

// uniteMeeting has the meeting that was found to be a recording's know it by its new id.
func uniteMeeting(tx *store.Tx, m *roster.Meeting, r *app.Recording, found app.Recording) error {
	if found.Meeting == "" {
		return nil
	}
	if m != nil && m.ID == found.Meeting {
		m.Recordings = slices.DeleteFunc(m.Recordings, func(id string) bool { return id == found.ID })
		return nil
	}
	other, err := tx.Meeting(found.Meeting)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	other.Recordings = slices.DeleteFunc(other.Recordings, func(id string) bool { return id == found.ID })
	if m == nil && (r.Meeting == "" || r.Meeting == other.ID) {
		r.Meeting, r.Room = other.ID, other.Room
		if !slices.Contains(other.Recordings, r.ID) {
			other.Recordings = append(other.Recordings, r.ID)
		}
	}
	return tx.PutMeeting(other)
}

// preferred reports whether the download of a recording found in a bucket is kept rather than the platform's own. One that
// has failed before anything came is not: the platform may have other ways to its files.
func preferred(own, found *app.Download) bool {
	switch {
	case found == nil, found.State == app.DownloadFailed && found.Bytes == 0:
		return false
	case own == nil:
		return true
	}
	return own.State != app.DownloadDone && (own.Bytes == 0 || found.State == app.DownloadDone)
}
