package calendar

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is an appointment of ours as it is written.
type Entry struct {
	// UID names it in the calendars of others; it must never change.
	UID                string
	Title, Description string
	// URL is the link to the meeting, empty while there is none.
	URL  string
	Plan Plan
	// Sequence counts the changes, Modified is when the last one was made. Created may be zero.
	Sequence          int
	Created, Modified time.Time
	Attendees         []Person
	// Links are the links of single occurrences, by their start.
	Links []LinkAt
}

// LinkAt is the link of one occurrence of a series.
type LinkAt struct {
	Start time.Time
	URL   string
}

// Write returns a calendar of the entries.
func Write(name string, entries []Entry) []byte {
	w := &writer{}
	w.line("BEGIN:VCALENDAR")
	w.line("VERSION:2.0")
	w.line("PRODID:-//Greenroom//Greenroom//EN")
	w.line("CALSCALE:GREGORIAN")
	w.line("METHOD:PUBLISH")
	if name != "" {
		w.text("X-WR-CALNAME", name)
	}
	type span struct {
		loc         *time.Location
		first, last time.Time
	}
	spans := map[string]*span{}
	var order []string
	for _, e := range entries {
		if isUTC(e.Plan.Zone) {
			continue
		}
		first, last := e.Plan.First().Start, e.Plan.last()
		s := spans[e.Plan.Zone.String()]
		if s == nil {
			s = &span{e.Plan.Zone, first, last}
			spans[e.Plan.Zone.String()] = s
			order = append(order, e.Plan.Zone.String())
		}
		if first.Before(s.first) {
			s.first = first
		}
		s.last = later(s.last, last)
	}
	for _, id := range order {
		w.zone(id, spans[id].loc, spans[id].first, spans[id].last)
	}
	for _, e := range entries {
		w.entry(e)
	}
	w.line("END:VCALENDAR")
	return w.b.Bytes()
}

func isUTC(loc *time.Location) bool {
	return loc == time.UTC || loc.String() == "UTC" || loc.String() == "Etc/UTC"
}

// openEnd is the last moment of a series without an end.
var openEnd = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// last is a moment that no occurrence begins after.
func (p Plan) last() time.Time {
	switch {
	case p.Rule == nil:
		return p.First().Start
	case !p.Until.IsZero():
		return p.Until
	}
	return openEnd
}

type writer struct{ b bytes.Buffer }

// maxOctets is the longest line.
const maxOctets = 75

// line writes a line, folded between characters.
func (w *writer) line(s string) {
	room := maxOctets
	for len(s) > room {
		cut := room
		for cut > 1 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		w.b.WriteString(s[:cut] + "\r\n ")
		s, room = s[cut:], maxOctets-1
	}
	w.b.WriteString(s + "\r\n")
}

func (w *writer) text(name, value string) { w.line(name + ":" + escaper.Replace(clean(value))) }

// clean drops what no text of a calendar may have.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

const (
	utcLayout  = "20060102T150405Z"
	wallLayout = "20060102T150405"
)

func (w *writer) moment(name string, wall time.Time, loc *time.Location) {
	if isUTC(loc) {
		w.line(name + ":" + wall.Format(utcLayout))
		return
	}
	w.line(name + ";TZID=" + loc.String() + ":" + wall.Format(wallLayout))
}

func (w *writer) entry(e Entry) {
	w.event(e, e.Plan.Wall, e.URL, func() {
		if e.Plan.Rule == nil {
			return
		}
		rule := e.Plan.Rule.String()
		if !e.Plan.Until.IsZero() {
			rule += ";UNTIL=" + e.Plan.Until.UTC().Format(utcLayout)
		}
		w.line("RRULE:" + rule)
	})
	for _, at := range e.Links {
		wall := Wall(at.Start.In(e.Plan.Zone))
		if e.Plan.Rule != nil && at.URL != e.URL {
			w.event(e, wall, at.URL, func() { w.moment("RECURRENCE-ID", wall, e.Plan.Zone) })
		}
	}
}

func (w *writer) event(e Entry, wall time.Time, link string, repeat func()) {
	w.line("BEGIN:VEVENT")
	w.text("UID", e.UID)
	w.line("DTSTAMP:" + e.Modified.UTC().Format(utcLayout))
	if !e.Created.IsZero() {
		w.line("CREATED:" + e.Created.UTC().Format(utcLayout))
	}
	w.line("LAST-MODIFIED:" + e.Modified.UTC().Format(utcLayout))
	w.line(fmt.Sprintf("SEQUENCE:%d", e.Sequence))
	w.moment("DTSTART", wall, e.Plan.Zone)
	// An end in the hour that occurs twice would be read as the first of the two.
	if end := Place(wall, e.Plan.Zone).Add(e.Plan.Length); Place(Wall(end), e.Plan.Zone).Equal(end) {
		w.moment("DTEND", Wall(end), e.Plan.Zone)
	} else {
		w.line("DURATION:" + formatDuration(e.Plan.Length))
	}
	repeat()
	w.text("SUMMARY", e.Title)
	description := e.Description
	if link != "" {
		w.line("URL:" + clean(link))
		w.text("LOCATION", link)
		description = strings.TrimSpace(link + "\n\n" + description)
	}
	if description != "" {
		w.text("DESCRIPTION", description)
	}
	for _, a := range e.Attendees {
		name := ""
		if a.Name != "" {
			name = `;CN="` + strings.NewReplacer(`"`, "'", "\n", " ", "\r", " ").Replace(clean(a.Name)) + `"`
		}
		w.line("ATTENDEE" + name + ":mailto:" + strings.Join(strings.Fields(clean(a.Mail)), ""))
	}
	w.line("STATUS:CONFIRMED")
	w.line("TRANSP:OPAQUE")
	w.line("END:VEVENT")
}

// formatDuration writes a length in the units of exact time: a day in a calendar may have 23 hours.
func formatDuration(d time.Duration) string {
	s := int(d / time.Second)
	out := "PT"
	for _, u := range []struct {
		seconds int
		name    byte
	}{{3600, 'H'}, {60, 'M'}, {1, 'S'}} {
		if n := s / u.seconds; n > 0 {
			out += fmt.Sprintf("%d%c", n, u.name)
			s %= u.seconds
		}
	}
	if out == "PT" {
		return "PT0S"
	}
	return out
}
