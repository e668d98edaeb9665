package calendar

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is an appointment to write.
type Entry struct {
	// UID identifies it in the calendars that import it; it must never change.
	UID                string
	Title, Description string
	// URL is the link to the meeting, empty while there is none.
	URL  string
	Plan Plan
	// Sequence counts the changes; Modified is the time of the last one. Created may be zero.
	Sequence          int
	Created, Modified time.Time
	Attendees         []Person
	// Links are the links of single occurrences.
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
	w.lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Greenroom//Greenroom//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH")
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

// last returns a moment after which no occurrence begins.
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

// maxOctets is the longest line, in bytes (RFC 5545, section 3.1).
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

func (w *writer) lines(all ...string) {
	for _, s := range all {
		w.line(s)
	}
}

func (w *writer) text(name, value string) { w.line(name + ":" + escaper.Replace(clean(value))) }

// clean removes the characters that a calendar's text must not have.
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
	w.lines("LAST-MODIFIED:"+e.Modified.UTC().Format(utcLayout), fmt.Sprintf("SEQUENCE:%d", e.Sequence))
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
	w.lines("STATUS:CONFIRMED", "TRANSP:OPAQUE", "END:VEVENT")
}

// formatDuration writes a length in the units of exact time: a day in a calendar may have 23 hours.
func formatDuration(d time.Duration) string {
	s := int(d / time.Second)
	out := "PT"
	if h := s / 3600; h > 0 {
		out += fmt.Sprintf("%dH", h)
	}
	if m := s / 60 % 60; m > 0 {
		out += fmt.Sprintf("%dM", m)
	}
	if s %= 60; s > 0 || out == "PT" {
		out += fmt.Sprintf("%dS", s)
	}
	return out
}
