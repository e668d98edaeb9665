package app_test

import (
	"encoding/json"
	"net/http"
	"testing"

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
