package sandbox

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

const instance = "0b7f1c1e-9f62-4c4c-8a5e-1b5d0e6a4c11"

// From a recording's start to its file, by the documented calls alone.
func TestDailyRecording(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	must[string](t)(b.SetWebhook(provider.Daily, hook.URL, "", "recording.started", "recording.ready-to-download"))
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	start1 := `{"instanceId":"` + instance + `"}`
	b.daily("POST", "/rooms/demo/recordings/start", start1).wantError(404, "not-found", "hosting a call currently")
	ann := must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann"}))
	b.daily("POST", "/rooms/demo/recordings/start", start1).want(200)
	b.daily("POST", "/rooms/demo/recordings/start", start1).wantError(400, "invalid-request-error", "has an active stream")
	b.daily("POST", "/rooms/demo/recordings/start", `{"type":"raw-tracks"}`).wantError(400, "invalid-request-error", "bucket")
	if u := b.daily("POST", "/rooms/demo/recordings/update", start1).want(200); u.str("status") != "sent" {
		t.Errorf("update %s", u.body)
	}
	b.pass(time.Minute)
	r := b.daily("GET", "/recordings?room_name=demo", "").want(200)
	id := r.str("data", 0, "id")
	rec := r.get("data", 0).(map[string]any)
	_, typed := rec["type"]
	_, timed := rec["duration"]
	if mtg, there := rec["mtgSessionId"]; typed || timed || mtg != nil || !there || rec["status"] != "in-progress" ||
		rec["s3key"] != fmt.Sprintf("sandbox/demo/%d", start.UnixMilli()) {
		t.Errorf("while it runs: %s", r.body)
	}
	if l := b.daily("GET", "/recordings/"+id+"/access-link", "").want(200); strings.HasPrefix(l.str("download_link"), "http") {
		t.Errorf("a link to nothing: %s", l.body)
	}
	b.daily("POST", "/rooms/demo/recordings/stop", `{"type":"raw-tracks"}`).wantError(400, "invalid-request-error", "")
	b.daily("POST", "/rooms/demo/recordings/stop", start1).want(200)
	b.pass(10 * time.Second)
	if r := b.daily("GET", "/recordings/"+id, "").want(200); r.str("status") != "finished" || r.str("duration") != "60" {
		t.Errorf("finished: %s", r.body)
	}
	events := hook.take()
	if types(events) != "recording.started recording.ready-to-download" {
		t.Fatalf("events %v", events)
	}
	if p := table(events[0], "payload"); p["room"] != nil || p["room_name"] != nil || p["started_by"] != ann || p["instance_id"] != instance {
		t.Errorf("started: %v", p)
	}
	if p := table(events[1], "payload"); p["room_name"] != "demo" || p["duration"] != 60.0 || p["recording_id"] != id ||
		p["download_url"] != nil || p["s3_key"] != rec["s3key"] {
		t.Errorf("ready: %v", p)
	}

	link := b.daily("GET", "/recordings/"+id+"/access-link?valid_for_secs=60", "").want(200)
	if link.str("expires") != fmt.Sprint(b.Now().Add(time.Minute).Unix()) {
		t.Errorf("link %s", link.body)
	}
	path := strings.TrimPrefix(link.str("download_link"), b.srv.URL)
	whole := b.do("GET", path, "", "").want(200)
	if !bytes.Equal([]byte(whole.body), Media(time.Minute)) {
		t.Errorf("%d bytes are not the recording", len(whole.body))
	}
	part := b.do("GET", path, "", "", "Range", "bytes=100-199", "If-Range", whole.header.Get("ETag")).want(http.StatusPartialContent)
	if part.body != whole.body[100:200] {
		t.Error("the range is not a part of the whole")
	}
	b.do("GET", path[:len(path)-1]+"!", "", "").want(403)
	b.pass(time.Minute)
	gone := b.do("GET", path, "", "").want(403)
	var e struct{ Code, Message string }
	if err := xml.Unmarshal([]byte(gone.body), &e); err != nil || e.Message != "Request has expired" {
		t.Errorf("expired: %s", gone.body)
	}
	if d := b.daily("DELETE", "/recordings/"+id, "").want(200); d.str("id") != id || d.get("deleted") != true {
		t.Errorf("delete %s", d.body)
	}
	b.daily("GET", "/recordings/"+id, "").want(404)
}

// Raw tracks go to the customer's bucket: a track for every person and medium, no link.
func TestDailyRawTracks(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	must[string](t)(b.SetWebhook(provider.Daily, hook.URL, "", "recording.ready-to-download"))
	b.daily("POST", "/rooms", `{"name":"demo","properties":{"recordings_bucket":{"bucket_name":"bu","bucket_region":"us-west-2",
		"assume_role_arn":"arn:aws:iam::1:role/x","allow_api_access":true}}}`).want(200)
	ann := must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann"}))
	b.daily("POST", "/rooms/demo/recordings/start", `{"type":"raw-tracks","instanceId":"`+instance+`"}`).want(200)
	b.daily("POST", "/rooms/demo/recordings/start", `{"type":"cloud"}`).want(200)
	b.pass(2 * time.Second)
	if err := b.Leave(ann, ""); err != nil {
		t.Fatal(err)
	}
	b.pass(40 * time.Second)
	r := b.daily("GET", "/recordings", "").want(200)
	if r.str("total_count") != "2" {
		t.Fatalf("recordings %s", r.body)
	}
	for i := range 2 {
		if r.get("data", i).(map[string]any)["tracks"] == nil {
			continue
		}
		key := fmt.Sprintf("sandbox/demo/%d-%s-cam-audio-%d", start.UnixMilli(), ann, start.UnixMilli())
		if r.str("data", i, "tracks", 0, "s3Key") != key || r.str("data", i, "s3", "bucket_name") != "bu" {
			t.Errorf("tracks %s, want %s", r.body, key)
		}
		b.daily("GET", "/recordings/"+r.str("data", i, "id")+"/access-link", "").wantError(400, "invalid-request-error", "raw-tracks")
	}
	if got := types(hook.take()); got != "recording.ready-to-download recording.ready-to-download" {
		t.Errorf("events %s", got)
	}
}

func TestDailyRecordingEnds(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	must[string](t)(b.SetWebhook(provider.Daily, hook.URL, "", "recording.ready-to-download", "recording.error"))
	b.daily("POST", "/rooms", `{"name":"demo","properties":{"enable_recording":"cloud"}}`).want(200)
	token := b.daily("POST", "/meeting-tokens", `{"properties":{"room_name":"demo","start_cloud_recording":true}}`).want(200).str("token")
	must[string](t)(b.Join(provider.Daily, "demo", Person{Token: token}))
	if st := must[RoomState](t)(b.Room(provider.Daily, "demo")); len(st.Recordings) != 1 {
		t.Fatal("start_cloud_recording did not start a recording")
	}
	b.pass(time.Second)
	if err := b.FailRecording(provider.Daily, "demo"); err != nil {
		t.Fatal(err)
	}
	b.daily("POST", "/rooms/demo/recordings/start", `{"maxDuration":30}`).want(200)
	b.pass(time.Minute)
	events := hook.take()
	if types(events) != "recording.error recording.ready-to-download" || table(events[1], "payload")["duration"] != 30.0 {
		t.Errorf("events %v", events)
	}
	if err := b.FinishRecording(provider.Daily, "demo"); err == nil {
		t.Error("finished what does not run")
	}
}
