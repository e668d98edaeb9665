package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

// A whole meeting steered by the control API alone, as a program in another language would.
func TestControl(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	info := b.control("GET", "/info", "").want(200)
	if info.str("daily", "key") != DailyKey || info.str("whereby", "url") != b.srv.URL+"/whereby/v1" {
		t.Errorf("info %s", info.body)
	}
	b.control("POST", "/webhooks/daily", `{"url":"`+hook.URL+`","events":["participant.joined","participant.left","custom"]}`).want(200)
	b.daily("POST", "/rooms", `{"name":"demo","privacy":"private","properties":{"enable_knocking":true}}`).want(200)
	const room = "/rooms/daily/demo"
	ann := b.control("POST", room+"/join", `{"name":"Ann","owner":true}`).want(200).str("session")
	bob := b.control("POST", room+"/knock", `{"name":"渡辺"}`).want(200).str("session")
	b.control("POST", room+"/admit", `{"session":"`+bob+`"}`).want(200)
	eve := b.control("POST", room+"/knock", `{"name":"Eve"}`).want(200).str("session")
	b.control("POST", room+"/deny", `{"session":"`+eve+`"}`).want(200)
	rec := b.control("POST", room+"/record/start", "").want(200).str("recording")
	if c := b.control("POST", "/clock", `{"advance":"10s"}`).want(200); c.str("now") != "2025-06-15T12:00:10Z" {
		t.Errorf("clock %s", c.body)
	}
	b.control("POST", room+"/record/finish", `{"recording":"`+rec+`"}`).want(200)
	b.control("POST", room+"/record/start", "").want(200)
	b.control("POST", room+"/record/fail", "").want(200)
	b.control("POST", room+"/leave", `{"session":"`+ann+`","reason":"left"}`).want(200)
	b.control("POST", room+"/drop", `{"session":"`+bob+`"}`).want(200)
	b.control("POST", "/clock", `{"advance":"10s"}`).want(200)
	st := b.control("GET", room, "").want(200)
	if st.str("people", 0, "session") != bob || st.str("recordings", 0, "state") != "ready" || st.str("recordings", 1, "state") != "failed" {
		t.Errorf("room %s", st.body)
	}
	b.control("POST", room+"/end", "").want(200)
	b.control("POST", room+"/play", `{"steps":[{"do":"join","who":"a","person":{"name":"A","owner":true}},{"after":"5s","do":"leave","who":"a"}]}`).want(200)
	b.control("POST", "/emit/daily", `{"type":"custom","payload":{"a":1}}`).want(200)
	b.control("POST", "/clock", `{"advance":"10s"}`).want(200)
	b.control("POST", "/settle", "").want(200)
	want := "participant.joined participant.joined participant.left participant.left participant.joined custom participant.left"
	if got := types(hook.take()); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if d := b.control("GET", "/deliveries", "").want(200); d.str(0, "type") != "participant.joined" || d.str(0, "status") != "200" {
		t.Errorf("deliveries %s", d.body)
	}
	if h := b.control("GET", "/webhooks", "").want(200); h.str(0, "url") != hook.URL || strings.Contains(h.body, DailyWebhookSecret) {
		t.Errorf("webhooks %s", h.body)
	}
	b.control("DELETE", "/webhooks/daily", "").want(200)
	if l := b.control("GET", "/rooms", "").want(200); l.str(0, "room") != "demo" {
		t.Errorf("rooms %s", l.body)
	}
	b.control("POST", "/faults", `{"kind":"server-error","delay":"3s","times":1}`).want(200)
	if f := b.control("GET", "/faults", "").want(200); f.str(0, "kind") != "server-error" || f.str(0, "delay") != "3s" {
		t.Errorf("faults %s", f.body)
	}
	b.control("DELETE", "/faults", "").want(200)
	b.daily("GET", "/rooms", "").want(200)
}

func TestControlRefusals(t *testing.T) {
	b := newBench(t, Options{})
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/", "", 404}, {"GET", "/nothing", "", 404}, {"GET", "/rooms/zoom/x", "", 400}, {"GET", "/rooms/daily/x", "", 404},
		{"PUT", "/rooms/daily/x", "", 404}, {"POST", "/rooms/daily/x/join", "{}", 404}, {"POST", "/rooms/daily/x/join", `{"nom":1}`, 400},
		{"POST", "/rooms/daily/x/dance", "{}", 404}, {"POST", "/rooms/daily/x/play", "{", 400}, {"POST", "/rooms/daily/x/leave", "{} {}", 400},
		{"POST", "/rooms/daily/x/leave", `{"session":"x"}`, 404}, {"POST", "/clock", `{}`, 400}, {"POST", "/clock", `{"advance":"soon"}`, 400},
		{"POST", "/faults", `{"kind":"none"}`, 400}, {"POST", "/faults", `{"kind":"html","when":1}`, 400}, {"POST", "/faults", `{"kind":"html","delay":{}}`, 400},
		{"POST", "/faults", `{"kind":"html","delay":3000000000}`, 400}, {"POST", "/faults", `{"kind":"html","delay":"9999999h"}`, 400},
		{"POST", "/webhooks/zoom", `{}`, 400}, {"POST", "/webhooks/daily", `{"url":"x"}`, 400},
		{"POST", "/webhooks/daily", `{"url":"http://x","secret":"?"}`, 400}, {"GET", "/webhooks/daily", "", 404},
		{"POST", "/emit/daily", `{}`, 400}, {"POST", "/rooms/daily/x/y/z/play", "{}", 404}, {"POST", "/info/more", "", 404},
	} {
		if r := b.control(c.method, c.path, c.body); r.status != c.status || r.str("error") == "" {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, r.status, r.body, c.status)
		}
	}
	b.do("POST", "/sandbox/settle", "", "", "Origin", "https://example.com").want(403)
	b.do("GET", "/elsewhere", "", "").want(404)

	real := New(Options{})
	defer real.Close()
	rw := httptest.NewRecorder()
	real.Handler().ServeHTTP(rw, httptest.NewRequest("POST", "/sandbox/clock", strings.NewReader(`{"advance":"1s"}`)))
	if rw.Code != 400 || !strings.Contains(rw.Body.String(), "real one") {
		t.Errorf("the real clock: %d %s", rw.Code, rw.Body)
	}
}

// The page behind a link shows who is there and escapes everything.
func TestJoinPage(t *testing.T) {
	b := newBench(t, Options{})
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "<script>alert(1)</script>\x1b]0;x\u202e"}))
	must[string](t)(b.StartRecording(provider.Daily, "demo"))
	p := b.do("GET", "/join/daily/demo", "", "").want(200)
	if strings.Contains(p.body, "<script>alert") || strings.ContainsAny(p.body, "\x1b\u202e") || !strings.Contains(p.body, "&lt;script&gt;") {
		t.Errorf("page %s", p.body)
	}
	for _, words := range []string{"sandbox, not daily", "guest's link", "being recorded"} {
		if !strings.Contains(p.body, words) {
			t.Errorf("no %q in %s", words, p.body)
		}
	}
	token := b.daily("POST", "/meeting-tokens", `{"properties":{"room_name":"demo","is_owner":true}}`).want(200).str("token")
	if p := b.do("GET", "/join/daily/demo?t="+url.QueryEscape(token), "", "").want(200); !strings.Contains(p.body, "host's link") {
		t.Errorf("host's page %s", p.body)
	}
	m := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00Z","fields":["hostRoomUrl"],"isLocked":true}`).want(201)
	if p := b.do("GET", strings.TrimPrefix(m.str("hostRoomUrl"), b.srv.URL), "", "").want(200); !strings.Contains(p.body, "host's link") {
		t.Errorf("host's page %s", p.body)
	}
	if p := b.do("GET", strings.TrimPrefix(m.str("roomUrl"), b.srv.URL)+"?roomKey=x", "", "").want(200); !strings.Contains(p.body, "you would knock") {
		t.Errorf("guest's page %s", p.body)
	}
	b.do("GET", "/join/daily/none", "", "").want(404)
	b.do("GET", "/join/zoom/x", "", "").want(404)
}

// One platform alone, at the root, with and without /v1, on a listener of its own.
func TestServe(t *testing.T) {
	w := New(Options{BaseURL: "http://sandbox.example/", PresenceLag: -1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- w.Serve(l) }()
	res, err := http.Get("http://" + l.Addr().String() + "/sandbox/clock")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for path, h := range map[string]http.Handler{"/rooms": w.Daily(), "/v1/rooms": w.Daily(), "/meetings": w.Whereby(), "/v1/meetings": w.Whereby()} {
		req := httptest.NewRequest("GET", path, nil)
		req.Header.Set("Authorization", "Bearer "+DailyKey)
		if strings.HasSuffix(path, "meetings") {
			req.Header.Set("Authorization", "Bearer "+WherebyKey)
		}
		rw := httptest.NewRecorder()
		if h.ServeHTTP(rw, req); rw.Code != 200 {
			t.Errorf("%s: %d %s", path, rw.Code, rw.Body)
		}
	}
	req := httptest.NewRequest("POST", "/rooms", strings.NewReader(`{"name":"demo"}`))
	req.Header.Set("Authorization", "Bearer "+DailyKey)
	rw := httptest.NewRecorder()
	if w.Daily().ServeHTTP(rw, req); !strings.Contains(rw.Body.String(), `"url":"http://sandbox.example/join/daily/demo"`) {
		t.Errorf("room %s", rw.Body)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := errors.Join(w.Close(), w.Close(), <-served); err != nil {
		t.Error(err)
	}
	if err := w.Serve(l); !errors.Is(err, errClosed) {
		t.Errorf("serve after close: %v", err)
	}
}

// boxes lists the boxes of an MP4 file at one level.
func boxes(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for len(b) > 0 {
		if len(b) < 8 || int(binary.BigEndian.Uint32(b)) > len(b) || binary.BigEndian.Uint32(b) < 8 {
			t.Fatalf("a broken box: % x", b[:min(16, len(b))])
		}
		n := binary.BigEndian.Uint32(b)
		out[string(b[4:8])] = b[8:n]
		b = b[n:]
	}
	return out
}

func TestMedia(t *testing.T) {
	m := Media(2 * time.Second)
	top := boxes(t, m)
	stbl := boxes(t, boxes(t, boxes(t, boxes(t, boxes(t, top["moov"])["trak"])["mdia"])["minf"])["stbl"])
	offset, samples := binary.BigEndian.Uint32(stbl["stco"][8:]), binary.BigEndian.Uint32(stbl["stsz"][8:])
	if samples != 93 || !bytes.Equal(m[offset:offset+9], silence) || len(top["mdat"]) != 93*len(silence) {
		t.Errorf("%d samples at %d, %d bytes of media", samples, offset, len(top["mdat"]))
	}
	for _, d := range []time.Duration{0, time.Second, time.Hour} {
		if got, said := int64(len(Media(d))), newMovie(d, 0).size(); got != said {
			t.Errorf("%s: %d bytes, said %d", d, got, said)
		}
	}
}

// An independent reader, ffprobe, reads the media if it is installed.
func TestMediaFFprobe(t *testing.T) {
	probe, err := exec.LookPath("ffprobe")
	if err != nil {
		if os.Getenv("GREENROOM_REQUIRE_PEERS") != "" {
			t.Fatal(err)
		}
		t.Skip("no ffprobe")
	}
	for _, rate := range []int64{0, 2000, 65_000, 1 << 30} {
		m := newMovie(90*time.Second, rate)
		file := filepath.Join(t.TempDir(), "x.mp4")
		all, err := io.ReadAll(io.NewSectionReader(m, 0, m.size()))
		if err != nil || int64(len(all)) != m.size() || rate > 0 && rate < 70_000 && m.size() < rate*85 {
			t.Fatalf("%d bytes, said %d, %v", len(all), m.size(), err)
		}
		if err := os.WriteFile(file, all, 0o600); err != nil {
			t.Fatal(err)
		}
		// Counting frames decodes them.
		var stderr bytes.Buffer
		cmd := exec.Command(probe, "-v", "warning", "-count_frames", "-show_entries",
			"stream=codec_name,codec_type,sample_rate,channels,duration,nb_read_frames", "-of", "csv=p=0", file)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 || strings.TrimSpace(string(out)) != "aac,audio,48000,2,89.984000,4218" {
			t.Errorf("ffprobe at %d bytes per second: %q, %v, %s", rate, out, err, &stderr)
		}
	}
}

var _ io.Closer = (*World)(nil)
