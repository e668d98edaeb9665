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
	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/store"
)

const (
	upcomingDays = 7
	maxDays      = 366
	maxUpcoming  = 5000
)

// coming collects upcoming items.
type coming struct {
	h        *Hub
	from, to time.Time
	local    *time.Location
	lines    []line
	notes    []string
	// meetings are the ids of the meetings that have a line.
	meetings map[string]bool
	links    map[string]app.Meeting // open meetings by their guest link
	rooms    map[string]string      // names of rooms by their lasting links, and by the tokens of their pages
	uids     map[string]bool        // of our bookings
}

// line is an item with the time that it occupies.
type line struct {
	app.UpcomingItem
	busy calendar.Busy
}

// Upcoming lists upcoming meetings and events; see [app.Backend].
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
	stable.Sort(c.lines, func(a, b line) int {
		return cmp.Or(a.At.Compare(b.At.Time), a.EndsAt.Compare(b.EndsAt.Time), cmp.Compare(a.Title, b.Title))
	})
	if len(c.lines) > maxUpcoming {
		c.notes = append(c.notes, fmt.Sprintf("Only the first %d of %d are listed.", maxUpcoming, len(c.lines)))
		c.lines = c.lines[:maxUpcoming]
	}
	busy := make([]calendar.Busy, len(c.lines))
	for i, l := range c.lines {
		busy[i] = l.busy
	}
	out := app.Upcoming{Items: []app.UpcomingItem{}, Notes: c.notes}
	for i, others := range calendar.Conflicts(busy) {
		item := c.lines[i].UpcomingItem
		item.Conflicts = []string{}
		for _, o := range others {
			item.Conflicts = append(item.Conflicts, c.lines[o].Title)
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// add adds a line. A free one occupies no time, and so conflicts with nothing.
func (c *coming) add(item app.UpcomingItem, free bool) {
	b := calendar.Busy{Start: item.At.Time, End: item.EndsAt.Time}
	if free || item.AllDay {
		b.End = b.Start
	}
	c.lines = append(c.lines, line{item, b})
}

// bookings adds the occurrences of bookings, each with its meeting.
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
			c.notes = append(c.notes, fmt.Sprintf("A booking of %s repeats too often: only its first %d occurrences are listed.",
				b.Room, calendar.MaxOccurrences))
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

// open adds the live meetings that have no line yet, and records the links of all open ones.
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
		if c.meetings[m.ID] || m.Status != app.Live {
			continue
		}
		end := m.EndsAt
		if !end.IsZero() {
			end = app.At(app.Later(end.Time, c.from)) // people stay on
		}
		c.add(app.UpcomingItem{
			At: cmp.Or(m.StartedAt, m.StartsAt), EndsAt: end, Title: m.Room, Source: app.FromMeeting, Room: m.Room, Meeting: m.ID, URL: m.GuestURL, Status: m.Status, Here: m.Here,
		}, false)
	}
	return nil
}

// places records the links to rooms.
func (c *coming) places(tx *store.Tx) error {
	rooms, err := tx.Rooms()
	if err != nil {
		return err
	}
	for _, r := range rooms {
		if link := c.h.lastingLink(tx, r.ID); link != "" {
			c.rooms[linkKey(link)] = r.Name
		}
		page, _, err := store.Found(tx.Page(r.ID))
		if err != nil {
			return err
		}
		if page.Token != "" {
			c.rooms[page.Token] = r.Name
		}
	}
	return nil
}

// room returns the name of the room of a link, empty for none.
func (c *coming) room(link string) string {
	if link == "" {
		return ""
	}
	if m, ok := c.links[linkKey(link)]; ok {
		return m.Room
	}
	return cmp.Or(c.rooms[linkKey(link)], c.rooms[pageToken(link)])
}

// has reports whether the room has the line of a booking or a meeting at the time of an event.
func (c *coming) has(room string, e calendar.Occurrence) bool {
	return room != "" && !e.AllDay && slices.ContainsFunc(c.lines, func(i line) bool {
		return i.Room == room && i.Source != app.FromCalendar && i.At.Before(e.End) && e.Start.Before(i.EndsAt.Time)
	})
}

// calendars adds the events of calendars, except those of our own bookings and meetings: events with their room's link, and exports.
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
			c.notes = append(c.notes, fmt.Sprintf("Calendar %s has an event that repeats too often: only its first %d occurrences are listed.",
				cal.Name, calendar.MaxOccurrences))
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

// linkKey returns the part of a link that identifies it in comparisons.
func linkKey(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	return strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/")
}

// pageToken returns the token in the address of a room's page, empty for other links.
func pageToken(link string) string {
	u, err := url.Parse(link)
	if err != nil || !strings.Contains(u.Path, "/r/") {
		return ""
	}
	path := strings.TrimSuffix(u.Path, "/")
	return path[strings.LastIndex(path, "-")+1:]
}

// around is how long after the start of a meeting without an end an event with its link belongs to it.
const around = 12 * time.Hour

// Expected lists the people who are expected in a meeting; see [app.Backend].
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
		if page, _, err = store.Found(tx.Page(m.RoomID)); err != nil {
			return err
		}
		b, _, err := store.Found(tx.Booking(m.Booking))
		out = append(out, b.Expect...)
		return err
	})
	if err != nil || m.GuestURL == "" && page.Token == "" {
		return out, err
	}
	calendars, err := h.calendars.all(ctx)
	from, to := m.StartsAt.Time, cmp.Or(m.EndedAt, m.EndsAt, app.At(m.StartsAt.Add(around))).Time
	link := linkKey(m.GuestURL)
	for _, cal := range calendars {
		if cal.feed == nil {
			continue
		}
		events, _ := cal.feed.Between(from.Add(-time.Minute), to.Add(time.Minute), time.UTC)
		for _, e := range events {
			toPage := page.Token != "" && pageToken(e.Link) == page.Token
			if e.Link == "" || linkKey(e.Link) != link && !toPage {
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
