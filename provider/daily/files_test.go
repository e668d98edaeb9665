package daily_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

const (
	linkCall = "GET /recordings/r1/access-link"
	readCall = "GET /recordings/r1"
)

func TestFileLink(t *testing.T) {
	const said = "recording is not finished"
	words := post(`{"download_link":"recording is not finished","expires":1750003600}`)
	for _, c := range []struct {
		name, kind string
		answers    answers
		want       provider.Kind
		calls      int
		text       string // of the error: Daily's words in the link's place, or the problem with the link
	}{
		{"link", "video", answers{linkCall: post(`{"download_link":"https://files.example/r1.mp4?token=hush","expires":1750003600.5}`)}, "", 1, ""},
		{"still in progress", "video", answers{linkCall: words, readCall: post(`{"id":"r1","status":"in-progress"}`)}, provider.NotReady, 2, said},
		{"cancelled", "video", answers{linkCall: words, readCall: post(`{"id":"r1","status":"canceled"}`)}, provider.NotFound, 2, said},
		{"no link and no words", "video", answers{linkCall: post(`{}`), readCall: post(`{"id":"r1","status":"in-progress"}`)}, provider.NotReady, 2, "gave no link"},
		{"no link although finished", "video", answers{linkCall: words, readCall: post(`{"id":"r1","status":"finished"}`)}, provider.Unavailable, 2, said},
		{"a link of another kind", "video", answers{linkCall: post(`{"download_link":"file:///etc/passwd"}`), readCall: post(`{"id":"r1","status":"finished"}`)}, provider.Unavailable, 2, "not an http(s) URL"},
		{"gone", "video", answers{linkCall: {refusal(404, `{"error":"not-found","info":"recording r1 not found"}`)}}, provider.NotFound, 1, ""},
		{"a raw track", "cam-audio", answers{}, provider.Unsupported, 0, ""},
		{"raw tracks, by Daily's word", "audio", answers{linkCall: {refusal(400, `{"error":"invalid-request-error","info":"no access link for a recording of type raw-tracks"}`)}}, provider.Unsupported, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s, _ := on(t, account(), c.answers)
			link, err := p.FileLink(t.Context(), "r1", provider.RecordingFile{Kind: c.kind})
			if provider.KindOf(err) != c.want || c.want == provider.Unsupported && provider.HintOf(err) == "" {
				t.Fatalf("%v, hint %q", err, provider.HintOf(err))
			}
			if err == nil && (link.URL != "https://files.example/r1.mp4?token=hush" || !link.Expires.Equal(time.Unix(1750003600, 5e8))) {
				t.Errorf("%+v", link)
			}
			if err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("the error doesn't say %q: %v", c.text, err)
			}
			if err != nil && strings.Contains(err.Error(), "passwd") {
				t.Errorf("the error shows an invalid link: %v", err)
			}
			calls := s.Asked()
			if len(calls) != c.calls {
				t.Fatalf("%d calls", len(calls))
			}
			if c.calls > 0 {
				if q, err := url.ParseQuery(calls[0].Query); err != nil || q.Get("valid_for_secs") != "7200" {
					t.Errorf("query %q", calls[0].Query)
				}
			}
		})
	}
}

func TestDeleteRecording(t *testing.T) {
	const call = "DELETE /recordings/r1"
	for want, a := range map[provider.Kind]answers{
		"":                   {call: post(`{"deleted":true,"id":"r1"}`)},
		provider.Forbidden:   {call: {refusal(403, `{"error":"forbidden-error"}`)}},
		provider.Unavailable: {call: {refusal(404, `<html>not found</html>`)}},
	} {
		p, _, _ := on(t, account(), a)
		if err := p.DeleteRecording(t.Context(), "r1"); !errors.Is(err, want) && (want != "" || err != nil) {
			t.Errorf("%q: %v", want, err)
		}
	}
	p, _, _ := on(t, account(), answers{call: {refusal(404, `{"error":"not-found","info":"recording r1 not found"}`)}})
	if err := p.DeleteRecording(t.Context(), "r1"); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}

// The answer to a look-up is the requested recording or an error.
func TestLookUpARecording(t *testing.T) {
	for body, kind := range map[string]provider.Kind{
		`{"id":"r1","room_name":"demo","status":"in-progress"}`: "", `{"id":"r2"}`: provider.Unavailable, `{}`: provider.Unavailable, `null`: provider.Unavailable,
	} {
		p, _, _ := on(t, account(), answers{"GET /recordings/r1": post(body)})
		r, err := p.Recording(t.Context(), "r1")
		if provider.KindOf(err) != kind || err == nil && (r.ID != "r1" || r.Room != "demo" || r.Status != "recording") {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
}
