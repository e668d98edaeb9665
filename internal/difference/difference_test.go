package difference

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"greenroom/internal/app"
)

// shown writes differences for comparison.
func shown(all []Change) string {
	var out []string
	for _, c := range all {
		text := func(s *string) string {
			if s == nil {
				return "-"
			}
			return *s
		}
		out = append(out, c.Part+" "+c.Path+": "+text(c.A)+" => "+text(c.B))
	}
	return strings.Join(out, "\n")
}

func TestBodies(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{`{"a":1}`, `{"a":1}`, ""},
		{`{"a":1,"b":{"c":[1,2]}}`, `{"a":1,"b":{"c":[1,3]}}`, "body b.c.1: 2 => 3"},
		{`{"a":1}`, `{"b":1}`, "body a: 1 => -\nbody b: - => 1"},
		{`{"a":1,"b":2}`, `{ "b":2, "a":1 }`, "body : the same values => the same values, written differently: white space, escapes, or the order of keys"},
		{`{"a":"\u00e9"}`, `{"a":"é"}`, "body : the same values => the same values, written differently: white space, escapes, or the order of keys"},
		{`[1,2,3]`, `[1,9,2,3]`, "body 1: - => 9"},
		{`[1,2,3]`, `[1,3]`, "body 1: 2 => -"},
		{`[{"k":1},{"k":2}]`, `[{"k":1},{"k":3}]`, "body 1.k: 2 => 3"},
		{`{"n":12345678901234567890}`, `{"n":12345678901234567891}`, "body n: 12345678901234567890 => 12345678901234567891"},
		{`{"n":1}`, `{"n":1.0}`, "body n: 1 => 1.0"},
		{`{"a":1,"a":2}`, `{"a":1,"a":3}`, "body a#2: 2 => 3"},
		{`{"a.b":1}`, `{"a.b":2}`, `body a\.b: 1 => 2`},
		{`{"a":1}`, `[1]`, `body : {"a":1} => [1]`},
		{`1`, `"1"`, `body : 1 => "1"`},
		{"one\ntwo\n", "one\nthree\n", "body : two\n => three\n"},
		{"one\n", "one\ntwo\n", "body : - => two\n"},
		{"\xff", "\xfe\x00", "body : 1 bytes: ff => 2 bytes: fe 00"},
		{"", "x", "body : - => x"},
	} {
		if got := shown(Of(app.Delivery{Body: app.Body(c.a)}, app.Delivery{Body: app.Body(c.b)})); got != c.want {
			t.Errorf("%s and %s:\n%s\nwant\n%s", c.a, c.b, got, c.want)
		}
	}
}

func TestRequests(t *testing.T) {
	a := app.Delivery{Method: "POST", Target: "/a", Headers: http.Header{"X": {"1", "2"}, "Y": {"y"}, "Z": {"z"}}}
	b := app.Delivery{Method: "PUT", Target: "/b", Headers: http.Header{"X": {"1", "3", "4"}, "Z": {"z"}}}
	want := "request method: POST => PUT\nrequest target: /a => /b\nheader X: 2 => 3\nheader X: - => 4\nheader Y: y => -"
	if got := shown(Of(a, b)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Bodies differ if and only if a difference is reported, and the same body has none.
func FuzzBodies(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}]}`, `{"a":[1,{"b":2}]}`)
	f.Add("text\n", "\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		got := Of(app.Delivery{Body: app.Body(a)}, app.Delivery{Body: app.Body(b)})
		if (len(got) == 0) != (a == b) {
			t.Errorf("%q and %q: %s", a, b, shown(got))
		}
		if _, err := json.Marshal(got); err != nil {
			t.Error(err)
		}
	})
}
