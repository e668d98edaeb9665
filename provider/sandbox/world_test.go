package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/internal/crash"
	"greenroom/provider"
)

// Events happen in the order of their times, each with its own time, however far the clock jumps.
func TestAgenda(t *testing.T) {
	b := newBench(t, Options{})
	var got []time.Duration
	note := func(at time.Time) { got = append(got, at.Sub(start)) }
	now := b.lock()
	b.at(now.Add(3*time.Second), note)
	b.at(now.Add(time.Second), func(at time.Time) {
		note(at)
		b.at(at.Add(time.Second), note)
	})
	b.unlock()
	b.pass(time.Hour)
	b.lock()
	defer b.unlock()
	if len(got) != 3 || got[0] != time.Second || got[1] != 2*time.Second || got[2] != 3*time.Second {
		t.Errorf("happened at %v", got)
	}
}

func TestSettleGivesUp(t *testing.T) {
	entered := make(chan struct{}, 1)
	hang := newHanging(t, entered)
	b := newBench(t, Options{})
	must[string](t)(b.SetWebhook(provider.Daily, hang.URL, ""))
	if err := b.Emit(provider.Daily, "x", nil); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Settle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("settled: %v", err)
	}
}

// A panic in a handler is reported, drops the connection, and leaves the world unlocked.
func TestPanicInHandler(t *testing.T) {
	panics := make(chan crash.Report, 1)
	w := New(Options{OnPanic: func(r crash.Report) { panics <- r }})
	defer w.Close()
	a := &api{
		platform: provider.Daily, admit: func(*call, route) *answer { return nil },
		routes: []route{{method: "GET", pattern: "/boom", handle: func(*call) answer { panic("boom") }}},
	}
	srv := &http.Server{Handler: w.guard(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serve(a, rw, r) }))}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() {
		srv.Close()
		<-served
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if res, err := client.Get("http://" + l.Addr().String() + "/boom"); err == nil {
		res.Body.Close()
		t.Error("the panic was answered")
	} else if !errors.Is(err, io.EOF) {
		t.Errorf("the connection was not dropped: %v", err)
	}
	if r := <-panics; r.Value != "boom" || !strings.Contains(string(r.Stack), "decide") {
		t.Errorf("reported %v", r)
	}
	if len(w.Rooms()) != 0 {
		t.Error("rooms in an empty world")
	}
}

func TestPresenceFilters(t *testing.T) {
	b := newBench(t, Options{PresenceLag: -1})
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	for _, p := range []Person{{Name: "Ann", UserID: "u-1"}, {Name: "Ann"}, {Name: "Bob", UserID: "u-2"}} {
		must[string](t)(b.Join(provider.Daily, "demo", p))
	}
	for query, want := range map[string]string{"?userName=Ann": "2", "?userId=u-2": "1", "?userId=u-1&userName=Bob": "0", "?limit=1": "3"} {
		r := b.daily("GET", "/rooms/demo/presence"+query, "").want(200)
		if r.str("total_count") != want {
			t.Errorf("%s: %s", query, r.body)
		}
		if query == "?limit=1" && len(r.get("data").([]any)) != 1 {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	if p := b.daily("GET", "/presence", "").want(200); len(p.get("demo").([]any)) != 3 {
		t.Errorf("presence %s", p.body)
	}
}

// The first of the settings that eject applies; the token's go before the room's.
func TestEjectAfterElapsed(t *testing.T) {
	b := newBench(t, Options{})
	b.daily("POST", "/rooms", `{"name":"demo","properties":{"eject_after_elapsed":30,"exp":1749988820,"eject_at_room_exp":true}}`).want(200)
	long := b.daily("POST", "/meeting-tokens", `{"properties":{"eject_after_elapsed":60}}`).want(200).str("token")
	must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann"}))
	must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Bob", Token: long}))
	for at, want := range []int{2, 1, 1, 0} {
		if st := must[RoomState](t)(b.Room(provider.Daily, "demo")); len(st.People) != want {
			t.Errorf("after %d s: %d people, want %d", at*20, len(st.People), want)
		}
		b.pass(20 * time.Second)
	}
}
