package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// pastDays is how many days of meetings the demo looks back on.
const pastDays = 7

// pastMeeting is a meeting that the demo's past has on some days. Times are local.
type pastMeeting struct {
	room    string
	hour    int
	minute  int
	length  time.Duration
	people  []string
	days    func(time.Time) bool
	other   bool // on the second account
	deleted bool // its room is
}

func pastMeetings() []pastMeeting {
	always := func(time.Time) bool { return true }
	on := func(days ...time.Weekday) func(time.Time) bool {
		return func(t time.Time) bool {
			for _, d := range days {
				if t.Weekday() == d {
					return true
				}
			}
			return false
		}
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

// seedPast stores a week of meetings in a demo's store that has none: who was there when, as the platforms' webhooks would have reported
// it. The rooms are made with them, and one is deleted again.
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

// past makes the meetings of the demo's past. It is the same each time for the same days.
type past struct {
	random *rand.Rand
	rooms  map[string]app.Room
	n      byte
}

// id makes an id that sorts by time, as all ids do.
func (g *past) id(at time.Time) string {
	g.n++
	return strings.ToLower(ulid.MustNew(ulid.Timestamp(at), constant(g.n)).String())
}

// constant is an endless row of one byte.
type constant byte

func (c constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

// room returns the room of a past meeting, made when it was needed first.
func (g *past) room(tx *store.Tx, p pastMeeting, account provider.Account, at time.Time) (app.Room, error) {
	if r, ok := g.rooms[p.room]; ok {
		return r, nil
	}
	r := app.Room{ID: g.id(at.Add(-time.Hour)), CreatedAt: app.At(at.Add(-time.Hour))}
	r.RoomSettings = demoRoom(p.room, account.Name)
	g.rooms[p.room] = r
	return r, tx.PutRoom(r)
}

// add stores one meeting with its people: most come on time, some late, some lose their connection and come back.
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
		case lucky == 2: // is back after a broken connection
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

// seedBookings plans what is ahead in the demo, unless something is planned: a meeting in five minutes among others.
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
