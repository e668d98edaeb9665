package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"greenroom/provider"
)

// For any body, the parser returns only what the schema has, and the result encodes.
func FuzzParseBody(f *testing.F) {
	for _, s := range []string{
		`{}`, ``, `null`, `[]`, `{"name":"x"}`, `{"name":1}`, `{"properties":{"exp":1,"exp":2}}`, `{"properties":{"exp":1e3}}`,
		`{"properties":{"recordings_bucket":{"bucket_name":"b"}}}`, `{"a":`, `{"name":"\ud800"}`, `{"properties":null}`, "{\"\xff\":1}",
	} {
		f.Add([]byte(s))
	}
	schemas := []schema{dailyRoomBody(true), dailyTokenBody(), wherebyMeetingBody(), dailyWebhookBody(true), dailyRecordingBody()}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, s := range schemas {
			got, err := parseBody(body, s)
			if err != nil {
				if got != nil {
					t.Errorf("both %v and %v", got, err)
				}
				continue
			}
			for name := range got {
				if _, known := s[name]; !known {
					t.Errorf("%q got through", name)
				}
			}
			if _, err := encode(got); err != nil {
				t.Error(err)
			}
		}
	})
}

// For any request, the answer is JSON, an XML refusal or a page, with a valid status, and never a 5xx.
func FuzzRequests(f *testing.F) {
	for _, path := range []string{
		"/daily/v1/rooms", "/daily/v1/rooms/demo", "/daily/rooms/demo/presence", "/daily/v1/meeting-tokens", "/daily/v1/",
		"/daily/v1/rooms/demo/eject", "/daily/v1/rooms/demo/recordings/start", "/whereby/v1/meetings", "/sandbox/faults",
		"/whereby/v1/rooms//x/theme/logo", "/whereby/v1/meetings?cursor=c1&limit=3", "/sandbox/rooms/daily/demo/join",
		"/sandbox/rooms/daily/demo/play", "/join/daily/demo?t=x", "/files/x.mp4?expires=1&signature=x", "/daily/%zz", "//",
		"/daily/v1/rooms?starting_after=x", "/whereby/v1/insights/rooms?createdAt[from]=1",
	} {
		f.Add("POST", path, `{"name":"demo","endDate":"2025-06-15T13:00:00Z"}`)
		f.Add("GET", path, "")
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || strings.HasPrefix(u.Path, "/sandbox/settle") {
			return
		}
		w := New(Options{Clock: clockwork.NewFakeClockAt(start)})
		defer w.Close()
		must[string](t)(w.AddRoom(provider.Daily, "demo", RoomOptions{}))
		must[string](t)(w.Join(provider.Daily, "demo", Person{Name: "Ann"}))
		req, err := http.NewRequest(method, "http://x/", strings.NewReader(body))
		if err != nil {
			return
		}
		req.URL = u
		req.Header.Set("Authorization", "Bearer "+DailyKey)
		if strings.HasPrefix(u.Path, "/whereby/") {
			req.Header.Set("Authorization", "Bearer "+WherebyKey)
		}
		rw := httptest.NewRecorder()
		w.Handler().ServeHTTP(rw, req)
		if rw.Code < 200 || rw.Code >= 500 {
			t.Errorf("status %d: %s", rw.Code, rw.Body)
		}
		if strings.HasPrefix(rw.Header().Get("Content-Type"), "application/json") && !json.Valid(rw.Body.Bytes()) {
			t.Errorf("not JSON: %s", rw.Body)
		}
	})
}
