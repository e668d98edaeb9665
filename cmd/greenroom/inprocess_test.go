package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/ipc/lock"
	"greenroom/provider"
	"greenroom/provider/sandbox"
	"greenroom/tui"
)

// realBench is a bench on a real store, with a sandbox for the platforms.
func realBench(t *testing.T) (*bench, *sandbox.World) {
	t.Helper()
	w := sandbox.New(sandbox.Options{NoRateLimits: true, PresenceLag: -1})
	base := serve(t, w)
	b := newBench(t, true, "")
	home, run := t.TempDir(), shortDir(t)
	env := map[string]string{"XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "XDG_RUNTIME_DIR": run}
	for _, kv := range sandboxEnvironment(base) {
		env[kv[0]] = kv[1]
	}
	b.getenv = func(name string) string { return env[name] }
	b.now = time.Now
	b.open = openBackend
	return b, w
}

// shortDir is a folder whose path leaves room for a socket's name.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestMainPathInProcess(t *testing.T) {
	b, w := realBench(t)
	b.run(t, 0, "room", "list")
	b.run(t, 0, "room", "create", "all-hands", "--account", "daily", "--locked", "--size", "9", "--recording", "cloud")
	b.run(t, 0, "room", "create", "design", "--account", "whereby")
	b.run(t, 0, "room", "list")
	if s := b.out.String(); !strings.Contains(s, "locked, up to 9, records in the cloud, from the 2nd participant") {
		t.Errorf("room list: %s", s)
	}
	b.run(t, 0, "room", "show", "design")
	b.run(t, 0, "meeting", "start", "all-hands", "--for", "1h")
	b.run(t, 0, "meeting", "start", "design", "--json")
	var m app.StartedMeeting
	if err := json.Unmarshal(b.out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	session, err := w.Join(provider.Whereby, m.PlatformRoom, sandbox.Person{Name: "Ada"})
	if err != nil || session == "" {
		t.Fatal(err)
	}
	b.run(t, 0, "room", "list")
	if s := b.out.String(); strings.Count(s, "open") != 2 {
		t.Errorf("room list: %s", s)
	}
	b.run(t, 0, "meeting", "list")
	b.run(t, 0, "meeting", "show", "all-hands")
	b.run(t, 0, "meeting", "link", "all-hands", "--host", "--json")
	b.run(t, 0, "meeting", "join", "design")
	if len(b.opened) != 1 || b.opened[0] != m.GuestURL {
		t.Errorf("opened %v, not %s", b.opened, m.GuestURL)
	}
	b.run(t, 0, "doctor")
	if s := b.out.String(); !strings.Contains(s, "daily (daily)") || !strings.Contains(s, "greenroom.db") {
		t.Errorf("doctor: %s", s)
	}
	b.run(t, 0, "meeting", "end", "design", "--yes")
	b.run(t, 0, "config", "check")
	b.run(t, 0, "config", "show")
}

// listener reads what a command prints, line by line, while it runs.
type lineReader struct {
	t *testing.T
	r io.Reader
	b []byte
}

func (l *lineReader) next() string {
	l.t.Helper()
	for {
		if i := bytes.IndexByte(l.b, '\n'); i >= 0 {
			line := string(l.b[:i])
			l.b = l.b[i+1:]
			return line
		}
		chunk := make([]byte, 4096)
		n, err := l.r.Read(chunk)
		if err != nil {
			l.t.Fatalf("the command ended: %v", err)
		}
		l.b = append(l.b, chunk[:n]...)
	}
}

func TestListenInProcess(t *testing.T) {
	b, w := realBench(t)
	r, out := io.Pipe()
	b.stdout = out
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- b.execute(ctx, []string{"listen", "--addr", "127.0.0.1:0", "--json"}) }()
	lines := &lineReader{t: t, r: r}
	var first struct{ Listening string }
	if err := json.Unmarshal([]byte(lines.next()), &first); err != nil || first.Listening == "" {
		t.Fatal(first, err)
	}
	if _, err := w.SetWebhook(provider.Daily, first.Listening+"/v1/daily/webhook", ""); err != nil {
		t.Fatal(err)
	}
	if err := w.Emit(provider.Daily, "meeting.started", map[string]any{"room": "elsewhere", "meeting_id": "m-1", "start_ts": 1.5}); err != nil {
		t.Fatal(err)
	}
	var d app.Delivery
	if err := json.Unmarshal([]byte(lines.next()), &d); err != nil || d.Verdict != provider.Verified || d.Kind != provider.KindMeetingStarted {
		t.Fatal(d, err)
	}
	res, err := http.Get(first.Listening + "/hooks/daily")
	if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Fatal(res, err)
	}
	res.Body.Close()
	if err := json.Unmarshal([]byte(lines.next()), &d); err != nil || d.Verdict != provider.Rejected || d.Status != 405 || d.Reason == "" {
		t.Errorf("what is for no account: %+v, %v", d, err)
	}

	// A command beside it, through the socket.
	beside := newBench(t, false, "")
	beside.getenv, beside.open, beside.version = b.getenv, openBackend, b.version
	beside.run(t, 0, "event", "list")
	if s := beside.out.String(); !strings.Contains(s, "meeting.started") {
		t.Errorf("event list: %s", s)
	}
	beside.run(t, 0, "event", "show", "1")
	beside.run(t, 0, "doctor", "--json")
	if s := beside.out.String(); !strings.Contains(s, first.Listening) {
		t.Errorf("doctor: %s", s)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
}

func TestScreenListensAndShows(t *testing.T) {
	b, _ := realBench(t)
	b.draw = func(ctx context.Context, o tui.Options) error {
		s, err := o.Backend.Status(ctx, app.StatusQuery{})
		if err != nil || s.Listener.URL == "" || len(s.Accounts) != 3 {
			t.Errorf("status %+v, %v", s, err)
		}
		if o.Demo || !o.Mouse || o.Open == nil || o.Crash == nil || o.Log == nil {
			t.Errorf("options %+v", o)
		}
		return nil
	}
	b.run(t, 0)
}

func TestScreenBesideAnOwnerThatDoesNotListen(t *testing.T) {
	b, _ := realBench(t)
	tail := newBench(t, false, "")
	tail.getenv, tail.open, tail.version = b.getenv, openBackend, b.version
	r, out := io.Pipe()
	tail.stdout = out
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() { done <- tail.execute(ctx, []string{"event", "tail", "--from", "1", "--json"}) }()
	b.draw = func(ctx context.Context, o tui.Options) error {
		s, err := o.Backend.Status(ctx, app.StatusQuery{})
		if err != nil || s.Listener.URL == "" {
			t.Errorf("status %+v, %v", s, err)
		}
		res, err := http.Post(s.Listener.URL+"/hooks/daily", "application/json", strings.NewReader(`{"test":"test"}`))
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	b.run(t, 0)
	if line := (&lineReader{t: t, r: r}).next(); !strings.Contains(line, `"account":"daily"`) {
		t.Errorf("the owner saw %s", line)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("event tail ended with %d: %s", code, tail.err.String())
	}
}

// TestAListenerBesideAnOwnerWithoutOne is found by trigger and doctor, as long as it listens.
func TestAListenerBesideAnOwnerWithoutOne(t *testing.T) {
	b, _ := realBench(t)
	beside := func() *bench {
		p := newBench(t, false, "")
		p.getenv, p.open, p.version, p.now = b.getenv, openBackend, b.version, time.Now
		return p
	}
	start := func(ctx context.Context, args ...string) (*lineReader, chan int) {
		p := beside()
		r, out := io.Pipe()
		p.stdout = out
		done := make(chan int, 1)
		go func() { done <- p.execute(ctx, args) }()
		return &lineReader{t: t, r: r}, done
	}
	tailing, endTail := context.WithCancel(context.Background())
	defer endTail()
	b.run(t, 0, "trigger", "test", "--to", serveOK(t), "--account", "daily") // makes the store
	tail, tailed := start(tailing, "event", "tail", "--from", "1", "--json")
	for { // until the tail is there
		if held, h, err := lock.Held(filepath.Join(b.getenv("XDG_DATA_HOME"), "greenroom")); err != nil {
			t.Fatal(err)
		} else if held && h.Socket != "" {
			break
		}
		runtime.Gosched()
	}
	listening, endListen := context.WithCancel(context.Background())
	defer endListen()
	lines, listened := start(listening, "listen", "--addr", "127.0.0.1:0", "--json")
	var first struct{ Listening string }
	if err := json.Unmarshal([]byte(lines.next()), &first); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines.r) }()
	p := beside()
	p.run(t, 0, "trigger", "participant.joined", "--account", "daily", "--room", "r")
	if s := p.err.String(); !strings.Contains(s, first.Listening) {
		t.Errorf("trigger posted to %s", s)
	}
	if line := tail.next(); !strings.Contains(line, "participant.joined") {
		t.Errorf("the owner saw %s", line)
	}
	p.execute(t.Context(), []string{"doctor", "--json"})
	if s := p.out.String(); !strings.Contains(s, first.Listening) {
		t.Errorf("doctor: %s", s)
	}
	endListen()
	if code := <-listened; code != 0 {
		t.Errorf("listen ended with %d", code)
	}
	p = beside()
	p.run(t, 3, "trigger", "participant.joined", "--account", "daily", "--room", "r")
	endTail()
	if code := <-tailed; code != 0 {
		t.Errorf("event tail ended with %d", code)
	}
}

// serveOK is the URL of a server that answers 200.
func serveOK(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestScreenThatPanicsFailsWithALog(t *testing.T) {
	b, _ := realBench(t)
	b.draw = func(ctx context.Context, o tui.Options) error {
		o.Crash.Go("test", func() { panic("odd") })
		<-ctx.Done()
		return nil
	}
	b.run(t, 1)
	if s := b.err.String(); !strings.Contains(s, "panic in test: odd") || !strings.Contains(s, "greenroom.log") {
		t.Errorf("it says %s", s)
	}
	log, err := os.ReadFile(filepath.Join(b.getenv("XDG_DATA_HOME"), "greenroom", "greenroom.log"))
	if err != nil || !bytes.Contains(log, []byte("goroutine")) {
		t.Errorf("the log: %v %s", err, log)
	}
}

// The demo fills automatically: people join over the sandbox's API, and are seen through signed webhooks.
func TestDemo(t *testing.T) {
	b := newBench(t, true, "")
	b.open, b.now, b.tunnels = openBackend, time.Now, openTunnelDriver
	var dir string
	b.draw = func(ctx context.Context, o tui.Options) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		changes, err := o.Backend.Subscribe(ctx)
		if err != nil {
			return err
		}
		rooms, err := o.Backend.Rooms(ctx, app.RoomQuery{})
		if err != nil || len(rooms) != 5 || !o.Demo {
			return errors.Join(err, errors.New("not the rooms of the demo"))
		}
		past, err := o.Backend.Meetings(ctx, app.MeetingQuery{ByTime: true, Filter: "is:ended"})
		if err != nil || len(past) < pastDays {
			return errors.Join(err, fmt.Errorf("%d meetings in the past", len(past)))
		}
		ahead, err := o.Backend.Upcoming(ctx, app.UpcomingQuery{})
		if err != nil || len(ahead.Items) < pastDays {
			return errors.Join(err, fmt.Errorf("ahead is %+v", ahead))
		}
		s, err := o.Backend.Status(ctx, app.StatusQuery{})
		if err != nil {
			return err
		}
		dir = filepath.Dir(s.Store.Path)
		waiting := map[string]bool{"all-hands": true, "design": true}
		for len(waiting) > 0 {
			for room := range waiting {
				m, err := o.Backend.Meeting(ctx, app.MeetingRef{Ref: room})
				if err != nil {
					return err
				}
				if m.Here > 0 && m.StatusSource == app.FromWebhook {
					delete(waiting, room)
				}
			}
			if len(waiting) > 0 {
				if _, ok := <-changes; !ok {
					return errors.New("no one came")
				}
			}
		}
		for s.Tunnel.State != "live" || s.Accounts[0].Registration == nil || s.Accounts[0].Registration.State != app.WebhookRegistered {
			if _, ok := <-changes; !ok {
				return fmt.Errorf("the tunnel never became live, or Daily's webhook never registered: %+v, %+v", s.Tunnel, s.Accounts[0].Registration)
			}
			if s, err = o.Backend.Status(ctx, app.StatusQuery{}); err != nil {
				return err
			}
		}
		if s.Listener.Accepted != 0 || !s.Tunnel.StoreAndForward || s.Accounts[0].Webhook != s.Tunnel.URL+"/hooks/"+s.Accounts[0].Name {
			t.Errorf("webhooks came past the relay: %+v, %+v", s.Listener, s.Tunnel)
		}
		return nil
	}
	b.run(t, 0, "demo")
	if _, err := os.Stat(dir); dir == "" || !os.IsNotExist(err) {
		t.Errorf("the folder %s is still there: %v", dir, err)
	}
}

// TestTheDemoHasAStoreOfItsOwn: it neither joins the programs of a real store nor opens it, and they don't join the demo.
func TestTheDemoHasAStoreOfItsOwn(t *testing.T) {
	b, _ := realBench(t)
	data := filepath.Join(b.getenv("XDG_DATA_HOME"), "greenroom")
	b.draw = func(context.Context, tui.Options) error { t.Error("the demo opened"); return nil }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, out := io.Pipe()
	listen := newBench(t, false, "")
	listen.getenv, listen.open, listen.version, listen.stdout = b.getenv, openBackend, b.version, out
	done := make(chan int, 1)
	go func() { done <- listen.execute(ctx, []string{"listen", "--addr", "127.0.0.1:0", "--json"}) }()
	(&lineReader{t: t, r: r}).next()
	b.run(t, 1, "demo", "--data-dir", data)
	if s := b.err.String(); !strings.Contains(s, "is a real one") {
		t.Errorf("beside listen: %s", s)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("listen ended with %d: %s", code, listen.err.String())
	}
	b.run(t, 1, "demo", "--data-dir", data)
	b.run(t, 0, "room", "list", "--json")
	if s := strings.TrimSpace(b.out.String()); s != "[]" {
		t.Errorf("the real store has rooms of the demo: %s", s)
	}

	demo, dir := newBench(t, true, ""), shortDir(t)
	demo.open, demo.now, demo.tunnels = openBackend, time.Now, openTunnelDriver
	demo.draw = func(context.Context, tui.Options) error {
		b.run(t, 1, "room", "list", "--data-dir", dir)
		if s := b.err.String(); !strings.Contains(s, "the demo") {
			t.Errorf("beside the demo: %s", s)
		}
		return nil
	}
	for range 2 { // the second demo finds what the first one kept
		demo.run(t, 0, "demo", "--data-dir", dir)
	}
	b.run(t, 1, "room", "create", "board", "--data-dir", dir)
	if s := b.err.String(); !strings.Contains(s, "is the demo's") {
		t.Errorf("after the demo: %s", s)
	}
}

func TestSandboxInProcess(t *testing.T) {
	b := newBench(t, false, "")
	r, out := io.Pipe()
	b.stdout = out
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		done <- b.execute(ctx, []string{"sandbox", "--addr", "127.0.0.1:0", "--autoplay", "--json", "--whereby-webhook", "http://127.0.0.1:9/"})
	}()
	var facts map[string]string
	if err := json.Unmarshal([]byte((&lineReader{t: t, r: r}).next()), &facts); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(facts["sandbox"] + "/sandbox/info")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	res.Body.Close()
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("status %d: %s", code, b.err.String())
	}
	b.stdout = &b.out
	b.run(t, 2, "sandbox", "--speed", "0")
	b.run(t, 1, "sandbox", "--addr", "256.0.0.1:1")
}
