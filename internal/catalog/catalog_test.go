package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/internal/roster"
	"greenroom/provider"
)

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }

func files(keys ...string) (out []provider.RecordingFile) {
	for _, k := range keys {
		out = append(out, provider.RecordingFile{Name: k, Key: k})
	}
	return out
}

func TestEvidenceOfEvents(t *testing.T) {
	rec := func(r provider.RecordingEvent) *provider.RecordingEvent { return &r }
	for name, c := range map[string]struct {
		event provider.Event
		want  Evidence
		named bool
	}{
		"no recording": {provider.Event{Kind: provider.KindRecordingStarted}, Evidence{}, false},
		"started": {provider.Event{Kind: provider.KindRecordingStarted, Room: "r", Recording: rec(provider.RecordingEvent{ID: "1", Instance: "i", Kind: "cloud"})},
			Evidence{Recording: provider.Recording{ID: "1", Room: "r", Kind: "cloud", Status: "recording", StartedAt: at(7)}, Instance: "i"}, true},
		"ready": {provider.Event{Kind: provider.KindRecordingReady, Recording: rec(provider.RecordingEvent{ID: "1", StartedAt: at(1), Duration: time.Minute, Files: files("a")})},
			Evidence{Recording: provider.Recording{ID: "1", Status: "ready", StartedAt: at(1), Duration: time.Minute, Files: files("a")}}, true},
		"a failure without an id has no start": {provider.Event{Kind: provider.KindRecordingFailed, Recording: rec(provider.RecordingEvent{Instance: "i", Error: "broken"})},
			Evidence{Recording: provider.Recording{ID: "instance-i", Status: "failed"}, Instance: "i", Failure: "broken"}, false},
		"nothing names it": {provider.Event{Kind: provider.KindRecordingFailed, Recording: rec(provider.RecordingEvent{})},
			Evidence{Recording: provider.Recording{Status: "failed"}}, false},
	} {
		got, named := FromEvent(c.event, at(7))
		if d := cmp.Diff(c.want, got); d != "" || named != c.named {
			t.Errorf("%s: named %t (-want +got):\n%s", name, named, d)
		}
	}
}

func TestEvidenceOfTheList(t *testing.T) {
	for _, c := range []struct {
		status string
		began  time.Time
		want   time.Time
	}{{"recording", at(5), at(3)}, {"recording", at(2), at(2)}, {"recording", time.Time{}, time.Time{}}, {"ready", at(5), at(5)}} {
		if e := Listed(provider.Recording{Status: c.status, StartedAt: c.began}, at(3)); !e.StartedAt.Equal(c.want) || e.Object {
			t.Errorf("%+v: %+v", c, e)
		}
	}
}

func TestEvidenceOfBuckets(t *testing.T) {
	live, open := &roster.Meeting{Meeting: app.Meeting{Status: app.Live}}, &roster.Meeting{Meeting: app.Meeting{Status: app.Open}}
	tracks := app.Recording{ID: "1", FromBucket: true, Status: app.RecordingProcessing, ObjectAt: app.At(at(10))}
	platforms := app.Recording{ID: "1", Status: app.RecordingRunning, Kind: "tracks"}
	quiet := at(10).Add(QuietTracks)
	for name, c := range map[string]struct {
		known app.Recording
		m     *roster.Meeting
		found provider.Recording
		now   time.Time
		want  app.RecordingStatus
	}{
		"a whole object":             {app.Recording{ID: "1"}, live, provider.Recording{Kind: "cloud", Status: "ready"}, at(11), app.RecordingReady},
		"tracks":                     {tracks, nil, provider.Recording{Kind: "tracks", Status: "processing"}, quiet.Add(-1), app.RecordingProcessing},
		"tracks, long ago":           {tracks, nil, provider.Recording{Kind: "tracks", Status: "processing"}, quiet, app.RecordingReady},
		"tracks of an open meeting":  {tracks, open, provider.Recording{Kind: "tracks", Status: "processing"}, quiet, app.RecordingReady},
		"tracks of a live meeting":   {tracks, live, provider.Recording{Kind: "tracks", Status: "processing"}, quiet, app.RecordingProcessing},
		"tracks that began later":    {tracks, nil, provider.Recording{Kind: "tracks", Status: "processing", StartedAt: at(11)}, quiet, app.RecordingProcessing},
		"tracks that the platform's": {platforms, nil, provider.Recording{Kind: "tracks", Status: "processing"}, quiet, app.RecordingRunning},
	} {
		c.found.ID = "of the bucket"
		e := InBucket(c.known, c.m, recording.Found{At: at(9), Recording: c.found}, c.now)
		if e.Status != string(c.want) || e.ID != "1" || !e.Object || !e.ObjectAt.Equal(at(9)) || e.Kind != c.found.Kind {
			t.Errorf("%s: %+v", name, e)
		}
	}
	late := recording.Found{At: at(11), Recording: provider.Recording{Kind: "tracks", Status: "processing"}}
	if e := InBucket(tracks, nil, late, quiet); e.Status != "processing" {
		t.Error("a track that was just made completes the recording")
	}
}

// A stored recording that is judged again is the same evidence.
func TestFoundIsTheSameEvidence(t *testing.T) {
	r := New("daily", provider.Daily, Evidence{Recording: provider.Recording{ID: "1", Room: "r"}, Object: true})
	e := Evidence{Recording: provider.Recording{ID: "1", Kind: "tracks", Status: "processing", StartedAt: at(1), Files: files("a", "b")}, Object: true, ObjectAt: at(2)}
	Merge(&r, nil, e, at(3))
	if !Unsettled(r) {
		t.Error("settled")
	}
	again := InBucket(r, nil, Found(r), at(4))
	if AddsObjects(r, nil, again) {
		t.Errorf("%+v adds to %+v", again, r)
	}
	was := r
	was.Files = slices.Clone(r.Files)
	if Merge(&r, nil, again, at(5)); !cmp.Equal(r, was) {
		t.Errorf("%s", cmp.Diff(was, r))
	}
	if again = InBucket(r, nil, Found(r), at(2).Add(QuietTracks)); !AddsObjects(r, nil, again) {
		t.Error("complete tracks are no news")
	}
}

func TestUnsettled(t *testing.T) {
	for name, c := range map[string]struct {
		r    app.Recording
		want bool
	}{
		"the platform's":     {app.Recording{Status: app.RecordingProcessing}, false},
		"processing":         {app.Recording{FromBucket: true, Status: app.RecordingProcessing, Meeting: "m"}, true},
		"without a meeting":  {app.Recording{FromBucket: true, Status: app.RecordingReady}, true},
		"ready in a meeting": {app.Recording{FromBucket: true, Status: app.RecordingReady, Meeting: "m"}, false},
	} {
		if Unsettled(c.r) != c.want {
			t.Errorf("%s: want %t", name, c.want)
		}
	}
}

func TestWhatAdds(t *testing.T) {
	ready := app.Recording{Status: app.RecordingReady, Meeting: "m", DurationS: 60, Files: files("a")}
	failed := app.Recording{Status: app.RecordingFailed, Meeting: "m"}
	change := func(f func(r *app.Recording)) app.Recording { r := ready; f(&r); return r }
	for name, c := range map[string]struct {
		known app.Recording
		r     provider.Recording
		want  bool
	}{
		"nothing known":        {app.Recording{}, provider.Recording{}, true},
		"ready":                {ready, provider.Recording{Status: "ready", Duration: time.Hour, Files: files("a")}, false},
		"without a meeting":    {change(func(r *app.Recording) { r.Meeting = "" }), provider.Recording{}, true},
		"its length":           {change(func(r *app.Recording) { r.DurationS = 0 }), provider.Recording{Duration: time.Minute}, true},
		"no length either":     {change(func(r *app.Recording) { r.DurationS = 0 }), provider.Recording{}, false},
		"another file":         {ready, provider.Recording{Files: files("b")}, true},
		"one file more":        {ready, provider.Recording{Files: files("a", "")}, true},
		"a file without a key": {ready, provider.Recording{Files: files("")}, false},
		"failed":               {failed, provider.Recording{Status: "failed"}, false},
		"failed, and ready":    {failed, provider.Recording{Status: "ready"}, true},
	} {
		if got := Adds(c.known, c.r); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}

	known := app.Recording{FromBucket: true, Status: app.RecordingProcessing, ObjectAt: app.At(at(5)), Files: files("a")}
	m := &roster.Meeting{Meeting: app.Meeting{ID: "m"}}
	row := func(status string, keys ...string) Evidence {
		return Evidence{Recording: provider.Recording{Status: status, Files: files(keys...)}, Object: true, ObjectAt: at(5)}
	}
	newer := row("processing", "a")
	newer.ObjectAt = at(6)
	inMeeting := known
	inMeeting.Meeting = "m"
	for name, c := range map[string]struct {
		known app.Recording
		m     *roster.Meeting
		e     Evidence
		want  bool
	}{
		"the same": {known, nil, row("processing", "a"), false}, "an earlier state": {known, nil, row("recording", "a"), false},
		"a later state": {known, nil, row("ready", "a"), true}, "a newer object": {known, nil, newer, true},
		"another object": {known, nil, row("processing", "b"), true}, "its meeting": {known, m, row("processing", "a"), true},
		"its meeting again": {inMeeting, m, row("processing", "a"), false},
	} {
		if got := AddsObjects(c.known, c.m, c.e); got != c.want {
			t.Errorf("a bucket with %s: %t", name, got)
		}
	}
}

func TestExpected(t *testing.T) {
	day := 24 * 60
	for name, c := range map[string]struct {
		r       app.Recording
		running bool
		now     time.Time
		want    bool
	}{
		"running":                   {app.Recording{Status: app.RecordingRunning, StartedAt: app.At(at(0))}, true, at(1), false},
		"its meeting stopped":       {app.Recording{Status: app.RecordingRunning, StartedAt: app.At(at(0))}, false, at(1), true},
		"processing":                {app.Recording{Status: app.RecordingProcessing, StartedAt: app.At(at(0)), DurationS: 60}, false, at(day), true},
		"processing for a day":      {app.Recording{Status: app.RecordingProcessing, StartedAt: app.At(at(0)), DurationS: 60}, false, at(day + 1), false},
		"ready":                     {app.Recording{Status: app.RecordingReady, StartedAt: app.At(at(0))}, false, at(1), false},
		"just found in a bucket":    {app.Recording{Status: app.RecordingReady, FromBucket: true, ObjectAt: app.At(at(0))}, true, at(9), true},
		"found in a bucket earlier": {app.Recording{Status: app.RecordingReady, FromBucket: true, ObjectAt: app.At(at(0))}, false, at(10), false},
	} {
		if got := Expected(c.r, c.running, c.now); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
