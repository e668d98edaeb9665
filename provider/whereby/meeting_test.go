package whereby_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
	"greenroom/provider/providertest"
)

func TestLookupAndLinks(t *testing.T) {
	host := strings.Replace(meetingBody, `"startDate"`, `"hostRoomUrl":"https://acme.whereby.com/demo-0a1b?roomKey=secret","startDate"`, 1)
	p, s, _ := on(t, account(), answers{"GET /meetings/87651234": {providertest.JSON(meetingBody), providertest.JSON(host)}})
	m, err := p.Lookup(t.Context(), provider.Meeting{ID: "87651234"})
	if diff := cmp.Diff(meeting, m); err != nil || diff != "" {
		t.Error(err, diff)
	}
	links, err := p.Links(t.Context(), provider.LinkRequest{Meeting: meeting, Host: true})
	if err != nil || links.Host != "https://acme.whereby.com/demo-0a1b?roomKey=secret" || links.Guest != meeting.GuestURL {
		t.Errorf("%+v, %v", links, err)
	}
	if q := s.Asked()[1].Query; q != "fields=hostRoomUrl" {
		t.Errorf("asked for %s", q)
	}
	if links, err := p.Links(t.Context(), provider.LinkRequest{Meeting: meeting}); err != nil || links.Host != "" || len(s.Asked()) != 2 {
		t.Errorf("the guest's link costs a call: %+v, %v", links, err)
	}
	for _, odd := range []string{`{}`, `null`, `{"meetingId":"1"}`, `{"meetingId":"1","roomName":"/x","roomUrl":"javascript:x"}`, meetingBody} {
		p, _, _ := on(t, account(), answers{"GET /meetings/1": one(odd)})
		if links, err := p.Links(t.Context(), provider.LinkRequest{Meeting: provider.Meeting{ID: "1"}, Host: true}); !errors.Is(err, provider.Unavailable) {
			t.Errorf("%s gives %+v, %v", odd, links, err)
		}
	}
}

func TestEnd(t *testing.T) {
	for status, kind := range map[int]provider.Kind{204: "", 200: "", 404: "", 403: provider.Forbidden} {
		p, _, _ := on(t, account(), answers{"DELETE /meetings/1": {refusal(status, "")}})
		if err := p.EndMeeting(t.Context(), provider.Meeting{ID: "1"}); provider.KindOf(err) != kind {
			t.Errorf("%d: %v", status, err)
		}
	}
	// Deleting is repeated if the answer is lost.
	p, s, _ := on(t, account(), answers{"DELETE /meetings/1": {providertest.Lost(), refusal(204, "")}})
	if err := p.EndMeeting(t.Context(), provider.Meeting{ID: "1"}); err != nil || len(s.Asked()) < 2 {
		t.Error(err)
	}
}

func TestRooms(t *testing.T) {
	page := func(cursor string) providertest.Answer {
		return providertest.JSON(`{"results":[` + meetingBody + `],"cursor":` + cursor + `}`)
	}
	p, s, _ := on(t, account(), answers{"GET /meetings": {page(`"c/1"`), page(`null`)}})
	n := 0
	if err := p.Rooms(t.Context(), func(m provider.Meeting) bool { n++; return m.ID == meeting.ID }); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if q, _ := url.ParseQuery(s.Asked()[1].Query); q.Get("cursor") != "c/1" || q.Get("limit") != "100" {
		t.Errorf("asked for %v", q)
	}
	for name, list := range map[string][]providertest.Answer{
		"no list": one(`{}`), "no meeting": one(`{"results":[{}]}`), "no end": {page(`"c"`)}, "an error": one(`{"error":"x"}`),
	} {
		p, _, _ := on(t, account(), answers{"GET /meetings": list})
		if err := p.Rooms(t.Context(), func(provider.Meeting) bool { return true }); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestPresence(t *testing.T) {
	const sessions, people = "GET /insights/room-sessions", "GET /insights/participants"
	const ended = `{"roomSessionId":"s-1","roomName":"/demo","startedAt":"2025-06-15T12:00:00.000Z","endedAt":"2025-06-15T12:20:00.000Z"}`
	const ongoing = `{"roomSessionId":"s-2","roomName":"/demo","startedAt":"2025-06-15T12:30:00.000Z","endedAt":null}`
	const ann = `{"roomSessionId":"s","participantId":"p-1","userId":"u","roleName":"owner","displayName":"Ann","joinedAt":"2025-06-15T12:01:00.000Z","leftAt":null,"externalId":"x"}`
	const bob = `{"participantId":"p-2","userId":"u-2","roleName":"granted_visitor","displayName":"Bob","joinedAt":"2025-06-15T12:01:00.000Z","leftAt":"2025-06-15T12:05:00.000Z"}`
	const bot = `{"participantId":"p-3","roleName":"recorder","displayName":null}`
	list := func(cursor string, items ...string) providertest.Answer {
		return providertest.JSON(`{"results":[` + strings.Join(items, ",") + `],"cursor":` + cursor + `}`)
	}
	at := func(min int) time.Time { return began.Add(time.Duration(min) * time.Minute) }
	wantAnn := provider.Participant{Session: "p-1", Name: "Ann", UserID: "x", Role: provider.RoleHost, PlatformRole: "owner", JoinedAt: at(1)}
	wantBob := provider.Participant{Session: "p-2", Name: "Bob", UserID: "u-2", Role: provider.RoleGuest, PlatformRole: "granted_visitor", JoinedAt: at(1), LeftAt: at(5)}
	wantBot := provider.Participant{Session: "p-3", Role: provider.RoleBot, PlatformRole: "recorder"}
	for _, tt := range []struct {
		name     string
		sessions []providertest.Answer
		people   []providertest.Answer
		want     []provider.Participant
		calls    int
	}{
		{"never met", []providertest.Answer{list("null")}, nil, []provider.Participant{}, 1},
		{"meeting now", []providertest.Answer{list("null", ongoing, ended)}, []providertest.Answer{list(`"2"`, ann, bob), list("null", bot)}, []provider.Participant{wantAnn, wantBob, wantBot}, 3},
		{"over", []providertest.Answer{list("null", ended)}, []providertest.Answer{list("null", ann, bob)}, []provider.Participant{wantBob}, 2},
		{"two sessions of two pages", []providertest.Answer{list(`"2"`, ongoing), list("null", strings.Replace(ongoing, "s-2", "s-3", 1))},
			[]providertest.Answer{list("null", ann), list("null", bob, ann)}, []provider.Participant{wantAnn, wantBob}, 4},
		{"listed twice", []providertest.Answer{list("null", ongoing)}, []providertest.Answer{list("null", bob, strings.Replace(bob, "12:05", "12:09", 1), bob)},
			[]provider.Participant{func() provider.Participant { b := wantBob; b.LeftAt = at(9); return b }()}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, s, _ := on(t, account(), answers{sessions: tt.sessions, people: tt.people})
			got, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"})
			alone := strings.HasPrefix(tt.name, "never") || tt.name == "over" // someone may wait alone
			if diff := cmp.Diff(tt.want, got); errors.Is(err, provider.ErrPartial) != alone || !alone && err != nil || diff != "" {
				t.Error(err, diff)
			}
			if len(s.Asked()) != tt.calls {
				t.Errorf("calls %s", s.Calls())
			}
			if q, _ := url.ParseQuery(s.Asked()[0].Query); q.Get("roomName") != "/demo" {
				t.Errorf("asked for %v", q)
			}
		})
	}
	for name, odd := range map[string]answers{
		"no sessions":              {sessions: one(`{}`)},
		"a session without an id":  {sessions: one(`{"results":[{}]}`)},
		"no people":                {sessions: {list("null", ongoing)}, people: one(`{}`)},
		"a person without an id":   {sessions: {list("null", ongoing)}, people: one(`{"results":[{}]}`)},
		"people can't be read":     {sessions: {list("null", ongoing)}, people: {refusal(500, "")}},
		"an error instead of them": {sessions: one(`{"error":"x","results":[]}`)},
	} {
		p, _, _ := on(t, account(), odd)
		if got, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"}); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	p, _, _ := on(t, account(), answers{sessions: {refusal(403, `{"error":"no"}`)}})
	if _, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"}); !errors.Is(err, provider.Forbidden) || !strings.Contains(provider.HintOf(err), "insights") {
		t.Errorf("%v, hint %q", err, provider.HintOf(err))
	}
}

func TestRecordings(t *testing.T) {
	body := `{"results":[
		{"recordingId":"r-1","filename":"demo-0a1b-2025-06-15T12:00:20.5Z.mp4","startDate":"2025-06-15T12:00:20.000Z","endDate":"2025-06-15T12:10:20.000Z","sizeInMegaBytes":3.5,"roomName":"/demo-0a1b"},
		{"recordingId":"r-2","filename":"demo-0a1b-2025-06-15T12:20:00Z.mkv","endDate":null},
		{"recordingId":"r-3","endDate":"2025-06-15T12:10:20.000Z"}],"cursor":"more"}`
	a := account()
	a.Recording.Bucket = "bucket/sub/folder"
	p, s, _ := on(t, a, answers{"GET /recordings": one(body)})
	got, err := p.Recordings(t.Context(), "demo-0a1b", "")
	want := []provider.Recording{
		{ID: "r-1", Room: "demo-0a1b", Status: "ready", Kind: "cloud", StartedAt: began.Add(20 * time.Second), Duration: 10 * time.Minute, Files: []provider.RecordingFile{
			{Name: "demo-0a1b-2025-06-15T12:00:20.5Z.mp4", Kind: "video", Key: "sub/folder/demo-0a1b-2025-06-15T12:00:20.5Z.mp4"},
		}},
		{ID: "r-2", Room: "demo-0a1b", Status: "recording", Kind: "cloud", StartedAt: began.Add(20 * time.Minute), Files: []provider.RecordingFile{
			{Name: "demo-0a1b-2025-06-15T12:20:00Z.mkv", Kind: "video", Key: "sub/folder/demo-0a1b-2025-06-15T12:20:00Z.mkv"},
		}},
		{ID: "r-3", Status: "ready", Kind: "cloud"},
	}
	if diff := cmp.Diff(provider.RecordingPage{Recordings: want, Next: "more"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got, err := p.Recordings(t.Context(), "", "more"); err == nil {
		t.Errorf("a list that never ends: next %q", got.Next)
	}
	if q, _ := url.ParseQuery(s.Asked()[0].Query); q.Get("roomName") != "/demo-0a1b" || len(s.Asked()) != 2 {
		t.Errorf("asked %v", s.Asked())
	}
	for _, odd := range []string{`{}`, `{"results":[{}]}`} {
		p, _, _ := on(t, account(), answers{"GET /recordings": one(odd)})
		if got, err := p.Recordings(t.Context(), "", ""); err == nil {
			t.Errorf("%s is %+v", odd, got)
		}
	}
}

// A bucket without keys is read and not written: that is no failure. One of two keys is.
func TestABucketThatIsOnlyReadIsNoFailure(t *testing.T) {
	list := one(`{"results":[],"cursor":null}`)
	for key, optional := range map[string]bool{"": true, "AKIA0123": false} {
		a := account()
		a.Recording = provider.RecordingTarget{Bucket: "b", AccessKeyID: key}
		p, _, _ := on(t, a, answers{"GET /meetings": list, "GET /insights/rooms": list})
		for _, c := range p.Check(t.Context()) {
			if c.Name == "recordings" && (c.OK || c.Optional != optional || c.Hint == "") {
				t.Errorf("with the key %q: %+v", key, c)
			}
		}
	}
}

func TestLogo(t *testing.T) {
	p, s, _ := on(t, account(), answers{"PUT /rooms/demo-0a1b/theme/logo": {refusal(204, ""), refusal(400, `{"error":"Wrong content type"}`)}})
	if err := p.UploadLogo(t.Context(), meeting, []byte("\x89PNG…")); err != nil {
		t.Fatal(err)
	}
	asked := s.Asked()[0]
	_, params, err := mime.ParseMediaType(asked.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := multipart.NewReader(strings.NewReader(asked.Body), params["boundary"]).NextPart()
	if err != nil {
		t.Fatal(err)
	}
	image, _ := io.ReadAll(part)
	if part.FormName() != "image" || part.FileName() == "" || part.Header.Get("Content-Type") != "image/png" || string(image) != "\x89PNG…" {
		t.Errorf("%s %s %v %q", part.FormName(), part.FileName(), part.Header, image)
	}
	if err := p.UploadLogo(t.Context(), meeting, nil); !errors.Is(err, provider.Invalid) {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	list := providertest.Answer{Status: 200, Body: `{"results":[{"a":1}],"cursor":null}`, Header: []string{"Date", "Sun, 15 Jun 2025 12:00:05 GMT"}}
	early := list
	early.Header = []string{"Date", "Sun, 15 Jun 2025 12:01:00 GMT"}
	for _, tt := range []struct {
		name     string
		change   func(*provider.Account)
		list     providertest.Answer
		insights providertest.Answer
		check    string
		ok       bool
		words    string
	}{
		{"key", nil, list, list, "API key", true, "accepted"},
		{"bad key", nil, refusal(401, `{}`), list, "API key", false, "WHEREBY_API_KEY"},
		{"no list", nil, providertest.JSON(`{}`), list, "API key", false, "no list"},
		{"clock", nil, list, list, "clock", true, "agrees"},
		{"clock off", nil, early, list, "clock", false, "1m0s"},
		{"insights", nil, list, list, "insights", true, "available"},
		{"no insights", nil, list, refusal(403, `{}`), "insights", false, "only from webhooks"},
		{"secret", nil, list, list, "webhook secret", true, "set"},
		{"no secret", func(a *provider.Account) { a.WebhookSecret = "" }, list, list, "webhook secret", false, "WHEREBY_WEBHOOK_SECRET"},
		{"recordings", nil, list, list, "recordings", true, "kept by Whereby"},
		{"bucket without a key", func(a *provider.Account) { a.Recording.Bucket = "b" }, list, list, "recordings", false, "AWS_WHEREBY_ACCESS_KEY_ID"},
		{"bucket", func(a *provider.Account) {
			a.Recording = provider.RecordingTarget{Bucket: "b", AccessKeyID: "AKIA0123", AccessKeySecret: s3Secret}
		}, list, list, "recordings", true, `bucket "b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			if tt.change != nil {
				tt.change(&a)
			}
			p, _, _ := on(t, a, answers{"GET /meetings": {tt.list}, "GET /insights/rooms": {tt.insights}})
			found := false
			for _, c := range p.Check(t.Context()) {
				if c.Name == tt.check {
					found = true
					if c.OK != tt.ok || !strings.Contains(c.Detail+" "+c.Hint, tt.words) {
						t.Errorf("%+v", c)
					}
				}
			}
			if !found {
				t.Errorf("no check %q", tt.check)
			}
		})
	}
}
