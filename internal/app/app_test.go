package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
)

func TestADeliverySurvivesJSON(t *testing.T) {
	for _, body := range []string{`{"a":1.50}`, "\x00\xff\xfe", "", "Zoë \u202e"} {
		in := Delivery{
			Seq: 7, At: At(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)), Headers: http.Header{"X": {"a", "b"}},
			Body: Body(body), Verdict: provider.Verified, Kind: provider.KindTest,
		}
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out Delivery
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in, out); d != "" {
			t.Errorf("%q: %s", body, d)
		}
		if encoded := strings.Contains(string(raw), `"body_encoding":"base64"`); encoded != (body == "\x00\xff\xfe") {
			t.Errorf("%s", raw)
		}
	}
}

func TestARowHasNoBody(t *testing.T) {
	raw, err := json.Marshal(Delivery{Seq: 1, Body: Body("x")})
	if err != nil || strings.Contains(string(raw), `"body"`) || strings.Contains(string(raw), `"headers"`) {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestWhatHasNotHappenedIsNull(t *testing.T) {
	raw, err := json.Marshal(Meeting{ID: "m"})
	if err != nil || !strings.Contains(string(raw), `"ended_at":null`) {
		t.Errorf("%s, %v", raw, err)
	}
	var m Meeting
	if err := json.Unmarshal(raw, &m); err != nil || !m.EndedAt.IsZero() {
		t.Errorf("%v, %v", m.EndedAt, err)
	}
}

func TestErrorsKeepKindAndHint(t *testing.T) {
	deep := &provider.Error{Kind: provider.RateLimited, Platform: provider.Daily, Op: "list", Hint: "wait"}
	e := AsError(fmt.Errorf("room list: %w", deep))
	if e.Kind != provider.RateLimited || e.Hint != "wait" || !errors.Is(e, provider.RateLimited) ||
		!strings.HasPrefix(e.Text, "room list: daily: list") {
		t.Errorf("%+v", e)
	}
	if e.Platform != provider.Daily {
		t.Errorf("the platform is %q", e.Platform)
	}
	raw, err := json.Marshal(e)
	if err != nil || !strings.Contains(string(raw), `"platform":"daily"`) {
		t.Errorf("%s, %v", raw, err)
	}
	wrapped := AsError(fmt.Errorf("start: %w", &Error{Kind: NotConfigured, Text: "no key", Hint: "set it"}))
	if wrapped.Text != "start: no key" || wrapped.Hint != "set it" || !errors.Is(wrapped, NotConfigured) {
		t.Errorf("%+v", wrapped)
	}
	if AsError(nil) != nil {
		t.Error("nil is an error")
	}
}
