package calendar

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	_ "greenroom/internal/cases"
)

func TestRulesOfUsers(t *testing.T) {
	for text, want := range map[string]string{
		"day": "FREQ=DAILY", "Weekday": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "week": "FREQ=WEEKLY", "month": "FREQ=MONTHLY",
		"RRULE:FREQ=MONTHLY;BYDAY=-1FR":                   "FREQ=MONTHLY;BYDAY=-1FR",
		"freq=weekly; interval=2 ;byday=mo,we;wkst=su":    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=SU",
		"FREQ=YEARLY;BYSETPOS=-1;BYMONTH=12;BYDAY=MO;X=1": "FREQ=YEARLY;BYMONTH=12;BYDAY=MO;BYSETPOS=-1",
		"FREQ=DAILY;COUNT=3;BYHOUR=9,8":                   "FREQ=DAILY;COUNT=3;BYHOUR=8,9",
	} {
		r, err := ParseRule(text)
		if err != nil || r.String() != want {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{
		"", "fortnight", "FREQ=", "FREQ=NEVER", "INTERVAL=2", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;COUNT=2;UNTIL=20270101",
		"FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;BYMONTH=13", "FREQ=DAILY;BYDAY=XX", "FREQ=DAILY;BYDAY=0MO", "FREQ=DAILY;BYDAY=1", "FREQ=DAILY;BYHOUR=24", "FREQ",
		"FREQ=DAILY;INTERVAL=99999999999999999999",
	} {
		if r, err := ParseRule(text); err == nil {
			t.Errorf("%q is %v", text, r)
		}
	}
}

var berlin = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return loc
}()

func wallOf(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestPlans(t *testing.T) {
	for _, test := range []struct {
		name, wall, rule, until string
		want                    string // the starts in UTC
	}{
		{"once", "2026-12-01 10:00", "", "", "1201 0900"},
		{"in the hour that is skipped", "2026-03-29 02:30", "", "", "0329 0130"},
		{"in the hour that comes twice", "2026-10-25 02:30", "", "", "1025 0030"},
		{"daily over a change in March", "2026-03-27 02:30", "day", "2026-03-31", "0327 0130, 0328 0130, 0329 0130, 0330 0030, 0331 0030"},
		{"daily over a change in October", "2026-10-24 02:30", "day", "2026-10-27", "1024 0030, 1025 0030, 1026 0130, 1027 0130"},
		{"on weekdays", "2026-11-28 09:00", "weekday", "2026-12-01", "1130 0800, 1201 0800"},
		{"weekly", "2026-10-20 10:00", "week", "2026-11-03", "1020 0800, 1027 0900, 1103 0900"},
		{"on the 31st of months", "2026-01-31 10:00", "month", "2026-08-01", "0131 0900, 0331 0800, 0531 0800, 0731 0800"},
		{"on the last day of months", "2026-01-31 10:00", "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-03-31", "0131 0900, 0228 0900, 0331 0800"},
		{"until includes its day", "2026-11-01 23:59", "day", "2026-11-02", "1101 2259, 1102 2259"},
		{"counted", "2026-11-01 10:00", "FREQ=WEEKLY;COUNT=2;BYDAY=MO,WE", "", "1102 0900, 1104 0900"},
	} {
		p := Plan{Wall: wallOf(test.wall), Zone: berlin, Length: time.Hour}
		if test.rule != "" {
			var err error
			if p.Rule, err = ParseRule(test.rule); err != nil {
				t.Fatal(err)
			}
		}
		if test.until != "" {
			d, _ := time.Parse(time.DateOnly, test.until)
			p.Until = Place(d.Add(day-time.Second), berlin)
		}
		if err := p.Synchronise(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		slots, cut := p.Between(wallOf("2026-01-01 00:00"), wallOf("2027-01-01 00:00"))
		var starts []string
		for i, s := range slots {
			starts = append(starts, s.Start.UTC().Format("0102 1504"))
			if s.End.Sub(s.Start) != time.Hour {
				t.Errorf("%s: %v", test.name, s)
			}
			if next, ok := p.Next(s.End.Add(-1)); !ok || !next.Start.Equal(s.Start) {
				t.Errorf("%s: next is %v, not %v", test.name, next, s)
			}
			if next, ok := p.Next(s.End); ok != (i+1 < len(slots)) || ok && !next.Start.Equal(slots[i+1].Start) {
				t.Errorf("%s: after %v comes %v, %t", test.name, s, next, ok)
			}
		}
		if got := strings.Join(starts, ", "); got != test.want || cut || !slots[0].Start.Equal(p.First().Start) {
			t.Errorf("%s: %s, from %v, cut %t", test.name, got, p.First(), cut)
		}
	}
	never := Plan{Wall: wallOf("2026-01-01 10:00"), Zone: berlin, Length: time.Hour}
	never.Rule, _ = ParseRule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
	if never.Synchronise() == nil {
		t.Error("a rule without occurrences")
	}
	if _, ok := never.Next(wallOf("2026-01-01 10:00")); ok {
		t.Error("it has a next one")
	}
	often := Plan{Wall: wallOf("2026-01-01 10:00"), Zone: berlin, Length: time.Minute}
	often.Rule, _ = ParseRule("FREQ=HOURLY")
	if slots, cut := often.Between(often.Wall, often.Wall.AddDate(0, 2, 0)); len(slots) != MaxOccurrences || !cut {
		t.Errorf("%d occurrences, cut %t", len(slots), cut)
	}
	if r, _ := ParseRule("month"); !r.Skips(wallOf("2026-01-29 10:00")) || r.Skips(wallOf("2026-01-28 10:00")) {
		t.Error("which months are skipped")
	}
}

// A wall time is placed as the rule says, compared with a search through every minute around it.
func TestPlacingFollowsTheClock(t *testing.T) {
	names := []string{
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns",
		"Antarctica/Troll", "Europe/Dublin", "UTC", "Pacific/Kiritimati",
	}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2011+rapid.IntRange(0, 19).Draw(t, "year"), 1, 1, 0, 0, 0, 0, time.UTC)
		// Near a change of clocks, where there is one.
		if _, change := at.In(loc).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
			at = change
		}
		wall := Wall(at.In(loc)).Add(time.Duration(rapid.IntRange(-48*4, 48*4).Draw(t, "quarters")) * 15 * time.Minute)
		got := Place(wall, loc)
		// The clock shows wall for the first time, or the hands jump over it.
		var want time.Time
		var previous time.Time
		for m := wall.Add(-16 * time.Hour); want.IsZero(); m = m.Add(15 * time.Minute) {
			shown := Wall(m.In(loc))
			switch {
			case shown.Equal(wall):
				want = m
			case !previous.IsZero() && previous.Before(wall) && shown.After(wall):
				want = m.Add(wall.Sub(previous) - 15*time.Minute)
			}
			previous = shown
		}
		if !got.Equal(want) {
			t.Fatalf("%s in %s is %s, not %s", wall.Format(time.DateTime), loc, got.UTC(), want.UTC())
		}
	})
}

// Expansion gives the wall times of an independent library.
func TestRulesGiveTheTimesOfAnotherLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2020, 1, 1, 9, 30, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 3000).Draw(t, "start"))
		rule := genRule(t)
		option, err := rrule.StrToROption(rule)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		option.Dtstart = start
		theirs, err := rrule.NewRRule(*option)
		if err != nil {
			t.Skip(err)
		}
		from := start.AddDate(0, 0, rapid.IntRange(0, 800).Draw(t, "from"))
		to := from.AddDate(0, 0, rapid.IntRange(1, 500).Draw(t, "days"))
		ours, err := ParseRule(rule)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		left := 10 * ruleBudget
		got := slices.Collect(ours.walls(start, from, to, &left))
		want := theirs.Between(from, to, true)
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%s from %s, between %s and %s:\n%v\nnot\n%v", rule, start, from, to, got, want)
		}
		again, err := ParseRule(ours.String())
		if err != nil || again.String() != ours.String() {
			t.Fatalf("%s is written as %s, which is %v", rule, ours, err)
		}
	})
}

// genRule draws a rule of the kinds that calendars use, and some that they don't.
func genRule(t *rapid.T) string {
	freq := rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"}).Draw(t, "freq")
	parts := []string{"FREQ=" + freq}
	part := func(name string, values ...string) {
		if rapid.IntRange(0, 2).Draw(t, name+"?") == 0 {
			list := rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, min(3, len(values)), rapid.ID).Draw(t, name)
			parts = append(parts, name+"="+strings.Join(list, ","))
		}
	}
	one := func(name string, values ...string) {
		if rapid.Bool().Draw(t, name+"?") {
			parts = append(parts, name+"="+rapid.SampledFrom(values).Draw(t, name))
		}
	}
	one("INTERVAL", "1", "2", "3", "5")
	one("COUNT", "1", "7", "40")
	part("BYMONTH", "1", "2", "3", "10", "12")
	by := func(name string, values ...string) {
		part(name, values...)
		if last := parts[len(parts)-1]; strings.HasPrefix(last, name+"=") {
			part("BYSETPOS", "1", "2", "-1", "-2")
		}
	}
	switch freq {
	case "MONTHLY":
		if rapid.Bool().Draw(t, "by day of the month") {
			by("BYMONTHDAY", "1", "15", "29", "31", "-1", "-3")
		} else {
			by("BYDAY", "MO", "WE", "SU", "1MO", "-1FR", "5TH", "2SA")
		}
	case "YEARLY":
		switch rapid.IntRange(0, 3).Draw(t, "by") {
		case 0:
			part("BYYEARDAY", "1", "60", "366", "-1", "-100")
		case 1:
			part("BYWEEKNO", "1", "20", "52", "53", "-1")
			parts = append(parts, "BYDAY=TU")
		case 2:
			by("BYMONTHDAY", "1", "29", "31", "-1")
		default:
			by("BYDAY", "MO", "1MO", "-1FR", "20TH")
		}
	case "WEEKLY":
		by("BYDAY", "MO", "TU", "FR", "SU")
		one("WKST", "SU", "MO", "WE")
	default:
		part("BYDAY", "MO", "TU", "FR", "SU")
	}
	part("BYHOUR", "0", "9", "23")
	return strings.Join(parts, ";")
}

// A repeated appointment of ours takes place at the local times of a model that counts days on the calendar and reads the clock
// of each.
func TestPlansKeepTheirLocalTime(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		word := rapid.SampledFrom([]string{"day", "weekday", "week", "month"}).Draw(t, "word")
		first := time.Date(2026, 1, 1, 0, rapid.IntRange(0, 24*60-1).Draw(t, "minute of the day"), 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "day"))
		lastDay := first.AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "until")).Truncate(day)
		p := Plan{Wall: first, Zone: loc, Length: 20 * time.Minute, Until: Place(lastDay.Add(day-time.Second), loc)}
		p.Rule, _ = ParseRule(word)
		var want []time.Time
		for d := first; !d.Truncate(day).After(lastDay); d = d.AddDate(0, 0, 1) {
			on := word == "day" || word == "weekday" && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday ||
				word == "week" && d.Weekday() == first.Weekday() || word == "month" && d.Day() == first.Day()
			if !on {
				continue
			}
			// The first minute of that day whose clock shows the time or a later one.
			moment := time.Date(d.Year(), d.Month(), d.Day(), d.Hour(), d.Minute(), 0, 0, time.UTC).Add(-15 * time.Hour)
			for Wall(moment.In(loc)).Before(d) {
				moment = moment.Add(time.Minute)
			}
			if shown := Wall(moment.In(loc)); shown.After(d) { // skipped: by as much as the clocks jumped
				moment = moment.Add(d.Sub(Wall(moment.Add(-time.Minute).In(loc))) - time.Minute)
			}
			want = append(want, moment)
		}
		slots, _ := p.Between(first.AddDate(0, 0, -2), lastDay.AddDate(0, 0, 3))
		if len(slots) != len(want) {
			t.Fatalf("%d occurrences, not %d", len(slots), len(want))
		}
		for i, s := range slots {
			if !s.Start.Equal(want[i]) {
				t.Fatalf("%s, not %s", s.Start, want[i].In(loc))
			}
		}
	})
}
