package whereby_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
	"greenroom/provider/providertest"
	"greenroom/provider/whereby"
)

const (
	apiKey = "whereby-key-0123456789"
	// hookSecret, and the vector made with it, come from Whereby's documentation.
	hookSecret = "whereby-test-secret"
	s3Secret   = "s3/secret+0123456789"
)

var began = time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)

func account() provider.Account {
	return provider.Account{Name: "whereby", Platform: provider.Whereby, APIKey: apiKey, WebhookSecret: hookSecret}
}

// on returns a provider that calls a script.
func on(t *testing.T, a provider.Account, answers map[string][]providertest.Answer) (*whereby.Provider, *providertest.Script, *providertest.Clock) {
	t.Helper()
	s := providertest.NewScript(t, answers)
	clock := providertest.NewClock(began)
	a.APIURL = s.URL
	p, err := whereby.New(a, whereby.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return p, s, clock
}

// with returns a provider that makes no calls.
func with(t testing.TB, a provider.Account) *whereby.Provider {
	t.Helper()
	p, err := whereby.New(a, whereby.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type answers = map[string][]providertest.Answer

func refusal(status int, body string) providertest.Answer {
	return providertest.Answer{Status: status, Body: body}
}

func one(body string) []providertest.Answer { return []providertest.Answer{providertest.JSON(body)} }

func TestDriver(t *testing.T) {
	d := whereby.Driver()
	if d.Platform != provider.Whereby || d.DefaultURL != "https://api.whereby.dev/v1" {
		t.Errorf("%+v", d)
	}
	p, err := d.Open(account(), nil)
	if err != nil || p.Platform() != provider.Whereby {
		t.Fatal(p, err)
	}
	want := provider.Traits{
		PresenceLag: 25 * time.Second, PresenceEvery: 15 * time.Second, PresenceSpacing: 2 * time.Second, Linger: time.Hour,
		HostParameter: "roomKey", WebhookPlace: "paste it in Whereby's dashboard: Configure, Webhooks, Add endpoint",
	}
	if p.Traits() != want {
		t.Errorf("traits %+v", p.Traits())
	}
	if why := p.(provider.Explainer).WhyNot; why(provider.AbilityRecord) == "" || why(provider.AbilityLogo) != "" {
		t.Errorf("explains %q and %q", why(provider.AbilityRecord), why(provider.AbilityLogo))
	}
	if p, err := d.Open(provider.Account{Name: "work"}, nil); p != nil || !strings.Contains(provider.HintOf(err), `api_key of the account "work"`) {
		t.Errorf("an empty account gave %v, %v", p, err)
	}
	a := account()
	a.WebhookSignature = "simple"
	if _, err := d.Open(a, nil); !errors.Is(err, provider.Invalid) || provider.HintOf(err) == "" {
		t.Errorf("the simple signature: %v", err)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer providertest.Answer
		kind   provider.Kind
		text   string
		hint   string
	}{
		{"bad key", refusal(401, `{"error":"Unauthorized"}`), provider.Unauthenticated, "Unauthorized", "WHEREBY_API_KEY"},
		{"no text", refusal(401, ``), provider.Unauthenticated, "Unauthorized", "WHEREBY_API_KEY"},
		{"forbidden", refusal(403, `{"message":"plan"}`), provider.Forbidden, "plan", ""},
		{"gone", refusal(404, `nothing here`), provider.NotFound, "nothing here", ""},
		{"nested", refusal(400, `{"error":{"code":"E1","message":"bad date"}}`), provider.Invalid, "(E1): bad date", ""},
		{"limited for long", refusal(429, `{"error":"Rate limit active for throttle key: organization:7","data":{"msLeft":59000}}`), provider.RateLimited, "organization:7", "wait"},
		{"failing", refusal(500, `[]`), provider.Unavailable, "Internal Server Error", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, _, _ := on(t, account(), answers{"GET /meetings/1": {tt.answer}})
			_, err := p.Lookup(t.Context(), provider.Meeting{ID: "1"})
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(provider.HintOf(err), tt.hint) {
				t.Errorf("%v, hint %q", err, provider.HintOf(err))
			}
		})
	}
}

// Whereby sends the wait twice: the longer one counts, and nonsense is no wait.
func TestMsLeftIsWaitedFor(t *testing.T) {
	for left, least := range map[string]time.Duration{
		"2500": 2500 * time.Millisecond, "1500": 2 * time.Second, "0": 2 * time.Second, "-9000": 2 * time.Second, `"soon"`: 2 * time.Second,
	} {
		p, _, clock := on(t, account(), answers{"GET /meetings/1": {
			{Status: 429, Body: `{"error":"Rate limit","data":{"msLeft":` + left + `}}`, Header: []string{"Retry-After", "2"}},
			providertest.JSON(meetingBody),
		}})
		if _, err := p.Lookup(t.Context(), provider.Meeting{ID: "1"}); err != nil {
			t.Fatal(err)
		}
		if w := clock.Waits(); len(w) == 0 || w[0] < least || w[0] > 2*least {
			t.Errorf("msLeft %s: waited %v", left, w)
		}
	}
}

const meetingBody = `{"meetingId":"87651234","roomName":"/demo-0a1b","roomUrl":"https://acme.whereby.com/demo-0a1b","startDate":"2025-06-15T12:00:00.000Z","endDate":"2025-06-15T13:00:00.000Z"}`

var meeting = provider.Meeting{
	ID: "87651234", Room: "demo-0a1b", GuestURL: "https://acme.whereby.com/demo-0a1b", Until: began.Add(time.Hour), CreatedAt: began,
}

func TestCreate(t *testing.T) {
	keys := provider.RecordingTarget{Bucket: "b/sub", Region: "us-west-2", AccessKeyID: "AKIA0123", AccessKeySecret: s3Secret}
	const s3 = `"destination":{"provider":"s3","authenticationType":"accessKey","bucket":"b/sub","accessKeyId":"AKIA0123","accessKeySecret":"` + s3Secret + `","fileFormat":"mp4"}`
	base := func(mode string, locked string, more string) string {
		return `{"isLocked":` + locked + `,"roomNamePrefix":"demo-","roomNamePattern":"uuid","roomMode":"` + mode +
			`","endDate":"2025-06-15T13:00:00.000Z","fields":["hostRoomUrl"]` + more + `}`
	}
	record := func(m provider.RecordingMode, tr provider.Trigger) func(*provider.MeetingSpec) {
		return func(s *provider.MeetingSpec) { s.Recording, s.Trigger = m, tr }
	}
	for _, tt := range []struct {
		name   string
		target provider.RecordingTarget
		change func(*provider.MeetingSpec)
		want   string
	}{
		{"plain", keys, func(*provider.MeetingSpec) {}, base("group", "false", "")},
		{"locked", keys, func(s *provider.MeetingSpec) { s.Locked = true }, base("group", "true", "")},
		{"four", keys, func(s *provider.MeetingSpec) { s.Size = 4 }, base("normal", "false", "")},
		{"five", keys, func(s *provider.MeetingSpec) { s.Size = 5 }, base("group", "false", "")},
		{"another zone", keys, func(s *provider.MeetingSpec) { s.Until = s.Until.In(time.FixedZone("x", 7200)) }, base("group", "false", "")},
		{"local", keys, record(provider.RecordingLocal, provider.TriggerPrompt), base("group", "false", `,"recording":{"type":"local","destination":{"provider":"whereby"},"startTrigger":"prompt"}`)},
		{"cloud", keys, record(provider.RecordingCloud, provider.TriggerAutomatic2nd), base("group", "false", `,"recording":{"type":"cloud",`+s3+`,"startTrigger":"automatic-2nd-participant"}`)},
		{"cloud at Whereby", provider.RecordingTarget{}, record(provider.RecordingCloud, ""), base("group", "false", `,"recording":{"type":"cloud","destination":{"provider":"whereby","fileFormat":"mp4"},"startTrigger":"none"}`)},
		{"a bucket that is only read", provider.RecordingTarget{Bucket: "b"}, record(provider.RecordingCloud, provider.TriggerAutomatic), base("group", "false", `,"recording":{"type":"cloud","destination":{"provider":"whereby","fileFormat":"mp4"},"startTrigger":"automatic"}`)},
		{"cloud by role", provider.RecordingTarget{Bucket: "b", RoleARN: "arn:r"}, record(provider.RecordingCloud, provider.TriggerAutomatic), base("group", "false", `,"recording":{"type":"cloud","destination":{"provider":"s3","authenticationType":"roleBased","bucket":"b","oidcRoleArn":"arn:r","fileFormat":"mp4"},"startTrigger":"automatic"}`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			a.Recording = tt.target
			p, s, _ := on(t, a, answers{"POST /meetings": {{Status: 201, Body: strings.Replace(meetingBody, `"startDate"`, `"hostRoomUrl":"https://acme.whereby.com/demo-0a1b?roomKey=k","startDate"`, 1)}}})
			in := provider.MeetingSpec{Name: "demo-20250615120000", Room: "demo", Until: began.Add(time.Hour), Recording: provider.RecordingNone}
			tt.change(&in)
			m, err := p.CreateMeeting(t.Context(), in)
			if diff := cmp.Diff(meeting, m); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
			jsonEqual(t, s.Asked()[0].Body, tt.want)
		})
	}
}

func TestPrefix(t *testing.T) {
	for room, want := range map[string]string{
		"demo": "demo-", "All Hands": "all-hands-", "Zoë_1": "zo-_1-", "": "room-", "渡辺": "room-", "a---": "a-",
		strings.Repeat("x", 60): strings.Repeat("x", 38) + "-", strings.Repeat("x", 37) + "--y": strings.Repeat("x", 37) + "-",
	} {
		p, s, _ := on(t, account(), answers{"POST /meetings": {{Status: 201, Body: meetingBody}}})
		if _, err := p.CreateMeeting(t.Context(), provider.MeetingSpec{Room: room, Until: began}); err != nil {
			t.Fatal(err)
		}
		var body struct{ RoomNamePrefix string }
		if err := json.Unmarshal([]byte(s.Asked()[0].Body), &body); err != nil || body.RoomNamePrefix != want || len(want) > 39 {
			t.Errorf("%q gives %q, want %q", room, body.RoomNamePrefix, want)
		}
	}
}

// A creation whose answer is lost is never repeated; a refused one is clean.
func TestCreateDoubt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []providertest.Answer
		calls   int
		kind    provider.Kind
		doubt   bool
	}{
		{"lost", []providertest.Answer{providertest.Lost()}, 1, provider.Unavailable, true},
		{"failed", []providertest.Answer{refusal(503, `{}`)}, 1, provider.Unavailable, true},
		{"no meeting", []providertest.Answer{{Status: 201, Body: `{}`}}, 1, provider.Unavailable, true},
		{"no link", []providertest.Answer{{Status: 201, Body: `{"meetingId":"1","roomName":"/x"}`}}, 1, provider.Unavailable, true},
		{"not whole", []providertest.Answer{{Status: 201, Body: `{"meetingId":"1`}}, 1, provider.Unavailable, true},
		{"refused", []providertest.Answer{refusal(400, `{"error":"no"}`)}, 1, provider.Invalid, false},
		{"limited, then made", []providertest.Answer{refusal(429, `{}`), {Status: 201, Body: meetingBody}}, 2, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			a.Recording = provider.RecordingTarget{Bucket: "b", AccessKeyID: "AKIA0123", AccessKeySecret: s3Secret}
			p, s, _ := on(t, a, answers{"POST /meetings": tt.answers})
			_, err := p.CreateMeeting(t.Context(), provider.MeetingSpec{Room: "demo", Until: began.Add(time.Hour), Recording: provider.RecordingCloud})
			if provider.KindOf(err) != tt.kind || len(s.Asked()) != tt.calls {
				t.Errorf("%v after %d calls", err, len(s.Asked()))
			}
			if err != nil && strings.Contains(err.Error(), "expires an hour after 2025-06-15T13:00:00Z") != tt.doubt {
				t.Errorf("doubt is %v: %v", tt.doubt, err)
			}
		})
	}
}

// Whereby's error might repeat the request: the bucket's key is in no error.
func TestBucketKeyIsHidden(t *testing.T) {
	a := account()
	a.Recording = provider.RecordingTarget{Bucket: "b", AccessKeyID: "AKIA0123", AccessKeySecret: s3Secret}
	for _, status := range []int{400, 403, 500} {
		for _, body := range []string{`{"error":"bad destination ` + s3Secret + ` AKIA0123"}`, `bad destination ` + s3Secret + ` AKIA0123`} {
			p, _, _ := on(t, a, answers{"POST /meetings": {refusal(status, body)}})
			_, err := p.CreateMeeting(t.Context(), provider.MeetingSpec{Room: "demo", Until: began, Recording: provider.RecordingCloud})
			if err == nil || strings.Contains(err.Error(), s3Secret) || strings.Contains(err.Error(), "AKIA0123") {
				t.Error(err)
			}
		}
	}
}

// jsonEqual compares two texts as JSON.
func jsonEqual(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Error(diff)
	}
}
