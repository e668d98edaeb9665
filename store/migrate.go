package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/boltfile"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// schema is the version of the layout that this program writes. Deliveries aren't part of it: their rows of all versions are read
// leniently, so a migration never has to touch a million of them.
const schema = 9

// migrations[n] migrates a file from version n to n+1, each in one transaction.
var migrations = []func(*bolt.Tx) error{0: addPlatforms, 1: bucketsOnly, 2: addObjects, 3: reindex, 4: bucketsOnly, 5: bucketsOnly, 6: bucketsOnly, 7: addPages, 8: bucketsOnly}

func (s *Store) migrate() error {
	version, fresh := -1, false
	err := s.db.View(func(b *bolt.Tx) error {
		version = schemaOf(b)
		fresh = version == 0 && b.Bucket(bucketRooms) == nil && b.Bucket(bucketMeetings) == nil
		size, err := sizeOf(s.db.Path)
		if err == nil && fresh && size > maxEmpty {
			err = kind.Damaged(s.opt.Path, "it is empty")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("store: read the schema: %w", err)
	}
	if version > schema {
		return fmt.Errorf("%w: it has schema %d and this program knows %d; update Greenroom", ErrNewer, version, schema)
	}
	if version == schema {
		return s.complete()
	}
	if s.opt.ReadOnly {
		return fmt.Errorf("%w: %s was written by an earlier Greenroom and must be migrated first", ErrReadOnly, s.opt.Path)
	}
	if fresh {
		version = schema
	} else {
		s.setAside(version)
	}
	for ; version < schema; version++ {
		if err := s.db.Update(func(b *bolt.Tx) error {
			if err := makeBuckets(b); err != nil {
				return err
			}
			if err := migrations[version](b); err != nil {
				return err
			}
			return putSchema(b, version+1)
		}); err != nil {
			return fmt.Errorf("store: migrate from schema %d: %w", version, err)
		}
	}
	if fresh {
		if err := s.db.Update(func(b *bolt.Tx) error {
			if err := makeBuckets(b); err != nil {
				return err
			}
			return putSchema(b, schema)
		}); err != nil {
			return err
		}
	}
	return boltfile.Seal(s.db.DB)
}

// maxEmpty is the largest file that may be empty: created by an earlier version that ended immediately. A larger one has lost its
// content.
const maxEmpty = 128 << 10

// complete checks that a file has every part that every store has.
func (s *Store) complete() error {
	return s.db.View(func(b *bolt.Tx) error {
		for _, name := range allBuckets {
			if b.Bucket(name) == nil {
				return kind.Damaged(s.opt.Path, fmt.Sprintf("its %s are missing", name))
			}
		}
		return nil
	})
}

// setAside copies the file if space allows: the migration is one transaction and can do without.
func (s *Store) setAside(version int) {
	to := fmt.Sprintf("%s.v%d", s.db.Path, version)
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	err = s.db.View(func(b *bolt.Tx) error {
		_, err := b.WriteTo(f)
		return err
	})
	if errors.Join(err, f.Close()) != nil {
		os.Remove(to)
	}
}

func makeBuckets(b *bolt.Tx) error {
	for _, name := range allBuckets {
		if _, err := b.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("store: make %s: %w", name, err)
		}
	}
	return nil
}

func schemaOf(b *bolt.Tx) int {
	meta := b.Bucket(bucketMeta)
	if meta == nil {
		return 0
	}
	n, err := strconv.Atoi(string(meta.Get(keySchema)))
	if err != nil {
		return 0
	}
	return n
}

func putSchema(b *bolt.Tx, n int) error {
	return b.Bucket(bucketMeta).Put(keySchema, []byte(strconv.Itoa(n)))
}

// bucketsOnly migrates versions that lack only buckets, which are created before every migration: 1 had no downloads, 4 no forwards,
// 5 no bookings and no calendars. Version 6 has segments with facets instead of columns: those remain, and new deliveries begin a new
// segment. Version 8 would ignore the redo log.
func bucketsOnly(*bolt.Tx) error { return nil }

// addPages migrates version 7, in which rooms had no pages.
func addPages(b *bolt.Tx) error {
	tx := &Tx{b: b, over: make(map[string]map[string][]byte)}
	if err := b.Bucket(bucketRooms).ForEach(func(id, _ []byte) error { return tx.ensurePage(string(id)) }); err != nil {
		return err
	}
	return tx.flush()
}

// addObjects migrates version 2, which didn't find recordings by their objects.
func addObjects(b *bolt.Tx) error {
	tx := &Tx{b: b, over: make(map[string]map[string][]byte)}
	if err := b.Bucket(bucketRecordings).ForEach(func(_, v []byte) error {
		r, err := decode[app.Recording](v)
		if err != nil {
			return fmt.Errorf("a recording: %w", err)
		}
		return tx.indexObjects(r)
	}); err != nil {
		return err
	}
	return tx.flush()
}

// addPlatforms migrates version 0, which knew only Whereby: rooms by id, meetings by id with the room's id, no platform, no
// account, no indexes. Meetings of that time are Whereby's; rooms follow the policy from now on.
func addPlatforms(b *bolt.Tx) error {
	tx := &Tx{b: b, over: make(map[string]map[string][]byte)}
	if err := b.Bucket(bucketRooms).ForEach(func(_, v []byte) error {
		var r app.Room
		if err := json.Unmarshal(v, &r); err != nil {
			return fmt.Errorf("a room: %w", err)
		}
		r.Account = ""
		if r.Recording == "" {
			r.Recording = provider.RecordingNone
		}
		if r.Trigger == "" {
			r.Trigger = provider.TriggerNone
		}
		return tx.PutRoom(r)
	}); err != nil {
		return err
	}
	if err := b.Bucket(bucketMeetings).ForEach(func(_, v []byte) error {
		var m roster.Meeting
		if err := json.Unmarshal(v, &m); err != nil {
			return fmt.Errorf("a meeting: %w", err)
		}
		if m.Platform == "" {
			m.Platform, m.Account = provider.Whereby, string(provider.Whereby)
		}
		if m.Status == "" {
			m.Status = app.Open
		}
		if m.Recording == "" {
			m.Recording = app.NotRecording
		}
		if r, err := tx.Room(m.RoomID); err == nil {
			m.Room = r.Name
		}
		return tx.PutMeeting(m)
	}); err != nil {
		return err
	}
	settled := &Tx{b: b, over: tx.over, meetings: tx.meetings}
	if _, err := settled.settle(make(warm), tx.stays); err != nil {
		return err
	}
	return settled.flush()
}
