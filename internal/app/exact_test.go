package app_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
)

// odd has values that HTTP may carry and JSON can't.
var odd = http.Header{"X-Latin": {"Zo\xeb", "plain"}, "X-Utf": {"Zoë"}, "Base64": {}}

func TestBytesThatAreNoTextSurviveJSON(t *testing.T) {
	in := app.Inbound{Account: "a", Target: "/hooks/a?q=\xff", Header: odd, Body: []byte("\xfe")}
	if d := cmp.Diff(in, again(t, in)); d != "" {
		t.Error("a request:", d)
	}
	d := app.Delivery{Target: "/hooks/a?q=\xff", Headers: odd, Body: app.Body("\xfe")}
	if d := cmp.Diff(d, again(t, d)); d != "" {
		t.Error("a delivery:", d)
	}
	row := app.Delivery{Target: "/\xff"}
	if got := again(t, row); got.Target != row.Target {
		t.Errorf("a row's target became %q", got.Target)
	}
	for _, h := range []http.Header{odd, {"Exact": {"a"}, "Text": {}}, {}} {
		raw, err := app.EncodeHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		got, err := app.DecodeHeader(raw)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(h, got); d != "" {
			t.Error("a header:", d)
		}
	}
	if _, err := app.DecodeHeader([]byte(`{"A":1}`)); err == nil {
		t.Error("an invalid header is accepted")
	}
}

func again[T any](t *testing.T, v T) (out T) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// FuzzHeader: a header that is text has the JSON of encoding/json.
func FuzzHeader(f *testing.F) {
	f.Add("X-Name", "a", "b", 2)
	f.Add("X<&>", "\u2028\u2029\ufffd\x7f", "\x00\b\f\n\r\t\"\\/<>& Zoë 渡辺", 2)
	f.Add("", "", "", -1)
	f.Fuzz(func(t *testing.T, name, first, second string, n int) {
		values := []string{first, second}
		h := http.Header{name: values[:min(max(n, 0), 2)], "Host": {second}, "Accept": nil}
		if n < 0 {
			h = nil
		}
		if !utf8.ValidString(name) || !utf8.ValidString(first) || !utf8.ValidString(second) {
			return
		}
		got, err := app.EncodeHeader(h)
		want, _ := json.Marshal(h)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s, not %s, %v", got, want, err)
		}
	})
}
