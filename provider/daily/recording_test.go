package daily_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
	"greenroom/provider/providertest"
)

func TestRecordings(t *testing.T) {
	p, s, _ := on(t, account(), answers{"GET /recordings": post(fixture(t, "recordings.json"))})
	got, err := p.Recordings(t.Context(), "demo", "")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Unix(1750000000, 0).UTC()
	track := "acme/demo/1750000000123-7f1c2d3e-4a5b-4c6d-8e7f-001122334455-cam-audio-1750000001000"
	want := []provider.Recording{
		{ID: "r-1", Room: "demo", Status: "recording", StartedAt: start},
		{ID: "r-2", Room: "demo", Status: "ready", Kind: "tracks", StartedAt: start, Duration: 61 * time.Second, Files: []provider.RecordingFile{
			{Name: track[len("acme/demo/"):], Kind: "cam-audio", Size: 123, Key: track},
		}},
		{ID: "r-3", Room: "demo", Status: "ready", Kind: "cloud", StartedAt: start.Add(500 * time.Millisecond), Files: []provider.RecordingFile{
			{Name: "1750000000123", Kind: "video", Key: "acme/demo/1750000000123"},
		}},
		{ID: "r-4", Room: "demo", Status: "failed"},
		{ID: "r-5", Room: "demo", Status: "failed"},
	}
	if diff := cmp.Diff(provider.RecordingPage{Recordings: want}, got); diff != "" {
		t.Error(diff)
	}
	if q := s.Asked()[0].Query; q != "limit=100&room_name=demo" {
		t.Errorf("asked for %s", q)
	}
}

func TestRecordingsPages(t *testing.T) {
	page := func(from, n int, total string) providertest.Answer {
		var list []string
		for i := from; i < from+n; i++ {
			list = append(list, fmt.Sprintf(`{"id":"r-%d"}`, i))
		}
		return providertest.JSON(`{` + total + `"data":[` + strings.Join(list, ",") + `]}`)
	}
	for _, total := range []string{`"total_count":130,`, ``} {
		p, s, _ := on(t, account(), answers{"GET /recordings": {page(0, 100, total), page(100, 30, total)}})
		first, err := p.Recordings(t.Context(), "", "")
		if err != nil || len(first.Recordings) != 100 || first.Next == "" {
			t.Errorf("%d, next %q, %v", len(first.Recordings), first.Next, err)
		}
		second, err := p.Recordings(t.Context(), "", first.Next)
		if err != nil || len(second.Recordings) != 30 || second.Next != "" || s.Asked()[1].Query != "limit=100&starting_after=r-99" {
			t.Errorf("%d, next %q, %v, %v", len(second.Recordings), second.Next, err, s.Asked())
		}
	}
	p, _, _ := on(t, account(), answers{"GET /recordings": {page(0, 100, `"total_count":100,`), page(0, 100, ``)}})
	if got, err := p.Recordings(t.Context(), "", ""); err != nil || len(got.Recordings) != 100 || got.Next != "" {
		t.Errorf("one full page: next %q, %v", got.Next, err)
	}
	if got, err := p.Recordings(t.Context(), "", "r-99"); err == nil {
		t.Errorf("a list that never ends: next %q", got.Next)
	}
	for _, odd := range []string{`{}`, `{"data":[{}]}`, `{"error":"x"}`} {
		p, _, _ := on(t, account(), answers{"GET /recordings": post(odd)})
		if got, err := p.Recordings(t.Context(), "", ""); err == nil {
			t.Errorf("%s is %+v", odd, got)
		}
	}
}

func TestCheck(t *testing.T) {
	date := []string{"Date", "Sun, 15 Jun 2025 12:00:05 GMT"}
	domain := providertest.Answer{Status: 200, Body: `{"domain_name":"acme","domain_id":"d"}`, Header: date}
	late := domain
	late.Header = []string{"Date", "Sun, 15 Jun 2025 11:00:00 GMT"}
	hook := func(state string) []providertest.Answer {
		return post(`[{"uuid":"u","url":"https://gr.example/h\u001b","hmac":"` + hmacKey + `","state":"` + state + `","failedCount":3}]`)
	}
	for _, tt := range []struct {
		name   string
		change func(*provider.Account)
		root   providertest.Answer
		hooks  []providertest.Answer
		check  string
		ok     bool
		words  string
	}{
		{"key", nil, domain, hook("ACTIVE"), "API key", true, `"acme"`},
		{"bad key", nil, refusal(401, `{"error":"authentication-error"}`), nil, "API key", false, "DAILY_API_KEY"},
		{"another domain", func(a *provider.Account) { a.Subdomain = "other" }, domain, hook("ACTIVE"), "API key", false, "other"},
		{"this domain", func(a *provider.Account) { a.Subdomain = "acme" }, domain, hook("ACTIVE"), "API key", true, "acme"},
		{"clock", nil, domain, hook("ACTIVE"), "clock", true, "agrees"},
		{"clock off", nil, late, hook("ACTIVE"), "clock", false, "1h0m0s"},
		{"secret", nil, domain, hook("ACTIVE"), "webhook secret", true, "set"},
		{"secret of two schemes", func(a *provider.Account) { a.WebhookSignature = "simple" }, domain, hook("ACTIVE"), "webhook secret", true, "set"},
		{"no secret", func(a *provider.Account) { a.WebhookSecret = "" }, domain, hook("ACTIVE"), "webhook secret", false, "DAILY_WEBHOOK_SECRET"},
		{"webhook", nil, domain, hook("ACTIVE"), "webhook", true, "https://gr.example/h␛, ACTIVE, 3 failures"},
		{"failed webhook", nil, domain, hook("FAILED"), "webhook", false, "reactivate"},
		{"no webhook", nil, domain, post(`[]`), "webhook", false, "register"},
		{"no plan", nil, domain, []providertest.Answer{refusal(400, `{"error":"invalid-plan-type"}`)}, "webhook", false, "card on file"},
		{"webhooks fail", nil, domain, []providertest.Answer{refusal(400, `{"error":"x","info":"why"}`)}, "webhook", false, "why"},
		{"own cloud", nil, domain, hook("ACTIVE"), "recordings", true, "kept by Daily"},
		{"bucket", func(a *provider.Account) { a.Recording = provider.RecordingTarget{Bucket: "b", RoleARN: "r"} }, domain, hook("ACTIVE"), "recordings", true, `raw-tracks to the bucket "b"`},
		{"bucket without a role", func(a *provider.Account) { a.Recording.Bucket = "b" }, domain, hook("ACTIVE"), "recordings", false, "AWS_DAILY_ROLE_ARN"},
		{"tracks without a bucket", func(a *provider.Account) { a.Recording.Mode = "raw-tracks" }, domain, hook("ACTIVE"), "recordings", false, "AWS_DAILY_S3_BUCKET"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			if tt.change != nil {
				tt.change(&a)
			}
			p, _, _ := on(t, a, answers{"GET /": {tt.root}, "GET /webhooks": tt.hooks})
			found := false
			for _, c := range p.Check(t.Context()) {
				all := c.Detail + " " + c.Hint
				if strings.Contains(all, hmacKey) || strings.Contains(all, apiKey) {
					t.Errorf("a secret is in %+v", c)
				}
				if c.Name == tt.check {
					found = true
					if c.OK != tt.ok || !strings.Contains(all, tt.words) {
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

// A bucket without a role is read and not written: that is no failure, unless raw tracks are wanted.
func TestABucketThatIsOnlyReadIsNoFailure(t *testing.T) {
	for mode, optional := range map[string]bool{"": true, "cloud": true, "raw-tracks": false} {
		a := account()
		a.Recording = provider.RecordingTarget{Bucket: "b", Mode: mode}
		p, _, _ := on(t, a, answers{"GET /": post(`{"domain_name":"acme"}`), "GET /webhooks": post(`[]`)})
		for _, c := range p.Check(t.Context()) {
			if c.Name == "recordings" && (c.OK || c.Optional != optional || c.Hint == "") {
				t.Errorf("mode %q: %+v", mode, c)
			}
		}
	}
}

func TestCancelledEndKeepsTheKind(t *testing.T) {
	p, _, _ := on(t, account(), answers{"GET /rooms/demo/presence": {providertest.Lost()}})
	if err := p.EndMeeting(t.Context(), provider.Meeting{Room: "demo"}); !errors.Is(err, provider.Unavailable) {
		t.Error(err)
	}
}
