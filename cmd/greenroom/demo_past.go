package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// pastDays is the number of days with past meetings in the demo.
const pastDays = 7

// pastMeeting is a meeting that took place on some days of the demo's past. Times are local.
type pastMeeting struct {
	room    string
	hour    int
	minute  int
	length  time.Duration
	people  []string
	days    func(time.Time) bool
	other   bool // on the second account
	deleted bool // the room was deleted
}

func pastMeetings() []pastMeeting {
	always := func(time.Time) bool { return true }
	on := func(days ...time.Weekday) func(time.Time) bool {
		return func(t time.Time) bool { return slices.Contains(days, t.Weekday()) }
	}
	return []pastMeeting{
		{room: "stand-up", hour: 9, minute: 30, length: 14 * time.Minute, people: []string{"Ada", "Grace", "Linus", "Zoë 渡辺", "Margaret"}, days: always},
		{room: "all-hands", hour: 11, length: 52 * time.Minute, days: on(time.Monday, time.Thursday),
			people: []string{"Ada", "Grace", "Linus", "Zoë 渡辺", "Margaret", "Ken", "Barbara", "Dennis", "Radia"}},
		{room: "design", hour: 15, length: 41 * time.Minute, people: []string{"Zoë 渡辺", "Grace", "Radia"}, days: on(time.Tuesday, time.Wednesday, time.Friday), other: true},
		{room: "office", hour: 17, minute: 15, length: 26 * time.Minute, people: []string{"Ken", "Ada"}, days: always},
		{room: "kick-off", hour: 10, length: 35 * time.Minute, people: []string{"Margaret", "Dennis", "Barbara"}, days: on(time.Wednesday), other: true, deleted: true},
	}
}

// seedPast stores a week of meetings with their participants and rooms, as if the platforms' webhooks had reported them, if the demo's store
// has no meetings.
func seedPast(ctx context.Context, path string, now time.Time) (err error) {
	s, err := store.Open(store.Options{Path: path})
	if err != nil {
		return fmt.Errorf("open the demo's store: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	known := false
	if err := s.View(ctx, func(tx *store.Tx) error {
		return tx.MeetingsBefore("", func(roster.Meeting) bool { known = true; return false })
	}); err != nil || known {
		return err
	}
	g := &past{random: rand.New(rand.NewPCG(demoSeed, 1)), rooms: map[string]app.Room{}}
	for day := pastDays; day >= 0; day-- {
		y, m, d := now.AddDate(0, 0, -day).Date()
		for _, p := range pastMeetings() {
			at := time.Date(y, m, d, p.hour, p.minute, 0, 0, now.Location())
			if !p.days(at) || at.Add(p.length+10*time.Minute).After(now) {
				continue
			}
			if err := s.Update(ctx, func(tx *store.Tx) error { return g.add(tx, p, at) }); err != nil {
				return err
			}
		}
	}
	return s.Update(ctx, func(tx *store.Tx) error {
		for _, p := range pastMeetings() {
			if r, ok := g.rooms[p.room]; ok && p.deleted {
				return tx.DeleteRoom(r)
			}
		}
		return nil
	})
}

// past creates the meetings of the demo's past: the same ones for the same days.
type past struct {
	random *rand.Rand
	rooms  map[string]app.Room
	n      byte
}

// id returns an id that sorts by time, like all ids.
func (g *past) id(at time.Time) string {
	g.n++
	return strings.ToLower(ulid.MustNew(ulid.Timestamp(at), constant(g.n)).String())
}

// constant is an endless stream of one byte.
type constant byte

func (c constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

// room returns the room of a past meeting, and creates it for the first one.
func (g *past) room(tx *store.Tx, p pastMeeting, account provider.Account, at time.Time) (app.Room, error) {
	if r, ok := g.rooms[p.room]; ok {
		return r, nil
	}
	r := app.Room{ID: g.id(at.Add(-time.Hour)), CreatedAt: app.At(at.Add(-time.Hour))}
	r.RoomSettings = demoRoom(p.room, account.Name)
	g.rooms[p.room] = r
	return r, tx.PutRoom(r)
}

// add stores a meeting with its people: most are on time, some are late, some lose their connection and rejoin.
func (g *past) add(tx *store.Tx, p pastMeeting, at time.Time) error {
	account, second := demoAccounts()
	if p.other {
		account = second
	}
	r, err := g.room(tx, p, account, at)
	if err != nil {
		return err
	}
	opened, end := at.Add(-4*time.Minute), at.Add(p.length)
	name := p.room + "-" + opened.UTC().Format("20060102150405")
	m := roster.Meeting{Meeting: app.Meeting{
		ID: g.id(opened), Room: r.Name, RoomID: r.ID, Account: account.Name, Platform: account.Platform, PlatformID: name, PlatformRoom: name,
		Status: app.Open, StartsAt: app.At(opened), EndsAt: app.At(at.Add(2 * time.Hour)), Recording: app.NotRecording,
		Record: r.Recording, Trigger: r.Trigger, Locked: r.Locked, Chosen: "set on the room", StatusSource: app.FromHere, EvidenceAt: app.At(opened),
	}}
	session := 0
	visit := func(who provider.Participant, from, to time.Time, why string) error {
		session++
		who.Session, who.JoinedAt = fmt.Sprintf("%s-%d", m.ID, session), from
		s := roster.Stay{Stay: app.Stay{Session: who.Session}}
		if r.Locked && who.Role != provider.RoleHost && who.Role != provider.RoleBot {
			s.Knocked(who, from.Add(-time.Duration(20+g.random.IntN(100))*time.Second))
		}
		s.Joined(who, from, app.FromWebhook)
		who.LeftAt, who.Reason = to, why
		s.Left(who, to, app.FromWebhook)
		m.Observed(to, app.FromWebhook)
		return tx.PutStay(m.ID, s)
	}
	for i, name := range p.people {
		who := provider.Participant{Name: name, UserID: "demo-" + name, Role: provider.RoleGuest}
		if i == 0 {
			who.Role = provider.RoleHost
		}
		from := at.Add(time.Duration(g.random.IntN(240)-90) * time.Second)
		to := end.Add(time.Duration(g.random.IntN(120)-60) * time.Second)
		switch lucky := g.random.IntN(6); {
		case i == 0:
			from, to = opened.Add(time.Minute), end.Add(time.Minute)
		case lucky == 0: // late
			from = from.Add(p.length / 3)
		case lucky == 1: // leaves early
			to = at.Add(p.length * 2 / 3)
		case lucky == 2: // rejoins after a lost connection
			broken := at.Add(p.length / 2)
			if err := visit(who, from, broken, provider.ReasonLost); err != nil {
				return err
			}
			from = broken.Add(time.Duration(30+g.random.IntN(200)) * time.Second)
		}
		if err := visit(who, from, to, provider.ReasonLeft); err != nil {
			return err
		}
	}
	if app.Recorded(r.Recording) {
		recorder := provider.Participant{Name: "Recorder", Role: provider.RoleBot, PlatformRole: "recorder"}
		if err := visit(recorder, at.Add(2*time.Minute), end, provider.ReasonLeft); err != nil {
			return err
		}
	}
	m.End(end.Add(2*time.Minute), roster.ReasonEndedHere, app.FromHere)
	return tx.PutMeeting(m)
}

// seedBookings plans meetings, one of them in five minutes, unless the demo has bookings.
func seedBookings(ctx context.Context, b app.Backend, now time.Time) error {
	had, err := b.Bookings(ctx, app.BookingQuery{})
	if err != nil || len(had) > 0 {
		return err
	}
	local := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }
	tomorrow := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	for _, s := range []app.BookingSpec{
		{Room: "stand-up", At: local(now.Truncate(time.Minute).Add(5 * time.Minute)), For: 15 * time.Minute, Every: "day",
			Expect: []app.Person{{Name: "Ada"}, {Name: "Grace"}, {Name: "Linus"}, {Name: "Zoë 渡辺"}, {Name: "Margaret"}}},
		{Room: "design", At: local(tomorrow.Add(14 * time.Hour)), For: 45 * time.Minute, Every: "week"},
		{Room: "all-hands", At: local(tomorrow.Add(34 * time.Hour)), For: time.Hour, Every: "month"},
	} {
		s.TimeZone = "UTC"
		if _, err := b.Book(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
