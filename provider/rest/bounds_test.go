package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// The tests of this file check the exact bounds: the last accepted value and the first refused one.

func TestCharactersOfAKey(t *testing.T) {
	for key, good := range map[string]bool{"!~": true, "a b": false, "a\x7fb": false, "kéy": false, "a\nb": false} {
		_, err := rest.New(rest.Config{Platform: provider.Daily, BaseURL: "https://api.example/v1", Key: key})
		if (err == nil) != good {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestLongestWaits(t *testing.T) {
	t.Run("that the platform asks for", func(t *testing.T) {
		var n atomic.Int32
		c, clock := client(t, answers(&n, asJSON(429, `{}`, "Retry-After", "20"), asJSON(200, `{}`)), nil)
		if err := c.Do(t.Context(), get(nil)); err != nil || total(clock.Waits()) < 20*time.Second {
			t.Errorf("%v after %v", err, clock.Waits())
		}
		n.Store(0)
		c, clock = client(t, answers(&n, asJSON(429, `{}`, "Retry-After", "20.001"), asJSON(200, `{}`)), nil)
		if err := c.Do(t.Context(), get(nil)); !errors.Is(err, provider.RateLimited) || len(clock.Waits()) != 0 {
			t.Errorf("%v after %v", err, clock.Waits())
		}
	})
	t.Run("for the budget", func(t *testing.T) {
		c, clock := client(t, asJSON(200, `{}`), limited(rest.Limit{PerSecond: 0.05, Burst: 1}))
		for range 2 {
			if err := c.Do(t.Context(), get(nil)); err != nil {
				t.Fatal(err)
			}
		}
		if sum := total(clock.Waits()); sum != 20*time.Second {
			t.Errorf("waited %v", sum)
		}
	})
}

// A rate limit's error has the wait, unless the platform's own hint does.
func TestHintOfARateLimit(t *testing.T) {
	for after, want := range map[string]string{"": "wait a minute, then try again", "42": "wait 42s, then try again", "30.2": "wait 30s, then try again"} {
		c, _ := client(t, asJSON(429, `{}`, "Retry-After", after), func(c *rest.Config) { c.Attempts = 1 })
		if got := provider.HintOf(c.Do(t.Context(), get(nil))); got != want {
			t.Errorf("%q: hint %q, want %q", after, got, want)
		}
	}
	c, _ := client(t, asJSON(429, `{}`), func(c *rest.Config) {
		c.Attempts, c.Explain = 1, func(_ int, _ http.Header, _ []byte, p *rest.Problem) { p.Hint = "own" }
	})
	if got := provider.HintOf(c.Do(t.Context(), get(nil))); got != "own" {
		t.Errorf("hint %q", got)
	}
}

func TestLargestAnswer(t *testing.T) {
	const body = `{"name":"xxxx"}`
	for most, good := range map[int64]bool{int64(len(body)): true, int64(len(body)) - 1: false} {
		c, _ := client(t, asJSON(200, body), func(c *rest.Config) { c.MaxBody, c.Attempts = most, 1 })
		var out named
		if err := c.Do(t.Context(), get(&out)); (err == nil) != good {
			t.Errorf("%d bytes of at most %d: %v", len(body), most, err)
		}
	}
}

func TestEdgesOfTheStatuses(t *testing.T) {
	for _, test := range []struct {
		answer http.HandlerFunc
		kind   provider.Kind
		words  string
	}{
		{asJSON(299, `{}`), provider.Unavailable, "which no platform does"},
		{asJSON(300, `{}`), provider.Unavailable, "redirects (Multiple Choices)"},
		{asJSON(399, `{}`), provider.Unavailable, "redirects (with an unknown status)"},
		{asJSON(400, `{}`), provider.Invalid, "Bad Request"},
		{reply(400, "text/html", "<p>no"), provider.Unavailable, "web page"},
		{reply(403, "text/html", "<p>no"), provider.Forbidden, "Forbidden"},
		{asJSON(500, `{}`), provider.Unavailable, "Internal Server Error"},
		{asJSON(200, `{"name":`, "Content-Length", "100"), provider.Unavailable, "cut off"},
	} {
		c, _ := client(t, test.answer, func(c *rest.Config) { c.Attempts = 1 })
		err := c.Do(t.Context(), get(nil))
		if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%v, want %s", err, test.words)
		}
	}
}

func TestWhatMayHaveBeenDone(t *testing.T) {
	for status, maybe := range map[int]bool{499: false, 500: true, 408: true, 400: false} {
		c, _ := client(t, asJSON(status, `{}`), func(c *rest.Config) { c.Attempts = 1 })
		if err := c.Do(t.Context(), post(nil)); errors.Is(err, rest.ErrMaybeDone) != maybe {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// A refusal that the platform calls an outage is retried, whatever its status.
func TestOutageWithStatus400(t *testing.T) {
	var n atomic.Int32
	c, _ := client(t, answers(&n, asJSON(400, `{}`), asJSON(200, `{}`)), func(c *rest.Config) {
		c.Explain = func(_ int, _ http.Header, _ []byte, p *rest.Problem) { p.Kind = provider.Unavailable }
	})
	if err := c.Do(t.Context(), get(nil)); err != nil || n.Load() != 2 {
		t.Errorf("%v after %d calls", err, n.Load())
	}
}

func TestPlanOfTheHeaders(t *testing.T) {
	waits := func(t *testing.T, l rest.Limit, calls int, first string) time.Duration {
		var n atomic.Int32
		c, clock := client(t, answers(&n, asJSON(200, `{}`, "X-RateLimit-Limit", first), asJSON(200, `{}`)), limited(l))
		for range calls {
			if err := c.Do(t.Context(), get(nil)); err != nil {
				t.Fatal(err)
			}
		}
		return total(clock.Waits())
	}
	// One answer is enough to learn the plan: 10 a second.
	if got := waits(t, rest.Limit{PerSecond: 1, Burst: 40, Window: time.Minute}, 90, "1000"); got > 6*time.Second {
		t.Errorf("the larger plan is not used: waited %v", got)
	}
	// A budget of nothing is nonsense, and one without a window is ignored.
	if got := waits(t, rest.Limit{PerSecond: 1, Burst: 2, Window: time.Minute}, 4, "0"); got != 2*time.Second {
		t.Errorf("a plan of 0 points: waited %v", got)
	}
	if got := waits(t, rest.Limit{PerSecond: 1, Burst: 2}, 4, "1000"); got != 2*time.Second {
		t.Errorf("without a window: waited %v", got)
	}
}

// A call that waits out a pause of the whole account ends with its context.
func TestPauseEndsWithTheContext(t *testing.T) {
	var n atomic.Int32
	c, _ := client(t, answers(&n, asJSON(200, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "7"), asJSON(200, `{}`)),
		limited(rest.Limit{PerSecond: 100, Burst: 100}))
	if err := c.Do(t.Context(), get(nil)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Do(ctx, get(nil)); !errors.Is(err, context.Canceled) || n.Load() != 1 {
		t.Errorf("%v after %d calls", err, n.Load())
	}
}

func TestRealClockSleeps(t *testing.T) {
	const d = 5 * time.Millisecond
	began := time.Now()
	if err := (rest.RealClock{}).Sleep(t.Context(), d); err != nil || time.Since(began) < d {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestEdgesOfLenientTypes(t *testing.T) {
	for in, want := range map[string]string{`"\u0041b"`: "Ab", `"a\u0041"`: "aA", `""`: "", `"x"`: "x"} {
		var s rest.Text
		if err := json.Unmarshal([]byte(in), &s); err != nil || string(s) != want {
			t.Errorf("%s: %q, %v", in, s, err)
		}
	}
	for _, test := range []struct {
		text  rest.Text
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"\x80abc", 0, ""}, {"ä", 1, ""}, {"日本", 6, "日本"}, {"日本", 5, "日"}} {
		if got := test.text.Clip(test.limit); got != test.want {
			t.Errorf("%q to %d: %q", test.text, test.limit, got)
		}
	}
	if got := (rest.Number{Value: 1 << 62}).Int(); got != 0 {
		t.Errorf("2^62 is %d", got)
	}
	if got := (rest.Number{Value: 1 << 61}).Int(); got != 1<<61 {
		t.Errorf("2^61 is %d", got)
	}
	const century = 3_153_600_000
	for in, want := range map[float64]time.Duration{0: 0, century: century * time.Second, century + 1: 0} {
		if got := (rest.Number{Value: in}).Seconds(); got != want {
			t.Errorf("%v seconds are %v", in, got)
		}
	}
	for in, want := range map[string]time.Time{
		"1970-06-01T00:00:00Z": time.Date(1970, 6, 1, 0, 0, 0, 0, time.UTC), "9999-06-01T00:00:00Z": time.Date(9999, 6, 1, 0, 0, 0, 0, time.UTC),
		"1969-12-31T23:59:59Z": {}, "100000000000": time.Unix(1e11, 0).UTC(), "100000000001": time.UnixMilli(100000000001).UTC(), "0": {},
		"253402300799000": time.Unix(253402300799, 0).UTC(), "253402300800000": {},
	} {
		if got := rest.ParseTime(in); !got.Equal(want) {
			t.Errorf("%s is %v, want %v", in, got, want)
		}
	}
}

func TestShortSecretsAndLongTexts(t *testing.T) {
	r := rest.NewRedactor("abcd", "xyz")
	if got := r.Text("abcd xyz"); got != "[hidden] xyz" {
		t.Errorf("%q", got)
	}
	// White space is collapsed before the text is cut.
	if got := r.Line("a"+strings.Repeat(" ", 4500)+"end", 50); got != "a end" {
		t.Errorf("%q", got)
	}
	for _, s := range []string{"ééé", "日日日", "🎉🎉🎉", "xxx"} {
		if got := r.Line(s+"z", 3); got != s+"…" {
			t.Errorf("%q", got)
		}
	}
}

func TestCheckClock(t *testing.T) {
	c, _ := client(t, asJSON(200, `{}`), nil)
	for date, want := range map[string]string{
		"Sun, 15 Jun 2025 12:00:30 GMT": "agrees with the platform's", "Sun, 15 Jun 2025 11:59:30 GMT": "agrees with the platform's",
		"Sun, 15 Jun 2025 12:00:31 GMT": "differs from the platform's by 31s", "soon": "",
	} {
		got := append(c.CheckClock(http.Header{"Date": {date}}, 30*time.Second, "tokens depend on it"), provider.Check{})
		if got[0].Detail != want || len(got) != 1 != (want != "") || got[0].OK != strings.HasPrefix(want, "agrees") {
			t.Errorf("%s: %+v", date, got)
		}
	}
}
