package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"greenroom/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is when the tests' clocks begin.
var start = time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)

// bench is a world on a fake clock behind a real server.
type bench struct {
	*World
	t     *testing.T
	clock *clockwork.FakeClock
	srv   *httptest.Server
}

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	clock := clockwork.NewFakeClockAt(start)
	o.Clock = clock
	w := New(o)
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(func() {
		srv.Client().CloseIdleConnections()
		srv.Close()
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &bench{w, t, clock, srv}
}

// pass waits for what is under way, lets time go by, and waits for what that brings.
func (b *bench) pass(d time.Duration) {
	b.t.Helper()
	b.settle()
	b.clock.Advance(d)
	b.settle()
}

func (b *bench) settle() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	if err := b.Settle(ctx); err != nil {
		b.t.Fatal(err)
	}
}

// reply is an HTTP answer.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (b *bench) do(method, path, key, body string, header ...string) reply {
	b.t.Helper()
	req, err := http.NewRequest(method, b.srv.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.srv.Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{b.t, res.StatusCode, res.Header, string(data)}
}

func (b *bench) daily(method, path, body string) reply {
	b.t.Helper()
	return b.do(method, "/daily/v1"+path, DailyKey, body)
}

func (b *bench) whereby(method, path, body string) reply {
	b.t.Helper()
	return b.do(method, "/whereby/v1"+path, WherebyKey, body)
}

func (b *bench) control(method, path, body string) reply {
	b.t.Helper()
	return b.do(method, "/sandbox"+path, "", body)
}

// want checks the status.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// get walks into the JSON body by keys and list indexes.
func (r reply) get(path ...any) any {
	r.t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(r.body)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		r.t.Fatalf("%v in %q", err, r.body)
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, isMap := v.(map[string]any)
			if !isMap {
				r.t.Fatalf("no %v in %s", path, r.body)
			}
			v = m[p]
		case int:
			l, isList := v.([]any)
			if !isList || p >= len(l) {
				r.t.Fatalf("no %v in %s", path, r.body)
			}
			v = l[p]
		}
	}
	if n, isNumber := v.(json.Number); isNumber {
		return n.String()
	}
	return v
}

func (r reply) str(path ...any) string {
	r.t.Helper()
	s, _ := r.get(path...).(string)
	return s
}

// wantError checks Daily's error object.
func (r reply) wantError(status int, code, info string) {
	r.t.Helper()
	r.want(status)
	if got := r.str("error"); got != code || !strings.Contains(r.str("info"), info) {
		r.t.Errorf("error %s, want %q with %q", r.body, code, info)
	}
}

// receiver is a webhook's far end.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	status func(n int) int // for the nth request, from 1; nil is 200
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.bodies = append(r.bodies, string(body))
		r.heads = append(r.heads, req.Header.Clone())
		status := 200
		if r.status != nil {
			status = r.status(len(r.bodies))
		}
		r.mu.Unlock()
		rw.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

// take gives what arrived since the last take.
func (r *receiver) take() []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []map[string]any{}
	for _, b := range r.bodies {
		var m map[string]any
		if json.Unmarshal([]byte(b), &m) == nil {
			out = append(out, m)
		}
	}
	r.bodies, r.heads = nil, nil
	return out
}

func types(events []map[string]any) string {
	var out []string
	for _, e := range events {
		out = append(out, text(e, "type"))
	}
	return strings.Join(out, " ")
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A meeting on each platform from its creation to its end, as a client and a receiver see it.
func TestLifeOfAMeeting(t *testing.T) {
	t.Run("daily", func(t *testing.T) {
		b, hook := newBench(t, Options{}), newReceiver(t)
		b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
		must[string](t)(b.SetWebhook(provider.Daily, hook.URL, ""))
		ann := must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann", Owner: true}))
		b.pass(16 * time.Second)
		if got := b.daily("GET", "/rooms/demo/presence", "").want(200); got.str("data", 0, "id") != ann {
			t.Errorf("presence %s, want %s", got.body, ann)
		}
		if err := b.Leave(ann, "left"); err != nil {
			t.Fatal(err)
		}
		b.pass(30 * time.Second)
		if got := types(hook.take()); got != "meeting.started participant.joined participant.left meeting.ended" {
			t.Errorf("events: %s", got)
		}
		b.daily("DELETE", "/rooms/demo", "").want(200)
		b.daily("GET", "/rooms/demo", "").wantError(404, "not-found", "demo")
	})
	t.Run("whereby", func(t *testing.T) {
		b, hook := newBench(t, Options{}), newReceiver(t)
		must[string](t)(b.SetWebhook(provider.Whereby, hook.URL, ""))
		m := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00Z","roomNamePrefix":"Demo -"}`).want(201)
		room := m.str("roomName")
		if !strings.HasPrefix(room, "/demo-") || m.get("hostRoomUrl") != nil {
			t.Errorf("meeting: %s", m.body)
		}
		ann := must[string](t)(b.Join(provider.Whereby, room, Person{Name: "Ann", Owner: true}))
		must[string](t)(b.Join(provider.Whereby, room, Person{Name: "Zoë"}))
		if err := b.Leave(ann, "left"); err != nil {
			t.Fatal(err)
		}
		b.pass(30 * time.Second)
		want := "room.client.joined room.client.joined room.session.started room.client.left room.session.ended"
		if got := types(hook.take()); got != want {
			t.Errorf("events: %s, want %s", got, want)
		}
		b.whereby("DELETE", "/meetings/"+m.str("meetingId"), "").want(204)
		b.whereby("GET", "/meetings/"+m.str("meetingId"), "").want(404)
	})
}

// newHanging answers nothing until the caller cancels. Create it before the world, which is then closed first.
func newHanging(t *testing.T, entered chan<- struct{}) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// The server notices that the caller is gone only once the body has been read.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		entered <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	return s
}
