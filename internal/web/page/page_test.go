package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/peers"
	"greenroom/internal/web/page"
	"greenroom/provider"
)

// good and another are the tokens of two pages.
const good, another = "abcdefghijklmnopqrstuvwxyz", "zbcdefghijklmnopqrstuvwxya"

// pages is a Backend with one page.
type pages struct {
	view    app.PageView
	entered app.PageEntered
	err     error
	mu      sync.Mutex
	got     []app.PageEntry
	// gate holds entries, if it isn't nil, and inside receives a value for each that is held.
	gate, inside chan bool
}

func (p *pages) EditPage(context.Context, app.PageChange) (app.PageLink, error) {
	return app.PageLink{}, errors.New("not for guests")
}

func (p *pages) Page(_ context.Context, ref app.PageRef) (app.PageView, error) {
	if ref.Token != good && ref.Token != another {
		return app.PageView{}, &app.Error{Kind: provider.NotFound, Text: "no page has this address"}
	}
	return p.view, nil
}

func (p *pages) EnterPage(_ context.Context, e app.PageEntry) (app.PageEntered, error) {
	p.mu.Lock()
	p.got = append(p.got, e)
	p.mu.Unlock()
	if p.gate != nil {
		p.inside <- true
		<-p.gate
	}
	if e.Unchanged && p.entered.Stored || e.Full && p.entered.URL != "" {
		return app.PageEntered{}, &app.Error{Kind: provider.RateLimited, Text: "too many guests came"}
	}
	return p.entered, p.err
}

// site is a handler with a clock.
type site struct {
	*page.Handler
	*pages
	now time.Time
}

func newSite() *site {
	s := &site{pages: &pages{view: app.PageView{Room: `<script>alert("x")</script>`, State: app.PageOpen, Meeting: "m1", Recorded: true, Ask: true}}, now: time.Unix(1e9, 0)}
	s.Handler = page.New(page.Options{Backend: s.pages, Now: func() time.Time { return s.now }})
	return s
}

// ask sends a request from a sender, and returns a nil answer for one that was not served.
func (s *site) ask(method, path, body, sender string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if !s.ServePage(w, r, sender) {
		return nil
	}
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const path = "/r/stand-up-" + good

func TestWhatIsServed(t *testing.T) {
	s := newSite()
	for _, c := range []struct {
		method, path string
		status       int // 0: left to the listener, which answers 404
	}{
		{"GET", path, 200}, {"HEAD", path, 200}, {"GET", "/r/" + good, 200}, {"GET", path + "/state", 200}, {"GET", path + "/page.js", 200},
		{"GET", path + "/daily.js", 200}, {"GET", path + "/licences.txt", 200},
		{"POST", path, 405}, {"GET", path + "/enter", 405}, {"DELETE", path + "/enter", 405}, {"PUT", path + "/state", 405},
		{"GET", path + "/", 0}, {"GET", path + "/index.html", 0}, {"GET", path + "/src/page.ts", 0}, {"GET", path + "/../page.js", 0}, {"GET", "/r/", 0},
		{"GET", "/r/stand-up-" + strings.Repeat("a", 26), 0}, {"GET", "/r/stand-up-" + strings.Repeat("a", 26) + "/page.js", 0},
		{"GET", "/r/stand-up-" + strings.ToUpper(good), 0}, {"GET", path + "x", 0}, {"GET", "/r/%00-" + good, 0},
	} {
		r := s.ask(c.method, c.path, "", "1.2.3.4")
		if r == nil && c.status != 0 || r != nil && r.StatusCode != c.status {
			t.Errorf("%s %s: %+v, not %d", c.method, c.path, r, c.status)
		}
		if r == nil || r.StatusCode != 200 {
			continue
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if r.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", c.path, name, r.Header.Get(name))
			}
		}
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %q %q", c.path, csp, r.Header)
		}
	}
}

func TestHostileTextIsInert(t *testing.T) {
	s := newSite()
	s.view.By = `"><img src=x onerror=alert(1)>`
	s.view.Frames = []string{"https://*.daily.co", "https://evil.example; script-src *", "'unsafe-inline'", ""}
	r := s.ask("GET", path, "", "")
	body := text(t, r)
	if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") || !strings.Contains(body, "&lt;script&gt;") {
		t.Error(body)
	}
	csp := r.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "frame-src https://*.daily.co;") || strings.Contains(csp, "evil") || strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
}

func TestFilesAreCompressedAndRevalidated(t *testing.T) {
	s := newSite()
	plain, packed := s.ask("GET", path+"/livekit.js", "", ""), s.ask("GET", path+"/livekit.js", "", "", "Accept-Encoding", "br, gzip")
	whole, small := len(text(t, plain)), len(text(t, packed))
	if packed.Header.Get("Content-Encoding") != "gzip" || small*3 > whole || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d and %d bytes, %q", whole, small, packed.Header)
	}
	if again := s.ask("GET", path+"/livekit.js", "", "", "If-None-Match", plain.Header.Get("ETag")); again.StatusCode != 304 || text(t, again) != "" {
		t.Errorf("%+v", again)
	}
	all := 0
	for _, name := range []string{"", "/page.css", "/page.js", "/daily.js", "/whereby.js", "/livekit.js"} {
		all += len(text(t, s.ask("GET", path+name, "", "", "Accept-Encoding", "gzip")))
	}
	if all > 1_000_000 {
		t.Errorf("everything together has %d bytes", all)
	}
}

func TestEntries(t *testing.T) {
	entry := `{"visit":"v","name":"Ada","consent":"yes","host":""}`
	for _, c := range []struct {
		name, body string
		header     []string
		err        error
		status     int
		says       string
	}{
		{"right", entry, nil, nil, 200, `"access":"key"`},
		{"from the page", entry, []string{"Sec-Fetch-Site", "same-origin"}, nil, 200, ""},
		{"from another site", entry, []string{"Sec-Fetch-Site", "cross-site"}, nil, 415, ""},
		{"a form", "name=Ada", []string{"Content-Type", "application/x-www-form-urlencoded"}, nil, 415, ""},
		{"text", entry, []string{"Content-Type", "text/plain"}, nil, 415, ""},
		{"no JSON", "{", nil, nil, 400, ""},
		{"another type", `{"name":7}`, nil, nil, 400, ""},
		{"too large", `{"name":"` + strings.Repeat("x", 5000) + `"}`, nil, nil, 400, "too large"},
		{"invalid", entry, nil, &app.Error{Kind: provider.Invalid, Text: "a name is needed", Hint: "enter your name"}, 400, "A name is needed. Enter your name."},
		{"removed", entry, nil, &app.Error{Kind: provider.Forbidden, Text: "a host removed you"}, 403, "A host removed you."},
		{"too many", entry, nil, &app.Error{Kind: provider.RateLimited, Text: "x"}, 429, ""},
		{"the host's key", entry, nil, &provider.Error{Kind: provider.Forbidden, Platform: provider.Daily, Account: "acme", Text: "the key sk-1 is revoked"}, 503, "can't be opened now"},
		{"away", entry, nil, errors.New("dial 10.0.0.7: refused"), 503, "can't be opened now"},
	} {
		s := newSite()
		s.err = c.err
		s.entered = app.PageEntered{PageView: s.view, Component: "daily", URL: "https://x.daily.co/r", Access: "key"}
		r := s.ask("POST", path+"/enter", c.body, "1.2.3.4", c.header...)
		body := text(t, r)
		if r.StatusCode != c.status || !strings.Contains(body, c.says) || c.status != 200 && (strings.Contains(body, "acme") || strings.Contains(body, "10.0.0.7") || strings.Contains(body, "key\"")) {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, body)
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// enterAs counts the answers of n entries from a sender.
func enterAs(s *site, sender string, n int) map[int]int {
	got := map[int]int{}
	for range n {
		got[s.ask("POST", path+"/enter", `{"name":"Ada"}`, sender).StatusCode]++
	}
	return got
}

func TestTokensAreLimited(t *testing.T) {
	s := newSite()
	s.entered = app.PageEntered{URL: "https://x", Component: "daily"}
	// A room full of guests behind one address, or behind a tunnel that doesn't name them, comes in.
	if got := enterAs(s, "", 120); got[200] != 120 {
		t.Errorf("%v", got)
	}
	if got := enterAs(s, "1.2.3.4", 3); got[429] != 3 {
		t.Errorf("beyond the room's limit: %v", got)
	}
	s.now = s.now.Add(10*time.Minute - time.Second)
	if got := enterAs(s, "", 1); got[429] != 1 {
		t.Errorf("within ten minutes: %v", got)
	}
	s.now = s.now.Add(time.Second)
	if got := enterAs(s, "2001:db8::1", 121); got[200] != 120 || got[429] != 1 {
		t.Errorf("after ten minutes: %v", got)
	}
	// Those who decline, or wait for the next meeting, are heard nevertheless.
	in := s.entered
	s.entered = app.PageEntered{PageView: app.PageView{State: app.PageWaiting}}
	if got := enterAs(s, "2001:db8::1", 5); got[200] != 5 {
		t.Errorf("without a token: %v", got)
	}
	s.entered = in
	// A host who has a one-time token comes in nevertheless.
	host := s.ask("POST", path+"/enter", `{"name":"Hana","host":"once"}`, "2001:db8::1")
	if host.StatusCode != 200 {
		t.Errorf("the host: %d", host.StatusCode)
	}
	// Errors don't count.
	s = newSite()
	s.err = &app.Error{Kind: provider.Invalid, Text: "no"}
	if got := enterAs(s, "1.2.3.4", 200); got[400] != 200 {
		t.Errorf("errors: %v", got)
	}
	s.err, s.entered = nil, app.PageEntered{URL: "https://x", Component: "daily"}
	if got := enterAs(s, "1.2.3.4", 1); got[200] != 1 {
		t.Errorf("after errors: %v", got)
	}
	// Those who get nothing don't count.
	s = newSite()
	s.entered = app.PageEntered{PageView: app.PageView{State: app.PageWaiting}}
	if got := enterAs(s, "1.2.3.4", 500); got[200] != 500 {
		t.Errorf("waiting: %v", got)
	}
	s.entered.URL = "https://x"
	if got := enterAs(s, "1.2.3.4", 1); got[200] != 1 {
		t.Errorf("after the wait: %v", got)
	}
}

// A flood of guests fills no store, and keeps no one out who is there already.
func TestNewAnswersAreLimited(t *testing.T) {
	s := newSite()
	s.entered = app.PageEntered{PageView: app.PageView{State: app.PageWaiting}, Stored: true}
	if got := enterAs(s, "1.2.3.4", 700); got[200] != 600 || got[429] != 100 {
		t.Errorf("one sender: %v", got)
	}
	if got := enterAs(s, "1.2.3.5", 1); got[200] != 1 {
		t.Errorf("another sender: %v", got)
	}
	if got := enterAs(s, "", 700); got[200] != 599 || got[429] != 101 {
		t.Errorf("the room: %v", got)
	}
	s.entered.Stored = false
	if got := enterAs(s, "1.2.3.4", 10); got[200] != 10 {
		t.Errorf("those who are there: %v", got)
	}
	s.entered.Stored = true
	s.now = s.now.Add(10 * time.Minute)
	if got := enterAs(s, "1.2.3.4", 1); got[200] != 1 {
		t.Errorf("after ten minutes: %v", got)
	}
}

// The guests of a room whose platform doesn't answer leave room for those of another.
func TestOneRoomLeavesRoomForAnother(t *testing.T) {
	s := newSite()
	s.gate, s.inside = make(chan bool), make(chan bool, 1000)
	answers := make(chan int, 1000)
	enter := func(path string) {
		go func() { answers <- s.ask("POST", path+"/enter", `{"name":"Ada"}`, "").StatusCode }()
	}
	const most = 16 + 128
	for range most + 5 {
		enter(path)
	}
	for range 5 { // beyond those who may wait
		if got := <-answers; got != 503 {
			t.Errorf("answered %d", got)
		}
	}
	for range 16 {
		<-s.inside
	}
	enter("/r/" + another)
	<-s.inside // although the others wait
	close(s.gate)
	for range most + 1 {
		if got := <-answers; got != 200 {
			t.Errorf("answered %d", got)
		}
	}
}

// Senders whose bodies never come keep no one out.
func TestSlowBodiesGiveWay(t *testing.T) {
	s := newSite()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServePage(w, r, "") }))
	defer server.Close()
	for range 64 {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST "+path+"/enter HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	late := time.Now().Add(4 * time.Second) // sooner than the bodies' own time
	for {
		resp, err := http.Post(server.URL+path+"/enter", "application/json", strings.NewReader(`{"name":"Ada"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == 200 {
			break
		}
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || time.Now().After(late) {
			t.Fatal(resp.Status) // 503 while all the others have just begun
		}
	}
}

func TestGuessesAreLimited(t *testing.T) {
	s := newSite()
	guess := func(i int, sender string) int {
		r := s.ask("GET", fmt.Sprintf("/r/x-%s", strings.Repeat(string(rune('a'+i%26)), 25)+"2"), "", sender)
		if r == nil {
			return 404
		}
		return r.StatusCode
	}
	got := map[int]int{}
	for i := range 100 {
		got[guess(i, "1.2.3.4")]++
	}
	if got[404] != 40 || got[429] != 60 {
		t.Errorf("%v", got)
	}
	if guess(1, "1.2.3.5") != 404 {
		t.Error("another sender is refused")
	}
	if r := s.ask("GET", path, "", "1.2.3.4"); r == nil || r.StatusCode != 200 {
		t.Error("the right address is refused to a guest behind the same address")
	}
	s.now = s.now.Add(10 * time.Minute)
	if guess(1, "1.2.3.4") != 404 {
		t.Error("refused after the window")
	}
	for i := range 30_000 { // and the memory for that is bounded
		guess(i, fmt.Sprint("10.0.", i/256, ".", i%256))
	}
}

// The program contains what the sources build.
func TestTheBuiltFilesMatchTheSources(t *testing.T) {
	node := peers.Find(t, "node")
	modules := peers.NodeModules(t, "internal/web/page/src", "esbuild")
	out := t.TempDir()
	build := exec.Command(node, "build.mjs", out)
	build.Dir = filepath.Dir(modules)
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	list, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadDir("dist")
	if err != nil || len(committed) != len(list) {
		t.Errorf("dist has %d files, not %d: %v", len(committed), len(list), err)
	}
	for _, f := range list {
		want, err := os.ReadFile(filepath.Join(out, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("dist", f.Name())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("dist/%s is not what the sources build (%v): run `npm run build` in internal/web/page/src", f.Name(), err)
		}
	}
	check := exec.Command(node, filepath.Join(modules, "typescript", "bin", "tsc"), "--noEmit")
	check.Dir = filepath.Dir(modules)
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("the types: %v: %s", err, said)
	}
	licences, err := os.ReadFile(filepath.Join("dist", "licences.txt"))
	for _, name := range []string{"@daily-co/daily-js", "@whereby.com/browser-sdk", "livekit-client", "heresy", "@livekit/protocol"} {
		if !strings.Contains(string(licences), "\n"+name+" ") {
			t.Errorf("the licence of %s is missing, %v", name, err)
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("GET", path, "", "application/json")
	f.Add("POST", path+"/enter", `{"visit":"v","name":"\u202e","consent":"yes","host":"x"}`, "application/json; charset=utf-8")
	f.Add("POST", "/r/%2e%2e-"+good+"//enter", "\xff", "")
	s := newSite()
	s.err = &app.Error{Kind: provider.Invalid, Text: "no"}
	f.Fuzz(func(t *testing.T, method, target, body, kind string) {
		r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL.Path = target
		r.Header["Content-Type"] = []string{kind}
		w := httptest.NewRecorder()
		served := s.ServePage(w, r, "1.2.3.4")
		s.now = s.now.Add(time.Hour)
		if !served && w.Body.Len() > 0 {
			t.Errorf("%q: it was written to, and left to others", target)
		}
		if served && w.Header().Get("Content-Security-Policy") == "" && w.Code != 429 {
			t.Errorf("%q: no policy", target)
		}
		for _, e := range s.got {
			if len(e.Name) > 4096 || e.Token != good {
				t.Errorf("%+v", e)
			}
		}
		s.got = nil
	})
}
