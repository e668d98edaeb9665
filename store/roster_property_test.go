package store

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// gathering is a meeting that is settled from all of its stays each time: independent of what the store remembers and forgets.
type gathering struct {
	meeting roster.Meeting
	stays   map[string]*roster.Stay
}

func (g *gathering) settle() {
	var all []*roster.Stay
	for _, s := range g.stays {
		all = append(all, s)
	}
	roster.NewTally(all).Settle(&g.meeting)
}

// happening is something that happens in a meeting, and how it changes the meeting and one of its stays.
type happening struct {
	name string
	do   func(m *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time)
}

var happenings = []happening{
	{"join", func(_ *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time) {
		p.JoinedAt = at
		s.Joined(p, at, app.FromWebhook)
	}},
	{"leave", func(_ *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time) {
		p.LeftAt = at
		s.Left(p, at, app.FromWebhook)
	}},
	{"come and go", func(_ *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time) {
		p.JoinedAt, p.LeftAt = at, at.Add(3*time.Second)
		s.Left(p, at, app.FromWebhook)
	}},
	{"knock", func(_ *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time) { s.Knocked(p, at) }},
	{"stop waiting", func(_ *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time) { s.GaveUp(p, at) }},
	{"seen", func(_ *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time) { s.Seen(p, at) }},
	{"lacked", func(_ *roster.Meeting, s *roster.Stay, _ provider.Participant, at time.Time) {
		if s.Session != "" {
			s.Lacked(at, 0)
		}
	}},
	{"recalled", func(_ *roster.Meeting, s *roster.Stay, p provider.Participant, at time.Time) {
		p.JoinedAt, p.LeftAt = at, at.Add(7*time.Second)
		s.Recalled(p, 5*time.Second)
	}},
	{"start", func(m *roster.Meeting, _ *roster.Stay, _ provider.Participant, at time.Time) { m.Started(at) }},
	{"empty", func(m *roster.Meeting, _ *roster.Stay, _ provider.Participant, at time.Time) { m.Over(at, true) }},
	{"end", func(m *roster.Meeting, _ *roster.Stay, _ provider.Participant, at time.Time) {
		m.End(at, roster.ReasonExpired, app.FromClock)
	}},
	{"revive", func(m *roster.Meeting, _ *roster.Stay, _ provider.Participant, at time.Time) {
		m.Revive(at, t0.Add(time.Hour))
	}},
}

var errEffect = errors.New("the effect fails")

// Whatever happens in meetings, in whatever commits: the store shows what follows from all evidence, though it reads and remembers only a
// part of the stays. Effects that fail or panic change nothing.
func TestMeetingsAreSettledAsIfAllWereRead(t *testing.T) {
	if os.Getenv("GREENROOM_SOAK") == "" {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			t.Fatal(err)
		}
	}
	dir, stores := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		stores++
		path := filepath.Join(dir, fmt.Sprint(stores))
		whole := rapid.IntRange(0, 4).Draw(r, "whole")
		begin := func() *Store {
			s, err := Open(Options{Path: path})
			if err != nil {
				r.Fatal(err)
			}
			s.db.NoSync, s.whole, s.log.within = true, whole, time.Hour
			return s
		}
		s := begin()
		defer func() { _ = s.Close() }()
		want := map[string]*gathering{}
		n := 0
		few := rapid.Bool().Draw(r, "few kinds")
		for range rapid.IntRange(1, 25).Draw(r, "commits") {
			var batch []Entry
			touched := map[string]bool{}
			for range rapid.IntRange(1, 5).Draw(r, "events") {
				id, session := fmt.Sprint("m", rapid.IntRange(0, 1).Draw(r, "meeting")), fmt.Sprint("s", rapid.IntRange(0, 7).Draw(r, "session"))
				most := len(happenings) - 1
				if few {
					most = 2
				}
				h := happenings[rapid.IntRange(0, most).Draw(r, "what")]
				at := t0.Add(time.Duration(rapid.IntRange(0, 100).Draw(r, "at")) * time.Second)
				p := provider.Participant{Session: session, Name: session}
				if session == "s7" {
					p.Role, p.PlatformRole = provider.RoleBot, "recorder"
				}
				fate := rapid.SampledFrom([]string{"", "", "", "", "", "fails", "panics", "too long"}).Draw(r, "fate")
				n++
				e := Entry{Delivery: delivery(n)}
				e.Effect = func(tx *Tx, _ *app.Delivery) error {
					m, known, err := Found(tx.Meeting(id))
					if err != nil {
						return err
					}
					if !known {
						m = roster.Meeting{Meeting: app.Meeting{ID: id, Status: app.Open}}
					}
					stay, _, err := Found(tx.Stay(id, session))
					if err != nil {
						return err
					}
					h.do(&m, &stay, p, at)
					if stay.Session != "" {
						err = tx.PutStay(id, stay)
					}
					if err = errors.Join(err, tx.PutMeeting(m)); err != nil {
						return err
					}
					switch fate {
					case "fails":
						return errEffect
					case "panics":
						panic("an effect panics")
					case "too long":
						return tx.PutStay(id, roster.Stay{Stay: app.Stay{Session: strings.Repeat("x", bolt.MaxKeySize)}})
					}
					return nil
				}
				batch = append(batch, e)
				if fate != "" {
					continue
				}
				g := want[id]
				if g == nil {
					g = &gathering{roster.Meeting{Meeting: app.Meeting{ID: id, Status: app.Open}}, map[string]*roster.Stay{}}
					want[id] = g
				}
				touched[id] = true
				stay := &roster.Stay{}
				if had := g.stays[session]; had != nil {
					stay = had.Clone()
				}
				h.do(&g.meeting, stay, p, at)
				if stay.Session != "" {
					g.stays[session] = stay
				}
			}
			got, err := s.AppendBatch(context.Background(), batch)
			if err != nil {
				r.Fatal(err)
			}
			for _, a := range got {
				if a.Err != nil || a.Delivery.Seq == 0 {
					r.Fatalf("%+v", a)
				}
			}
			for id := range touched {
				want[id].settle()
			}
			if rapid.IntRange(0, 9).Draw(r, "reopen") == 0 {
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				s = begin()
			}
			if rapid.Bool().Draw(r, "look") {
				look(r, s, want)
			}
		}
		look(r, s, want)
		if found, err := s.Check(context.Background()); err != nil || len(found) > 0 {
			r.Fatalf("%v, %v", found, err)
		}
	})
}

// look compares what readers and effects see with what is expected.
func look(r *rapid.T, s *Store, want map[string]*gathering) {
	same := cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmp.Comparer(func(a, b app.Time) bool { return a.Equal(b.Time) })}
	read := func(tx *Tx) error {
		for id, g := range want {
			m, err := tx.Meeting(id)
			if err != nil {
				return err
			}
			if d := cmp.Diff(g.meeting, m, same); d != "" {
				return fmt.Errorf("%s: %s", id, d)
			}
			stays, err := tx.Stays(id)
			if err != nil {
				return err
			}
			got, here := map[string]*roster.Stay{}, 0
			staying, err := tx.Staying(id)
			if err != nil {
				return err
			}
			for _, st := range staying {
				if g.stays[st.Session].Present() {
					here++
				}
			}
			for _, st := range stays {
				if st.Present() {
					here--
				}
				if got[st.Session] != nil {
					return fmt.Errorf("%s is there twice", st.Session)
				}
				got[st.Session] = st
				one, err := tx.Stay(id, st.Session)
				if err != nil || cmp.Diff(*st, one, same) != "" {
					return fmt.Errorf("%s: %v, %v", st.Session, one, err)
				}
			}
			if d := cmp.Diff(g.stays, got, same); d != "" || here != 0 {
				return fmt.Errorf("%s: %s", id, d)
			}
		}
		return nil
	}
	if err := s.View(context.Background(), read); err != nil {
		r.Fatal("a reader: ", err)
	}
	if err := s.Update(context.Background(), read); err != nil {
		r.Fatal("the writer: ", err)
	}
}
