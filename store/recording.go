package store

import (
	"encoding/binary"
	"errors"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider/object"
)

// Recording reads one recording, by its id or by one that it had before.
func (t *Tx) Recording(account, id string) (app.Recording, error) {
	raw := t.get(bucketRecordings, recordingKey(account, id))
	if raw == nil {
		raw = t.get(bucketRecordings, recordingKey(account, t.recordingID(account, id)))
	}
	return decode[app.Recording](raw)
}

// recordingID is the id by which a recording is known now; id itself unless it was known under that before.
func (t *Tx) recordingID(account, id string) string {
	if now := t.get(bucketRecAliases, recordingKey(account, id)); now != nil {
		return string(now)
	}
	return id
}

// PutRecording writes a recording. The objects that it consists of, and the ids that it had before, lead to it.
func (t *Tx) PutRecording(r app.Recording) error {
	if old, err := t.Recording(r.Account, r.ID); err == nil && !old.StartedAt.Equal(r.StartedAt.Time) {
		if err := t.del(bucketRecByTime, timeKey(old)); err != nil {
			return err
		}
	}
	if err := t.put(bucketRecByTime, timeKey(r), nil); err != nil {
		return err
	}
	if err := t.indexObjects(r); err != nil {
		return err
	}
	for _, id := range r.Aliases {
		if err := t.index(bucketRecAliases, recordingKey(r.Account, id), r.ID); err != nil {
			return err
		}
	}
	t.Changed(app.Change{Kind: app.RecordingChange, Recording: &r})
	return t.putJSON(bucketRecordings, recordingKey(r.Account, r.ID), r)
}

// DeleteRecording removes a recording that turned out to be another one. Its meeting and its objects are not touched; its
// download is lost unless it was moved.
func (t *Tx) DeleteRecording(r app.Recording) error {
	t.Changed(app.Change{Kind: app.RecordingChange, Recording: &r, Deleted: true})
	var dropped error
	if t.recordingID(r.Account, r.ID) == r.ID {
		dropped = t.dropDownload(r.Account, r.ID)
	}
	return errors.Join(dropped, t.del(bucketRecByTime, timeKey(r)),
		t.del(bucketRecordings, recordingKey(r.Account, r.ID)))
}

// RecordingOf finds the recording that the object of a key is of, [ErrNotFound] when none is known.
func (t *Tx) RecordingOf(account, key string) (app.Recording, error) {
	id := t.get(bucketRecObjects, recordingKey(account, object.Group(key)))
	if id == nil {
		return app.Recording{}, ErrNotFound
	}
	return t.Recording(account, string(id))
}

// objectsMost bounds the keys of objects that lead to their recording. S3's have at most 1,024 bytes.
const objectsMost = 4 << 10

func (t *Tx) indexObjects(r app.Recording) error {
	for _, f := range r.Files {
		if f.Key == "" || len(f.Key) > objectsMost {
			continue
		}
		if err := t.index(bucketRecObjects, recordingKey(r.Account, object.Group(f.Key)), r.ID); err != nil {
			return err
		}
	}
	return nil
}

func timeKey(r app.Recording) string {
	ms := max(r.StartedAt.UnixMilli(), 0)
	return string(binary.BigEndian.AppendUint64(nil, uint64(ms))) + "\x00" + r.Account + "\x00" + r.ID
}

// NewestRecordings visits all recordings, newest first, until visit returns false.
func (t *Tx) NewestRecordings(visit func(app.Recording) bool) error {
	c := t.b.Bucket(bucketRecByTime).Cursor()
	for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
		account, id, _ := strings.Cut(string(k[9:]), "\x00")
		r, err := t.Recording(account, id)
		if err != nil {
			return err
		}
		if !visit(r) {
			return nil
		}
	}
	return nil
}
