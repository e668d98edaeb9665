package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/provider"
)

// Daily's refusals and their words (A1, A2, A5, A7, A8).
func TestDailyRefusals(t *testing.T) {
	b := newBench(t, Options{NoRateLimits: true})
	b.daily("POST", "/rooms", `{"name":"taken"}`).want(200)
	const invalid = "invalid-request-error"
	for _, c := range []struct {
		method, path, body string
		status             int
		code, info         string
	}{
		{"POST", "/rooms", `{`, 400, "json-parsing-error", ""},
		{"POST", "/rooms", `{} {}`, 400, "json-parsing-error", ""},
		{"POST", "/rooms", `[]`, 400, invalid, "must be an object"},
		{"POST", "/rooms", `{"name":"taken"}`, 400, invalid, "a room named taken already exists"},
		{"POST", "/rooms", `{"name":"a b"}`, 400, invalid, "contains invalid characters (room names can contain A-Z, a-z, 0-9, '-', and '_')"},
		{"POST", "/rooms", `{"name":""}`, 400, invalid, "contains invalid characters"},
		{"POST", "/rooms", `{"name":"` + strings.Repeat("x", 129) + `"}`, 400, invalid, "129"},
		{"POST", "/rooms", `{"name":7}`, 400, invalid, "'name' must be a string"},
		{"POST", "/rooms", `{"name":null}`, 400, invalid, "'name' must be a string"},
		{"POST", "/rooms", `{"name":"x","name":"y"}`, 400, invalid, "twice"},
		{"POST", "/rooms", `{"locked":true}`, 400, invalid, "unknown property 'locked'"},
		{"POST", "/rooms", `{"privacy":"org"}`, 400, invalid, "'privacy' must be one of"},
		{"POST", "/rooms", `{"properties":{"exp":1749988800}}`, 400, invalid, "exp was '1749988800', which is in the past rather than in the future"},
		{"POST", "/rooms", `{"properties":{"exp":"1750003600"}}`, 400, invalid, "'properties.exp' must be an integer"},
		{"POST", "/rooms", `{"properties":{"exp":1750003600.5}}`, 400, invalid, "must be an integer"},
		{"POST", "/rooms", `{"properties":{"enable_recording":false}}`, 400, invalid, "'properties.enable_recording'"},
		{"POST", "/rooms", `{"properties":{"enable_recording":"on"}}`, 400, invalid, "must be one of cloud"},
		{"POST", "/rooms", `{"properties":{"enable_chat":"yes"}}`, 400, invalid, "must be a boolean"},
		{"POST", "/rooms", `{"properties":{"max_participants":0}}`, 400, invalid, "out of range"},
		{"POST", "/rooms", `{"properties":{"lang":"ja"}}`, 400, invalid, "jp"},
		{"POST", "/rooms", `{"properties":{"recordings_template":"{room_name}"}}`, 400, invalid, "{epoch_time}"},
		{"POST", "/rooms", `{"properties":{"recordings_bucket":{"bucket_name":"b","bucket_region":"r"}}}`, 400, invalid, "assume_role_arn"},
		{"POST", "/rooms", `{"properties":{"recordings_bucket":{"access_key":"b"}}}`, 400, invalid, "recordings_bucket.access_key"},
		{"POST", "/rooms/taken", `{"name":"other"}`, 400, invalid, "unknown property 'name'"},
		{"GET", "/rooms/noroom", "", 404, "not-found", "room noroom not found"},
		{"POST", "/rooms/noroom", "{}", 404, "not-found", "noroom"},
		{"DELETE", "/rooms/noroom", "", 404, "not-found", "noroom"},
		{"PUT", "/rooms/taken", "{}", 404, "not-found", ""},
		{"GET", "/rooms?limit=101", "", 400, invalid, "limit"},
		{"GET", "/rooms?starting_after=x", "", 400, invalid, "cursor"},
		{"GET", "/rooms/noroom/presence", "", 404, "not-found", "noroom"},
		{"GET", "/rooms/taken/presence?limit=x", "", 400, invalid, "limit"},
		{"POST", "/rooms/taken/eject", `{}`, 400, invalid, "required"},
		{"POST", "/rooms/taken/eject", `{"ids":"x"}`, 400, invalid, "array of strings"},
		{"POST", "/rooms/noroom/eject", `{"ids":["x"]}`, 404, "not-found", "noroom"},
		{"POST", "/meeting-tokens", `{}`, 400, invalid, "'properties'"},
		{"POST", "/meeting-tokens", `{"properties":{"exp":1}}`, 400, invalid, "in the past"},
		{"POST", "/meeting-tokens", `{"properties":{"owner":true}}`, 400, invalid, "'properties.owner'"},
		{"POST", "/meeting-tokens", `{"properties":{"user_id":"` + strings.Repeat("u", 37) + `"}}`, 400, invalid, "user_id"},
		{"GET", "/meeting-tokens/junk", "", 400, invalid, "invalid token"},
		{"POST", "/rooms/taken/recordings/start", `{}`, 404, "not-found", "room taken does not seem to be hosting a call currently"},
		{"POST", "/rooms/taken/recordings/start", `{"instanceId":"x"}`, 400, invalid, "UUID"},
		{"POST", "/rooms/taken/recordings/start", `{"type":"local"}`, 400, invalid, "'type'"},
		{"POST", "/rooms/taken/recordings/stop", `{}`, 400, invalid, "no active recording"},
		{"POST", "/rooms/taken/recordings/update", `{}`, 400, invalid, "no active recording"},
		{"POST", "/rooms/noroom/recordings/start", `{}`, 404, "not-found", "room noroom not found"},
		{"GET", "/recordings/x", "", 404, "not-found", ""},
		{"DELETE", "/recordings/x", "", 404, "not-found", ""},
		{"GET", "/recordings/x/access-link", "", 404, "not-found", ""},
		{"GET", "/meetings?timeframe_start=x", "", 400, invalid, "timeframe_start"},
		{"GET", "/meetings?ongoing=perhaps", "", 400, invalid, "ongoing"},
		{"GET", "/meetings/x", "", 404, "not-found", ""},
		{"GET", "/meetings/x/participants", "", 404, "not-found", ""},
		{"POST", "/webhooks", `{"url":"http://x","eventTypes":["meeting.started"],"hmac":"%%"}`, 400, invalid, "base64"},
		{"POST", "/webhooks", `{"url":"nowhere","eventTypes":["meeting.started"]}`, 400, invalid, "URL"},
		{"POST", "/webhooks", `{"url":"http://x","eventTypes":["meeting.began"]}`, 400, invalid, "meeting.began"},
		{"POST", "/webhooks", `{"url":"http://x","events":[]}`, 400, invalid, "'events'"},
		{"POST", "/webhooks", `{"url":"http://x"}`, 400, invalid, "eventTypes"},
		{"POST", "/webhook-endpoints", `{}`, 404, "not-found", ""},
		{"GET", "/webhooks/x", "", 404, "not-found", ""},
		{"POST", "/webhooks/x", "{}", 404, "not-found", ""},
		{"DELETE", "/webhooks/x", "", 404, "not-found", ""},
	} {
		t.Run(c.method+" "+c.path+" "+c.body[:min(50, len(c.body))], func(t *testing.T) {
			r := b.daily(c.method, c.path, c.body)
			r.t = t
			r.wantError(c.status, c.code, c.info)
		})
	}
}

func TestDailyKeys(t *testing.T) {
	b := newBench(t, Options{})
	b.do("GET", "/daily/v1/rooms", "", "").wantError(400, "authorization-header-error", "")
	b.do("GET", "/daily/v1/rooms", "", "", "Authorization", DailyKey).wantError(400, "authorization-header-error", "")
	r := b.do("GET", "/daily/v1/rooms", "wrong", "").want(401)
	if r.body != `{"error":"authentication-error"}` {
		t.Errorf("body %s", r.body)
	}
	if d := b.daily("GET", "/", "").want(200); d.str("domain_name") != "sandbox" || d.str("config", "max_webhook_count") != "1" {
		t.Errorf("domain %s", d.body)
	}
}

func TestDailyRooms(t *testing.T) {
	b := newBench(t, Options{})
	r := b.daily("POST", "/rooms", `{"name":"demo-1","privacy":"private","properties":{"exp":1750003600,
		"enable_chat":false,"enable_screenshare":true,"enable_knocking":true,"max_participants":200,"start_video_off":true}}`).want(200)
	if !strings.Contains(r.body, `"config":{"enable_knocking":true,"exp":1750003600,"start_video_off":true}`) {
		t.Errorf("config holds more than what differs from the defaults: %s", r.body)
	}
	if r.str("url") != b.srv.URL+"/join/daily/demo-1" || r.str("created_at") != "2025-06-15T12:00:00.000Z" ||
		r.str("privacy") != "private" || r.get("api_created") != true || !uuidShape.MatchString(r.str("id")) {
		t.Errorf("room %s", r.body)
	}
	if u := b.daily("POST", "/rooms/demo-1", `{"privacy":"public","properties":{"enable_chat":true}}`).want(200); u.str("privacy") != "public" ||
		!strings.Contains(u.body, `"enable_chat":true,"enable_knocking":true,"exp":1750003600`) {
		t.Errorf("update %s", u.body)
	}
	unnamed := b.daily("POST", "/rooms", "").want(200)
	if len(unnamed.str("name")) != 20 {
		t.Errorf("unnamed room %s", unnamed.body)
	}
	if d := b.daily("DELETE", "/rooms/demo-1", "").want(200); d.body != `{"deleted":true,"name":"demo-1"}` {
		t.Errorf("delete %s", d.body)
	}
}

// An expired room behaves as deleted; its deletion is a refusal that says deleted; its name is free again.
func TestDailyExpiry(t *testing.T) {
	b := newBench(t, Options{})
	body := `{"name":"brief","properties":{"exp":%d}}`
	b.daily("POST", "/rooms", fmt.Sprintf(body, start.Add(time.Minute).Unix())).want(200)
	must[string](t)(b.Join(provider.Daily, "brief", Person{Name: "Ann"}))
	b.pass(time.Minute)
	b.daily("GET", "/rooms/brief", "").want(404)
	if _, err := b.Join(provider.Daily, "brief", Person{}); err == nil {
		t.Error("an expired room admits a person")
	}
	if p := b.daily("GET", "/rooms/brief/presence", "").want(200); p.str("total_count") != "1" {
		t.Errorf("who was inside did not stay: %s", p.body)
	}
	if l := b.daily("GET", "/rooms", "").want(200); l.str("total_count") != "0" {
		t.Errorf("list %s", l.body)
	}
	d := b.daily("DELETE", "/rooms/brief", "")
	d.wantError(404, "not-found", "brief")
	if d.get("deleted") != true {
		t.Errorf("no deleted:true: %s", d.body)
	}
	b.daily("POST", "/rooms", fmt.Sprintf(body, start.Add(time.Hour).Unix())).want(200)
}

func TestDailyPaging(t *testing.T) {
	b := newBench(t, Options{})
	ids := map[string]string{}
	for _, n := range []string{"r1", "r2", "r3", "r4", "r5"} {
		ids[n] = b.daily("POST", "/rooms", `{"name":"`+n+`"}`).want(200).str("id")
		b.pass(time.Second)
	}
	for query, want := range map[string]string{
		"":                                     "r5 r4 r3 r2 r1",
		"?limit=2":                             "r5 r4",
		"?limit=2&starting_after=" + ids["r4"]: "r3 r2",
		"?limit=2&ending_before=" + ids["r2"]:  "r4 r3",
		"?limit=9&ending_before=" + ids["r4"]:  "r5",
		"?starting_after=" + ids["r1"]:         "",
		"?starting_after=" + ids["r1"] + "&limit=100": "",
	} {
		r := b.daily("GET", "/rooms"+query, "").want(200)
		var got []string
		for i := range r.get("data").([]any) {
			got = append(got, r.str("data", i, "name"))
		}
		if strings.Join(got, " ") != want || r.str("total_count") != "5" {
			t.Errorf("%s: %v of %s, want %s", query, got, r.str("total_count"), want)
		}
	}
}

// Presence lags behind joins and leaves alike, and by a fault's delay.
func TestDailyPresence(t *testing.T) {
	b := newBench(t, Options{})
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	count := func(want string) {
		t.Helper()
		if r := b.daily("GET", "/rooms/demo/presence", "").want(200); r.str("total_count") != want {
			t.Errorf("at %s: %s, want %s", b.Now().Sub(start), r.body, want)
		}
	}
	ann := must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann", UserID: "u-7"}))
	bob := must[string](t)(b.Join(provider.Daily, "demo", Person{}))
	b.pass(14 * time.Second)
	count("0")
	b.pass(time.Second)
	count("2")
	if err := b.Leave(ann, "left"); err != nil {
		t.Fatal(err)
	}
	b.pass(14 * time.Second)
	count("2") // a ghost
	b.pass(time.Second)
	count("1")
	r := b.daily("GET", "/presence", "").want(200)
	if r.str("demo", 0, "id") != bob || r.get("demo", 0, "userName") != nil || r.str("demo", 0, "joinTime") != iso(start) ||
		r.str("demo", 0, "duration") != "30" || r.get("total_count") != nil {
		t.Errorf("presence %s", r.body)
	}
	must[string](t)(b.Fault(Fault{Kind: PresenceLag, Delay: time.Minute}))
	count("0")
	b.ClearFaults()
	if e := b.daily("POST", "/rooms/demo/eject", `{"ids":["`+bob+`","gone"],"ban":true}`).want(200); e.body != `{"ejectedIds":["`+bob+`"]}` {
		t.Errorf("eject %s", e.body)
	}
	if err := b.Leave(bob, ""); err == nil {
		t.Error("the ejected one is still here")
	}
}

func TestDailyMeetings(t *testing.T) {
	b := newBench(t, Options{})
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	ann := must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann"}))
	brief := must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Brief"}))
	b.pass(5 * time.Second)
	if err := b.Leave(brief, ""); err != nil {
		t.Fatal(err)
	}
	b.pass(55 * time.Second)
	r := b.daily("GET", "/meetings?room=demo&ongoing=true", "").want(200)
	if r.str("data", 0, "start_time") != fmt.Sprint(start.Unix()) || r.str("data", 0, "duration") != "60" ||
		r.str("data", 0, "max_participants") != "2" || len(r.get("data", 0, "participants").([]any)) != 1 ||
		r.str("data", 0, "participants", 0, "participant_id") != ann {
		t.Errorf("meetings %s", r.body)
	}
	id := r.str("data", 0, "id")
	b.daily("GET", "/meetings/"+id, "").want(200)
	if p := b.daily("GET", "/meetings/"+id+"/participants", "").want(200); p.str("data", 0, "user_name") != "Ann" {
		t.Errorf("participants %s", p.body)
	}
	b.daily("GET", "/meetings/"+id+"/participants?joined_after="+ann, "").wantError(404, "not-found", "")
	if e := b.EndAll(provider.Daily, "demo"); e != nil {
		t.Fatal(e)
	}
	b.pass(20 * time.Second)
	for query, want := range map[string]string{
		"?ongoing=true": "0", "?ongoing=false": "1", "?timeframe_start=" + fmt.Sprint(start.Unix()): "1",
		"?timeframe_end=" + fmt.Sprint(start.Unix()): "0", "?room=other": "0", "?no_participants=true": "1",
	} {
		if r := b.daily("GET", "/meetings"+query, "").want(200); r.str("total_count") != want {
			t.Errorf("%s: %s", query, r.body)
		}
	}
}

func TestDailyTokens(t *testing.T) {
	b := newBench(t, Options{})
	b.daily("POST", "/rooms", `{"name":"demo","privacy":"private"}`).want(200)
	exp := start.Add(time.Minute).Unix()
	token := b.daily("POST", "/meeting-tokens", fmt.Sprintf(`{"properties":{"room_name":"demo","is_owner":true,
		"user_name":"Ann","user_id":"u-1","exp":%d,"eject_at_token_exp":true}}`, exp)).want(200).str("token")

	// An independent reading of the token: HS256, keyed with the API key, short claims.
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(b.Now)).
		ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(DailyKey), nil })
	if err != nil || claims["r"] != "demo" || claims["o"] != true || claims["u"] != "Ann" || claims["ud"] != "u-1" {
		t.Errorf("claims %v, %v", claims, err)
	}
	if v := b.daily("GET", "/meeting-tokens/"+token, "").want(200); v.str("room_name") != "demo" || v.get("is_owner") != true ||
		v.str("exp") != fmt.Sprint(exp) {
		t.Errorf("validated %s", v.body)
	}
	if _, err := b.Join(provider.Daily, "demo", Person{Name: "Eve"}); err == nil {
		t.Error("a private room let a stranger in")
	}
	ann := must[string](t)(b.Join(provider.Daily, "demo", Person{Token: token}))
	if st := must[RoomState](t)(b.Room(provider.Daily, "demo")); st.People[0].Name != "Ann" || !st.People[0].Owner {
		t.Errorf("joined as %+v", st.People)
	}
	b.pass(time.Minute)
	if err := b.Leave(ann, ""); err == nil {
		t.Error("eject_at_token_exp did not eject")
	}
	b.daily("GET", "/meeting-tokens/"+token, "").wantError(400, "invalid-request-error", "expired")
	other := b.daily("POST", "/meeting-tokens", `{"properties":{"room_name":"other"}}`).want(200).str("token")
	if _, err := b.Join(provider.Daily, "demo", Person{Token: other}); err == nil {
		t.Error("a token of another room was accepted")
	}
}

// The moment of ejection is fixed at the join: later changes of the room do not affect people inside (A2).
func TestDailyEjectAtExp(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	must[string](t)(b.SetWebhook(provider.Daily, hook.URL, "", "participant.joined", "participant.left"))
	exp := start.Add(time.Minute).Unix()
	b.daily("POST", "/rooms", fmt.Sprintf(`{"name":"demo","properties":{"exp":%d,"eject_at_room_exp":true}}`, exp)).want(200)
	must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Ann"}))
	b.daily("POST", "/rooms/demo", fmt.Sprintf(`{"properties":{"exp":%d}}`, exp+3600)).want(200)
	must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Bob"}))
	b.pass(2 * time.Minute)
	st := must[RoomState](t)(b.Room(provider.Daily, "demo"))
	if len(st.People) != 1 || st.People[0].Name != "Bob" {
		t.Errorf("inside: %+v", st.People)
	}
	events := hook.take()
	if p := table(events[0], "payload"); p["will_eject_at"] != float64(exp) {
		t.Errorf("will_eject_at %v, want %d", p["will_eject_at"], exp)
	}
	if p := table(events[2], "payload"); p["duration"] != 60.0 || p["user_name"] != "Ann" {
		t.Errorf("left: %v", p)
	}
}

func TestDailyLimits(t *testing.T) {
	for class, c := range map[string]struct {
		method, path string
		n            int
		span         time.Duration
	}{
		"most":       {"GET", "/rooms", 99, 5 * time.Second}, // the creation above is one
		"deletions":  {"DELETE", "/rooms/none", 50, 30 * time.Second},
		"recordings": {"GET", "/recordings", 50, 30 * time.Second},
		"starts":     {"POST", "/rooms/demo/recordings/start", 5, 5 * time.Second},
	} {
		b := newBench(t, Options{})
		b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
		must[string](t)(b.Join(provider.Daily, "demo", Person{}))
		for i := range c.n {
			if r := b.daily(c.method, c.path, ""); r.status == 429 {
				t.Fatalf("%s: call %d was limited", class, i+1)
			}
		}
		b.daily(c.method, c.path, "").wantError(429, "rate-limit-error", "")
		b.pass(c.span)
		if r := b.daily(c.method, c.path, ""); r.status == 429 {
			t.Errorf("%s: still limited after %s", class, c.span)
		}
	}
}
