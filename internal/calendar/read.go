package calendar

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/plain"
	"greenroom/internal/stable"
)

// Person is an attendee of an event.
type Person struct {
	Name string `json:"name"`
	Mail string `json:"mail"`
}

// event is one VEVENT.
type event struct {
	uid, title, link string
	start, end       moment
	hasEnd           bool
	days             int // of the length, if it is in days
	length           time.Duration
	rule             *Rule
	added, excluded  []moment
	recurrence       *moment // the occurrence of the series that it replaces
	following        bool    // it also replaces all later ones
	sequence         int
	stamp            string
	cancelled, free  bool
	attendees        []Person
	allDay           bool
}

// Feed is a calendar that was read. It is safe for concurrent use.
type Feed struct {
	// Name is the calendar's name, often empty.
	Name string
	// Events is the number of events; a series counts once.
	Events int
	// Notes are sentences about parts that could not be understood.
	Notes []string

	series map[string]*series
	order  []string
}

// series is the events of one UID.
type series struct {
	master    *event
	overrides []*event
}

// Read reads a calendar. Parts that it can't understand are omitted, with a note. It fails with [ErrTooLarge] or [ErrNotCalendar].
func Read(data []byte) (*Feed, error) {
	if len(data) > MaxBytes {
		return nil, ErrTooLarge
	}
	if !bytes.Contains(bytes.ToUpper(data[:min(len(data), 64<<10)]), []byte("BEGIN:VCALENDAR")) {
		return nil, ErrNotCalendar
	}
	f := &Feed{series: map[string]*series{}}
	r := &reader{feed: f, unknown: map[string]int{}, zones: zones{
		defined: map[string]*custom{}, aliases: map[string]string{}, found: map[string]zone{},
	}}
	// Zones may be defined after the events that use them.
	r.readZones(data)
	r.readEvents(data)
	r.finish()
	return f, nil
}

type reader struct {
	feed    *Feed
	zones   zones
	cancel  bool           // METHOD:CANCEL
	unknown map[string]int // how many times have each unknown TZID
	broken  int
	cut     bool
}

func (r *reader) readEvents(data []byte) {
	var now *event
	var found links
	depth := 0 // of components inside of an event, such as alarms
	for l := range lines(data) {
		begins, ends := l.name == "BEGIN", l.name == "END"
		isEvent := (begins || ends) && strings.EqualFold(strings.TrimSpace(l.value), "VEVENT")
		switch {
		case begins && isEvent:
			if now != nil { // it has no END
				r.broken++
			}
			now, found, depth = &event{}, links{}, 0
		case now == nil && l.name == "METHOD":
			r.cancel = strings.EqualFold(l.value, "CANCEL")
		case now == nil && l.name == "X-WR-CALNAME":
			r.feed.Name = title(l.value)
		case now == nil:
		case ends && isEvent:
			now.link = found.best()
			now.cancelled = now.cancelled || r.cancel
			r.add(now)
			now = nil
		case begins:
			depth++
		case ends:
			depth = max(depth-1, 0)
		case depth == 0:
			r.set(now, l)
			found.add(l)
		}
	}
	if now != nil {
		r.broken++
	}
}

// title makes a text fit for display on one line.
func title(s string) string {
	s = strings.Join(strings.Fields(plain.Text(strings.NewReplacer("\n", " ", "\t", " ").Replace(unescaper.Replace(s)))), " ")
	if runes := []rune(s); len(runes) > maxText {
		s = string(runes[:maxText])
	}
	return s
}

// zone returns the zone of a property's TZID, or nil if it has none or an unknown one.
func (r *reader) zone(l line) zone {
	id := l.params["TZID"]
	if id == "" {
		return nil
	}
	z := r.zones.find(id)
	if z == nil {
		if len(r.unknown) < maxZones {
			r.unknown[id]++
		}
	}
	return z
}

func (r *reader) set(e *event, l line) {
	switch l.name {
	case "UID":
		e.uid = l.value
	case "SUMMARY":
		e.title = title(l.value)
	case "DTSTART":
		e.start, _ = parseMoment(l.value, r.zone(l)) // an event without a start is left out
	case "DTEND":
		e.end, e.hasEnd = parseMoment(l.value, r.zone(l))
	case "DURATION":
		e.days, e.length, _ = parseDuration(l.value)
	case "RRULE":
		rule, err := parseRule(l.value, nil)
		if err != nil {
			r.broken++
			return
		}
		e.rule = rule
	case "EXDATE":
		e.excluded = r.moments(e.excluded, l)
	case "RDATE":
		e.added = r.moments(e.added, l)
	case "RECURRENCE-ID":
		if m, ok := parseMoment(l.value, r.zone(l)); ok {
			e.recurrence, e.following = &m, strings.EqualFold(l.params["RANGE"], "THISANDFUTURE")
		}
	case "SEQUENCE":
		e.sequence, _ = strconv.Atoi(strings.TrimSpace(l.value)) // 0 where it is none
	case "DTSTAMP", "LAST-MODIFIED":
		e.stamp = max(e.stamp, l.value)
	case "STATUS":
		e.cancelled = strings.EqualFold(strings.TrimSpace(l.value), "CANCELLED")
	case "TRANSP":
		e.free = e.free || strings.EqualFold(strings.TrimSpace(l.value), "TRANSPARENT")
	case "X-MICROSOFT-CDO-BUSYSTATUS":
		e.free = e.free || strings.EqualFold(strings.TrimSpace(l.value), "FREE")
	case "X-MICROSOFT-CDO-ALLDAYEVENT":
		e.allDay = strings.EqualFold(strings.TrimSpace(l.value), "TRUE")
	case "ATTENDEE":
		if len(e.attendees) < maxAttendees && attends(l) {
			e.attendees = append(e.attendees, attendee(l))
		}
	}
}

func (r *reader) moments(list []moment, l line) []moment {
	z := r.zone(l)
	for text := range strings.SplitSeq(l.value, ",") {
		text, _, _ = strings.Cut(text, "/") // of a PERIOD, its start
		if m, ok := parseMoment(text, z); ok && len(list) < maxDates {
			list = append(list, m)
		}
	}
	return list
}

// attends reports whether a line names a person who may come, rather than one who declined or delegated, a room or equipment.
func attends(l line) bool {
	state, kind := strings.ToUpper(l.params["PARTSTAT"]), strings.ToUpper(l.params["CUTYPE"])
	return state != "DECLINED" && state != "DELEGATED" && kind != "ROOM" && kind != "RESOURCE" &&
		!strings.EqualFold(l.params["ROLE"], "NON-PARTICIPANT")
}

func attendee(l line) Person {
	mail := strings.TrimSpace(l.value)
	if len(mail) >= 7 && strings.EqualFold(mail[:7], "mailto:") {
		mail = mail[7:]
	}
	if m := l.params["EMAIL"]; m != "" {
		mail = m
	}
	return Person{Name: title(l.params["CN"]), Mail: title(mail)}
}

// add files an event under its UID. Of two revisions of the same event, the later one counts.
func (r *reader) add(e *event) {
	if e.start.wall.IsZero() {
		r.broken++
		return
	}
	if r.feed.Events >= maxEvents {
		r.cut = true
		return
	}
	e.shape()
	if e.uid == "" {
		e.uid = fmt.Sprintf("\x00%d", len(r.feed.order)) // a separate series
	}
	s := r.feed.series[e.uid]
	if s == nil {
		s = &series{}
		r.feed.series[e.uid] = s
		r.feed.order = append(r.feed.order, e.uid)
	}
	r.feed.Events++
	if e.recurrence != nil {
		s.overrides = append(s.overrides, e)
		return
	}
	if s.master == nil || compareRevisions(s.master, e) <= 0 {
		s.master = e
	}
}

// compareRevisions orders two versions of an event, the earlier one first.
func compareRevisions(a, b *event) int {
	return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.stamp, b.stamp))
}

// shape completes the length, and decides whether the event takes whole days.
func (e *event) shape() {
	// Outlook's mark counts only from midnight to midnight.
	if e.allDay = e.allDay && !e.start.date && midnight(e.start.wall) && e.hasEnd && midnight(e.end.wall); e.allDay {
		e.start.date, e.end.date = true, true
	}
	if e.start.date {
		e.allDay = true
		if e.hasEnd {
			e.days = int(e.end.wall.Truncate(day).Sub(e.start.wall) / day)
		}
		e.days, e.length = min(max(e.days, 1), 366), 0
	}
}

func midnight(t time.Time) bool { return t.Equal(t.Truncate(day)) }

// finish puts the revisions of overrides in order and writes the notes.
func (r *reader) finish() {
	f := r.feed
	for _, s := range f.series {
		stable.Sort(s.overrides, compareRevisions)
	}
	note := func(format string, args ...any) {
		if len(f.Notes) < maxNotes {
			f.Notes = append(f.Notes, plain.Text(fmt.Sprintf(format, args...)))
		}
	}
	if r.cut {
		note("only the first %d events were read", maxEvents)
	}
	if r.broken > 0 {
		note("%d events or rules could not be read", r.broken)
	}
	for _, id := range slices.Sorted(maps.Keys(r.unknown)) {
		short := id
		if runes := []rune(id); len(runes) > 80 {
			short = string(runes[:80]) + "…"
		}
		note("the time zone %q is unknown: %d times are treated as local", short, r.unknown[id])
	}
}
