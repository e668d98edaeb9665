package daily_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
	"greenroom/provider/rest"
)

func spec() provider.MeetingSpec {
	return provider.MeetingSpec{
		Name: "demo-20250615120000", Room: "demo", Locked: true, Size: 12, Until: began.Add(time.Hour),
		Recording: provider.RecordingNone,
	}
}

func TestCreateBody(t *testing.T) {
	bucket := provider.RecordingTarget{Bucket: "b", Region: "eu-west-1", RoleARN: "arn:aws:iam::1:role/r"}
	const always = `"exp":1749992400,"enable_chat":true,"enable_screenshare":true,"start_video_off":false,"start_audio_off":false`
	const target = `,"recordings_bucket":{"bucket_name":"b","bucket_region":"eu-west-1","assume_role_arn":"arn:aws:iam::1:role/r","allow_api_access":true}`
	for _, tt := range []struct {
		name   string
		target provider.RecordingTarget
		change func(*provider.MeetingSpec)
		want   string
	}{
		{"locked", provider.RecordingTarget{}, func(*provider.MeetingSpec) {},
			`{"name":"demo-20250615120000","privacy":"private","properties":{` + always + `,"max_participants":12,"enable_knocking":true}}`},
		{"open", bucket, func(s *provider.MeetingSpec) { s.Locked, s.Size = false, 0 },
			`{"name":"demo-20250615120000","privacy":"public","properties":{` + always + `}}`},
		{"local", bucket, func(s *provider.MeetingSpec) { s.Locked, s.Size, s.Recording = false, 0, provider.RecordingLocal },
			`{"name":"demo-20250615120000","privacy":"public","properties":{` + always + `,"enable_recording":"local"}}`},
		{"cloud without a bucket", provider.RecordingTarget{Bucket: "b"}, cloud,
			`{"name":"demo-20250615120000","privacy":"public","properties":{` + always + `,"enable_recording":"cloud"}}`},
		{"cloud with a bucket", bucket, cloud,
			`{"name":"demo-20250615120000","privacy":"public","properties":{` + always + `,"enable_recording":"raw-tracks"` + target + `}}`},
		{"cloud by choice", mode(bucket, "cloud"), cloud,
			`{"name":"demo-20250615120000","privacy":"public","properties":{` + always + `,"enable_recording":"cloud"` + target + `}}`},
		{"both", mode(bucket, "both"), cloud,
			`{"name":"demo-20250615120000","privacy":"public","properties":{` + always + `,"enable_recording":"cloud"` + target + `}}`},
		{"the usual region", provider.RecordingTarget{Bucket: "b", RoleARN: "arn:aws:iam::1:role/r"}, cloud,
			`{"name":"demo-20250615120000","privacy":"public","properties":{` + always + `,"enable_recording":"raw-tracks"` + strings.Replace(target, "eu-west-1", "us-west-2", 1) + `}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			a.Recording = tt.target
			p, s, _ := on(t, a, answers{"POST /rooms": {providertest.JSON(fixture(t, "room.json"))}})
			in := spec()
			tt.change(&in)
			m, err := p.CreateMeeting(t.Context(), in)
			if err != nil || m.Room != in.Name || !m.Until.Equal(in.Until) {
				t.Fatalf("%+v, %v", m, err)
			}
			jsonEqual(t, s.Asked()[0].Body, tt.want)
		})
	}
}

func cloud(s *provider.MeetingSpec) {
	s.Locked, s.Size, s.Recording = false, 0, provider.RecordingCloud
}

func mode(t provider.RecordingTarget, m string) provider.RecordingTarget {
	t.Mode = m
	return t
}

const exists = `{"error":"invalid-request-error","info":"a room named demo-20250615120000 already exists"}`
const missing = `{"error":"not-found","info":"room demo not found"}`

// The result of a creation when answers get lost. Every row has the requests in order, and the result.
func TestCreateSettlesDoubt(t *testing.T) {
	ours := providertest.JSON(fixture(t, "room.json"))
	theirs := func(old, new string) providertest.Answer {
		return providertest.JSON(strings.Replace(fixture(t, "room.json"), old, new, 1))
	}
	post := func(a ...providertest.Answer) []providertest.Answer { return a }
	const p, g = "POST /rooms", "GET /rooms/demo-20250615120000"
	for _, tt := range []struct {
		name  string
		post  []providertest.Answer
		get   []providertest.Answer
		calls string
		kind  provider.Kind
		maybe bool
	}{
		{"made at once", post(ours), nil, p, "", false},
		{"exists", post(refusal(400, exists)), nil, p, provider.Conflict, false},
		{"taken, in other words", post(refusal(400, `{"error":"invalid-request-error","info":"no"}`)), post(ours), p + ", " + g, provider.Conflict, false},
		{"taken, by status", post(refusal(409, `{}`)), nil, p, provider.Conflict, false},
		{"invalid", post(refusal(400, `{"error":"invalid-request-error","info":"exp was in the past"}`)), post(refusal(404, missing)), p + ", " + g, provider.Invalid, false},
		{"forbidden", post(refusal(403, `{"error":"forbidden-error"}`)), nil, p, provider.Forbidden, false},
		{"limited first", post(refusal(429, `{}`), ours), nil, p + ", " + p, "", false},
		{"lost, but made", post(providertest.Lost()), post(ours), p + ", " + g, "", false},
		{"failed, but made", post(refusal(502, `{"error":"server-error"}`)), post(ours), p + ", " + g, "", false},
		{"another room came", post(providertest.JSON(`{"name":"x","url":"https://x/"}`)), post(ours), p + ", " + g, "", false},
		{"nothing came", post(providertest.JSON(`{}`)), post(ours), p + ", " + g, "", false},
		{"lost, not made", post(providertest.Lost(), ours), post(refusal(404, missing)), p + ", " + g + ", " + p, "", false},
		{"lost, late", post(providertest.Lost(), refusal(400, exists)), post(refusal(404, missing), ours), p + ", " + g + ", " + p + ", " + g, "", false},
		{"lost, then limited", post(providertest.Lost(), refusal(429, `{}`), ours), post(refusal(404, missing)), p + ", " + g + ", " + p + ", " + p, "", false},
		{"lost, another end", post(providertest.Lost()), post(theirs("1749992400", "1749992460")), p + ", " + g, provider.Conflict, false},
		{"lost, another privacy", post(providertest.Lost()), post(theirs(`"private"`, `"public"`)), p + ", " + g, provider.Conflict, false},
		{"lost, another size", post(providertest.Lost()), post(theirs(`"max_participants":12`, `"max_participants":13`)), p + ", " + g, provider.Conflict, false},
		{"lost, the usual size", post(providertest.Lost()), post(theirs(`"max_participants":12,`, ``)), p + ", " + g, provider.Conflict, false},
		{"lost, no knocking", post(providertest.Lost()), post(theirs(`"enable_knocking":true`, `"enable_knocking":false`)), p + ", " + g, provider.Conflict, false},
		{"lost, no end", post(providertest.Lost()), post(theirs(`"exp":1749992400,`, ``)), p + ", " + g, provider.Conflict, false},
		{"always lost", post(providertest.Lost()), post(refusal(404, missing)), strings.Repeat(p+", "+g+", ", 2) + p + ", " + g, provider.Unavailable, true},
		{"exists and missing", post(providertest.Lost(), refusal(400, exists)), post(refusal(404, missing)), strings.Repeat(p+", "+g+", ", 2) + p + ", " + g, provider.Conflict, false},
		{"lost, then refused", post(providertest.Lost(), refusal(400, `{"error":"invalid-request-error","info":"exp was in the past"}`)), post(refusal(404, missing)), p + ", " + g + ", " + p + ", " + g, provider.Invalid, false},
		{"lost, and can't be looked up", post(providertest.Lost()), post(refusal(403, `{"error":"forbidden-error"}`)), p + ", " + g, provider.Unavailable, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prov, s, _ := on(t, account(), answers{p: tt.post, g: tt.get})
			m, err := prov.CreateMeeting(t.Context(), spec())
			if provider.KindOf(err) != tt.kind || errors.Is(err, rest.ErrMaybeDone) != tt.maybe {
				t.Errorf("%+v, %v", m, err)
			}
			if tt.kind == "" && m.Room != spec().Name {
				t.Errorf("%+v", m)
			}
			if tt.maybe && !strings.Contains(err.Error(), "may still have been created") {
				t.Errorf("the error does not say what may be left: %v", err)
			}
			if got := s.Calls(); got != tt.calls {
				t.Errorf("calls\n%s\nwant\n%s", got, tt.calls)
			}
		})
	}
}

// The size that Daily has by default is not written into a room's sparse config.
func TestCreateSettlesDoubtAboutTheUsualSize(t *testing.T) {
	room := strings.Replace(fixture(t, "room.json"), `"max_participants":12,`, ``, 1)
	p, _, _ := on(t, account(), answers{
		"POST /rooms": {providertest.Lost()}, "GET /rooms/demo-20250615120000": {providertest.JSON(room)},
	})
	for size, kind := range map[int]provider.Kind{200: "", 0: "", 199: provider.Conflict} {
		s := spec()
		s.Size = size
		if _, err := p.CreateMeeting(t.Context(), s); provider.KindOf(err) != kind {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

// A room with a size is not the one that was requested without a size.
func TestCreateWithoutSizeTakesNoRoomWithOne(t *testing.T) {
	p, _, _ := on(t, account(), answers{
		"POST /rooms": {providertest.Lost()}, "GET /rooms/demo-20250615120000": {providertest.JSON(fixture(t, "room.json"))},
	})
	s := spec()
	s.Size = 0
	if m, err := p.CreateMeeting(t.Context(), s); !errors.Is(err, provider.Conflict) {
		t.Errorf("took %+v, %v", m, err)
	}
}

func TestConfiguration(t *testing.T) {
	const plain = "not-base64!secret"
	for _, tt := range []struct {
		name   string
		change func(*provider.Account)
		hint   string
	}{
		{"a secret that is none", func(a *provider.Account) { a.WebhookSecret = plain }, "DAILY_WEBHOOK_SECRET"},
		{"an older secret that is none", func(a *provider.Account) { a.WebhookSecrets = []string{plain} }, "DAILY_WEBHOOK_SECRET"},
		{"a secret of another account", func(a *provider.Account) { a.WebhookSecret, a.Name = plain, "work" }, `"work"`},
		{"an unknown signature", func(a *provider.Account) { a.WebhookSignature = "md5" }, "DAILY_WEBHOOK_SIGNATURE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			tt.change(&a)
			_, err := daily.New(a, daily.Options{})
			if !errors.Is(err, provider.Invalid) || !strings.Contains(provider.HintOf(err), tt.hint) {
				t.Errorf("%v, hint %q", err, provider.HintOf(err))
			} else if strings.Contains(err.Error()+provider.HintOf(err), plain) {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
	a := account()
	a.WebhookSignature, a.WebhookSecret = "simple", plain
	if _, err := daily.New(a, daily.Options{}); err != nil {
		t.Errorf("a plain secret of the simple scheme: %v", err)
	}
}
