package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

// attempt makes a call that may come to nothing.
func (b *bench) attempt(method, path, body string) (int, string, error) {
	req, err := http.NewRequest(method, b.srv.URL+"/daily/v1"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+DailyKey)
	res, err := b.srv.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, string(data), err
}

// Each fault, what the caller sees of it, and whether the room was made all the same.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault  Fault
		status int // 0 for no answer
		json   bool
		made   bool
	}{
		{Fault{Kind: RateLimit, Delay: 2 * time.Second}, 429, true, false},
		{Fault{Kind: ServerError}, 500, true, false},
		{Fault{Kind: ServerError, Status: 503}, 503, true, false},
		{Fault{Kind: ErrorAfterEffect}, 502, true, true},
		{Fault{Kind: DropConnection}, 0, false, false},
		{Fault{Kind: DropAfterEffect}, 0, false, true},
		{Fault{Kind: CutJSON}, 200, false, true},
		{Fault{Kind: HTML}, 200, false, false},
		{Fault{Kind: ErrorWith200}, 200, true, false},
		{Fault{Kind: PresenceError}, 200, true, true},
		{Fault{Kind: ServerError, Platform: provider.Whereby}, 200, true, true},
		{Fault{Kind: ServerError, Match: "GET "}, 200, true, true},
	} {
		name := string(c.fault.Kind) + string(c.fault.Platform) + c.fault.Match
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Options{})
			b.t = t
			c.fault.Times = 1
			if c.fault.Match == "" {
				c.fault.Match = "POST /rooms"
			}
			must[string](t)(b.Fault(c.fault))
			status, body, err := b.attempt("POST", "/rooms", `{"name":"demo"}`)
			if status != c.status || (err != nil) != (c.status == 0) {
				t.Errorf("status %d, %v; want %d", status, err, c.status)
			}
			if err == nil && json.Valid([]byte(body)) != c.json {
				t.Errorf("body %q", body)
			}
			if _, err := b.Room(provider.Daily, "demo"); (err == nil) != c.made {
				t.Errorf("made: %v, want %v", err == nil, c.made)
			}
			b.ClearFaults()
			if status, _, err := b.attempt("GET", "/rooms", ""); status != 200 || err != nil {
				t.Errorf("after it is cleared: %d, %v", status, err)
			}
		})
	}
}

func TestFaultCounts(t *testing.T) {
	b := newBench(t, Options{NoRateLimits: true, Seed: 7})
	must[string](t)(b.Fault(Fault{Kind: RateLimit, Times: 2, Delay: 1500 * time.Millisecond}))
	for i, want := range []int{429, 429, 200} {
		r := b.daily("GET", "/rooms", "").want(want)
		if want == 429 && r.header.Get("Retry-After") != "2" {
			t.Errorf("call %d: Retry-After %q", i+1, r.header.Get("Retry-After"))
		}
	}
	must[string](t)(b.Fault(Fault{Kind: PresenceError, Status: 503}))
	b.daily("GET", "/presence", "").want(503)
	b.daily("GET", "/rooms", "").want(200)
	b.ClearFaults()

	hits := func(seed uint64) (pattern string) {
		b := newBench(t, Options{NoRateLimits: true, Seed: seed})
		must[string](t)(b.Fault(Fault{Kind: ServerError, Probability: 0.5}))
		for range 40 {
			if b.daily("GET", "/rooms", "").status == 500 {
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return pattern
	}
	first := hits(1)
	if again := hits(1); again != first {
		t.Errorf("the same seed gave %s and %s", first, again)
	}
	if n := strings.Count(first, "x"); n < 8 || n > 32 {
		t.Errorf("half of the calls: %s", first)
	}
}

func TestFaultsThatAreNone(t *testing.T) {
	b := newBench(t, Options{})
	for _, f := range []Fault{
		{}, {Kind: "sleep"}, {Kind: Latency, Delay: -1}, {Kind: ServerError, Times: -1}, {Kind: ServerError, Probability: 2},
		{Kind: ServerError, Status: 42}, {Kind: ServerError, Platform: "zoom"},
	} {
		if _, err := b.Fault(f); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}

// Latency is the world's time.
func TestLatency(t *testing.T) {
	b := newBench(t, Options{})
	must[string](t)(b.Fault(Fault{Kind: Latency, Delay: time.Hour, Times: 1, Match: "GET /rooms"}))
	got := make(chan int)
	go func() {
		status, _, err := b.attempt("GET", "/rooms", "")
		if err != nil {
			t.Error(err)
		}
		got <- status
	}()
	if err := b.clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
		t.Error("answered before its time")
	default:
	}
	b.clock.Advance(time.Hour)
	if status := <-got; status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestWebhookFaults(t *testing.T) {
	emit := func(b *bench, kinds ...string) {
		t.Helper()
		for _, k := range kinds {
			if err := b.Emit(provider.Daily, k, nil); err != nil {
				t.Fatal(err)
			}
		}
		b.pass(0)
	}
	b, hook := newBench(t, Options{}), newReceiver(t)
	must[string](t)(b.SetWebhook(provider.Daily, hook.URL, ""))

	must[string](t)(b.Fault(Fault{Kind: LoseWebhook, Times: 1}))
	emit(b, "a", "b")
	if got := types(hook.take()); got != "b" {
		t.Errorf("lost: %s", got)
	}
	must[string](t)(b.Fault(Fault{Kind: ReorderWebhook, Times: 1, Match: "a"}))
	emit(b, "a", "b", "c")
	if got := types(hook.take()); got != "b a c" {
		t.Errorf("reordered: %s", got)
	}
	must[string](t)(b.Fault(Fault{Kind: ReorderWebhook, Times: 1}))
	emit(b, "a")
	if got := types(hook.take()); got != "" {
		t.Errorf("held back: %s", got)
	}
	b.pass(heldFor)
	if got := types(hook.take()); got != "a" {
		t.Errorf("late: %s", got)
	}
	must[string](t)(b.Fault(Fault{Kind: DuplicateWebhook, Times: 20}))
	same, other := 0, 0
	for range 20 {
		emit(b, "a")
		twice := hook.take()
		if types(twice) != "a a" {
			t.Fatalf("duplicated: %v", twice)
		}
		if twice[0]["id"] == twice[1]["id"] {
			same++
		} else {
			other++
		}
	}
	if same == 0 || other == 0 {
		t.Errorf("ids: %d the same, %d another", same, other)
	}
	if err := b.Emit("zoom", "a", nil); err == nil {
		t.Error("emitted on a platform that isn't there")
	}
	if err := b.Emit(provider.Daily, "a", func() {}); err == nil {
		t.Error("emitted what isn't JSON")
	}
	if n := b.RemoveWebhooks(provider.Daily); n != 1 {
		t.Errorf("removed %d", n)
	}
}

func TestJoinRefusals(t *testing.T) {
	b := newBench(t, Options{})
	b.daily("POST", "/rooms", `{"name":"pair","properties":{"max_participants":1,"nbf":1749988860}}`).want(200)
	b.daily("POST", "/rooms", `{"name":"closed","privacy":"private"}`).want(200)
	join := func(room string, p Person) error { _, err := b.Join(provider.Daily, room, p); return err }
	for want, got := range map[error]error{
		ErrNoRoom: join("none", Person{}), ErrEarly: join("pair", Person{}), ErrLocked: join("closed", Person{}),
		ErrToken: join("closed", Person{Token: "junk"}), ErrNoSession: b.Leave("none", ""),
	} {
		if !errors.Is(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	b.pass(time.Minute)
	if err := join("pair", Person{}); err != nil {
		t.Error(err)
	}
	if err := join("pair", Person{}); !errors.Is(err, ErrFull) {
		t.Errorf("%v, want %v", err, ErrFull)
	}
	if err := join("pair", Person{Role: "king"}); err == nil {
		t.Error("a role that isn't one")
	}
	if _, err := b.Knock(provider.Daily, "closed", Person{}); err == nil {
		t.Error("knocked where there is no lobby")
	}
	for name, err := range map[string]error{
		"drop": b.Drop("none"), "admit": b.Admit("none"), "deny": b.Deny("none"), "end": b.EndAll(provider.Daily, "none"),
	} {
		if err == nil {
			t.Errorf("%s without a session", name)
		}
	}
}

// A connection that is lost is noticed 20 s later.
func TestDrop(t *testing.T) {
	b := newBench(t, Options{})
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	ann := must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann"}))
	if err := b.Drop(ann); err != nil {
		t.Fatal(err)
	}
	b.pass(19 * time.Second)
	if st := must[RoomState](t)(b.Room(provider.Daily, "demo")); len(st.People) != 1 {
		t.Error("noticed too early")
	}
	b.pass(time.Second)
	if st := must[RoomState](t)(b.Room(provider.Daily, "demo")); len(st.People) != 0 {
		t.Error("not noticed")
	}
}
