package store

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// change is an effect as rapid draws it.
type change struct {
	kind                  int
	meeting, session      int
	room, platform, other int
	minute                int
	fails                 bool
}

func drawChange(r *rapid.T) change {
	n := func(most int) int { return rapid.IntRange(0, most).Draw(r, "n") }
	return change{n(7), n(3), n(4), n(2), n(2), n(3), n(90), n(5) == 0}
}

// apply carries it out. What it reads decides what it writes, as in real effects.
func (c change) apply(tx *Tx) error {
	id, session := fmt.Sprint("m", c.meeting), fmt.Sprint("s", c.session)
	at := t0.Add(time.Duration(c.minute) * time.Minute)
	m, known, err := Found(tx.Meeting(id))
	if err != nil {
		return err
	}
	if !known {
		m = roster.Meeting{Meeting: app.Meeting{
			ID: id, Account: "daily", PlatformRoom: fmt.Sprint("p", c.platform), RoomID: fmt.Sprint("r", c.room), Status: app.Open,
		}}
	}
	p := provider.Participant{Session: session, Name: session, JoinedAt: at}
	s, _, err := Found(tx.Stay(id, session))
	if err != nil {
		return err
	}
	switch c.kind {
	case 0, 1:
		s.Joined(p, at, app.FromWebhook)
		m.Revive(at, at.Add(time.Hour))
	case 2:
		p.LeftAt, p.JoinedAt = at, time.Time{}
		s.Left(p, at, app.FromWebhook)
	case 3:
		m.RoomID = fmt.Sprint("r", c.room)
		m.Over(at, true)
	case 4:
		m.End(at, roster.ReasonGone, app.FromWebhook)
	case 5:
		s.Knocked(p, at)
	case 6:
		err = tx.PutGuest(fmt.Sprint("r", c.room), app.Guest{ID: session, CameAt: app.At(at)})
	case 7: // who is there is in the stay's name
		stays, failed := tx.Stays(id)
		meetings, failed2 := tx.RoomMeetings(m.RoomID)
		err = errors.Join(failed, failed2)
		p.Name = fmt.Sprint(len(stays), len(meetings))
		s.Joined(p, at, app.FromWebhook)
	}
	if s.Session != "" {
		err = errors.Join(err, tx.PutStay(id, s))
	}
	err = errors.Join(err, tx.PutMeeting(m))
	if other := fmt.Sprint("m", c.other); other != id && c.kind == 3 {
		if o, err := tx.Meeting(other); err == nil {
			o.RoomID = m.RoomID
			return errors.Join(err, tx.PutMeeting(o))
		}
	}
	if c.fails {
		return errors.Join(err, errors.New("it fails"))
	}
	return err
}

// content is all that effects change.
func content(t *testing.T, s *Store) map[string]string {
	out := make(map[string]string)
	if err := s.View(t.Context(), func(tx *Tx) error {
		for _, name := range [][]byte{bucketMeetings, bucketUnended, bucketRoomMeets, bucketPlatform, bucketStays, bucketGuests} {
			if err := tx.b.Bucket(name).ForEach(func(k, v []byte) error {
				out[fmt.Sprintf("%s %q", name, k)] = string(v)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// What effects leave doesn't depend on how they share commits, nor on what the writer remembers.
func TestEffectsLeaveTheSameInOneCommitAndInMany(t *testing.T) {
	if os.Getenv("GREENROOM_SOAK") == "" {
		if err := flag.Set("rapid.checks", "20"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		cold, warm := open(t, Options{}), open(t, Options{})
		for _, s := range []*Store{cold, warm} {
			s.log.within = time.Hour
			s.db.NoSync = true
			defer s.Close()
		}
		if rapid.Bool().Draw(r, "forgets") {
			warm.whole = 0
		}
		n := 0
		for range rapid.IntRange(1, 8).Draw(r, "commits") {
			var all []Entry
			for range rapid.IntRange(1, 6).Draw(r, "effects") {
				n++
				c := drawChange(r)
				e := Entry{Delivery: delivery(n), Effect: func(tx *Tx, _ *app.Delivery) error { return c.apply(tx) }}
				all = append(all, e)
				between(t, cold, func() { clear(cold.warm) })
				if _, err := cold.Append(t.Context(), e); err != nil {
					r.Fatal(err)
				}
			}
			if _, err := warm.AppendBatch(t.Context(), all); err != nil {
				r.Fatal(err)
			}
		}
		want, got := content(t, cold), content(t, warm)
		for k, v := range want {
			if got[k] != v {
				r.Errorf("%s is\n%s alone and\n%s in a commit", k, v, got[k])
			}
		}
		for k := range got {
			if _, ok := want[k]; !ok {
				r.Errorf("%s is only there in a commit", k)
			}
		}
	})
}
