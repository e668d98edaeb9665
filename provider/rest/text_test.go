package rest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"greenroom/internal/plain"
	"greenroom/provider/rest"
)

func TestRedactor(t *testing.T) {
	r := rest.NewRedactor("topsecret", "topsecret-longer", "abc", "")
	for in, want := range map[string]string{
		"nothing here":                         "nothing here",
		"a topsecret b":                        "a [hidden] b",
		"a topsecret-longer b":                 "a [hidden] b",
		"abc is too short":                     "abc is too short",
		"Authorization: Bearer abcdef123":      "Authorization: Bearer [hidden]",
		"https://x/r?t=abc&b=1":                "https://x/r?t=[hidden]&b=1",
		"https://x/r?roomKey=abc":              "https://x/r?roomKey=[hidden]",
		"https://x/r?a=1&X-Amz-Signature=ff#x": "https://x/r?a=1&X-Amz-Signature=[hidden]",
		`{"token":"a\"b","x":1}`:               `{"token":"[hidden]","x":1}`,
		`{"access_token": "abc"`:               `{"access_token": "[hidden]"`,
		"jwt eyJhbGciOi.eyJpc3M.sig end":       "jwt [hidden] end",
		"the bearer of news":                   "the bearer of news",
	} {
		if got := r.Text(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := r.Line("ä\x1b[2J\nö \t ü"+strings.Repeat("x", 9000), 8); got != "ä␛[2J ö …" {
		t.Errorf("line %q", got)
	}
	if got := r.Line("日本語🎉", 4); got != "日本語🎉" {
		t.Errorf("line %q", got)
	}
}

func FuzzRedactorLine(f *testing.F) {
	f.Add("a topsecret b\x1b")
	f.Add("\xff\xfe?t=topsecret")
	r := rest.NewRedactor("topsecret")
	f.Fuzz(func(t *testing.T, s string) {
		got := r.Line(s, 50)
		if strings.Contains(got, "topsecret") {
			t.Errorf("%q holds the secret", got)
		}
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 51 || plain.Text(got) != got {
			t.Errorf("%q is not one safe line", got)
		}
	})
}

func TestLink(t *testing.T) {
	for _, good := range []string{"https://acme.daily.co/demo", "http://127.0.0.1:80/x?a=b#c"} {
		if got, err := rest.Link(good); err != nil || got != good {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "javascript:alert(1)", "ftp://x/", "https://", "https://u:p@x/", "https://x/\x1b]0;", "https://x/a b", "/x", "https://x/%zz",
	} {
		if got, err := rest.Link(bad); err == nil || got != "" {
			t.Errorf("%q passes", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q is quoted", bad)
		}
	}
	for in, want := range map[string]string{
		"https://x/r": "https://x/r?t=a%26b", "https://x/r?q=1": "https://x/r?q=1&t=a%26b", "https://x/r#f": "https://x/r?t=a%26b#f",
	} {
		if got := rest.WithQuery(in, "t", "a&b"); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}

func TestLenientTypes(t *testing.T) {
	var v struct {
		S rest.Text
		N rest.Number
		F rest.Flag
		T rest.Time
		L rest.List[int]
	}
	at := time.Date(2025, 6, 15, 15, 6, 40, 0, time.UTC)
	for in, want := range map[string]any{
		`{"S":"x"}`: rest.Text("x"), `{"S":12}`: rest.Text("12"), `{"S":null}`: rest.Text(""), `{"S":{"a":1}}`: rest.Text(""),
		`{"S":[1]}`: rest.Text(""), `{"S":true}`: rest.Text("true"), `{}`: rest.Text(""),
		`{"N":1.5}`: rest.Number{Value: 1.5, Given: true}, `{"N":"2"}`: rest.Number{Value: 2, Given: true}, `{"N":null}`: rest.Number{},
		`{"N":"x"}`: rest.Number{}, `{"N":1e999}`: rest.Number{}, `{"N":[]}`: rest.Number{}, `{"N":"NaN"}`: rest.Number{},
		`{"F":true}`: rest.Flag(true), `{"F":"true"}`: rest.Flag(true), `{"F":1}`: rest.Flag(true), `{"F":false}`: rest.Flag(false), `{"F":{}}`: rest.Flag(false),
		`{"T":1750000000}`: at, `{"T":1750000000.0}`: at, `{"T":1750000000000}`: at, `{"T":"1750000000"}`: at,
		`{"T":"2025-06-15T15:06:40Z"}`: at, `{"T":"2025-06-15T15:06:40.000Z"}`: at, `{"T":"2025-06-15T17:06:40+02:00"}`: at,
		`{"T":"2025-06-15T15:06:40"}`: at, `{"T":"2025-06-15 15:06:40Z"}`: at, `{"T":1750000000.25}`: at.Add(250 * time.Millisecond),
		`{"T":null}`: time.Time{}, `{"T":"soon"}`: time.Time{}, `{"T":-1}`: time.Time{}, `{"T":1e300}`: time.Time{},
		`{"T":"0001-01-01T00:00:00Z"}`: time.Time{}, `{"T":"9999-12-31T23:59:59-01:00"}`: time.Time{}, `{"T":{}}`: time.Time{},
		`{"L":[1,2]}`: 2, `{"L":null}`: 0, `{"L":{"a":1}}`: 0, `{"L":["x"]}`: 0,
	} {
		v.S, v.N, v.F, v.T, v.L = "", rest.Number{}, false, rest.Time{}, nil
		if err := json.Unmarshal([]byte(in), &v); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		var got any
		switch want.(type) {
		case rest.Text:
			got = v.S
		case rest.Number:
			got = v.N
		case rest.Flag:
			got = v.F
		case time.Time:
			got = v.T.Time
		case int:
			got = len(v.L)
		}
		if got != want {
			t.Errorf("%s is %v, want %v", in, got, want)
		}
	}
}

func TestClipAndConversions(t *testing.T) {
	if got := rest.Text("  äöü ").Clip(3); got != "ä" {
		t.Errorf("clipped to %q", got)
	}
	if got := rest.Text(" x ").Clip(3); got != "x" {
		t.Errorf("clipped to %q", got)
	}
	for in, want := range map[float64]int64{1.9: 1, -1.9: -1, 1e30: 0} {
		if got := (rest.Number{Value: in}).Int(); got != want {
			t.Errorf("%v as int is %d", in, got)
		}
	}
	for in, want := range map[float64]time.Duration{1.5: 1500 * time.Millisecond, -1: 0, 1e30: 0} {
		if got := (rest.Number{Value: in}).Seconds(); got != want {
			t.Errorf("%v seconds are %v", in, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"1750000000.5", "2025-06-15T12:00:00Z", "-1", "1e308", "9999-12-31T23:59:59+23:59", "0x1p40"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at := rest.ParseTime(s)
		if at.IsZero() {
			return
		}
		if _, err := at.MarshalJSON(); err != nil || at.Year() < 1969 {
			t.Errorf("%q is %v: %v", s, at, err)
		}
	})
}
