package calendar

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sample(t *testing.T, name string) *Feed {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	// As they are sent: with CR LF.
	f, err := Read([]byte(strings.ReplaceAll(string(data), "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// listed writes occurrences a line each, in UTC; whole days by their date in local.
func listed(f *Feed, from, to string, local *time.Location) []string {
	begin, _ := time.Parse(time.DateOnly, from)
	end, _ := time.Parse(time.DateOnly, to)
	out := []string{}
	all, cut := f.Between(begin, end, local)
	for _, o := range all {
		s := o.Start.Format("0102 1504") + "-" + o.End.Format("1504 ") + o.Title
		if o.AllDay {
			s = o.Start.In(local).Format("0102 all day to ") + o.End.In(local).Format("0102 ") + o.Title
		}
		if o.Free {
			s += " (free)"
		}
		if o.Link != "" {
			s += " " + o.Link
		}
		out = append(out, s)
	}
	if cut {
		out = append(out, "cut")
	}
	return out
}

func TestCalendarsOfOthers(t *testing.T) {
	const teams = " https://teams.microsoft.com/l/meetup-join/19%3ameeting_NjQ%40thread.v2/0?context=%7b%22Tid%22%3a%22x%22%7d"
	const meet = " https://meet.google.com/abc-defg-hij"
	berlin := zoneOf(t, "Europe/Berlin")
	for _, test := range []struct {
		file  string
		local *time.Location
		want  []string
	}{
		{"outlook.ics", berlin, []string{
			"1013 0800-0900 Jour fixe" + teams, // summer
			"1020 all day to 1022 Urlaub",
			"1020 0800-0900 Jour fixe" + teams,
			// 27 October is excluded, 3 November moved, 10 November cancelled
			"1101 1700-1730 Own zone", // the day on which the clocks of that zone change
			"1104 1300-1400 Jour fixe (verschoben)",
			"1117 0900-1000 Jour fixe" + teams, // winter
			"1124 0900-1000 Jour fixe" + teams, // UNTIL is included
		}},
		{"google.ics", berlin, []string{
			"1029 1300-1330 Stand-up, daily; Zoë 渡辺" + meet,
			"1031 all day to 1101 Halloween (free)",
			"1031 1300-1330 Stand-up, daily; Zoë 渡辺" + meet,
			"1101 1400-1430 Stand-up, daily; Zoë 渡辺" + meet, // New York has changed its clocks
			"1103 1400-1430 Stand-up, daily; Zoë 渡辺" + meet, // the sixth: what is excluded counts
			"1103 1600-1630 Stand-up moved",
		}},
		{"apple.ics", zoneOf(t, "Asia/Tokyo"), []string{
			"1029 2300-2330 Floating",
			"1030 1200-1245 In UTC https://jitsi.example.org/Team",
			"1030 1600-1700 Design https://acme.daily.co/design",
			"1127 1600-1700 Design https://acme.daily.co/design",
		}},
		{"proton.ics", berlin, []string{"1024 2330-0330 Board, changed https://zoom.us/j/99123?pwd=abc"}},
	} {
		f := sample(t, test.file)
		if diff := cmp.Diff(test.want, listed(f, "2026-10-01", "2026-12-01", test.local)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.file, diff)
		}
		if len(f.Notes) > 0 {
			t.Errorf("%s: %v", test.file, f.Notes)
		}
	}
	people := sample(t, "google.ics").series["standup@google.com"].master.attendees
	if diff := cmp.Diff([]Person{{"Lovelace, Ada: the first", "ada@example.com"}, {"grace@example.com", "grace@example.com"}}, people); diff != "" {
		t.Error(diff)
	}
}

// ics wraps properties into an event of 10:00 to 11:00 UTC on 1 March 2026.
func ics(properties ...string) string {
	event := append([]string{"BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "SUMMARY:a", "DTSTART:20260301T100000Z", "DTEND:20260301T110000Z"}, properties...)
	return strings.Join(append(event, "END:VEVENT", "END:VCALENDAR", ""), "\r\n")
}

func TestReadingIsLenient(t *testing.T) {
	once := []string{"0301 1000-1100 a"}
	another := func(lines ...string) string {
		return strings.Join(append([]string{"END:VEVENT", "BEGIN:VEVENT"}, lines...), "\r\n")
	}
	for _, test := range []struct {
		name, text string
		want       []string
		notes      int
	}{
		{"plain", ics(), once, 0},
		{"a byte order mark", "\ufeff" + ics(), once, 0},
		{"LF", strings.ReplaceAll(ics(), "\r\n", "\n"), once, 0},
		{"CR", strings.ReplaceAll(ics(), "\r\n", "\r"), once, 0},
		{"small letters", strings.NewReplacer("BEGIN", "begin", "VEVENT", "vevent", "DTSTART", "dtstart").Replace(ics()), once, 0},
		{"a line without a colon", ics("garbage"), once, 0},
		{"empty lines", strings.ReplaceAll(ics(), "\r\n", "\r\n\r\n"), once, 0},
		{"a quote without an end", ics(`ATTENDEE;CN="A:mailto:a@b`), once, 0},
		{"a parameter without a value", ics(`X-A;B;C="d"`), once, 0},
		{"no end of the calendar", strings.TrimSuffix(ics(), "END:VCALENDAR\r\n"), once, 0},
		{"cut in an event", ics() + "BEGIN:VEVENT\r\nUID:2\r\nDTST", once, 1},
		{"two calendars", ics() + strings.Replace(ics(), "UID:1", "UID:2", 1), append(once, once...), 0},
		{"an event without a start", ics(another("UID:2", "SUMMARY:b")), once, 1},
		{"events without a UID", ics(another("SUMMARY:b", "DTSTART:20260301T110000Z"), another("SUMMARY:c", "DTSTART:20260301T110000Z")),
			append(once, "0301 1100-1100 b", "0301 1100-1100 c"), 0},
		{"a fold within a character", ics("SUMMARY:Gr\xc3\r\n \xbc\xc3\x9fe"), []string{"0301 1000-1100 Grüße"}, 0},
		{"Latin-1", ics("SUMMARY:Gr\xfc\xdfe"), []string{"0301 1000-1100 Grüße"}, 0},
		{"characters for a terminal", ics("SUMMARY:a\x1b[31mb\\nc"), []string{"0301 1000-1100 a␛[31mb c"}, 0},
		{"a zone behind a prefix", ics("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260301T110000"), once, 0},
		{"a quoted zone", ics(`DTSTART;TZID="Romance Standard Time":20260301T110000`), once, 0},
		{"a zone in a capital letter too many", ics(`DTSTART;TZID=w. europe standard time:20260301T110000`), once, 0},
		{"an unknown zone", ics("DTSTART;TZID=Middle Earth:20260301T100000"), once, 1},
		{"an end before the start", ics("DTEND:20260301T090000Z"), []string{"0301 1000-1000 a"}, 0},
		{"a whole day without an end", ics("DTSTART;VALUE=DATE:20260301", "DTEND:"), []string{"0301 all day to 0302 a"}, 0},
		{"several days", ics("DTSTART;VALUE=DATE:20260227", "DTEND;VALUE=DATE:20260303"), []string{"0227 all day to 0303 a"}, 0},
		{"cancelled", ics("STATUS:CANCELLED"), []string{}, 0},
		{"a rule that can't be read", ics("RRULE:FREQ=SOMETIMES"), once, 1},
		{"excluded by date", ics("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260302"), append(once, "0303 1000-1100 a"), 0},
		{"excluded in another zone", ics("RRULE:FREQ=DAILY;COUNT=2", "EXDATE;TZID=Asia/Tokyo:20260302T190000"), once, 0},
		{"excluded without a zone", ics("DTSTART;TZID=Asia/Tokyo:20260301T190000", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260302T190000"), once, 0},
		{"added", ics("RDATE:20260301T100000Z,20260304T100000Z"), append(once, "0304 1000-1100 a"), 0},
		{"added as a period", ics("RDATE;VALUE=PERIOD:20260304T100000Z/PT2H"), append(once, "0304 1000-1100 a"), 0},
		{"a start that doesn't fit its rule", ics("RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=1"), append(once, "0302 1000-1100 a"), 0},
		{"until a date", ics("RRULE:FREQ=DAILY;UNTIL=20260302"), append(once, "0302 1000-1100 a"), 0},
		{"until a local time", ics("DTSTART;TZID=Asia/Tokyo:20260301T190000", "RRULE:FREQ=DAILY;UNTIL=20260302T185959"), once, 0},
		{"one moved alone", ics("RECURRENCE-ID:20260228T100000Z"), once, 0},
		{"the later revision of one moved", ics("RRULE:FREQ=DAILY;COUNT=2",
			another("UID:1", "RECURRENCE-ID:20260302T100000Z", "DTSTART:20260302T120000Z", "SUMMARY:new", "SEQUENCE:2"),
			another("UID:1", "RECURRENCE-ID:20260302T100000Z", "DTSTART:20260302T130000Z", "SUMMARY:old", "SEQUENCE:1")),
			append(once, "0302 1200-1200 new"), 0},
		{"the later revision of a series that comes first", ics("SEQUENCE:3", another("UID:1", "SUMMARY:old", "SEQUENCE:2", "DTSTART:20260305T100000Z")), once, 0},
		{"this and the following", ics("RRULE:FREQ=DAILY;COUNT=3",
			another("UID:1", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260302T100000Z", "DTSTART:20260302T120000Z", "DURATION:PT30M", "SUMMARY:b")),
			append(once, "0302 1200-1230 b", "0303 1200-1230 b"), 0},
		{"moved out of the window", ics("RRULE:FREQ=DAILY;COUNT=2", another("UID:1", "RECURRENCE-ID:20260302T100000Z", "DTSTART:20270302T120000Z")), once, 0},
		{"an alarm", ics("BEGIN:VALARM", "SUMMARY:alarm", "DTSTART:20200101T000000Z", "END:VALARM"), once, 0},
	} {
		f, err := Read([]byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, listed(f, "2026-02-20", "2026-03-20", time.UTC)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if len(f.Notes) != test.notes {
			t.Errorf("%s: notes %q", test.name, f.Notes)
		}
	}
}

func TestWhatIsNoCalendar(t *testing.T) {
	for _, text := range []string{"", "<html>Sign in</html>", "BEGIN:VCARD\nEND:VCARD"} {
		if _, err := Read([]byte(text)); err != ErrNotCalendar {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Read(make([]byte, MaxBytes+1)); err != ErrTooLarge {
		t.Error(err)
	}
}

// Every zone of the table is one of the database, and its name is found.
func TestZonesOfWindows(t *testing.T) {
	for name, iana := range windowsZones {
		if loc := Zone(name); loc == nil || loc != time.UTC && loc.String() != iana {
			t.Errorf("%q is %v, not %s", name, loc, iana)
		}
	}
	if len(windowsZones) < 135 {
		t.Errorf("only %d zones", len(windowsZones))
	}
	for _, name := range []string{"", "Local", "local time", "../../etc/passwd", "EST", "Mars/Base", strings.Repeat("a/", 5000)} {
		if loc := Zone(name); loc != nil {
			t.Errorf("%.20q is %v", name, loc)
		}
	}
}

func TestLinks(t *testing.T) {
	for _, test := range []struct{ property, want string }{
		{"LOCATION:https://acme.zoom.us/j/123?pwd=x", "https://acme.zoom.us/j/123?pwd=x"},
		{"LOCATION:Room 1\\, 2nd floor", ""},
		{"LOCATION:Zoom: https://us02web.zoom.us/j/1 (password 2)", "https://us02web.zoom.us/j/1"},
		{"DESCRIPTION:Agenda https://example.com/a\\n\\nhttps://whereby.com/ada.", "https://whereby.com/ada"},
		{"DESCRIPTION:Privacy: https://zoom.us/privacy", ""},
		{"DESCRIPTION:https://example.com/page", ""},
		{"DESCRIPTION:https://meet.example.org/Team", "https://meet.example.org/Team"},
		{"DESCRIPTION:https://gr.example/r/all-hands-0123456789abcdef0123", "https://gr.example/r/all-hands-0123456789abcdef0123"},
		{"DESCRIPTION:https://reddit.com/r/golang", ""},
		{`X-ALT-DESC;FMTTYPE=text/html:<a href="https://acme.webex.com/acme/j.php?MTID=m1&amp;x=2">join</a>`, "https://acme.webex.com/acme/j.php?MTID=m1&x=2"},
		{"URL:https://example.com/event/1", "https://example.com/event/1"},
		{"URL:https://calendar.google.com/event?eid=1", ""},
		{"URL:https://outlook.office.com/calendar/item/1", ""},
		{"CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://video.example.com/x", "https://video.example.com/x"},
		{"CONFERENCE;VALUE=URI:tel:+1-555-0100", ""},
		{"X-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.microsoft.com/l/meetup-join/1", "https://teams.microsoft.com/l/meetup-join/1"},
		{"DESCRIPTION:https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fteams.microsoft.com%2Fmeet%2F1%3Fp%3D2&data=05", "https://teams.microsoft.com/meet/1?p=2"},
		{"DESCRIPTION:https://www.google.com/url?q=https://zoom.us/j/7&sa=D", "https://zoom.us/j/7"},
		{"LOCATION:javascript:alert(1)//https", ""},
		{"LOCATION:https://zoom.us@evil.example/j/1", ""},
		{"LOCATION:https://zoom.us.evil.example/j/1", "https://zoom.us.evil.example/j/1"}, // any link is a place, but not a known one
		{"DESCRIPTION:https://zoom.us.evil.example/j/1", ""},
	} {
		f, err := Read([]byte(ics(test.property)))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.series["1"].master.link; got != test.want {
			t.Errorf("%s: %q", test.property, got)
		}
	}
	f, _ := Read([]byte(ics("URL:https://example.com/1", "LOCATION:https://example.com/2", "DESCRIPTION:https://zoom.us/j/3")))
	if got := f.series["1"].master.link; got != "https://zoom.us/j/3" {
		t.Errorf("the best of three is %s", got)
	}
}

// Files that are made to exhaust memory or time are read within bounds.
func TestBombs(t *testing.T) {
	event := func(i int, properties string) string {
		return fmt.Sprintf("BEGIN:VEVENT\nUID:%d\nDTSTART:20200101T000000Z\n%s\nEND:VEVENT\n", i, properties)
	}
	many := func(n int, properties string) string {
		var b strings.Builder
		b.WriteString("BEGIN:VCALENDAR\n")
		for i := 0; b.Len() < MaxBytes-1000 && i < n; i++ {
			b.WriteString(event(i, properties))
		}
		return b.String()
	}
	everything := "RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=" + numbered(24) + ";BYMINUTE=" + numbered(60) + ";BYSECOND=" + numbered(60)
	for _, test := range []struct{ name, text string }{
		{"every second", many(1, "RRULE:FREQ=SECONDLY")},
		{"every second, many times", many(1<<30, "RRULE:FREQ=SECONDLY")},
		{"every second, counted", many(1<<30, "RRULE:FREQ=SECONDLY;COUNT=1000000000")},
		{"never", many(1<<30, "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")},
		{"never, each year", many(1<<30, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")},
		{"never, by the hour", many(1<<30, "RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5")},
		{"10,000 times", many(1<<30, "RRULE:FREQ=DAILY;COUNT=10000")},
		{"every second of a year", many(1<<30, everything)},
		{"every second of a year, by position", many(1<<30, everything+";BYSETPOS=-1,1")},
		{"a huge interval", many(1<<30, "RRULE:FREQ=HOURLY;INTERVAL=999999999")},
		{"from the beginning", many(1<<30, "DTSTART:15830101T000000\nRRULE:FREQ=SECONDLY;BYSECOND=59")},
		{"folds", "BEGIN:VCALENDAR\n" + event(1, "SUMMARY:a"+strings.Repeat("\n b", MaxBytes/3-100))},
		{"a long parameter", "BEGIN:VCALENDAR\n" + event(1, `X-A;B="`+strings.Repeat("x", MaxBytes-1000)+`":c`)},
		{"quotes", "BEGIN:VCALENDAR\n" + event(1, `X-A;B=`+strings.Repeat(`"`, MaxBytes-1001)+`:c`)},
		{"parameters", "BEGIN:VCALENDAR\n" + event(1, `X-A`+strings.Repeat(`;B=c`, 50_000)+`:c`)},
		{"nesting", "BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:VEVENT\n", MaxBytes/13-10)},
		{"nesting in an event", "BEGIN:VCALENDAR\n" + event(1, strings.Repeat("BEGIN:A\n", MaxBytes/8-100))},
		{"exclusions", "BEGIN:VCALENDAR\n" + event(1, strings.Repeat("EXDATE:20200101T000000Z\n", MaxBytes/24-100))},
		{"moved ones", many(1, "") + strings.Repeat("BEGIN:VEVENT\nUID:0\nRECURRENCE-ID:20200101T000000Z\nDTSTART:20200101T000000Z\nEND:VEVENT\n", 150_000)},
		{"zones", "BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:16010101T000000\nRRULE:FREQ=SECONDLY\nEND:STANDARD\nEND:VTIMEZONE\n", 100_000) + event(1, "DTSTART;TZID=x:20260101T000000")},
		{"addresses", "BEGIN:VCALENDAR\n" + event(1, strings.Repeat("DESCRIPTION:"+strings.Repeat("https://a.example/ ", 1000)+"\n", 800))},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := Read([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if f.Events > maxEvents {
				t.Errorf("%d events", f.Events)
			}
			from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			all, _ := f.Between(from, from.AddDate(1, 0, 0), time.UTC)
			if len(all) > maxListed {
				t.Errorf("%d occurrences", len(all))
			}
		})
	}
	f, _ := Read([]byte(many(1, "RRULE:FREQ=SECONDLY")))
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if all, cut := f.Between(from, from.AddDate(0, 0, 7), time.UTC); len(all) != MaxOccurrences || !cut {
		t.Errorf("%d occurrences, cut %t", len(all), cut)
	}
	if all, cut := f.Between(from, from.Add(999*time.Second), time.UTC); len(all) != 999 || cut {
		t.Errorf("%d occurrences, cut %t", len(all), cut)
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, i)
	}
	return b.String()
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"outlook.ics", "google.ics", "apple.ics", "proton.ics"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(ics("RRULE:FREQ=SECONDLY;BYSETPOS=-1;BYHOUR=1,2", "RDATE;VALUE=PERIOD:20260304T100000Z/PT2H")))
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		feed, err := Read(data)
		if err != nil {
			return
		}
		all, _ := feed.Between(from, from.AddDate(1, 0, 0), time.UTC)
		last := time.Time{}
		for _, o := range all {
			if o.End.Before(o.Start) || o.Start.Before(last) || !o.Start.Before(from.AddDate(1, 0, 0)) || o.End.Before(from) {
				t.Errorf("%+v", o)
			}
			last = o.Start
		}
	})
}
