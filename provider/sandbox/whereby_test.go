package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

func TestWherebyRefusals(t *testing.T) {
	b := newBench(t, Options{NoRateLimits: true})
	const end = `"endDate":"2025-06-15T13:00:00Z"`
	cloud := func(destination string) string {
		return `{` + end + `,"recording":{"type":"cloud","startTrigger":"automatic","destination":{` + destination + `}}}`
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		words              string
	}{
		{"POST", "/meetings", `{`, 400, "JSON"},
		{"POST", "/meetings", `{}`, 400, "'endDate'"},
		{"POST", "/meetings", `{"endDate":"tomorrow"}`, 400, "date-time"},
		{"POST", "/meetings", `{"endDate":"2025-06-15T11:59:59Z"}`, 400, "past"},
		{"POST", "/meetings", `{"endDate":1750003600}`, 400, "'endDate' must be a string"},
		{"POST", "/meetings", `{` + end + `,"isLocked":"true"}`, 400, "boolean"},
		{"POST", "/meetings", `{` + end + `,"roomMode":"large"}`, 400, "roomMode"},
		{"POST", "/meetings", `{` + end + `,"roomNamePrefix":"` + strings.Repeat("x", 40) + `"}`, 400, "length"},
		{"POST", "/meetings", `{` + end + `,"roomNamePrefix":"a/b"}`, 400, "invalid characters"},
		{"POST", "/meetings", `{` + end + `,"roomNamePattern":"long"}`, 400, "roomNamePattern"},
		{"POST", "/meetings", `{` + end + `,"fields":["roomUrl"]}`, 400, "roomUrl"},
		{"POST", "/meetings", `{` + end + `,"fields":"hostRoomUrl"}`, 400, "array"},
		{"POST", "/meetings", `{` + end + `,"streamOptions":{}}`, 400, "streamOptions"},
		{"POST", "/meetings", `{` + end + `,"recording":{"type":"cloud"}}`, 400, "startTrigger"},
		{"POST", "/meetings", `{` + end + `,"recording":{"type":"cloud","startTrigger":"automatic"}}`, 400, "destination"},
		{"POST", "/meetings", cloud(`"provider":"s3","config":{}`), 400, "destination.config"},
		{"POST", "/meetings", cloud(`"provider":"gcs"`), 400, "provider"},
		{"POST", "/meetings", cloud(`"provider":"s3","bucket":"b","accessKeyId":"k","secretAccessKey":"s"`), 400, "secretAccessKey"},
		{"POST", "/meetings", cloud(`"provider":"s3","bucket":"b","accessKeyId":"k"`), 400, "accessKeySecret"},
		{"POST", "/meetings", cloud(`"provider":"s3","bucket":"b","authenticationType":"roleBased"`), 400, "oidcRoleArn"},
		{"POST", "/meetings", cloud(`"provider":"s3","region":"eu"`), 400, "region"},
		{"POST", "/meetings", cloud(`"provider":"s3","fileFormat":"avi"`), 400, "fileFormat"},
		{"PATCH", "/meetings/1", `{}`, 404, ""},
		{"GET", "/meetings/1", "", 404, ""},
		{"GET", "/meetings/1?fields=roomUrl", "", 400, "field"},
		{"GET", "/meetings?limit=0", "", 400, "limit"},
		{"GET", "/meetings?cursor=%21", "", 400, "cursor"},
		{"GET", "/insights/room-sessions", "", 400, "roomName"},
		{"GET", "/insights/participants", "", 400, "roomSessionId"},
		{"GET", "/insights/participant?roomSessionId=x", "", 400, "participantId"},
		{"GET", "/insights/rooms?createdAt[from]=x", "", 400, "date-time"},
		{"GET", "/recordings/1", "", 404, ""},
		{"GET", "/recordings/1/access-link", "", 404, ""},
		{"POST", "/recordings/bulk-delete", `{}`, 400, "recordingIds"},
		{"PUT", "/rooms/none/theme/logo", `{}`, 404, ""},
	} {
		t.Run(c.method+" "+c.path+" "+c.body[:min(60, len(c.body))], func(t *testing.T) {
			r := b.whereby(c.method, c.path, c.body)
			r.t = t
			if r.want(c.status); !strings.Contains(r.body, c.words) {
				t.Errorf("body %s, want %q", r.body, c.words)
			}
		})
	}
	b.do("GET", "/whereby/v1/meetings", "", "").want(401)
	b.do("GET", "/whereby/v1/meetings", DailyKey, "").want(401)
}

func TestWherebyMeetings(t *testing.T) {
	b := newBench(t, Options{})
	m := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T15:00:00+02:00","roomNamePrefix":"Stand Up-","isLocked":true,
		"roomMode":"group","fields":["hostRoomUrl"],"recording":{"type":"cloud","startTrigger":"prompt",
		"destination":{"provider":"s3","bucket":"b/sub","accessKeyId":"k","accessKeySecret":"s","fileFormat":"mp4"}}}`).want(201)
	name, id := m.str("roomName"), m.str("meetingId")
	if !strings.HasPrefix(name, "/standup-") || m.str("roomUrl") != b.srv.URL+"/join/whereby"+name ||
		!strings.HasPrefix(m.str("hostRoomUrl"), m.str("roomUrl")+"?roomKey=") || m.get("viewerRoomUrl") != nil ||
		m.str("endDate") != "2025-06-15T13:00:00.000Z" {
		t.Errorf("meeting %s", m.body)
	}
	if g := b.whereby("GET", "/meetings/"+id, "").want(200); g.get("hostRoomUrl") != nil {
		t.Errorf("a key that was not asked for: %s", g.body)
	}
	if g := b.whereby("GET", "/meetings/"+id+"?fields=hostRoomUrl,viewerRoomUrl", "").want(200); g.str("hostRoomUrl") != m.str("hostRoomUrl") || g.str("viewerRoomUrl") == "" {
		t.Errorf("asked for: %s", g.body)
	}
	v := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00","templateType":"viewerMode","roomNamePattern":"human-short"}`).want(201)
	if v.str("hostRoomUrl") == "" || v.str("viewerRoomUrl") == "" {
		t.Errorf("viewer mode: %s", v.body)
	}
	l := b.whereby("GET", "/meetings?limit=1", "").want(200)
	if l.str("results", 0, "meetingId") != v.str("meetingId") {
		t.Errorf("first page %s", l.body)
	}
	if l = b.whereby("GET", "/meetings?limit=1&cursor="+l.str("cursor"), "").want(200); l.str("results", 0, "meetingId") != id || l.get("cursor") != nil {
		t.Errorf("second page %s", l.body)
	}
	if l = b.whereby("GET", "/meetings?roomName[startsWith]=/standup", "").want(200); len(l.get("results").([]any)) != 1 {
		t.Errorf("filtered %s", l.body)
	}
	b.whereby("DELETE", "/meetings/"+id, "").want(204)
	b.whereby("DELETE", "/meetings/"+id, "").want(204)
	b.pass(2*time.Hour - time.Second)
	b.whereby("GET", "/meetings/"+v.str("meetingId"), "").want(200)
	b.pass(time.Second)
	b.whereby("GET", "/meetings/"+v.str("meetingId"), "").want(404)
}

// Webhooks about people, bots included, each signed.
func TestWherebyEvents(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	must[string](t)(b.SetWebhook(provider.Whereby, hook.URL, "whereby-test-secret"))
	m := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00Z","isLocked":true,"recording":{"type":"cloud",
		"startTrigger":"automatic-2nd-participant","destination":{"provider":"whereby"}}}`).want(201)
	room := m.str("roomName")
	must[string](t)(b.Join(provider.Whereby, room, Person{Name: "Ann", Owner: true}))
	knocker := must[string](t)(b.Knock(provider.Whereby, room, Person{Name: "Zoë", ExternalID: "x-1"}))
	if err := b.Admit(knocker); err != nil {
		t.Fatal(err)
	}
	away := must[string](t)(b.Knock(provider.Whereby, room, Person{Name: "Eve"}))
	if err := b.Deny(away); err != nil {
		t.Fatal(err)
	}
	b.pass(0)
	hook.mu.Lock()
	sig := hook.heads[0].Get("Whereby-Signature")
	h := hmac.New(sha256.New, []byte("whereby-test-secret"))
	fmt.Fprintf(h, "%d.%s", start.Unix(), hook.bodies[0])
	if want := fmt.Sprintf("t=%d,v1=%s", start.Unix(), hex.EncodeToString(h.Sum(nil))); sig != want {
		t.Errorf("signature %s, want %s", sig, want)
	}
	hook.mu.Unlock()
	events := hook.take()
	want := "room.client.joined room.client.knocked room.client.joined room.session.started room.client.joined room.client.knocked room.client.knockCancelled"
	if types(events) != want {
		t.Fatalf("events %s", types(events))
	}
	if d := table(events[2], "data"); d["roleName"] != "granted_visitor" || d["numClients"] != 2.0 || d["externalId"] != "x-1" ||
		d["participantId"] != knocker || d["meetingId"] != m.str("meetingId") || d["roomName"] != room {
		t.Errorf("joined: %v", d)
	}
	bot := table(events[4], "data")
	if bot["roleName"] != "recorder" || bot["numClients"] != 3.0 || table(bot, "numClientsByRoleName")["recorder"] != 1.0 {
		t.Errorf("recorder: %v", bot)
	}

	// Everyone leaves: the recorder follows, the recording becomes ready.
	b.pass(time.Minute)
	if err := b.EndAll(provider.Whereby, room); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Minute)
	events = hook.take()
	if last := events[len(events)-1]; !strings.Contains(types(events), "room.session.ended") || !strings.Contains(types(events), "recording.finished") {
		t.Errorf("events %s, last %v", types(events), last)
	}
	for _, e := range events {
		if d := table(e, "data"); e["type"] == "recording.finished" && (d["meetingId"] != nil || d["filename"] != room[1:]+"-2025-06-15T12:00:00Z.mp4") {
			t.Errorf("finished: %v", d)
		}
	}
	r := b.whereby("GET", "/recordings?roomName="+room, "").want(200)
	id := r.str("results", 0, "recordingId")
	link := b.whereby("GET", "/recordings/"+id+"/access-link?validForSeconds=60", "").want(200)
	if link.str("expires") != fmt.Sprint(b.Now().Add(time.Minute).UnixMilli()) {
		t.Errorf("link %s", link.body)
	}
	b.do("GET", strings.TrimPrefix(link.str("accessLink"), b.srv.URL), "", "").want(200)
	b.whereby("GET", "/recordings/"+id+"/access-link?validForSeconds=43201", "").want(400)
	b.whereby("POST", "/recordings/bulk-delete", `{"recordingIds":["`+id+`"]}`).want(204)
	b.whereby("GET", "/recordings/"+id, "").want(200)
	b.pass(time.Second)
	b.whereby("GET", "/recordings/"+id, "").want(404)
	b.whereby("DELETE", "/recordings/"+id, "").want(204)
}

func TestWherebyInsights(t *testing.T) {
	b := newBench(t, Options{})
	room := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00Z","roomMode":"group"}`).want(201).str("roomName")
	ann := must[string](t)(b.Join(provider.Whereby, room, Person{Name: "Ann", Owner: true, UserID: "u"}))
	must[string](t)(b.Join(provider.Whereby, room, Person{Name: "Bob", ExternalID: "b-1"}))
	b.pass(time.Minute)
	if err := b.Leave(ann, ""); err != nil {
		t.Fatal(err)
	}
	s := b.whereby("GET", "/insights/room-sessions?roomName="+room, "").want(200)
	session := s.str("results", 0, "roomSessionId")
	if s.get("results", 0, "endedAt") != nil || s.str("results", 0, "totalUniqueParticipants") != "2" {
		t.Errorf("sessions %s", s.body)
	}
	p := b.whereby("GET", "/insights/participants?roomSessionId="+session, "").want(200)
	if p.str("results", 0, "leftAt") != iso(start.Add(time.Minute)) || p.get("results", 1, "leftAt") != nil ||
		p.str("results", 0, "roleName") != "host" || p.str("results", 0, "participantId") != ann {
		t.Errorf("participants %s", p.body)
	}
	if p := b.whereby("GET", "/insights/participants?externalId=b-1", "").want(200); p.str("results", 0, "displayName") != "Bob" {
		t.Errorf("by externalId %s", p.body)
	}
	if p := b.whereby("GET", "/insights/participant?roomSessionId="+session+"&participantId="+ann, "").want(200); p.str(0, "displayName") != "Ann" {
		t.Errorf("bare array %s", p.body)
	}
	if err := b.EndAll(provider.Whereby, room); err != nil {
		t.Fatal(err)
	}
	b.pass(20 * time.Second)
	if s := b.whereby("GET", "/insights/room-sessions?roomName="+room+"&roomSessionId="+session, "").want(200); s.str("results", 0, "endedAt") == "" {
		t.Errorf("it has not ended: %s", s.body)
	}
	for query, n := range map[string]int{
		"": 1, "?roomName[exact]=" + room: 1, "?roomName[startsWith]=/zzz": 0, "?roomName[contains]=" + room[5:9]: 1,
		"?createdAt[from]=2025-06-15T12:00:01Z": 0, "?createdAt[to]=2025-06-15T12:00:01Z": 1,
	} {
		if r := b.whereby("GET", "/insights/rooms"+query, "").want(200); len(r.get("results").([]any)) != n {
			t.Errorf("%s: %s", query, r.body)
		}
	}
}

func TestWherebyPoints(t *testing.T) {
	b := newBench(t, Options{WherebyPoints: 6})
	r := b.whereby("GET", "/meetings", "").want(200)
	if h := r.header; h.Get("X-RateLimit-Limit") != "6" || h.Get("X-RateLimit-Remaining") != "5" || h.Get("X-RateLimit-Reset") == "" {
		t.Errorf("headers %v", h)
	}
	b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00Z"}`).want(201)
	b.whereby("DELETE", "/meetings/1", "").want(204)
	b.pass(20 * time.Second)
	limited := b.whereby("GET", "/meetings", "").want(429)
	if limited.str("error") != "Rate limit active for throttle key: organization:7" || limited.str("data", "msLeft") != "40000" ||
		limited.header.Get("Retry-After") != "40" {
		t.Errorf("429 %s %v", limited.body, limited.header)
	}
	b.pass(40 * time.Second)
	b.whereby("GET", "/meetings", "").want(200)
}

// A logo is a PNG of at least 400 pixels, in a form's field image; the room's name with or without its slash.
func TestWherebyTheme(t *testing.T) {
	b := newBench(t, Options{})
	room := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00Z"}`).want(201).str("roomName")
	picture := func(width int) []byte {
		var p bytes.Buffer
		if err := png.Encode(&p, image.NewGray(image.Rect(0, 0, width, 10))); err != nil {
			t.Fatal(err)
		}
		return p.Bytes()
	}
	form := func(field string, file []byte) (string, string) {
		var body bytes.Buffer
		f := multipart.NewWriter(&body)
		part, err := f.CreateFormFile(field, "logo.png")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(file)
		f.Close()
		return body.String(), f.FormDataContentType()
	}
	for what, c := range map[string]struct {
		path, field string
		file        []byte
		status      int
	}{
		"right":        {"/rooms" + room + "/theme/logo", "image", picture(400), 204},
		"two slashes":  {"/rooms/" + room + "/theme/logo", "image", picture(400), 204},
		"escaped":      {"/rooms/%2F" + room[1:] + "/theme/logo", "image", picture(400), 204},
		"small":        {"/rooms" + room + "/theme/logo", "image", picture(399), 400},
		"no PNG":       {"/rooms" + room + "/theme/logo", "image", []byte("GIF89a"), 400},
		"other field":  {"/rooms" + room + "/theme/logo", "logo", picture(400), 400},
		"background":   {"/rooms" + room + "/theme/room-background", "image", picture(400), 204},
		"too large":    {"/rooms" + room + "/theme/room-background", "image", make([]byte, 601<<10), 400},
		"no such part": {"/rooms" + room + "/theme/door", "image", picture(400), 404},
	} {
		body, kind := form(c.field, c.file)
		if r := b.do("PUT", "/whereby/v1"+c.path, WherebyKey, body, "Content-Type", kind); r.status != c.status {
			t.Errorf("%s: %d %s, want %d", what, r.status, r.body, c.status)
		}
	}
	theme, there := b.ThemeOf(room)
	if !there || !bytes.Equal(theme.Logo, picture(400)) || len(theme.Backgrounds["room-background"]) == 0 {
		t.Errorf("theme %v", there)
	}
	path := "/whereby/v1/rooms" + room + "/theme/logo"
	b.do("PUT", path, WherebyKey, `{"theme":"default"}`, "Content-Type", "application/json").want(204)
	b.do("PUT", path, WherebyKey, `{"theme":"rocks"}`, "Content-Type", "application/json").want(400)
	b.do("PUT", path, WherebyKey, "x", "Content-Type", "text/plain").want(400)
	b.do("PUT", path, WherebyKey, "x").want(400)
}

// 5xx is retried twice, everything else is final (B6).
func TestWherebyDelivery(t *testing.T) {
	for status, tries := range map[int]int{500: 3, 503: 3, 404: 1, 401: 1, 200: 1, 302: 1} {
		b, hook := newBench(t, Options{}), newReceiver(t)
		must[string](t)(b.SetWebhook(provider.Whereby, hook.URL, ""))
		hook.status = func(int) int { return status }
		if err := b.Emit(provider.Whereby, "room.client.joined", nil); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			b.pass(5 * time.Second)
		}
		if got := hook.take(); len(got) != tries || text(got[0], "id") != text(got[len(got)-1], "id") {
			t.Errorf("%d: %d tries, want %d", status, len(got), tries)
		}
	}
}

func TestWherebySizes(t *testing.T) {
	b := newBench(t, Options{})
	room := b.whereby("POST", "/meetings", `{"endDate":"2025-06-15T13:00:00Z"}`).want(201).str("roomName")
	for range 4 {
		must[string](t)(b.Join(provider.Whereby, room, Person{}))
	}
	if _, err := b.Join(provider.Whereby, room, Person{}); err == nil {
		t.Error("a fifth came into a room for four")
	}
	if _, err := b.Join(provider.Whereby, room, Person{Role: "recorder"}); err != nil {
		t.Errorf("a bot was counted: %v", err)
	}
}
