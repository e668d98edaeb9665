package whereby

import (
	"errors"
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
	for _, kind := range []provider.EventKind{provider.KindUnknown, provider.KindTest, provider.KindRecordingFailed} {
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
