package daily

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

func TestSyntheticWebhooksAreReadAsWhatTheyAre(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	e := provider.SyntheticEvent{Room: "demo-1", MeetingID: "987", Name: "Zoë & <Bo>", Session: "s-1", ID: "syn-1", At: at}
	p, err := New(provider.Account{Name: "daily", Platform: provider.Daily, APIKey: "k", WebhookSecret: "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []provider.EventKind{
		provider.KindMeetingStarted, provider.KindMeetingEnded, provider.KindParticipantJoined, provider.KindParticipantLeft,
		provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft, provider.KindRecordingReady, provider.KindRecordingStarted, provider.KindRecordingFailed,
		provider.KindTranscriptStarted, provider.KindTranscriptReady, provider.KindTranscriptFailed, provider.KindTest, provider.KindUnknown,
	} {
		e.Kind = kind
		r, err := p.Synthesize(e)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		w, err := p.ReadWebhook(r)
		if err != nil || w.Verdict != provider.Verified || w.Reason != "" || w.Event.Kind != kind {
			t.Errorf("%s is read as %+v, %v", kind, w, err)
		}
		if kind == provider.KindTest {
			continue
		}
		if w.Event.ID != e.ID || w.Event.Room != e.Room || w.Event.At.IsZero() {
			t.Errorf("%s: %+v", kind, w.Event)
		}
		if who := w.Event.Participant; who != nil && (who.Name != e.Name || who.Session != e.Session) {
			t.Errorf("%s: %+v", kind, who)
		}
		r.Body[len(r.Body)-2] ^= 1
		if w, _ := p.ReadWebhook(r); w.Verdict != provider.Rejected {
			t.Errorf("%s: the signature holds for another body", kind)
		}
	}
	for _, kind := range []provider.EventKind{"room.exploded"} {
		e.Kind = kind
		if _, err := p.Synthesize(e); !errors.Is(err, provider.Unsupported) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	none, err := New(provider.Account{Name: "daily", Platform: provider.Daily, APIKey: "k"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Kind = provider.KindParticipantJoined
	if _, err := none.Synthesize(e); !errors.Is(err, provider.Invalid) || provider.HintOf(err) == "" {
		t.Errorf("without a secret: %v", err)
	}
}

// An event's start lies before the event of its end.
func TestSyntheticStaysAndRecordingsLieBeforeTheirEvents(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	make := func(kind provider.EventKind) (provider.Event, float64, float64) {
		body, err := synthesize(provider.SyntheticEvent{Kind: kind, Room: "r", Session: "s", ID: "i", At: at})
		if err != nil {
			t.Fatal(err)
		}
		var raw struct {
			Payload struct {
				Start float64 `json:"start_ts"`
				End   float64 `json:"end_ts"`
			}
		}
		if err := json.Unmarshal(body, &raw); err != nil {
			t.Fatal(err)
		}
		e, reason := readEvent(body)
		if reason != "" || !e.At.Equal(at) {
			t.Errorf("%s happened at %v: %s", kind, e.At, reason)
		}
		return e, raw.Payload.Start, raw.Payload.End
	}
	if _, start, end := make(provider.KindMeetingEnded); end-start != 60 {
		t.Errorf("a meeting from %v to %v", start, end)
	}
	for _, kind := range []provider.EventKind{provider.KindParticipantLeft, provider.KindParticipantWaitingLeft} {
		if e, _, _ := make(kind); !e.Participant.LeftAt.Equal(at) || e.Participant.LeftAt.Sub(e.Participant.JoinedAt) != time.Minute {
			t.Errorf("%s: %+v", kind, e.Participant)
		}
	}
	if e, _, _ := make(provider.KindRecordingReady); !e.Recording.StartedAt.Add(e.Recording.Duration).Equal(at) || e.Recording.Duration != time.Minute {
		t.Errorf("a recording: %+v", e.Recording)
	}
}

func TestSyntheticWebhooksOfTheSimpleScheme(t *testing.T) {
	p, err := New(provider.Account{Platform: provider.Daily, APIKey: "k", WebhookSecret: "hush", WebhookSignature: "simple"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Synthesize(provider.SyntheticEvent{Kind: provider.KindParticipantJoined, Room: "r", Session: "s", ID: "i", At: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if w, _ := p.ReadWebhook(r); w.Verdict != provider.Verified {
		t.Errorf("%+v", w)
	}
}

// A meeting's events share its times: the end of a stay names its beginning and its length.
func TestSyntheticEventsShareTheirTimes(t *testing.T) {
	since := time.Date(2026, 11, 22, 10, 0, 0, 250e6, time.UTC)
	for _, kind := range []provider.EventKind{provider.KindParticipantLeft, provider.KindRecordingReady, provider.KindMeetingEnded} {
		body, err := synthesize(provider.SyntheticEvent{Kind: kind, Room: "r", Session: "s", Conference: "c", ID: "i", At: since.Add(5 * time.Second), Since: since})
		if err != nil {
			t.Fatal(err)
		}
		want := map[provider.EventKind]string{
			provider.KindParticipantLeft: `"joined_at":1795341600.25,"duration":5,`,
			provider.KindRecordingReady:  `"start_ts":1795341600,"status":"finished","duration":5,`,
			provider.KindMeetingEnded:    `"start_ts":1795341600.25,"end_ts":1795341605.25,"meeting_id":"c"`,
		}[kind]
		if !strings.Contains(string(body), want) {
			t.Errorf("%s: %s", kind, body)
		}
	}
}

// Any body can be signed, at another time than its event's.
func TestAnyBodyCanBeSigned(t *testing.T) {
	p, err := New(provider.Account{Platform: provider.Daily, APIKey: "k", WebhookSecret: "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1795341600, 0)
	r, err := p.Synthesize(provider.SyntheticEvent{Body: []byte("no json\n"), At: at, SignedAt: at.Add(-time.Hour)})
	if err != nil || string(r.Body) != "no json\n" || r.Header.Get(headerTimestamp) != "1795338000000" {
		t.Fatalf("%+v, %v", r, err)
	}
	if w, _ := p.ReadWebhook(r); w.Verdict != provider.Verified {
		t.Errorf("%+v", w)
	}
}

// Every type of Daily's can be synthesized, and is read as its kind.
func TestEveryTypeCanBeSynthesized(t *testing.T) {
	for word, kind := range types() {
		body, err := synthesize(provider.SyntheticEvent{Kind: kind, Type: word, Room: "r", Session: "s", ID: "i", At: time.Unix(1795341600, 0)})
		if err != nil || !bytes.Contains(body, []byte(`"type":"`+word+`"`)) {
			t.Fatalf("%s: %s, %v", word, body, err)
		}
		if e, reason := readEvent(body); e.Kind != kind || e.Type != word || reason != "" {
			t.Errorf("%s is read as %+v: %s", word, e, reason)
		}
	}
}
