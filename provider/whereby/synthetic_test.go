package whereby

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

func TestSyntheticWebhooksAreReadAsWhatTheyAre(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	e := provider.SyntheticEvent{Room: "demo-1", MeetingID: "987", Name: "Zoë & <Bo>", Session: "s-1", ID: "syn-1", At: at}
	p, err := New(provider.Account{Name: "whereby", Platform: provider.Whereby, APIKey: "k", WebhookSecret: "whereby-test-secret"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []provider.EventKind{
		provider.KindMeetingStarted, provider.KindMeetingEnded, provider.KindParticipantJoined, provider.KindParticipantLeft,
		provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft, provider.KindRecordingReady,
		provider.KindTranscriptStarted, provider.KindTranscriptReady, provider.KindTranscriptFailed, provider.KindUnknown,
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
	for _, kind := range []provider.EventKind{provider.KindTest, provider.KindRecordingFailed} {
		e.Kind = kind
		if _, err := p.Synthesize(e); !errors.Is(err, provider.Unsupported) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	none, err := New(provider.Account{Name: "whereby", Platform: provider.Whereby, APIKey: "k"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Kind = provider.KindParticipantJoined
	if _, err := none.Synthesize(e); !errors.Is(err, provider.Invalid) || provider.HintOf(err) == "" {
		t.Errorf("without a secret: %v", err)
	}
}

// A meeting's events share its session and count its people, and any body can be signed.
func TestSyntheticEventsShareTheirSession(t *testing.T) {
	p, err := New(provider.Account{Platform: provider.Whereby, APIKey: "k", WebhookSecret: "whereby-test-secret"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	at, here := time.Unix(1795341600, 0), 3
	for kind, want := range map[provider.EventKind]string{
		provider.KindParticipantJoined: `"roomSessionId":"c","participantId":"s","roleName":"visitor","numClients":3,"numClientsByRoleName":{"visitor":3}`,
		provider.KindMeetingEnded:      `"roomSessionId":"c"`,
		provider.KindRecordingReady:    `"filename":"r-2026-11-22T09:59:55Z.mp4"`,
	} {
		e := provider.SyntheticEvent{Kind: kind, Room: "r", Session: "s", Conference: "c", ID: "i", At: at, Since: at.Add(-5 * time.Second), Here: &here}
		r, err := p.Synthesize(e)
		if err != nil || !strings.Contains(string(r.Body), want) {
			t.Errorf("%s: %s, %v", kind, r.Body, err)
		}
	}
	r, err := p.Synthesize(provider.SyntheticEvent{Body: []byte("no json"), At: at, SignedAt: at.Add(-time.Hour)})
	if err != nil || string(r.Body) != "no json" || !strings.HasPrefix(r.Header.Get(headerSignature), "t=1795338000,") {
		t.Errorf("%+v, %v", r, err)
	}
}
