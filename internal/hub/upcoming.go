package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/internal/latin"
	"greenroom/provider"
	"greenroom/store"
)

const (
	upcomingDays = 7
	maxDays      = 366
	maxUpcoming  = 5000
)

// coming collects what takes place.
type coming struct {
	h        *Hub
	from, to time.Time
	local    *time.Location
	items    []app.UpcomingItem
	notes    []string
	// meetings are the ids of those that have a line.
	meetings map[string]bool
	links    map[string]app.Meeting // open meetings by their guest link
	rooms    map[string]string      // names of rooms by their lasting links, and by the tokens of their pages
	uids     map[string]bool        // of our bookings
	busy     []calendar.Busy
}

// Upcoming lists what takes place; see [app.Backend].
func (h *Hub) Upcoming(ctx context.Context, q app.UpcomingQuery) (app.Upcoming, error) {
	c := &coming{h: h, from: h.clock.Now(), local: time.UTC, meetings: make(map[string]bool), links: make(map[string]app.Meeting), rooms: make(map[string]string), uids: make(map[string]bool)}
	days := cmp.Or(q.Days, upcomingDays)
	if days < 1 || days > maxDays {
		return app.Upcoming{}, app.Errorf(provider.Invalid, "", "the number of days can't be %[2]d: use 1 to %[1]d", maxDays, days)
	}
	if q.TimeZone != "" {
		if c.local = calendar.Zone(q.TimeZone); c.local == nil {
			return app.Upcoming{}, app.Errorf(provider.Invalid, "", "there is no time zone %q", q.TimeZone)
		}
	}
	c.to = c.from.AddDate(0, 0, days)
	if !q.Offline {
		h.calendars.refresh(ctx, fresh)
	}
	calendars, err := h.calendars.all(ctx)
	if err != nil {
		return app.Upcoming{}, err
	}
	if err := h.store.View(ctx, func(tx *store.Tx) error { return errors.Join(c.bookings(tx), c.open(tx), c.places(tx)) }); err != nil {
		return app.Upcoming{}, err
	}
	c.calendars(calendars)
	c.sort()
	if len(c.items) > maxUpcoming {
		c.notes = append(c.notes, fmt.Sprintf("Only the first %d of %d are listed.", maxUpcoming, len(c.items)))
		c.items, c.busy = c.items[:maxUpcoming], c.busy[:maxUpcoming]
	}
	for i, others := range calendar.Conflicts(c.busy) {
		c.items[i].Conflicts = []string{}
		for _, o := range others {
			c.items[i].Conflicts = append(c.items[i].Conflicts, c.items[o].Title)
		}
	}
	return app.Upcoming{Items: append([]app.UpcomingItem{}, c.items...), Notes: c.notes}, nil
}

// add adds a line. One that doesn't occupy its time conflicts with nothing.
func (c *coming) add(item app.UpcomingItem, free bool) {
	b := calendar.Busy{Start: item.At.Time, End: item.EndsAt.Time}
	if free || item.AllDay {
		b.End = b.Start
	}
	c.items, c.busy = append(c.items, item), append(c.busy, b)
}

func (c *coming) sort() {
	order := make([]int, len(c.items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := c.items[a], c.items[b]
		return cmp.Or(x.At.Compare(y.At.Time), x.EndsAt.Compare(y.EndsAt.Time), cmp.Compare(x.Title, y.Title))
	})
	items, busy := make([]app.UpcomingItem, len(order)), make([]calendar.Busy, len(order))
	for i, n := range order {
		items[i], busy[i] = c.items[n], c.busy[n]
	}
	c.items, c.busy = items, busy
}

// bookings adds their occurrences, each with its meeting.
func (c *coming) bookings(tx *store.Tx) error {
	all, err := roomBookings(tx, "")
	if err != nil {
		return err
	}
	for _, b := range all {
		c.uids[uidOf(b.ID)] = true
		p, err := planOf(b)
		if err != nil {
			c.notes = append(c.notes, err.Error())
			continue
		}
		slots, cut := p.Between(c.from, c.to)
		if cut {
			c.notes = append(c.notes, fmt.Sprintf("A booking of %s repeats too often: only its first %d occurrences are "+
				"listed.", b.Room, calendar.MaxOccurrences))
		}
		lasting := c.h.lastingLink(tx, b.RoomID)
		for _, s := range slots {
			item := app.UpcomingItem{
				At: app.At(s.Start), EndsAt: app.At(s.End), Title: b.Room, Source: app.FromBooking, Room: b.Room, Booking: b.ID, URL: lasting,
			}
			if m := madeFor(tx, b, s.Start); m != nil && !c.meetings[m.ID] {
				c.meetings[m.ID] = true
				item.Meeting, item.Status, item.Here = m.ID, m.Status, m.Here
				if m.Status != app.Ended {
					item.URL = cmp.Or(m.GuestURL, lasting)
				}
			}
			c.add(item, false)
		}
	}
	return nil
}

// open adds the meetings that people are in, and those that can be joined, unless a booking's line has them.
func (c *coming) open(tx *store.Tx) error {
	unended, err := tx.Unended()
	if err != nil {
		return err
	}
	for _, made := range unended {
		one := []app.Meeting{made.Meeting}
		if err := c.h.giveGuestURLs(tx, one); err != nil {
			return err
		}
		m := one[0]
		if m.GuestURL != "" {
			c.links[linkKey(m.GuestURL)] = m
		}
		over := !m.EndsAt.IsZero() && m.EndsAt.Before(c.from)
		if c.meetings[m.ID] || m.Status != app.Live {
			continue
		}
		end := m.EndsAt
		if over {
			end = app.At(c.from) // people stay on
		}
		at := m.StartedAt
		if at.IsZero() {
			at = m.StartsAt
		}
		c.add(app.UpcomingItem{
			At: at, EndsAt: end, Title: m.Room, Source: app.FromMeeting, Room: m.Room, Meeting: m.ID, URL: m.GuestURL, Status: m.Status, Here: m.Here,
		}, false)
	}
	return nil
}

// places notes the links that lead to rooms.
func (c *coming) places(tx *store.Tx) error {
	rooms, err := tx.Rooms()
	if err != nil {
		return err
	}
	for _, r := range rooms {
		if link := c.h.lastingLink(tx, r.ID); link != "" {
			c.rooms[linkKey(link)] = r.Name
		}
		page, err := tx.Page(r.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if page.Token != "" {
			c.rooms[page.Token] = r.Name
		}
	}
	return nil
}

// room returns the name of the room that a link leads to, empty for none of ours.
func (c *coming) room(link string) string {
	if link == "" {
		return ""
	}
	if m, ok := c.links[linkKey(link)]; ok {
		return m.Room
	}
	return cmp.Or(c.rooms[linkKey(link)], c.rooms[pageToken(link)])
}

// has reports whether a booking's or a meeting's line of the room is at this time.
func (c *coming) has(room string, e calendar.Occurrence) bool {
	return room != "" && !e.AllDay && slices.ContainsFunc(c.items, func(i app.UpcomingItem) bool {
		return i.Room == room && i.Source != app.FromCalendar && i.At.Before(e.End) && e.Start.Before(i.EndsAt.Time)
	})
}

// calendars adds the events of others. Our own bookings and meetings are left out where an event has their room's link or is their export.
func (c *coming) calendars(all []subscription) {
	for _, cal := range all {
		if cal.Error != "" {
			c.notes = append(c.notes, fmt.Sprintf("Calendar %s could not be read again: %s", cal.Name, cal.Error))
		}
		if cal.err != nil {
			c.notes = append(c.notes, fmt.Sprintf("Calendar %s can't be read: %s", cal.Name, cal.err))
		}
		if cal.feed == nil {
			continue
		}
		events, cut := cal.feed.Between(c.from, c.to, c.local)
		if cut {
			c.notes = append(c.notes, fmt.Sprintf("Calendar %s has an event that repeats too often: only its first %d occurrences "+
				"are listed.", cal.Name, calendar.MaxOccurrences))
		}
		for _, e := range events {
			room := c.room(e.Link)
			if c.uids[e.UID] || c.has(room, e) {
				continue
			}
			item := app.UpcomingItem{
				At: app.At(e.Start), EndsAt: app.At(e.End), Title: cmp.Or(e.Title, "(no title)"), Source: app.FromCalendar, Calendar: cal.Name,
				URL: e.Link, AllDay: e.AllDay, Room: room,
			}
			if m, ok := c.links[linkKey(e.Link)]; ok && e.Link != "" {
				item.Room, item.Meeting, item.Status, item.Here = m.Room, m.ID, m.Status, m.Here
			}
			c.add(item, e.Free)
		}
	}
}

// linkKey is a link without what doesn't matter for whether two are the same.
func linkKey(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	return strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/")
}

// leadsToPage reports whether a link is the address of the page with a token, wherever that is reachable.
func leadsToPage(link, token string) bool { return token != "" && pageToken(link) == token }

// pageToken returns the token in the address of a room's page, empty for other links.
func pageToken(link string) string {
	u, err := url.Parse(link)
	if err != nil || !strings.Contains(u.Path, "/r/") {
		return ""
	}
	path := strings.TrimSuffix(u.Path, "/")
	return path[strings.LastIndex(path, "-")+1:]
}

// around is how long after the start of a meeting without an end events with its link count as its own.
const around = 12 * time.Hour

// Expected lists who is expected in a meeting; see [app.Backend].
func (h *Hub) Expected(ctx context.Context, ref app.MeetingRef) ([]app.Person, error) {
	var m app.Meeting
	var page store.Page
	out := []app.Person{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		found, err := h.findMeeting(tx, ref.Ref)
		if err != nil {
			return err
		}
		m = found.Meeting
		if page, err = tx.Page(m.RoomID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		b, err := tx.Booking(m.Booking)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		out = append(out, b.Expect...)
		return err
	})
	if err != nil || m.GuestURL == "" && page.Token == "" {
		return out, err
	}
	calendars, err := h.calendars.all(ctx)
	from, to := m.StartsAt.Time, m.StartsAt.Add(around)
	if !m.EndedAt.IsZero() {
		to = m.EndedAt.Time
	} else if !m.EndsAt.IsZero() {
		to = m.EndsAt.Time
	}
	link := linkKey(m.GuestURL)
	for _, cal := range calendars {
		if cal.feed == nil {
			continue
		}
		events, _ := cal.feed.Between(from.Add(-time.Minute), to.Add(time.Minute), time.UTC)
		for _, e := range events {
			if e.Link == "" || linkKey(e.Link) != link && !leadsToPage(e.Link, page.Token) {
				continue
			}
			for _, a := range e.Attendees {
				if p := app.Person(a); !slices.ContainsFunc(out, func(had app.Person) bool { return samePerson(had, p) }) {
					out = append(out, p)
				}
			}
		}
	}
	return out, err
}

func samePerson(a, b app.Person) bool {
	if a.Mail != "" && b.Mail != "" {
		return strings.EqualFold(a.Mail, b.Mail)
	}
	return latin.Same(a.Name, b.Name)
}
