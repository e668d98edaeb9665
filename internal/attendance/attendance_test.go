package attendance

import (
	"encoding/csv"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenroom/internal/app"
	_ "greenroom/internal/cases"
)

var start = time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)

func minute(n int) app.Time { return app.At(start.Add(time.Duration(n) * time.Minute)) }

func stay(name, user, session string, from, to int) app.Stay {
	s := app.Stay{Name: name, UserID: user, Session: session}
	if from >= 0 {
		s.JoinedAt = minute(from)
	}
	if to >= 0 {
		s.LeftAt = minute(to)
	}
	return s
}

func meeting(stays ...app.Stay) app.MeetingDetail {
	m := app.MeetingDetail{Participants: stays}
	m.Room = "standup"
	return m
}

func TestRows(t *testing.T) {
	bot, knocking, turnedAway, host := stay("rec", "", "b", 0, 60), stay("Linus", "", "k", -1, -1), stay("Mal", "", "d", -1, 9), stay("Ada", "u-1", "s1", 0, 10)
	bot.Bot, knocking.Waiting, host.Owner = true, true, true
	knocking.WaitingSince, turnedAway.WaitingSince = minute(5), minute(8)
	for _, test := range []struct {
		name     string
		stays    []app.Stay
		expected []app.Person
		want     []Row
	}{
		{name: "no one", stays: []app.Stay{bot, knocking, turnedAway}, want: []Row{}},
		{"by user id, under the latest name", []app.Stay{stay("Ada L.", "u-1", "s2", 20, 25), host}, nil, []Row{
			{Name: "Ada L.", UserID: "u-1", Owner: true, FirstIn: minute(0), LastOut: minute(25), Minutes: 15, Joins: 2, Came: true},
		}},
		{"by name where the user id is the session's", []app.Stay{stay("Grace", "s1", "s1", 0, 10), stay("Grace", "s2", "s2", 5, 12)}, nil, []Row{
			{Name: "Grace", FirstIn: minute(0), LastOut: minute(12), Minutes: 12, Joins: 2, Came: true},
		}},
		{"one of that name with a user id is another", []app.Stay{stay("Grace", "", "s1", 0, 10), stay("Grace", "u-2", "s2", 5, 12)}, nil, []Row{
			{Name: "Grace", FirstIn: minute(0), LastOut: minute(10), Minutes: 10, Joins: 1, Came: true},
			{Name: "Grace", UserID: "u-2", FirstIn: minute(5), LastOut: minute(12), Minutes: 7, Joins: 1, Came: true},
		}},
		{"still here after a first visit", []app.Stay{stay("Zoë", "", "s1", 0, 10), stay("Zoë", "", "s2", 20, -1)}, nil, []Row{
			{Name: "Zoë", FirstIn: minute(0), Minutes: 20, Joins: 2, Came: true},
		}},
		{"without a name", []app.Stay{stay("", "", "s1", 0, 1), stay("", "", "s2", 0, 1)}, nil, []Row{
			{Name: "(s1)", FirstIn: minute(0), LastOut: minute(1), Minutes: 1, Joins: 1, Came: true},
			{Name: "(s2)", FirstIn: minute(0), LastOut: minute(1), Minutes: 1, Joins: 1, Came: true},
		}},
		{"only the leaving is known", []app.Stay{stay("Ken", "", "s1", -1, 4)}, nil, []Row{
			{Name: "Ken", LastOut: minute(4), Joins: 1, Came: true},
		}},
		{"expected", []app.Stay{host}, []app.Person{{Name: "Zed"}, {Name: " ada "}, {Mail: "bob@example.com"}}, []Row{
			{Name: "Ada", UserID: "u-1", Owner: true, FirstIn: minute(0), LastOut: minute(10), Minutes: 10, Joins: 1, Expected: true, Came: true},
			{Name: "Zed", Expected: true}, {Name: "bob@example.com", Expected: true},
		}},
	} {
		if got := Of(meeting(test.stays...), test.expected, minute(30).Time); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
	short := stay("Ada", "", "s", 0, 0)
	short.LeftAt = app.At(start.Add(time.Second))
	if got := Of(meeting(short), nil, start)[0].Minutes; got != 1 {
		t.Errorf("a stay of a second has %d minutes", got)
	}
}

// Time inside is the number of minutes in which at least one stay was open.
func TestTimeInsideCountsEachMinuteOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const now = 100
		open := [now]bool{}
		var stays []app.Stay
		for range rapid.IntRange(1, 8).Draw(t, "stays") {
			from := rapid.IntRange(0, now).Draw(t, "from")
			to := rapid.IntRange(from, now).Draw(t, "to")
			for i := from; i < to; i++ {
				open[i] = true
			}
			if to == now {
				to = -1
			}
			stays = append(stays, stay("Ada", "", "s", from, to))
		}
		want := 0
		for _, o := range open {
			if o {
				want++
			}
		}
		got := Of(meeting(stays...), nil, minute(now).Time)
		if len(got) != 1 || got[0].Minutes != want || got[0].Joins != len(stays) {
			t.Errorf("%+v, want %d minutes in %d stays", got, want, len(stays))
		}
	})
}

func TestColumnsAreTheFieldsOfJSON(t *testing.T) {
	b, err := json.Marshal(Row{})
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	var keys []string
	for depth, key := 0, true; dec.More(); key = !key {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		if tok == json.Delim('{') {
			depth++
			key = false
			continue
		}
		if key {
			keys = append(keys, tok.(string))
		}
	}
	if !slices.Equal(keys, Columns) {
		t.Errorf("JSON has %q, CSV %q", keys, Columns)
	}
}

func TestCSVIsSafeAndComplete(t *testing.T) {
	for name, want := range map[string]string{
		"=HYPERLINK(\"http://evil\")": "'=HYPERLINK(\"http://evil\")", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'␉x", "\r=1": "'␍=1",
		"Zoë, \"渡辺\"": "Zoë, \"渡辺\"", "a\x1b[2J": "a␛[2J",
	} {
		var b strings.Builder
		if err := CSV(&b, []Row{{Name: name, FirstIn: minute(0), Minutes: 3, Came: true}}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "\r\n") {
			t.Errorf("lines end with %q", b.String())
		}
		got, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil || len(got) != 2 || got[1][0] != want || got[1][3] != "2026-11-29T09:00:00Z" || got[1][4] != "" || got[1][5] != "3" {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func TestTheTableIsAligned(t *testing.T) {
	var b strings.Builder
	rows := []Row{
		{Name: "Zoë 渡辺", Owner: true, FirstIn: minute(0), LastOut: minute(65), Minutes: 65, Joins: 1, Came: true},
		{Name: "Bo\x1b[2Jb", FirstIn: minute(1), Minutes: 5, Joins: 2, Came: true}, {Name: "Zed", Expected: true},
	}
	if err := Table(&b, rows, time.UTC); err != nil {
		t.Fatal(err)
	}
	const want = "NAME             FIRST IN          LAST OUT          MINUTES  JOINED\n" +
		"Zoë 渡辺 (host)  2026-11-29 09:00  2026-11-29 10:05  65       1\n" +
		"Bo␛[2Jb          2026-11-29 09:01  still here        5        2\n" +
		"Zed              never came\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	rows := []Row{
		{Name: "Ada | <b>*x*", Owner: true, FirstIn: minute(0), LastOut: minute(65), Minutes: 65, Joins: 1, Came: true, Expected: true},
		{Name: "Bo\nb", FirstIn: minute(1), Minutes: 5, Joins: 2, Came: true}, {Name: "Zed", Expected: true},
	}
	if err := Markdown(&b, "standup", rows, time.FixedZone("", 3600)); err != nil {
		t.Fatal(err)
	}
	want := `## standup

| Name | First in | Last out | Minutes | Joined | Consent | Expected |
|---|---|---|---:|---:|---|---|
| Ada \| \<b\>\*x\* (host) | 2026-11-29 10:00 | 2026-11-29 11:05 | 65 | 1 |  | yes |
| Bo␊b | 2026-11-29 10:01 | still here | 5 | 2 |  |  |
| Zed | never came |  |  |  |  | yes |
`
	if b.String() != want {
		t.Errorf("got %s\nwant %s", b.String(), want)
	}
}
