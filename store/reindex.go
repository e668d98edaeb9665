package store

import (
	"cmp"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/text/unicode/norm"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/internal/stable"
)

// reindex migrates version 3. There any write to a former meeting made it the current one of its platform room, the meetings of a
// deleted room could not be found by name, and two spellings of one name made two rooms.
func reindex(b *bolt.Tx) error {
	tx := &Tx{b: b, over: make(map[string]map[string][]byte)}
	if err := tx.reindexRooms(); err != nil {
		return err
	}
	if err := tx.reindexMeetings(); err != nil {
		return err
	}
	settled := &Tx{b: b, over: tx.over, meetings: tx.meetings}
	if _, err := settled.settle(make(warm), tx.stays); err != nil {
		return err
	}
	return settled.flush()
}

// reindexRooms rebuilds the index of rooms' names. Of two rooms whose names look the same, the later one is renamed.
func (t *Tx) reindexRooms() error {
	var rooms []app.Room
	if err := t.b.Bucket(bucketRooms).ForEach(func(_, v []byte) error {
		r, err := decode[app.Room](v)
		rooms = append(rooms, r)
		return err
	}); err != nil {
		return fmt.Errorf("a room: %w", err)
	}
	if err := t.b.Bucket(bucketRoomNames).ForEach(func(k, _ []byte) error { return t.del(bucketRoomNames, string(k)) }); err != nil {
		return err
	}
	stable.Sort(rooms, func(a, b app.Room) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt.Time), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range rooms {
		was := r.Name
		r.Name = norm.NFC.String(was)
		for n, base := 2, r.Name; t.get(bucketRoomNames, fold(r.Name)) != nil; n++ {
			r.Name = fmt.Sprintf("%s (%d)", base, n)
		}
		if err := errors.Join(t.put(bucketRoomNames, fold(r.Name), []byte(r.ID)), t.putJSON(bucketRooms, r.ID, r)); err != nil {
			return err
		}
		if r.Name == was {
			continue
		}
		if err := t.renameMeetings(r); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) renameMeetings(r app.Room) error {
	meetings, err := t.RoomMeetings(r.ID)
	for _, m := range meetings {
		m.Room = r.Name
		err = errors.Join(err, t.PutMeeting(m))
	}
	return err
}

// reindexMeetings rebuilds the index of platform rooms, links the meetings of each, and finds names for the meetings of deleted
// rooms.
func (t *Tx) reindexMeetings() error {
	if err := t.b.Bucket(bucketPlatform).ForEach(func(k, _ []byte) error { return t.del(bucketPlatform, string(k)) }); err != nil {
		return err
	}
	last := make(map[string]roster.Meeting)
	return t.b.Bucket(bucketMeetings).ForEach(func(k, _ []byte) error {
		m, err := t.Meeting(string(k))
		if err != nil {
			return fmt.Errorf("a meeting: %w", err)
		}
		if _, err := t.Room(m.RoomID); errors.Is(err, ErrNotFound) && m.Room != "" {
			err = t.put(bucketFormerNames, fold(m.Room), []byte(m.RoomID))
			if err != nil {
				return err
			}
		} else if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		room := platformKey(m.Account, "room", m.PlatformRoom)
		if former, ok := last[room]; ok && room != "" {
			if err := t.follow(former, &m); err != nil {
				return err
			}
		}
		last[room] = m
		for _, key := range []string{room, platformKey(m.Account, "id", m.PlatformID)} {
			if key == "" {
				continue
			}
			if err := t.index(bucketPlatform, key, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// follow makes m the meeting after former in their platform room. An open former one was abandoned: its people's events went to
// m.
func (t *Tx) follow(former roster.Meeting, m *roster.Meeting) error {
	if former.Status != app.Ended {
		former.End(m.StartsAt.Time, roster.ReasonGone, app.FromPlatform)
		if err := t.PutMeeting(former); err != nil {
			return err
		}
	}
	m.Follow(former, m.StartsAt.Time)
	return t.PutMeeting(*m)
}
