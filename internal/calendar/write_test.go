package calendar

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	arran4 "github.com/arran4/golang-ical"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func rule(t interface{ Fatal(...any) }, s string) *Rule {
	r, err := ParseRule(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatWeWriteIsReadByAnotherLibrary(t *testing.T) {
	made := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	title := "Zoë 渡辺; \"quoted\", back\\slash\nand a second line, " + strings.Repeat("長い", 40)
	entries := []Entry{
		{
			UID: "b1@greenroom", Title: title, Description: "Notes,\nin two lines", URL: "https://acme.daily.co/all-hands", Sequence: 3, Created: made, Modified: made,
			Plan:      Plan{Wall: wallOf("2026-12-01 10:00"), Zone: berlin, Length: 90 * time.Minute, Rule: rule(t, "weekday"), Until: time.Date(2027, 6, 1, 21, 59, 59, 0, time.UTC)},
			Attendees: []Person{{Name: `Lovelace, "Ada": x`, Mail: "ada@example.com"}, {Mail: "a\r\nX-EVIL:1"}},
			Links:     []LinkAt{{Start: time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC), URL: "https://acme.daily.co/once"}},
		},
		{UID: "b2@greenroom", Title: "in UTC", Modified: made, Plan: Plan{Wall: wallOf("2026-12-01 10:00"), Zone: time.UTC, Length: time.Hour}},
		{UID: "b3@greenroom", Title: "at night", Modified: made, Plan: Plan{Wall: wallOf("2026-10-25 02:30"), Zone: berlin, Length: time.Hour}},
	}
	out := Write("Rooms, all", entries)
	if !bytes.Equal(out, Write("Rooms, all", entries)) {
		t.Error("the second time it is another one")
	}
	checkLines(t, out)
	cal, err := arran4.ParseCalendar(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	events := cal.Events()
	if len(events) != 4 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	get := func(name arran4.ComponentProperty) string {
		if p := e.GetProperty(name); p != nil {
			return p.Value
		}
		return ""
	}
	for name, want := range map[arran4.ComponentProperty]string{
		arran4.ComponentPropertyUniqueId: "b1@greenroom", arran4.ComponentPropertySummary: title, arran4.ComponentPropertySequence: "3",
		arran4.ComponentPropertyRrule: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20270601T215959Z", arran4.ComponentPropertyDtstamp: "20261101T120000Z",
		arran4.ComponentPropertyUrl:         "https://acme.daily.co/all-hands",
		arran4.ComponentPropertyDescription: "https://acme.daily.co/all-hands\n\nNotes,\nin two lines",
	} {
		if got := get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if start, err := e.GetStartAt(); err != nil || !start.Equal(time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("it starts at %v, %v", start, err)
	}
	if end, err := e.GetEndAt(); err != nil || !end.Equal(time.Date(2026, 12, 1, 10, 30, 0, 0, time.UTC)) {
		t.Errorf("it ends at %v, %v", end, err)
	}
	if a := e.Attendees(); len(a) != 2 || a[0].Email() != "ada@example.com" || a[0].ICalParameters["CN"][0] != "Lovelace, 'Ada': x" || a[1].Email() != "aX-EVIL:1" {
		t.Errorf("attendees %+v", a)
	}
	if zones := cal.Timezones(); len(zones) != 1 || zones[0].GetProperty(arran4.ComponentPropertyTzid).Value != "Europe/Berlin" {
		t.Errorf("zones %v", zones)
	}
	if p := events[3].GetProperty(arran4.ComponentPropertyDtEnd); p != nil {
		t.Errorf("an end that is read as an hour too early: %v", p)
	}

	// And by our own reader.
	f, err := Read(out)
	if err != nil || len(f.Notes) > 0 || f.Name != "Rooms, all" {
		t.Fatal(err, f)
	}
	got := listed(f, "2026-10-01", "2026-12-04", time.UTC)
	one := strings.ReplaceAll(title, "\n", " ")
	if diff := cmp.Diff([]string{
		"1025 0030-0130 at night", "1201 0900-1030 " + one + " https://acme.daily.co/all-hands", "1201 1000-1100 in UTC",
		"1202 0900-1030 " + one + " https://acme.daily.co/once", "1203 0900-1030 " + one + " https://acme.daily.co/all-hands",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// checkLines holds what RFC 5545 demands of every line.
func checkLines(t interface{ Errorf(string, ...any) }, out []byte) {
	if !bytes.HasSuffix(out, []byte("\r\n")) || bytes.Contains(bytes.ReplaceAll(out, []byte("\r\n"), nil), []byte("\n")) {
		t.Errorf("lines don't end with CR LF")
	}
	for l := range bytes.SplitSeq(out, []byte("\r\n")) {
		if len(l) > 75 || !utf8.Valid(l) {
			t.Errorf("a line of %d octets: %q", len(l), l)
		}
	}
}

// What we write is what both readers read, whatever is in the texts.
func TestTextsSurviveWriting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		title := rapid.StringN(0, 60, 200).Draw(t, "title")
		out := Write("", []Entry{{UID: "1", Title: title, Modified: wallOf("2026-01-01 10:00"), Plan: Plan{Wall: wallOf("2026-01-01 10:00"), Zone: berlin, Length: time.Hour}}})
		checkLines(t, out)
		cal, err := arran4.ParseCalendar(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(clean(title))
		if got := cal.Events()[0].GetProperty(arran4.ComponentPropertySummary).Value; got != want {
			t.Fatalf("%q, not %q", got, want)
		}
	})
}

// The definitions of zones that we write mean the zones: read back without the database, they have its offsets.
func TestZonesSurviveWriting(t *testing.T) {
	names := []string{
		"Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Sao_Paulo", "Asia/Kolkata", "Africa/Casablanca", "Asia/Jerusalem",
		"Australia/Lord_Howe", "Europe/Dublin", "America/Havana", "Pacific/Auckland", "Africa/Cairo",
	}
	for _, name := range names {
		loc := zoneOf(t, name)
		p := Plan{Wall: wallOf("2026-01-15 10:00"), Zone: loc, Length: time.Hour, Rule: rule(t, "day")}
		out := Write("", []Entry{{UID: "1", Plan: p, Modified: p.Wall}})
		checkLines(t, out)
		f, err := Read(bytes.ReplaceAll(out, []byte(name), []byte("X-Unknown")))
		if err != nil || len(f.Notes) > 0 {
			t.Fatal(err, f.Notes)
		}
		for from := p.Wall; from.Year() < 2034; from = from.AddDate(0, 6, 0) {
			theirs, _ := f.Between(from, from.AddDate(0, 6, 0), time.UTC)
			ours, _ := p.Between(from, from.AddDate(0, 6, 0))
			if len(theirs) != len(ours) {
				t.Fatalf("%s: %d, not %d", name, len(theirs), len(ours))
			}
			for i, o := range theirs {
				if !o.Start.Equal(ours[i].Start) {
					t.Fatalf("%s: %s, not %s\n%s", name, o.Start, ours[i].Start.UTC(), out)
				}
			}
		}
	}
}

// Far ahead the bounds of a zone are not known as changes: writing still ends.
func TestFarAheadWritingEnds(t *testing.T) {
	p := Plan{Wall: wallOf("2099-12-01 10:00"), Zone: zoneOf(t, "America/New_York"), Length: time.Hour, Rule: rule(t, "month")}
	if out := Write("", []Entry{{UID: "1", Plan: p, Modified: p.Wall}}); len(out) > 10_000 {
		t.Errorf("%d bytes", len(out))
	}
}

func TestConflicts(t *testing.T) {
	at := func(from, to int) Busy {
		return Busy{wallOf("2026-01-01 00:00").Add(time.Duration(from) * time.Hour), wallOf("2026-01-01 00:00").Add(time.Duration(to) * time.Hour)}
	}
	got := Conflicts([]Busy{at(1, 3), at(3, 4), at(2, 5), at(6, 6), at(0, 9), at(9, 10)})
	if diff := cmp.Diff([][]int{{4, 2}, {4, 2}, {4, 0, 1}, nil, {0, 2, 1}, nil}, got); diff != "" {
		t.Error(diff)
	}
	many := make([]Busy, 3000)
	for i := range many {
		many[i] = at(0, 1)
	}
	for _, list := range Conflicts(many) {
		if len(list) > maxConflicts {
			t.Fatal(len(list))
		}
	}
}
