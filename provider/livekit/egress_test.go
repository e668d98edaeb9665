package livekit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/providertest"
)

const (
	idle    = `{"items":[]}`
	someone = `{"participants":[{"sid":"PA_zj4ENvyvNoSG","identity":"a","state":"ACTIVE","tracks":[{"sid":"TR_1","type":"AUDIO"},{"sid":"TR_2","type":"VIDEO","source":"SCREEN_SHARE"}]}]}`
	none    = `{"code":"internal","msg":"twirp error unknown: egress not connected (redis required)"}`
	silence = `{"code":"unavailable","msg":"twirp error unknown: no response from servers"}`
)

// item is a process in the list, started here under an instance.
func item(id, instance, status, more string) string {
	return fmt.Sprintf(`{"egress_id":%q,"room_name":"demo","status":%q,"started_at":"1750000000123456789",%s"room_composite":{"file_outputs":[{"filepath":"demo/1750000000123-%s.mp4"}]}}`, id, status, more, instance)
}

func start(kind string) provider.RecordingStart {
	return provider.RecordingStart{Kind: kind, Instance: instance, HookURL: "https://hook.example/hooks/livekit"}
}

func TestStartOfAWholeRoom(t *testing.T) {
	p, s, _ := on(t, account(), answers{list: one(idle), people: one(someone), whole: one(`{"egress_id":"EG_1","status":"EGRESS_STARTING","error":""}`)})
	if err := p.StartRecording(t.Context(), demo, start("cloud")); err != nil {
		t.Fatal(err)
	}
	sent := s.Asked()[2].Body
	for _, want := range []string{`"room_name":"demo"`, instance, `"bucket":"b"`, `"secret":"hush-s3"`, `"region":"eu-west-1"`, `"url":"https://hook.example/hooks/livekit","signing_key":"devkey"`} {
		if !strings.Contains(sent, want) {
			t.Errorf("%s lacks %s", sent, want)
		}
	}
}

// A recording that runs is not started again, and one whose answer was lost not before it would be known.
func TestNoSecondRecording(t *testing.T) {
	p, s, _ := on(t, account(), answers{list: one(`{"items":[` + item("EG_1", instance, "EGRESS_ACTIVE", "") + `]}`)})
	if err := p.StartRecording(t.Context(), demo, start("cloud")); err != nil || s.Calls() != list {
		t.Errorf("%v after %s", err, s.Calls())
	}
	running := providertest.JSON(`{"items":[` + item("EG_1", instance, "EGRESS_STARTING", "") + `]}`)
	p, s, _ = on(t, account(), answers{list: {providertest.JSON(idle), running}, people: one(someone), whole: {providertest.Lost()}})
	if err := p.StartRecording(t.Context(), demo, start("cloud")); err != nil {
		t.Errorf("a lost answer, and it runs: %v after %s", err, s.Calls())
	}
	p, s, clock := on(t, account(), answers{list: one(idle), people: one(someone), whole: {providertest.Lost(), providertest.JSON(`{"egress_id":"EG_2"}`)}})
	if err := p.StartRecording(t.Context(), demo, start("cloud")); !errors.Is(err, provider.Unavailable) {
		t.Errorf("a lost answer: %v", err)
	}
	if err := p.StartRecording(t.Context(), demo, start("cloud")); !errors.Is(err, provider.Unavailable) || !strings.Contains(err.Error(), "may still begin") {
		t.Errorf("again at once: %v", err)
	}
	if n := strings.Count(s.Calls(), whole); n != 1 {
		t.Errorf("%d starts", n)
	}
	clock.Advance(time.Minute)
	if err := p.StartRecording(t.Context(), demo, start("cloud")); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestStartRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		answers answers
		change  func(*provider.Account)
		kind    provider.Kind
		text    string
	}{
		"no bucket":     {nil, func(a *provider.Account) { a.Recording.Bucket = "" }, provider.Invalid, "AWS_LIVEKIT_S3_BUCKET"},
		"no redis":      {answers{list: refusal(500, none)}, nil, provider.Unsupported, "egress service"},
		"no worker":     {answers{list: one(idle), people: one(someone), whole: refusal(503, silence)}, nil, provider.Unsupported, "egress service"},
		"no one":        {answers{list: one(idle), people: one(`{"participants":[]}`), rooms: one(`{"rooms":[{"sid":"RM_1","name":"demo"}]}`)}, nil, provider.NotReady, "someone"},
		"no room":       {answers{list: one(idle), people: one(`{"participants":[]}`), rooms: one(`{"rooms":[]}`)}, nil, provider.NotFound, ""},
		"down":          {answers{list: refusal(502, `{"code":"unavailable","msg":"x"}`)}, nil, provider.Unavailable, ""},
		"refused":       {answers{list: one(idle), people: one(someone), whole: refusal(400, `{"code":"invalid_argument","msg":"bad output"}`)}, nil, provider.Invalid, ""},
		"an odd answer": {answers{list: one(idle), people: one(someone), whole: one(`{}`)}, nil, provider.Unavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := account()
			if tt.change != nil {
				tt.change(&a)
			}
			p, _, _ := on(t, a, tt.answers)
			if err := p.StartRecording(t.Context(), demo, start("cloud")); !errors.Is(err, tt.kind) || !strings.Contains(provider.HintOf(err), tt.text) {
				t.Errorf("%v, hint %q", err, provider.HintOf(err))
			}
		})
	}
}

func TestTracks(t *testing.T) {
	a := account()
	a.Recording.Mode = "both"
	first := `{"items":[{"egress_id":"EG_1","room_name":"demo","status":"EGRESS_ACTIVE","track":{"track_id":"TR_1","file":{"filepath":"demo/1749999999000-` + instance + `/PA_zj4ENvyvNoSG-cam-audio-1749999999001"}}}]}`
	p, s, _ := on(t, a, answers{list: one(first), people: one(someone), oneTrack: one(`{"egress_id":"EG_2"}`)})
	if fmt.Sprint(p.RecordingKinds()) != "[cloud raw-tracks]" {
		t.Errorf("kinds %v", p.RecordingKinds())
	}
	if err := p.StartRecording(t.Context(), demo, start("raw-tracks")); err != nil {
		t.Fatal(err)
	}
	sent := s.Asked()[2].Body
	if strings.Count(s.Calls(), oneTrack) != 1 || !strings.Contains(sent, `"track_id":"TR_2"`) ||
		!strings.Contains(sent, "demo/1749999999000-"+instance+"/PA_zj4ENvyvNoSG-screen-video-"+fmt.Sprint(began.UnixMilli())) {
		t.Errorf("%s, sent %s", s.Calls(), sent)
	}
	p, _, _ = on(t, a, answers{list: one(idle), people: one(`{"participants":[{"sid":"PA_1","identity":"a","state":"ACTIVE"}]}`)})
	if err := p.StartRecording(t.Context(), demo, start("raw-tracks")); !errors.Is(err, provider.NotReady) {
		t.Errorf("no tracks: %v", err)
	}
	a.Recording.Mode = "tracks"
	if fmt.Sprint(with(t, a).RecordingKinds()) != "[raw-tracks]" {
		t.Errorf("kinds %v", with(t, a).RecordingKinds())
	}
}

func TestStop(t *testing.T) {
	two := `{"items":[` + item("EG_1", instance, "EGRESS_ACTIVE", "") + `,` + item("EG_2", "6f0c7c1e-9b3a-5d44-8e21-0a1b2c3d4e5f", "EGRESS_STARTING", "") + `]}`
	for name, tt := range map[string]struct {
		start   provider.RecordingStart
		answers answers
		kind    provider.Kind
		stops   int
	}{
		"ours":           {start("cloud"), answers{list: one(two), stop: one(`{"egress_id":"EG_1","error":"x"}`)}, "", 1},
		"all":            {provider.RecordingStart{Kind: "cloud"}, answers{list: one(two), stop: one(`{}`)}, "", 2},
		"tracks":         {start("raw-tracks"), answers{list: one(two)}, "", 0},
		"ended":          {start("cloud"), answers{list: one(two), stop: refusal(412, `{"code":"failed_precondition","msg":"cannot be stopped"}`)}, "", 1},
		"starting":       {provider.RecordingStart{Kind: "cloud", Instance: "6f0c7c1e-9b3a-5d44-8e21-0a1b2c3d4e5f"}, answers{list: one(two), stop: refusal(412, `{"code":"failed_precondition","msg":"cannot be stopped"}`)}, provider.NotReady, 1},
		"gone":           {start("cloud"), answers{list: one(two), stop: refusal(404, `{"code":"not_found","msg":"x"}`)}, "", 1},
		"no egress":      {start("cloud"), answers{list: refusal(500, none)}, "", 0},
		"worker killed":  {start("cloud"), answers{list: one(two), stop: refusal(408, `{"code":"deadline_exceeded","msg":"request timed out"}`)}, provider.Unavailable, 4},
		"worker is gone": {start("cloud"), answers{list: one(two), stop: refusal(503, silence)}, provider.Unsupported, 4},
	} {
		t.Run(name, func(t *testing.T) {
			p, s, _ := on(t, account(), tt.answers)
			err := p.StopRecording(t.Context(), demo, tt.start)
			if provider.KindOf(err) != tt.kind || strings.Count(s.Calls(), stop) != tt.stops {
				t.Errorf("%v after %s", err, s.Calls())
			}
		})
	}
}

func TestRecordings(t *testing.T) {
	file := func(size string) string {
		return `"ended_at":"1750000600123456789","file_results":[{"filename":"/demo/x.mp4","size":"` + size + `","duration":"600000000000"}],"file":{"filename":"/demo/x.mp4","size":"` + size + `"},`
	}
	track := func(id, media, status, size string) string {
		key := "demo/1750000000000-" + instance + "/PA_1-" + media + "-1750000000500"
		return fmt.Sprintf(`{"egress_id":%q,"room_name":"demo","status":%q,"started_at":"1750000000500000000","track":{"track_id":"TR_1","file":{"filepath":%q}},"file_results":[{"filename":"%s.ogg","size":%q}]}`, id, status, key, key, size)
	}
	pages := []providertest.Answer{
		providertest.JSON(`{"items":[` + strings.Join([]string{
			item("EG_1", instance, "EGRESS_COMPLETE", file("5")), item("EG_2", instance, "EGRESS_ABORTED", ""), item("EG_3", instance, "EGRESS_LIMIT_REACHED", file("5")),
			item("EG_4", instance, "EGRESS_FAILED", `"error":"no space",`), item("EG_5", instance, "EGRESS_ENDING", ""), item("EG_6", instance, "EGRESS_LATER", ""),
			`{"egress_id":"EG_7","room_name":"demo","web":{}}`,
		}, ",") + `],"next_page_token":{"token":"2"}}`),
		providertest.JSON(`{"items":[` + track("EG_8", "cam-audio", "EGRESS_COMPLETE", "3") + `,` + track("EG_9", "cam-video", "EGRESS_ACTIVE", "0") +
			`,{"egress_id":"EG_10","room_id":"RM_9","room_name":"other","status":"EGRESS_COMPLETE","track":{"track_id":"TR_9"},"file_results":[{"location":"https://b.s3.amazonaws.com/auto/x.webm"}]}],"next_page_token":null}`),
	}
	p, s, _ := on(t, account(), answers{list: pages})
	page, err := p.Recordings(t.Context(), "", "")
	if err != nil || page.Next != "" || !strings.Contains(s.Asked()[1].Body, `"token":"2"`) {
		t.Fatalf("%v, %+v", err, s.Asked())
	}
	got := map[string]string{}
	for _, r := range page.Recordings {
		got[r.ID] = fmt.Sprintf("%s %s %d", r.Status, r.Kind, len(r.Files))
	}
	for id, want := range map[string]string{
		"EG_1": "ready cloud 1", "EG_2": "failed cloud 0", "EG_3": "ready cloud 1", "EG_4": "failed cloud 0", "EG_5": "processing cloud 0",
		"EG_6": "failed cloud 0", "1750000000000-" + instance: "recording tracks 2", "tracks-RM_9": "ready tracks 1",
	} {
		if got[id] != want {
			t.Errorf("%s is %q, not %q", id, got[id], want)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d recordings: %v", len(got), got)
	}
	for _, r := range page.Recordings {
		if r.ID == "EG_1" && (r.Duration != 10*time.Minute || r.Files[0].Key != "demo/x.mp4" || r.Files[0].Size != 5 || r.StartedAt.UnixMilli() != 1750000000123) {
			t.Errorf("%+v", r)
		}
	}
	p, _, _ = on(t, account(), answers{list: refusal(500, none)})
	if page, err := p.Recordings(t.Context(), "", ""); err != nil || len(page.Recordings) != 0 {
		t.Errorf("without egress: %+v, %v", page, err)
	}
	if _, err := p.Recording(t.Context(), "EG_1"); !errors.Is(err, provider.NotFound) {
		t.Errorf("look up without egress: %v", err)
	}
	for _, bad := range []string{`{}`, `{"items":[{}]}`, `{"items":[],"next_page_token":{"token":"1"}}`} {
		p, _, _ = on(t, account(), answers{list: one(bad)})
		if _, err := p.Recordings(t.Context(), "", ""); !errors.Is(err, provider.Unavailable) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestNamesOfRecordings(t *testing.T) {
	for key, want := range map[string]string{
		"demo/1750000000123-" + instance + ".mp4":                                  "demo  .mp4",
		"x/demo/1750000000123-" + instance + "/PA_1-cam-audio-1750000000623.ogg":   "demo cam-audio .ogg",
		"demo/1750000000123-" + instance + "/EG_1.json":                            "",
		"1750000000123-" + instance + ".mp4":                                       "",
		"demo/1750000000123-" + instance + ".mp4/PA_1-cam-audio-1750000000623.ogg": "",
	} {
		n, ok := object.LiveKit(key)
		got := ""
		if ok {
			got = n.Room + " " + n.Media + " " + n.Ext
		}
		if got != want || n.Track() && (n.Offset() != 500*time.Millisecond || object.Group(key) == key) {
			t.Errorf("%s: %q, not %q", key, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	busy := answers{rooms: one(`{"rooms":[]}`)}
	for name, tt := range map[string]struct {
		more   answers
		change func(*provider.Account)
		want   string
	}{
		"all is well":  {answers{list: one(idle), web: refusal(400, `{"code":"invalid_argument","msg":"missing field: url"}`)}, nil, "API key ok, webhook secret ok, join page ok, recordings ok"},
		"no worker":    {answers{list: one(idle), web: refusal(503, silence)}, nil, "API key ok, webhook secret ok, join page ok, recordings missing"},
		"no redis":     {answers{list: refusal(500, none)}, nil, "API key ok, webhook secret ok, join page ok, recordings missing"},
		"an odd ready": {answers{list: one(idle), web: one(`{"egress_id":"EG_1"}`)}, nil, "API key ok, webhook secret ok, join page ok, recordings ok"},
		"bare": {nil, func(a *provider.Account) { a.JoinURL, a.WebhookSecret, a.Recording.Bucket = "", "", "" },
			"API key ok, webhook secret missing, join page ok, recordings missing"},
		"refused": {answers{rooms: refusal(401, "invalid API key")}, nil, "API key failed, webhook secret ok, join page ok"},
	} {
		t.Run(name, func(t *testing.T) {
			all := answers{rooms: busy[rooms]}
			for call, a := range tt.more {
				all[call] = a
			}
			a := account()
			if tt.change != nil {
				tt.change(&a)
			}
			p, _, _ := on(t, a, all)
			var got []string
			for _, c := range p.Check(t.Context()) {
				word := "failed"
				switch {
				case c.Name == "clock":
					continue
				case c.OK:
					word = "ok"
				case c.Optional:
					word = "missing"
				}
				got = append(got, c.Name+" "+word)
				if !c.OK && c.Hint == "" {
					t.Errorf("%s has no hint: %s", c.Name, c.Detail)
				}
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("%s\nnot %s", strings.Join(got, ", "), tt.want)
			}
		})
	}
}

func TestSynthetic(t *testing.T) {
	p := with(t, account())
	for _, kind := range provider.EventKinds() {
		e := provider.SyntheticEvent{Kind: kind, Room: "demo", MeetingID: "RM_1", Name: "Zoë", Session: "PA_1", ID: "EV_1", At: began}
		r, err := p.Synthesize(e)
		if errors.Is(err, provider.Unsupported) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		w, err := p.ReadWebhook(r)
		if err != nil || w.Verdict != provider.Verified || w.Event.Kind != kind || w.Event.Room != "demo" || w.Event.ID != "EV_1" || w.Reason != "" {
			t.Errorf("%s: %+v, %v", kind, w, err)
		}
		e.Secret = "another"
		if r, err = p.Synthesize(e); err != nil {
			t.Errorf("%s: %v", kind, err)
		} else if w, _ := p.ReadWebhook(r); w.Verdict != provider.Rejected {
			t.Errorf("%s, signed with another secret: %+v", kind, w)
		}
	}
	a := account()
	a.WebhookSecret = ""
	if _, err := with(t, a).Synthesize(provider.SyntheticEvent{Kind: provider.KindMeetingStarted}); !errors.Is(err, provider.Invalid) {
		t.Errorf("without a secret: %v", err)
	}
}
