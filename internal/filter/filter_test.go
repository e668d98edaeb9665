package filter

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/latin"
	"greenroom/provider"
)

var (
	zone = time.FixedZone("test", 2*3600)
	now  = time.Date(2026, 11, 29, 12, 0, 0, 0, zone)
)

func mustParse(t testing.TB, text string) *Filter {
	t.Helper()
	f, err := Parse(text, Options{Now: now})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

// sample is a webhook with everything.
func sample() *app.Delivery {
	return &app.Delivery{
		Seq: 150, At: app.At(now.Add(-time.Hour)), Account: "Daily", Method: "POST", Target: "/hooks/daily?x=1", Size: 12_000,
		Verdict: provider.Verified, Status: 200, Kind: provider.KindParticipantJoined, Type: "participant.joined",
		Meeting: "01jmeeting", Room: "Weekly Standup", Participant: "Zoë Müller", Session: "s-1", Via: "relay", Remote: "192.0.2.7",
		Headers: http.Header{"User-Agent": {"curl/8.5"}, "X-Two": {"first", "Second Value"}},
		Body:    app.Body(`{"payload":{"room":"standup","n":12345678901234567890,"f":1.5,"tags":["a","B"],"gone":null},"items":[{"name":"x","id":5}],"text":"Lost \"Connection\""}`),
	}
}

func TestMatches(t *testing.T) {
	d := sample()
	for text, want := range map[string]bool{
		"": true, "  ": true, "account:daily": true, "ACCOUNT:DAILY": true, "account:whereby": false, "account:whereby,daily": true,
		"account:da*": true, "account:dail": false, `account:"da*"`: false, "account:*": true, "account:/^d.*y$/": true,
		"kind:participant.joined": true, "kind:participant": true, "kind:joined": true, "kind:participant.*": true, "kind:recording.*": false,
		"kind:recording.ready,PARTICIPANT.JOINED": true, "-kind:joined": false, "not kind:joined": false, "--kind:joined": true,
		"type:participant.joined": true, "verdict:verified": true, "verdict:rej": false, "verdict:rejected,verified": true,
		"status:200": true, "status:2xx": true, "status:>=400": false, "status:<300": true, "status:200..204": true, "status:..199": false,
		"status:404,200":        true,
		`room:"weekly standup"`: true, "room:*standup": true, "room:standup": false, `room:""`: false, `unknown`: false,
		"meeting:01jmeeting": true, "meeting:01j*": true, "participant:s-1": true, `participant:"zoë müller"`: true, "participant:ZOË*": true,
		"method:post": true, "target:/hooks/daily*": true, "target:/hooks/": false, "target:*x=1": true, "via:relay": true, "remote:192.0.2.*": true,
		"size:>10kB": true, "size:>12kB": false, "size:>=12kB": true, "size:12000": true, "size:<12KiB": true, "size:10kB..1MB": true, "size:1KiB..2KiB": false,
		"seq:100..200": true, "seq:151..": false, "seq:150": true, "seq:>149": true, "seq:>150": false, "seq:<150": false, "seq:1,2,150": true,
		"since:2h": true, "since:30m": false, "until:30m": true, "until:2h": false, "since:2026-11-29": true, "until:2026-11-28": false,
		"until:2026-11-29": true, "since:2026-11-29T11:00": true, "until:2026-11-29T11:00": true, "since:2026-11-29T11:00:01": false,
		`since:"2026-11-29 10:59"`: true, "until:2026-11-29T09:00:00Z": true, "since:10:59": true, "since:11:01": false,
		"is:duplicate": false, "is:unapplied": false, "-is:replay": true, "is:imported": false,
		"header.user-agent:curl*": true, "header.User-Agent:curl": false, "header.x-two:second*": true, "header.X-Two:first": true, "header.None:*": false,
		"header.x-two:*":            true,
		"body.payload.room:STANDUP": true, "body.payload.n:12345678901234567890": true, "body.payload.n:12345678901234567891": false,
		"body.payload.f:>1": true, "body.payload.f:1..2": true, "body.payload.f:<1.5": false, "body.payload.f:<=1.5": true, "body.payload.tags:b": true,
		"body.payload.gone:null": true, "body.payload.none:*": false, "body.payload.gone:*": true, `body.items.#(name=="x").id:5`: true,
		`body.items.#.name:x`: true, "body.payload.tags.#:2": true, `body.text:"lost \"connection\""`: true, "body.items.0.id:=5": true,
		"zoë": true, "ZOË": true, "standup": true, "zo*ller": true, "ller*zo": false, `"zo*ller"`: false, "curl": true, "user-agent": true,
		"connection": true, `"Lost \\\"conn"`: true, "nowhere": false, "-nowhere": true, "joined": true, "/hooks\\/daily/": true, "/^zoë/": true,
		"/z.ë m/": true, "/nowhere|lost/": true, "-/lost/": false, "standup zoë": true, "standup nowhere": false, "standup or nowhere": true,
		"nowhere or standup zoë": true, "nowhere standup or zoë": true, "(nowhere or standup) nowhere": false, "standup and zoë": true,
		"STANDUP AND NOT NOWHERE": true, "not (nowhere or standup)": false, "-(nowhere or gone2)": true, "(standup)": true, "not not standup": true,
		`"or"`: false, "verified": false, "01jmeeting": false,
	} {
		f := mustParse(t, text)
		if got := f.MatchDelivery(d); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
		c := ColumnsOf(d)
		if want && !f.May(&c) {
			t.Errorf("%s: the columns say no", text)
		}
		if again := mustParse(t, f.String()); again.MatchDelivery(d) != want || again.String() != f.String() {
			t.Errorf("%s becomes %s, then %s", text, f, again)
		}
	}
}

func TestErrorsPointAtTheCharacter(t *testing.T) {
	for _, c := range []struct {
		text    string
		column  int
		problem string
	}{
		{"kind:", 6, "needs a value"}, {"kind:a,", 8, "needs a value"}, {"kind:joined,", 13, "needs a value"}, {"knd:x", 1, `no field "knd"`},
		{"account:daily knd:x", 15, "did you mean kind?"}, {"zoë kin:x", 5, "no field"}, {"size:>abc", 6, "isn't a number"}, {"size:ten", 6, "isn't a number"},
		{"status:abc", 8, "isn't a number"}, {"seq:200..100", 5, "ends before it begins"}, {"(a or b", 1, "no matching )"}, {"a)", 2, "no matching ("}, {"()", 2, "missing before )"},
		{`room:"x`, 6, "not closed"}, {`a "b`, 3, "not closed"}, {"/[/", 1, "missing closing ]"}, {"a /[/", 3, "missing closing ]"}, {"/x", 1, "ends with /"},
		{"a or", 5, "missing at the end"}, {"or a", 1, "needs a term before it"}, {"a or or b", 6, "needs a term before it"}, {"not", 1, "a term after not"},
		{"-", 2, "a term after -"}, {"a - b", 4, "a term after -"}, {"since:yesterday", 7, "isn't an age or a time"}, {"since:2h,3h", 10, "only one time"},
		{"is:live", 4, "for rooms and meetings"}, {"is:odd", 4, "is:duplicate"}, {"verdict:odd", 9, "no verdict"}, {"header:x", 1, "needs a name"}, {"body:x", 1, "needs a name"},
		{"header.x", 1, "needs a name, a colon and a value"}, {"body.:x", 1, "needs a name"}, {"body.x:", 8, "needs a value"}, {"body.x:>y", 8, "can't be compared"},
		{`room:"a"b`, 9, "a space is missing"}, {"http://x", 1, "quote it"}, {"kind:particpant.joined", 6, "did you mean participant.joined?"},
		{strings.Repeat("(", 200) + "a", 101, "more than 100"}, {strings.Repeat("-", 200) + "a", 101, "more than 100"},
		{"é é is:x", 8, "no is:x"},
	} {
		_, err := Parse(c.text, Options{Now: now})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if e.Column() != c.column || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: column %d, want %d: %v", c.text, e.Column(), c.column, err)
		}
		if mark := strings.Split(e.Point(1000), "\n")[1]; len(mark) != c.column {
			t.Errorf("%s: the mark is %q", c.text, mark)
		}
	}
	e := &Error{Text: strings.Repeat("a", 200) + "\x1b" + strings.Repeat("b", 200), At: 200}
	if got, want := e.Point(20), strings.Repeat("a", 10)+"␛"+strings.Repeat("b", 9)+"\n"+strings.Repeat(" ", 10)+"^"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRoomsAndMeetings(t *testing.T) {
	i := Item{
		Account: "daily", Room: "Weekly Standup", Meeting: "01j", Names: []string{"Weekly Standup", "weekly-2026"}, People: func() []string { return []string{"Linus", "Zoë"} },
		Flags: Live | Waiting, At: now.Add(-time.Hour),
	}
	for text, want := range map[string]bool{
		"linus": true, "weekly": true, "ada": false, "is:live": true, "is:open": false, "is:open,waiting": true, "status:live": true, "is:live linus": true,
		"participant:linus": true, "participant:lin": false, "participant:zo*": true, "room:weekly*": true, "account:daily": true, "since:2h": true, "until:2h": false, "-is:ended": true,
		"meeting:01j": true, "person:linus": true, "person:lin": false,
		"date:today": true, "date:yesterday": false, "date:2026-11-29": true, "date:2026-11": true, "date:2026-10,2026-11-29": true, "date:2026-11-01..2026-11-28": false, "-date:today": false,
	} {
		f, err := Parse(text, Options{Now: now, Of: Rooms})
		if err != nil || f.MatchItem(i) != want {
			t.Errorf("%s: %v, want %t", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"kind:joined": "kind is a field of events", "body.x:1": "body is a field of events", "is:duplicate": "is for events", "status:200": "no is:200", "date:soon": "this isn't a date",
	} {
		if _, err := Parse(text, Options{Now: now, Of: Rooms}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Ages count from the time of reading, and the text of a filter keeps them.
func TestAgesBecomeTimes(t *testing.T) {
	f := mustParse(t, "since:2h until:2026-11-29")
	if got, want := f.String(), "since:2026-11-29T08:00:00Z until:2026-11-29T21:59:59.999999999Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBodiesThatAreNotJSONHaveNoPaths(t *testing.T) {
	f := mustParse(t, "body.a:1")
	for body, want := range map[string]bool{`{"a":1}`: true, `{"a":1}garbage`: false, `{"a":1`: false, "a:1": false, "": false, "\xff": false, `{"a":[1,2]}`: true} {
		if got := f.MatchDelivery(&app.Delivery{Body: app.Body(body)}); got != want {
			t.Errorf("%s: %t", body, got)
		}
	}
}

// A text that every match has makes regular expressions fast, and must never exclude a match.
func TestWhatARegularExpressionRequires(t *testing.T) {
	for expr, want := range map[string]string{
		"abc": "abc", "a(BCD)e": "bcd", "ab|cd": "", "(?:ab|cd)xyz": "xyz", "x*": "", "x?yz+": "y", "[ab]c": "c", "id-[0-9]+": "id-", "lost connection\\/": "lost connection", "a<b>cd": "cd", "say \"yes\"": "say ", "": "", "(": "",
		"\\bword\\b": "word", "a{2,3}longer": "longer", "é": "", "foo.bars": "bars",
	} {
		expr = strings.ReplaceAll(expr, `\\`, `\`)
		if got := longest(literals(expr)); got != want {
			t.Errorf("%s requires %q, want %q", expr, got, want)
		}
	}
}

func TestRange(t *testing.T) {
	for text, want := range map[string]Range{
		"x":                         {Last: 1<<64 - 1},
		"seq:100..200 x":            {First: 100, Last: 200},
		"seq:>100 seq:<150":         {First: 100, Last: 149},
		"seq:5,9 since:1h":          {First: 5, Last: 9, Since: now.Add(-time.Hour).Unix()},
		"seq:5 or seq:9":            {Last: 1<<64 - 1},
		"verdict:rejected x":        {Last: 1<<64 - 1},
		"-seq:5":                    {Last: 1<<64 - 1},
		"(since:1h x) since:30m":    {Last: 1<<64 - 1, Since: now.Add(-30 * time.Minute).Unix()},
		"seq:>18446744073709551615": {Last: 1<<64 - 1},
	} {
		want.Verdicts = 0xff
		if strings.Contains(text, "verdict") {
			want.Verdicts = 1 << VerdictIndex(provider.Rejected)
		}
		if got := mustParse(t, text).Range(); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

// What is found around letters beyond ASCII is what is found in the whole text when it is folded, also in bytes that are not valid UTF-8.
func FuzzContainsFold(f *testing.F) {
	f.Add([]byte("Ab\u212aI\xff"), "k")
	f.Add([]byte("xİstanbul"), "istanbul")
	f.Add([]byte("a Zoë Zoe\u0301 Jose\u0301 Østergård ÆON ﬁn Straße"), "ostergard aeon")
	f.Add([]byte("渡辺 Dvořák\xff\u0301x and Ångström, Åre"), "dvorak")
	f.Add([]byte("e\u0301e\u0301e\u0301"), "eee")
	f.Fuzz(func(t *testing.T, b []byte, word string) {
		if word = strings.ToLower(word); !ascii(word) {
			return
		}
		if got, want := ContainsFold(b, word), ContainsCase(b, word) || strings.Contains(latin.Fold(string(b)), word); got != want {
			t.Errorf("%q in %q: %t", word, b, got)
		}
	})
}

// Reading never panics; what is read prints as something that is read as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`kind:a,b (x or -y) "q\"" /r/ body.a.#(b=="c").d:>5 since:2h seq:1..2`, "header.X:1..2", "is:live", "not(a)", "a(b)c", "room:x(1),y"} {
		f.Add(s)
	}
	d := sample()
	f.Fuzz(func(t *testing.T, s string) {
		for _, of := range []Subject{Events, Rooms} {
			got, err := Parse(s, Options{Now: now, Of: of})
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.At < 0 || e.At > len(s) {
					t.Fatalf("%q: %v", s, err)
				}
				e.Point(40)
				continue
			}
			again, err := Parse(got.String(), Options{Now: time.Unix(0, 0), Of: of})
			if err != nil || again.String() != got.String() || again.MatchDelivery(d) != got.MatchDelivery(d) {
				t.Fatalf("%q becomes %q: %v", s, got, err)
			}
			if c := ColumnsOf(d); got.MatchDelivery(d) && !got.May(&c) {
				t.Fatalf("%q matches, and the columns say no", s)
			}
		}
	})
}
