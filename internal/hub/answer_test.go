package hub

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Only an answer that asks for the request again names a time for it.
func TestAnswersToPlatforms(t *testing.T) {
	for status, want := range map[int]app.Answer{
		http.StatusOK:                 {Status: 200, Seq: 7, Stored: true},
		http.StatusUnauthorized:       {Status: 401, Seq: 7, Stored: true, Text: "unauthorized"},
		http.StatusServiceUnavailable: {Status: 503, Seq: 7, Stored: true, Text: "service unavailable", RetryAfter: 60},
	} {
		if got := answerTo(status, 7, true); got != want {
			t.Errorf("%d: %+v", status, got)
		}
	}
}

// A platform that asks for patience gets it, up to a minute.
func TestRetryAfter(t *testing.T) {
	limited := func(d time.Duration) error { return &provider.Error{Kind: provider.RateLimited, RetryAfter: d} }
	for _, c := range []struct {
		err         error
		least, want time.Duration
	}{
		{errors.New("anything else"), time.Second, time.Second},
		{limited(0), time.Second, time.Second},
		{limited(20 * time.Second), time.Second, 20 * time.Second},
		{limited(20 * time.Second), 30 * time.Second, 30 * time.Second},
		{limited(time.Hour), time.Second, time.Minute},
	} {
		if got := retryAfter(c.err, c.least); got != c.want {
			t.Errorf("%v, at least %v: %v", c.err, c.least, got)
		}
	}
}

// An event about a meeting is evidence of its state, even if it changes nothing else.
func TestAStartedMeetingWasObserved(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.clock.Advance(time.Minute)
	b.event(provider.Event{Kind: provider.KindMeetingStarted, ID: "s", At: b.clock.Now(), Room: m.PlatformRoom})
	if d := b.meeting("design"); !d.EvidenceAt.Equal(b.clock.Now()) || d.StatusSource != app.FromWebhook {
		t.Errorf("observed at %v by %q", d.EvidenceAt, d.StatusSource)
	}
}

// An event of a known recording belongs to the recording's meeting, even if another starter is named.
func TestAKnownRecordingKeepsItsMeeting(t *testing.T) {
	b := newBench(t)
	b.room("design")
	b.room("ops")
	design, ops := b.start("design"), b.start("ops")
	b.event(join(design.PlatformRoom, "ada", t0))
	b.event(join(ops.PlatformRoom, "bob", t0))
	for i, starter := range []string{"ada", "bob", ""} {
		b.event(provider.Event{Kind: provider.KindRecordingStarted, ID: "r" + starter, At: t0.Add(time.Duration(i) * time.Minute),
			Recording: &provider.RecordingEvent{ID: "rec", StartedBy: starter, StartedAt: t0}})
	}
	all, err := b.Recordings(t.Context(), app.RecordingQuery{})
	if err != nil || len(all) != 1 || all[0].Meeting != design.ID {
		t.Errorf("%+v, %v", all, err)
	}
	if d := b.meeting("ops"); d.Recording != app.NotRecording {
		t.Errorf("the other meeting is %q", d.Recording)
	}
}
