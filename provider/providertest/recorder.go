package providertest

import (
	"errors"
	"testing"
	"time"

	"greenroom/provider"
)

// instance is the UUID of the suite's recordings.
const instance = "5f0c7c1e-9b3a-5d44-8e21-0a1b2c3d4e5f"

// testRecorder starts and stops a recording: not while the room is empty, only once for repeated starts, and again after a stop.
func testRecorder(t *testing.T, h Harness) {
	p := h.open(t, nil)
	r := able[provider.Recorder](t, p, "the platform's own triggers start recordings")
	s := h.spec(t)
	s.Recording = provider.RecordingCloud
	m := h.create(t, p, s)
	kinds := r.RecordingKinds()
	if len(kinds) == 0 {
		t.Fatal("a cloud recording consists of nothing")
	}
	start := provider.RecordingStart{Kind: kinds[0], Instance: instance}
	if err := r.StartRecording(t.Context(), m, start); !errors.Is(err, provider.NotReady) || provider.HintOf(err) == "" {
		t.Errorf("started in an empty room: %v", err)
	}
	if err := r.StartRecording(t.Context(), absent(), start); !errors.Is(err, provider.NotFound) {
		t.Errorf("start in a meeting that never was: %v", err)
	}
	if err := r.StopRecording(t.Context(), m, start); err != nil {
		t.Errorf("stop of what does not run: %v", err)
	}
	if err := r.StopRecording(t.Context(), absent(), start); err != nil {
		t.Errorf("stop in a meeting that never was: %v", err)
	}
	for _, bad := range []error{
		r.StartRecording(t.Context(), provider.Meeting{}, start), r.StopRecording(t.Context(), provider.Meeting{}, start),
		r.StartRecording(t.Context(), m, provider.RecordingStart{Kind: kinds[0]}),
	} {
		if !errors.Is(bad, provider.Invalid) {
			t.Errorf("of nothing: %v", bad)
		}
	}
	h.needsPeople(t)
	ada := h.Join(t, m, Person{Name: "Ada"})
	for range 2 {
		if err := r.StartRecording(t.Context(), m, start); err != nil {
			t.Fatalf("start: %v", err)
		}
	}
	h.Leave(t, m, "")
	if n := running(t, p, m); n != 1 {
		t.Errorf("%d recordings run", n)
	}
	for range 2 {
		if err := r.StopRecording(t.Context(), m, start); err != nil {
			t.Fatalf("stop: %v", err)
		}
	}
	h.Leave(t, m, "")
	if n := running(t, p, m); n != 0 {
		t.Errorf("%d recordings run on", n)
	}
	if err := r.StartRecording(t.Context(), m, start); err != nil {
		t.Errorf("start again: %v", err)
	}
	start.Instance = ""
	if err := r.StopRecording(t.Context(), m, start); err != nil {
		t.Errorf("stop of whichever runs: %v", err)
	}
	h.Leave(t, m, ada)
}

func running(t *testing.T, p provider.Provider, m provider.Meeting) (n int) {
	t.Helper()
	list, err := able[provider.RecordingLister](t, p, "the platform lists no recordings").Recordings(t.Context(), m.Room, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list.Recordings {
		if r.Room != m.Room || r.ID == "" {
			t.Errorf("%+v", r)
		}
		if r.Status == "recording" {
			n++
		}
	}
	return n
}

// testHistory reads the history: those who left have a time that agrees with presence and events, within the platform's stated
// grain.
func testHistory(t *testing.T, h Harness) {
	p := h.open(t, nil)
	l := able[provider.Historian](t, p, "the platform remembers nothing")
	m := h.create(t, p, h.spec(t))
	since := h.Clock.Now().Add(-time.Minute)
	if list, err := l.History(t.Context(), m, since); err != nil || len(list) != 0 {
		t.Errorf("of an empty meeting: %+v, %v", list, err)
	}
	if list, err := l.History(t.Context(), absent(), since); len(list) != 0 || err != nil && !errors.Is(err, provider.NotFound) {
		t.Errorf("of nothing: %+v, %v", list, err)
	}
	if _, err := l.History(t.Context(), provider.Meeting{}, since); !errors.Is(err, provider.Invalid) {
		t.Errorf("of no meeting: %v", err)
	}
	h.needsPeople(t)
	came := h.Clock.Now()
	ada := h.Join(t, m, Person{Name: "Ada"})
	zoe := h.Join(t, m, Person{Name: "Zoë 渡辺", Host: true})
	left := h.Clock.Now()
	h.Leave(t, m, ada)
	h.Leave(t, m, "")
	list, err := l.History(t.Context(), m, since)
	if err != nil {
		t.Fatal(err)
	}
	grain := p.Traits().HistoryGrain + time.Second
	known := map[string]provider.Participant{}
	for _, one := range list {
		known[one.Session] = one
	}
	a, z := known[ada], known[zoe]
	if len(list) != 2 || a.Name != "Ada" || a.JoinedAt.Sub(came).Abs() > grain || a.LeftAt.Sub(left).Abs() > grain {
		t.Errorf("of one who left: %+v of %d, came %v, left %v", a, len(list), came, left)
	}
	if z.Name != "Zoë 渡辺" || !z.LeftAt.IsZero() {
		t.Errorf("of one who is there: %+v", z)
	}
	h.Leave(t, m, zoe)
	h.Leave(t, m, "")
	if list, err = l.History(t.Context(), m, since); err != nil || len(list) != 2 || list[0].LeftAt.IsZero() || list[1].LeftAt.IsZero() {
		t.Errorf("when all have left: %+v, %v", list, err)
	}
	if list, err = l.History(t.Context(), m, h.Clock.Now().Add(time.Hour)); err != nil || len(list) != 0 {
		t.Errorf("of the future: %+v, %v", list, err)
	}
}
