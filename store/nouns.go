package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/text/unicode/norm"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// Room reads a room by its id.
func (t *Tx) Room(id string) (app.Room, error) {
	r, err := decode[app.Room](t.get(bucketRooms, id))
	if err == nil && r.Link == "" { // stored before rooms had one
		if r.Link = app.LinkNew; r.Adopted {
			r.Link = app.LinkLasting
		}
	}
	return r, err
}

// RoomByName finds a room by its name, ignoring case.
func (t *Tx) RoomByName(name string) (app.Room, error) {
	id := t.get(bucketRoomNames, fold(name))
	if id == nil {
		return app.Room{}, ErrNotFound
	}
	return t.Room(string(id))
}

// Rooms lists all rooms in the order of their names.
func (t *Tx) Rooms() ([]app.Room, error) {
	out, err := collect(t, bucketRoomNames, "", func(_ string, id []byte) (app.Room, error) { return t.Room(string(id)) })
	return append([]app.Room{}, out...), err
}

// PutRoom writes a room. A name that another room has is an error.
func (t *Tx) PutRoom(r app.Room) error {
	if id := t.get(bucketRoomNames, fold(r.Name)); id != nil && string(id) != r.ID {
		return fmt.Errorf("store: a room named %q already exists", r.Name)
	}
	if old, err := t.Room(r.ID); err == nil && fold(old.Name) != fold(r.Name) {
		if err := t.del(bucketRoomNames, fold(old.Name)); err != nil {
			return err
		}
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := t.put(bucketRoomNames, fold(r.Name), []byte(r.ID)); err != nil {
		return err
	}
	if err := t.ensurePage(r.ID); err != nil {
		return err
	}
	t.Changed(app.Change{Kind: app.RoomChange, Room: &r})
	return t.putJSON(bucketRooms, r.ID, r)
}

// DeleteRoom removes a room. Its meetings stay as history, and [Tx.FormerRoom] still finds them by the room's name.
func (t *Tx) DeleteRoom(r app.Room) error {
	t.Changed(app.Change{Kind: app.RoomChange, Room: &r, Deleted: true})
	return errors.Join(t.del(bucketRoomNames, fold(r.Name)), t.del(bucketRooms, r.ID),
		t.put(bucketFormerNames, fold(r.Name), []byte(r.ID)))
}

// FormerRoom returns the id of the last deleted room of this name, or [ErrNotFound].
func (t *Tx) FormerRoom(name string) (string, error) {
	id := t.get(bucketFormerNames, fold(name))
	if id == nil {
		return "", ErrNotFound
	}
	return string(id), nil
}

// fold returns the canonical form of a name: names that look the same, ignoring case and composition, have the same form.
func fold(name string) string { return norm.NFC.String(strings.ToLower(norm.NFC.String(name))) }

// Meeting reads a meeting with its evidence.
func (t *Tx) Meeting(id string) (roster.Meeting, error) {
	if known := t.recall(id); known != nil {
		m := *known
		m.Marks, m.Recordings = slices.Clone(m.Marks), slices.Clone(m.Recordings)
		return m, nil
	}
	return decode[roster.Meeting](t.get(bucketMeetings, id))
}

// MeetingsByPrefix reads the meetings whose ids begin with prefix, oldest first, at most limit.
func (t *Tx) MeetingsByPrefix(prefix string, limit int) ([]roster.Meeting, error) {
	var ids []string
	t.scan(bucketMeetings, prefix, func(id string, _ []byte) bool {
		ids = append(ids, id)
		return len(ids) < limit
	})
	out := make([]roster.Meeting, 0, len(ids))
	for _, id := range ids {
		m, err := t.Meeting(id)
		if err != nil {
			return out, err
		}
		out = append(out, m)
	}
	return out, nil
}

// MeetingByPlatform finds the current meeting of a platform's room by the room's name or, if that is unknown, by its id: the open
// or live meeting, else the latest.
func (t *Tx) MeetingByPlatform(account, room, id string) (roster.Meeting, error) {
	for _, k := range []string{platformKey(account, "room", room), platformKey(account, "id", id)} {
		if found := t.get(bucketPlatform, k); k != "" && found != nil {
			return t.Meeting(string(found))
		}
	}
	return roster.Meeting{}, ErrNotFound
}

func platformKey(account, kind, name string) string {
	if name == "" {
		return ""
	}
	return account + "\x00" + kind + "\x00" + name
}

// PutMeeting writes a meeting, which is settled before the commit.
func (t *Tx) PutMeeting(m roster.Meeting) error {
	old, fresh := t.recall(m.ID), false
	indexed := old != nil && old.RoomID == m.RoomID && old.Status == m.Status
	if old == nil {
		stored, err := t.Meeting(m.ID)
		old, fresh = &stored, errors.Is(err, ErrNotFound)
	}
	if err := t.indexPlatform(&m, fresh); err != nil {
		return err
	}
	if !indexed {
		if err := errors.Join(t.indexRoom(old.RoomID, &m), t.indexUnended(&m)); err != nil {
			return err
		}
	}
	if err := t.adoptGuests(&m); err != nil {
		return err
	}
	if t.meetings == nil {
		t.meetings = make(map[string]*roster.Meeting)
	}
	t.meetings[m.ID] = &m
	t.Touch(m.ID)
	return nil
}

// indexRoom makes m a meeting of its room, and no more of the one that it was of.
func (t *Tx) indexRoom(was string, m *roster.Meeting) error {
	if was != "" && was != m.RoomID {
		if err := t.del(bucketRoomMeets, was+"\x00"+m.ID); err != nil {
			return err
		}
	}
	return t.index(bucketRoomMeets, m.RoomID+"\x00"+m.ID, "")
}

// indexPlatform makes m the current meeting of its platform room, unless another one is: a former meeting that gets late evidence
// or an answer never becomes current again. fresh means that m is new.
func (t *Tx) indexPlatform(m *roster.Meeting, fresh bool) error {
	for _, k := range []string{
		platformKey(m.Account, "room", m.PlatformRoom), platformKey(m.Account, "id", m.PlatformID),
	} {
		if k == "" {
			continue
		}
		if id := t.get(bucketPlatform, k); id != nil && string(id) != m.ID {
			had, err := t.Meeting(string(id))
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if err == nil && !supersedes(m, &had, fresh) {
				continue
			}
		}
		if err := t.index(bucketPlatform, k, m.ID); err != nil {
			return err
		}
	}
	return nil
}

// supersedes reports whether m follows had in their platform room. fresh means that m is new.
func supersedes(m, had *roster.Meeting, fresh bool) bool {
	return m.Status != app.Ended && (fresh || had.Status == app.Ended)
}

func (t *Tx) indexUnended(m *roster.Meeting) error {
	if m.Status != app.Ended {
		return t.index(bucketUnended, m.ID, "")
	}
	if t.get(bucketUnended, m.ID) == nil {
		return nil
	}
	return t.del(bucketUnended, m.ID)
}

// writeMeeting encodes a settled meeting.
func (t *Tx) writeMeeting(m *roster.Meeting) error {
	return errors.Join(t.indexUnended(m), t.putJSON(bucketMeetings, m.ID, m))
}

// Touch makes the commit settle a meeting.
func (t *Tx) Touch(meeting string) {
	if t.stays == nil {
		t.stays = make(map[string][]*roster.Stay)
	}
	t.stays[meeting] = append(t.stays[meeting], nil...)
}

// Unended lists the open and live meetings, oldest first.
func (t *Tx) Unended() ([]roster.Meeting, error) {
	return t.meetingsIn(bucketUnended, "", func(k string) string { return k })
}

// RoomMeetings lists a room's meetings, oldest first.
func (t *Tx) RoomMeetings(roomID string) ([]roster.Meeting, error) {
	prefix := roomID + "\x00"
	return t.meetingsIn(bucketRoomMeets, prefix, func(k string) string { return k[len(prefix):] })
}

// LatestOf reads a room's latest meeting.
func (t *Tx) LatestOf(roomID string) (roster.Meeting, error) {
	prefix := roomID + "\x00"
	if t.over == nil {
		c := t.b.Bucket(bucketRoomMeets).Cursor()
		k, _ := c.Seek([]byte(roomID + "\x01"))
		if k == nil {
			k, _ = c.Last()
		} else {
			k, _ = c.Prev()
		}
		if id, ok := strings.CutPrefix(string(k), prefix); ok {
			return t.Meeting(id)
		}
		return roster.Meeting{}, ErrNotFound
	}
	last := ""
	t.scan(bucketRoomMeets, prefix, func(k string, _ []byte) bool { last = k[len(prefix):]; return true })
	return t.Meeting(last)
}

func (t *Tx) meetingsIn(bucket []byte, prefix string, id func(string) string) ([]roster.Meeting, error) {
	return collect(t, bucket, prefix, func(k string, _ []byte) (roster.Meeting, error) { return t.Meeting(id(k)) })
}

// MeetingsBefore visits the meetings that are older than the one of an id, or all if it is empty, newest first, until visit
// returns false.
func (t *Tx) MeetingsBefore(id string, visit func(roster.Meeting) bool) error {
	c := t.b.Bucket(bucketMeetings).Cursor()
	k, v := c.Last()
	if id != "" {
		if found, _ := c.Seek([]byte(id)); found == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
	}
	for ; k != nil; k, v = c.Prev() {
		m, err := decode[roster.Meeting](v)
		if err != nil {
			return err
		}
		if !visit(m) {
			return nil
		}
	}
	return nil
}

// Stay reads one stay, or returns [ErrNotFound].
func (t *Tx) Stay(meeting, session string) (roster.Stay, error) {
	if s, known := t.recallStay(meeting, session); s != nil {
		return *s.Clone(), nil
	} else if known {
		return roster.Stay{}, ErrNotFound
	}
	return decode[roster.Stay](t.get(bucketStays, meeting+"\x00"+session))
}

// PutStay writes a stay. The commit settles its meeting and encodes it.
func (t *Tx) PutStay(meeting string, s roster.Stay) error {
	if t.over == nil {
		return bolterrors.ErrTxNotWritable
	}
	if n := len(meeting) + 1 + len(s.Session); n > bolt.MaxKeySize {
		return errKey(bucketStays, n)
	}
	t.Touch(meeting)
	t.stays[meeting] = append(t.stays[meeting], &s)
	return nil
}

// Stays lists a meeting's stays in no particular order.
func (t *Tx) Stays(meeting string) ([]*roster.Stay, error) { return t.staysOf(meeting, false) }

// Staying lists the stays of a meeting that have no end, and maybe others, in no particular order. It costs an effect little where most
// have left a large meeting.
func (t *Tx) Staying(meeting string) ([]*roster.Stay, error) { return t.staysOf(meeting, true) }

func (t *Tx) staysOf(meeting string, staying bool) ([]*roster.Stay, error) {
	var known []*roster.Stay
	if m := t.cached(meeting); m != nil && (staying || m.tally.Whole()) {
		known = m.tally.Held()
	} else {
		stored, err := t.storedStays(meeting)
		if err != nil || t.over == nil {
			return stored, err
		}
		known = stored
	}
	all := roster.NewTally(nil)
	for _, s := range slices.Concat(known, t.earlier[meeting], t.stays[meeting]) {
		all.Put(s.Clone())
	}
	return all.Stays(), nil
}

func (t *Tx) storedStays(meeting string) ([]*roster.Stay, error) {
	return collect(t, bucketStays, meeting+"\x00", func(_ string, raw []byte) (*roster.Stay, error) {
		s, err := decode[roster.Stay](raw)
		return &s, err
	})
}

// Present lists the stays of a meeting that have no end, in no particular order, without those that an effect puts. It costs little
// where most have left.
func (t *Tx) Present(meeting string) ([]*roster.Stay, error) {
	var out []*roster.Stay
	var failed error
	t.scan(bucketStays, meeting+"\x00", func(_ string, raw []byte) bool {
		if gjson.GetBytes(raw, "left_at").Type != gjson.Null {
			return true
		}
		s, err := decode[roster.Stay](raw)
		out, failed = append(out, &s), err
		return err == nil
	})
	return out, failed
}

// StayNames lists the names of a meeting's stays, in no particular order. It reads nothing else of them: searches look through many.
func (t *Tx) StayNames(meeting string) (names []string) {
	t.scan(bucketStays, meeting+"\x00", func(_ string, v []byte) bool {
		names = append(names, gjson.GetBytes(v, "name").String())
		return true
	})
	return names
}
