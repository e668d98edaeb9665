package whereby_test

import (
	"testing"
	"time"

	"greenroom/provider"
)

func TestFileLink(t *testing.T) {
	const call = "GET /recordings/r1/access-link"
	for _, c := range []struct {
		name    string
		answers answers
		want    provider.Kind
	}{
		{"link", answers{call: one(`{"accessLink":"https://files.example/r1.mp4?token=hush","expires":1750003600500}`)}, ""},
		{"link without an end", answers{call: one(`{"accessLink":"https://files.example/r1.mp4?token=hush"}`)}, ""},
		{"in a bucket", answers{call: {refusal(403, ``)}}, provider.Unsupported},
		{"gone", answers{call: {refusal(404, ``)}}, provider.NotFound},
		{"no link", answers{call: one(`{"accessLink":"javascript:alert(1)"}`)}, provider.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s, _ := on(t, account(), c.answers)
			link, err := p.FileLink(t.Context(), "r1", provider.RecordingFile{Kind: "video"})
			if provider.KindOf(err) != c.want || c.want == provider.Unsupported && provider.HintOf(err) == "" {
				t.Fatalf("%v, hint %q", err, provider.HintOf(err))
			}
			if err == nil && (link.URL != "https://files.example/r1.mp4?token=hush" ||
				!link.Expires.IsZero() && !link.Expires.Equal(time.UnixMilli(1750003600500))) {
				t.Errorf("%+v", link)
			}
			if asked := s.Asked(); len(asked) != 1 || asked[0].Query != "validForSeconds=7200" {
				t.Errorf("%+v", asked)
			}
		})
	}
}

func TestDeleteRecording(t *testing.T) {
	const call = "DELETE /recordings/r1"
	for want, a := range map[provider.Kind]answers{
		"":                 {call: {refusal(204, ``)}},
		provider.Forbidden: {call: {refusal(403, ``)}},
	} {
		p, _, _ := on(t, account(), a)
		if err := p.DeleteRecording(t.Context(), "r1"); provider.KindOf(err) != want {
			t.Errorf("%q: %v", want, err)
		}
	}
	p, _, _ := on(t, account(), answers{call: {refusal(404, ``)}})
	if err := p.DeleteRecording(t.Context(), "r1"); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}

// The answer to a look-up is the requested recording or an error.
func TestLookUpARecording(t *testing.T) {
	for body, kind := range map[string]provider.Kind{
		`{"recordingId":"r1","roomName":"/demo"}`: "", `{"recordingId":"r2"}`: provider.Unavailable, `{}`: provider.Unavailable, `null`: provider.Unavailable,
	} {
		p, _, _ := on(t, account(), answers{"GET /recordings/r1": one(body)})
		r, err := p.Recording(t.Context(), "r1")
		if provider.KindOf(err) != kind || err == nil && (r.ID != "r1" || r.Room != "demo" || r.Status != "recording") {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
}
