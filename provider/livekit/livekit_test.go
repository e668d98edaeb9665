package livekit_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/provider"
	"greenroom/provider/livekit"
	"greenroom/provider/providertest"
)

const (
	apiKey    = "devkey"
	apiSecret = "secret-of-the-tests-0123456789-0123456789"
)

var began = time.Date(2025, 6, 15, 15, 6, 40, 0, time.UTC)

func account() provider.Account {
	return provider.Account{
		Name: "livekit", Platform: provider.LiveKit, APIURL: "wss://livekit.example", APIKey: apiKey, APISecret: apiSecret, WebhookSecret: apiSecret,
		JoinURL:   "https://meet.example/?url={url}&token={token}",
		Recording: provider.RecordingTarget{Bucket: "b", Region: "eu-west-1", AccessKeyID: "AK", AccessKeySecret: "hush-s3"},
	}
}

type answers = map[string][]providertest.Answer

const (
	rooms    = "POST /twirp/livekit.RoomService/ListRooms"
	people   = "POST /twirp/livekit.RoomService/ListParticipants"
	create   = "POST /twirp/livekit.RoomService/CreateRoom"
	mute     = "POST /twirp/livekit.RoomService/MutePublishedTrack"
	list     = "POST /twirp/livekit.Egress/ListEgress"
	whole    = "POST /twirp/livekit.Egress/StartRoomCompositeEgress"
	oneTrack = "POST /twirp/livekit.Egress/StartTrackEgress"
	stop     = "POST /twirp/livekit.Egress/StopEgress"
	web      = "POST /twirp/livekit.Egress/StartWebEgress"
	instance = "5f0c7c1e-9b3a-5d44-8e21-0a1b2c3d4e5f"
)

var demo = provider.Meeting{ID: "RM_1", Room: "demo"}

func one(body string) []providertest.Answer { return []providertest.Answer{providertest.JSON(body)} }

func refusal(status int, body string) []providertest.Answer {
	return []providertest.Answer{{Status: status, Body: body}}
}

func on(t *testing.T, a provider.Account, answers answers) (*livekit.Provider, *providertest.Script, *providertest.Clock) {
	t.Helper()
	s := providertest.NewScript(t, answers)
	clock := providertest.NewClock(began)
	a.APIURL = s.URL
	p, err := livekit.New(a, livekit.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return p, s, clock
}

func with(t testing.TB, a provider.Account) *livekit.Provider {
	t.Helper()
	p, err := livekit.New(a, livekit.Options{Clock: providertest.NewClock(began)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDriver(t *testing.T) {
	d := livekit.Driver()
	p, err := d.Open(account(), nil)
	if err != nil || p.Platform() != provider.LiveKit || d.Platform != provider.LiveKit {
		t.Fatal(p, err)
	}
	for _, a := range []provider.Ability{provider.AbilityLogo, provider.AbilityHistory, provider.AbilityDownload, provider.AbilityDeleteRecording} {
		if p.(provider.Explainer).WhyNot(a) == "" {
			t.Errorf("no reason for lacking %s", a)
		}
	}
	if why := p.(provider.Explainer).WhyNot(provider.AbilityMute); why != "" {
		t.Errorf("it mutes: %s", why)
	}
	if place := p.Traits().WebhookPlace; !strings.Contains(place, "urls under webhook") || strings.Contains(place, apiKey) {
		t.Errorf("webhooks are entered at %q", place)
	}
	for name, tt := range map[string]struct {
		change func(*provider.Account)
		kind   provider.Kind
		hint   string
	}{
		"no URL":           {func(a *provider.Account) { a.APIURL = "" }, provider.Invalid, "LIVEKIT_URL"},
		"no key":           {func(a *provider.Account) { a.APIKey = "" }, provider.Unauthenticated, "LIVEKIT_API_KEY"},
		"no secret":        {func(a *provider.Account) { a.APISecret = " " }, provider.Unauthenticated, "LIVEKIT_API_SECRET"},
		"a signature":      {func(a *provider.Account) { a.WebhookSignature = "simple" }, provider.Invalid, "remove"},
		"no token in it":   {func(a *provider.Account) { a.JoinURL = "https://meet.example/{url}" }, provider.Invalid, "{token}"},
		"a join page of a": {func(a *provider.Account) { a.JoinURL = "javascript:{token}" }, provider.Invalid, "LIVEKIT_JOIN_URL"},
	} {
		a := account()
		tt.change(&a)
		if p, err := d.Open(a, nil); p != nil || !errors.Is(err, tt.kind) || !strings.Contains(provider.HintOf(err), tt.hint) {
			t.Errorf("%s: %v, %v, hint %q", name, p, err, provider.HintOf(err))
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", p, p, p); strings.Contains(s, apiSecret) || !strings.Contains(s, "livekit") {
		t.Errorf("printed as %s", s)
	}
}

// sealed signs a body as LiveKit does, with what a test changes.
func sealed(t testing.TB, body []byte, secret string, change func(jwt.MapClaims)) provider.WebhookRequest {
	t.Helper()
	sum := sha256.Sum256(body)
	c := jwt.MapClaims{
		"iss": apiKey, "nbf": began.Unix(), "iat": began.Unix(), "exp": began.Add(5 * time.Minute).Unix(),
		"sha256": base64.StdEncoding.EncodeToString(sum[:]),
	}
	if change != nil {
		change(c)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return provider.WebhookRequest{
		Method: http.MethodPost, Target: "/hooks/livekit", Body: body, ReceivedAt: began.Add(time.Second),
		Header: http.Header{"Authorization": {token}, "Content-Type": {"application/webhook+json"}},
	}
}

func TestWebhookFixtures(t *testing.T) {
	providertest.Golden(t, with(t, account()), "testdata/webhooks", func(body []byte) provider.WebhookRequest { return sealed(t, body, apiSecret, nil) })
}

func TestSignatures(t *testing.T) {
	body := []byte(`{"event":"room_started","room":{"name":"demo"},"id":"EV_1","createdAt":"1750000000"}`)
	p := with(t, account())
	for name, tt := range map[string]struct {
		change func(*provider.WebhookRequest)
		want   provider.Verdict
		reason string
	}{
		"as it came":         {func(*provider.WebhookRequest) {}, provider.Verified, ""},
		"at the end of time": {func(r *provider.WebhookRequest) { r.ReceivedAt = began.Add(6*time.Minute - time.Second) }, provider.Verified, ""},
		"stale":              {func(r *provider.WebhookRequest) { r.ReceivedAt = began.Add(6*time.Minute + time.Second) }, provider.Rejected, "stale: expired 1m1s ago"},
		"of the future":      {func(r *provider.WebhookRequest) { r.ReceivedAt = began.Add(-2 * time.Minute) }, provider.Rejected, "from the future: valid in 2m"},
		"with the word": {func(r *provider.WebhookRequest) {
			r.Header.Set("Authorization", "Bearer "+r.Header.Get("Authorization"))
		}, provider.Rejected, "Bearer"},
		"another body":   {func(r *provider.WebhookRequest) { r.Body = append(r.Body, ' ') }, provider.Rejected, "its hash differs"},
		"another secret": {func(r *provider.WebhookRequest) { *r = sealed(t, body, "another-secret-0123456789-0123456789", nil) }, provider.Rejected, "secret differs"},
		"another key": {func(r *provider.WebhookRequest) {
			*r = sealed(t, body, "another", func(c jwt.MapClaims) { c["iss"] = "other" })
		}, provider.Rejected, "a key other than"},
		"our secret, a key": {func(r *provider.WebhookRequest) {
			*r = sealed(t, body, apiSecret, func(c jwt.MapClaims) { c["iss"] = "other" })
		}, provider.Rejected, "a key other than devkey"},
		"no expiry": {func(r *provider.WebhookRequest) {
			*r = sealed(t, body, apiSecret, func(c jwt.MapClaims) { delete(c, "exp") })
		}, provider.Rejected, "no expiry"},
		"a guest's join link": {func(r *provider.WebhookRequest) {
			*r = sealed(t, body, apiSecret, func(c jwt.MapClaims) { delete(c, "sha256") })
		}, provider.Rejected, "not for a webhook"},
		"no token": {func(r *provider.WebhookRequest) { r.Header.Set("Authorization", "x") }, provider.Rejected, "not a token"},
		"nothing":  {func(r *provider.WebhookRequest) { r.Header.Del("Authorization") }, provider.Rejected, "missing"},
		"a later secret": {func(r *provider.WebhookRequest) {
			*r = sealed(t, body, "later", func(c jwt.MapClaims) { c["iss"] = "other" })
			r.Secrets = []string{" ", "later"}
		}, provider.Verified, ""},
		"by no algorithm": {func(r *provider.WebhookRequest) {
			token, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": apiKey}).SignedString(jwt.UnsafeAllowNoneSignatureType)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", token)
		}, provider.Rejected, "not signed: its algorithm is none"},
		"by another algorithm": {func(r *provider.WebhookRequest) {
			token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"iss": apiKey}).SignedString([]byte(apiSecret))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", token)
		}, provider.Rejected, "signed with HS512, but LiveKit uses HS256"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sealed(t, append([]byte(nil), body...), apiSecret, nil)
			tt.change(&r)
			w, err := p.ReadWebhook(r)
			if err != nil || w.Verdict != tt.want || !strings.Contains(w.Reason, tt.reason) || strings.Contains(w.Reason, "eyJ") {
				t.Errorf("%+v, %v", w, err)
			}
		})
	}
	a := account()
	a.WebhookSecret = ""
	if w, _ := with(t, a).ReadWebhook(sealed(t, body, apiSecret, nil)); w.Verdict != provider.Unverified || !strings.Contains(w.Reason, "LIVEKIT_API_SECRET") {
		t.Errorf("without a secret: %+v", w)
	}
}

func FuzzReadWebhook(f *testing.F) {
	p := with(f, account())
	for _, body := range []string{`{}`, `{"event":"participant_joined","room":{"metadata":"{\"greenroom\":{}}"},"participant":{"sid":"x","joinedAtMs":1e300}}`,
		`{"event":"egress_ended","egressInfo":{"egressId":"EG","track":{"file":{"filepath":"a/1750000000123-` + instance + `/x"}},"fileResults":[{"size":-1}]}}`} {
		f.Add([]byte(body), "eyJhbGciOiJIUzI1NiJ9.e30.x")
	}
	f.Fuzz(func(t *testing.T, body []byte, token string) {
		r := sealed(t, body, apiSecret, nil)
		if w, err := p.ReadWebhook(r); err != nil || w.Verdict != provider.Verified {
			t.Errorf("%+v, %v", w, err)
		}
		r.Header.Set("Authorization", token)
		if w, err := p.ReadWebhook(r); err != nil || w.Verdict == provider.Verified || w.Reason == "" {
			t.Errorf("%q: %+v, %v", token, w, err)
		}
	})
}

func TestErrors(t *testing.T) {
	token := "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2ln"
	for name, tt := range map[string]struct {
		answer []providertest.Answer
		kind   provider.Kind
		text   string
	}{
		"bad token":      {refusal(401, "invalid token: "+token+", error: token signature is invalid"), provider.Unauthenticated, "token signature is invalid"},
		"bad key":        {refusal(401, "invalid API key"), provider.Unauthenticated, "invalid API key"},
		"other words":    {refusal(401, "nope "+token), provider.Unauthenticated, "Unauthorized"},
		"may not":        {refusal(401, `{"code":"unauthenticated","msg":"permissions denied"}`), provider.Forbidden, "permissions denied"},
		"may not either": {refusal(403, `{"code":"permission_denied","msg":"mock"}`), provider.Forbidden, "mock"},
		"old server":     {refusal(404, `{"code":"bad_route","msg":"no handler"}`), provider.Unsupported, "no handler"},
		"not LiveKit":    {refusal(404, `nothing here`), provider.Unavailable, "isn't LiveKit's"},
		"down":           {refusal(503, `{"code":"unavailable","msg":"no response from servers"}`), provider.Unavailable, "no response"},
		"other shape":    {one(`{"rooms":null}`), provider.Unavailable, "no list of rooms"},
		"other rooms":    {one(`{"rooms":[{"sid":"RM_2","name":"other"}]}`), provider.Unavailable, "rooms other"},
		"no sid":         {one(`{"rooms":[{"name":"demo"}]}`), provider.Unavailable, "no sid"},
		"gone":           {one(`{"rooms":[]}`), provider.NotFound, "no room of that name"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, _ := on(t, account(), answers{rooms: tt.answer})
			_, err := p.Lookup(t.Context(), demo)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "eyJ") {
				t.Errorf("%v", err)
			}
		})
	}
}

// Calls carry tokens that permit them alone, and links tokens of their own that end with the meeting.
func TestTokens(t *testing.T) {
	p, s, clock := on(t, account(), answers{rooms: one(`{"rooms":[]}`), people: one(`{"participants":[{"sid":"PA_1","identity":"i","state":"ACTIVE"}]}`)})
	for range 2 {
		if _, err := p.Presence(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
	}
	asked := s.Asked()
	if asked[0].Header.Get("Authorization") != asked[1].Header.Get("Authorization") {
		t.Error("a token was not used again")
	}
	clock.Advance(6 * time.Minute)
	if _, err := p.Presence(t.Context(), demo); err != nil {
		t.Fatal(err)
	}
	if asked = s.Asked(); asked[1].Header.Get("Authorization") == asked[2].Header.Get("Authorization") {
		t.Error("a token was used for too long")
	}
	c := read(t, strings.TrimPrefix(asked[2].Header.Get("Authorization"), "Bearer "))
	if v := c["video"].(map[string]any); c["iss"] != apiKey || v["roomAdmin"] != true || v["room"] != "demo" || len(v) != 2 || c["exp"] == nil {
		t.Errorf("the token holds %v", c)
	}
	for until, want := range map[time.Duration]time.Duration{
		time.Hour: time.Hour, 48 * time.Hour: 25 * time.Hour, -time.Hour: 10 * time.Minute,
	} {
		m := demo
		m.Until = clock.Now().Add(until)
		links, err := p.Links(t.Context(), provider.LinkRequest{Meeting: m, Host: true, Name: "Ada"})
		if err != nil {
			t.Fatal(err)
		}
		guest, host := read(t, tokenOf(t, links.Guest)), read(t, tokenOf(t, links.Host))
		if int64(guest["exp"].(float64)) != clock.Now().Add(want).Unix() {
			t.Errorf("%s: until %v, not in %s", until, guest["exp"], want)
		}
		gv, hv := guest["video"].(map[string]any), host["video"].(map[string]any)
		if gv["roomAdmin"] != nil || hv["roomAdmin"] != true || gv["roomJoin"] != true || gv["room"] != "demo" || host["name"] != "Ada" ||
			guest["sub"] == host["sub"] || host["attributes"].(map[string]any)["greenroom.host"] != "true" || guest["attributes"] != nil {
			t.Errorf("guest %v, host %v", guest, host)
		}
	}
}

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(u.Query().Get("url"), "ws://127.0.0.1:") {
		t.Fatalf("link %q: %v", link, err)
	}
	return u.Query().Get("token")
}

func read(t *testing.T, token string) jwt.MapClaims {
	t.Helper()
	c := jwt.MapClaims{}
	if _, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseWithClaims(token, c, func(*jwt.Token) (any, error) { return []byte(apiSecret), nil }); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPresence(t *testing.T) {
	p, s, _ := on(t, account(), answers{rooms: one(`{"rooms":[{"sid":"RM_1","name":"demo"}]}`), people: {
		providertest.JSON(`{"participants":[
			{"sid":"PA_1","identity":"a","state":"ACTIVE","joined_at_ms":"1750000000123","name":"Ada","attributes":{"greenroom.host":"true"}},
			{"sid":"PA_2","identity":"b","state":"JOINING"}, {"sid":"PA_3","identity":"c"}, {"sid":"PA_4","identity":"d","state":3},
			{"sid":"PA_5","identity":"e","state":2,"kind":"SIP"}, {"sid":"PA_6","identity":"f","state":"ACTIVE","kind":"EGRESS"},
			{"sid":"PA_7","identity":"g","state":"ACTIVE","permission":{"recorder":true}}, {"sid":"PA_1","identity":"a","state":"ACTIVE"}]}`),
		providertest.JSON(`{"participants":[]}`),
	}})
	here, err := p.Presence(t.Context(), demo)
	var got []string
	for _, who := range here {
		got = append(got, who.Session+" "+string(who.Role))
	}
	if want := "PA_1 host, PA_5 guest, PA_6 bot, PA_7 bot"; err != nil || strings.Join(got, ", ") != want {
		t.Errorf("%s, not %s: %v", strings.Join(got, ", "), want, err)
	}
	if here[0].JoinedAt.UnixMilli() != 1750000000123 || here[0].UserID != "a" {
		t.Errorf("%+v", here[0])
	}
	if s.Calls() != people {
		t.Errorf("calls %s", s.Calls())
	}
	if here, err := p.Presence(t.Context(), demo); err != nil || len(here) != 0 {
		t.Errorf("empty: %+v, %v", here, err)
	}
	if s.Calls() != people+", "+people+", "+rooms {
		t.Errorf("an empty list was believed: %s", s.Calls())
	}
}

func TestMuteExplains(t *testing.T) {
	const ada = `{"participants":[{"sid":"PA_1","identity":"a","state":"ACTIVE","tracks":[{"sid":"TR_1"},{"sid":"TR_2","type":"VIDEO","muted":true},{"sid":"TR_3","type":"DATA"}]}]}`
	for name, tt := range map[string]struct {
		answer []providertest.Answer
		off    bool
		kind   provider.Kind
		hint   string
		n      int
	}{
		"muted":         {one(`{"track":{}}`), false, "", "", 1},
		"gone":          {refusal(503, `{"code":"unavailable","msg":"twirp error unknown: no response from servers"}`), false, provider.NotFound, "", 0},
		"may not":       {refusal(412, `{"code":"failed_precondition","msg":"remote unmute not enabled"}`), true, provider.Forbidden, "enable_remote_unmute", 0},
		"something odd": {refusal(400, `{"code":"invalid_argument","msg":"x"}`), false, provider.Invalid, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, _ := on(t, account(), answers{people: one(ada), mute: tt.answer})
			n, err := p.Mute(t.Context(), demo, provider.Participant{Session: "PA_1"}, provider.Muting{Audio: !tt.off, Video: true, Off: tt.off})
			if n != tt.n || provider.KindOf(err) != tt.kind || !strings.Contains(provider.HintOf(err), tt.hint) {
				t.Errorf("%d, %v, hint %q", n, err, provider.HintOf(err))
			}
		})
	}
}

func TestExtendAndKeep(t *testing.T) {
	const metadata = "POST /twirp/livekit.RoomService/UpdateRoomMetadata"
	p, s, _ := on(t, account(), answers{
		rooms:    {providertest.JSON(`{"rooms":[{"sid":"RM_1","name":"demo","metadata":"{\"greenroom\":{\"room\":\"R\",\"until\":1,\"nonce\":\"N\"}}"}]}`), providertest.JSON(`{"rooms":[{"sid":"RM_1","name":"demo","metadata":"theirs"}]}`)},
		metadata: one(`{}`), people: one(`{"participants":[{"sid":"PA_1","identity":"a","state":"ACTIVE"},{"sid":"PA_2","identity":"b"}]}`),
		"POST /twirp/livekit.RoomService/RemoveParticipant": {{Status: 404, Body: `{"code":"not_found","msg":"x"}`}, providertest.JSON(`{}`)},
	})
	if err := p.Extend(t.Context(), demo, began); err != nil {
		t.Fatal(err)
	}
	if got := s.Asked()[1].Body; !strings.Contains(got, fmt.Sprint(began.Unix())) || !strings.Contains(got, `\"nonce\":\"N\"`) {
		t.Errorf("the note became %s", got)
	}
	if err := p.Extend(t.Context(), demo, began); !errors.Is(err, provider.Unsupported) {
		t.Errorf("a room of others: %v", err)
	}
	kept := demo
	kept.Keep = true
	if err := p.EndMeeting(t.Context(), kept); err != nil {
		t.Errorf("end in a kept room: %v", err)
	}
	if err := p.Extend(t.Context(), provider.Meeting{}, began); !errors.Is(err, provider.Invalid) {
		t.Errorf("extend nothing: %v", err)
	}
}
