package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "greenroom/internal/cases"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// Evidence of one recording makes the same recording in whatever order it comes, and however often.
func TestTheOrderOfEvidenceDoesNotMatter(t *testing.T) {
	list := []provider.RecordingFile{{Name: "a", Key: "a"}, {Name: "b", Key: "b", Size: 7}}
	rapid.Check(t, func(t *rapid.T) {
		m := &roster.Meeting{Meeting: app.Meeting{ID: "m", Room: "all-hands"}}
		if rapid.Bool().Draw(t, "empty") {
			m.Over(at(rapid.IntRange(0, 20).Draw(t, "over")), true)
		}
		fromBucket := rapid.Bool().Draw(t, "from a bucket")
		evidence := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Evidence {
			e := Evidence{Recording: provider.Recording{ID: "1", StartedAt: at(rapid.IntRange(1, 5).Draw(t, "began"))}}
			e.Duration = time.Duration(rapid.IntRange(0, 9).Draw(t, "length")) * time.Minute
			e.Status = rapid.SampledFrom([]string{"recording", "processing", "failed", "ready"}).Draw(t, "status")
			if e.Status == "failed" {
				e.Failure = rapid.SampledFrom([]string{"", "disk full", "gone"}).Draw(t, "failure")
			}
			switch {
			case fromBucket, rapid.Bool().Draw(t, "object"):
				e.Object, e.ObjectAt = true, at(rapid.IntRange(1, 9).Draw(t, "made"))
				for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID[string]).Draw(t, "keys") {
					e.Files = append(e.Files, provider.RecordingFile{Name: key, Key: key, Size: 7})
				}
			default:
				e.Files = list
			}
			return e
		}), 1, 5).Draw(t, "evidence")
		build := func(order []Evidence) app.Recording {
			r := New("daily", provider.Daily, Evidence{Recording: provider.Recording{ID: "1"}, Object: fromBucket})
			if !fromBucket { // the list comes first: sizes of objects it doesn't have are not kept
				r.Files = slices.Clone(list)
			}
			for _, e := range order {
				Merge(&r, m, e, at(30))
				Conclude(&r, m, e.Failure)
			}
			return r
		}
		want := build(evidence)
		other := slices.Concat(rapid.Permutation(evidence).Draw(t, "order"), evidence[:1])
		if d := cmp.Diff(want, build(other)); d != "" {
			t.Fatal(d)
		}
		if want.Meeting != "m" || want.Room != "all-hands" || want.Status == app.RecordingReady && want.Error != "" {
			t.Errorf("%+v", want)
		}
	})
}

func TestMergeFillsGaps(t *testing.T) {
	r := New("daily", provider.Daily, Evidence{Recording: provider.Recording{ID: "1", Room: "x"}})
	Merge(&r, nil, Evidence{Recording: provider.Recording{Status: "recording"}}, at(3))
	if r.Room != "x" || r.Meeting != "" || !r.StartedAt.Equal(at(3)) || r.FromBucket || r.Account != "daily" || r.Platform != provider.Daily {
		t.Errorf("%+v", r)
	}
	Merge(&r, &roster.Meeting{Meeting: app.Meeting{ID: "m", Room: "design"}}, Evidence{Recording: provider.Recording{Kind: "cloud"}, Instance: "i"}, at(4))
	Merge(&r, &roster.Meeting{Meeting: app.Meeting{ID: "other", Room: "office"}}, Evidence{Recording: provider.Recording{Kind: "tracks"}, Instance: "j"}, at(5))
	if r.Meeting != "m" || r.Room != "design" || r.Kind != "tracks" || r.Instance != "i" || r.Status != app.RecordingRunning {
		t.Errorf("%+v", r)
	}
}

func TestUnite(t *testing.T) {
	ignored := app.At(at(50))
	found := app.Recording{
		ID: "of ours", Aliases: []string{"older"}, FromBucket: true, Kind: "cloud", Status: app.RecordingReady, StartedAt: app.At(at(1).Add(123 * time.Millisecond)),
		ObjectAt: app.At(at(9)), Files: []provider.RecordingFile{{Key: "a", Size: 5}}, IgnoredAt: ignored, Download: &app.Download{State: app.DownloadDone, Bytes: 5},
	}
	r := app.Recording{ID: "1", Aliases: []string{"0"}, Status: app.RecordingProcessing, StartedAt: app.At(at(1)), Files: []provider.RecordingFile{{Key: "a"}}}
	want := r
	want.Aliases, want.Status, want.StartedAt, want.ObjectAt = []string{"0", "of ours", "older"}, app.RecordingReady, found.StartedAt, found.ObjectAt
	want.Files, want.IgnoredAt, want.Download = found.Files, ignored, found.Download
	if moved := Unite(&r, found); !moved || !cmp.Equal(r, want) {
		t.Errorf("moved %t, %s", moved, cmp.Diff(want, r))
	}
	tracks := app.Recording{ID: "1", Status: app.RecordingProcessing, IgnoredAt: app.At(at(40))}
	found.Kind, found.Download = "tracks", nil
	if moved := Unite(&tracks, found); moved || tracks.Status != app.RecordingProcessing || !tracks.IgnoredAt.Equal(at(40)) || tracks.Download != nil {
		t.Errorf("moved %t, %+v", moved, tracks)
	}
}

func TestWhichDownloadIsKept(t *testing.T) {
	download := func(s app.DownloadState, bytes int64) *app.Download { return &app.Download{State: s, Bytes: bytes} }
	for name, c := range map[string]struct {
		own, found *app.Download
		want       bool
	}{
		"neither":                          {nil, nil, false},
		"the bucket's alone":               {nil, download(app.DownloadRunning, 0), true},
		"the bucket's failed at once":      {nil, download(app.DownloadFailed, 0), false},
		"the bucket's failed later":        {nil, download(app.DownloadFailed, 1), true},
		"the platform's has nothing yet":   {download(app.DownloadWaiting, 0), download(app.DownloadRunning, 1), true},
		"the platform's has begun":         {download(app.DownloadRunning, 1), download(app.DownloadRunning, 9), false},
		"the bucket's is done":             {download(app.DownloadRunning, 1), download(app.DownloadDone, 9), true},
		"both are done":                    {download(app.DownloadDone, 9), download(app.DownloadDone, 9), false},
		"the platform's is done and empty": {download(app.DownloadDone, 0), download(app.DownloadDone, 9), false},
	} {
		if got := preferred(c.own, c.found); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestFilesOfTheListAndTheBucket(t *testing.T) {
	sized := func(key string, size int64) provider.RecordingFile {
		return provider.RecordingFile{Key: key, Size: size}
	}
	listed := app.Recording{Files: []provider.RecordingFile{sized("b", 0), sized("a", 3), {Name: "without a key"}}}
	got := withObjects(listed, []provider.RecordingFile{sized("a", 2), sized("b", 7), sized("c", 9)})
	if want := []provider.RecordingFile{sized("b", 7), sized("a", 3), {Name: "without a key"}}; !slices.Equal(got, want) {
		t.Errorf("the list with a bucket's sizes: %+v", got)
	}
	bucket := app.Recording{FromBucket: true, Files: []provider.RecordingFile{sized("b", 1)}}
	got = withObjects(bucket, []provider.RecordingFile{sized("c", 9), sized("a", 2)})
	if want := []provider.RecordingFile{sized("a", 2), sized("b", 1), sized("c", 9)}; !slices.Equal(got, want) {
		t.Errorf("a bucket's objects: %+v", got)
	}
	if listed.Files[0].Size != 0 || len(bucket.Files) != 1 {
		t.Error("the known files were changed")
	}
	got = withSizes([]provider.RecordingFile{sized("a", 0), sized("b", 4), sized("", 0)}, []provider.RecordingFile{sized("a", 3), sized("b", 9), sized("", 8)})
	if want := []provider.RecordingFile{sized("a", 3), sized("b", 4), sized("", 0)}; !slices.Equal(got, want) {
		t.Errorf("known sizes: %+v", got)
	}
}

func TestBegan(t *testing.T) {
	ms := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	times := []time.Time{{}, ms(1000), ms(1123), ms(1999), ms(2000), ms(999), ms(0)}
	for _, a := range times {
		for _, b := range times {
			if !began(a, b).Equal(began(b, a)) || !began(a, began(a, b)).Equal(began(a, b)) {
				t.Errorf("%v and %v: %v, %v", a, b, began(a, b), began(b, a))
			}
			for _, c := range times {
				if !began(began(a, b), c).Equal(began(a, began(b, c))) {
					t.Errorf("%v, %v, %v", a, b, c)
				}
			}
		}
	}
	if got := began(ms(1000), ms(1123)); !got.Equal(ms(1123)) {
		t.Error(got)
	}
	if got := began(ms(999), ms(1123)); !got.Equal(ms(999)) {
		t.Error(got)
	}
}

func TestConclude(t *testing.T) {
	ended := &roster.Meeting{}
	ended.Over(at(9), true)
	rec := func(minutes int, status app.RecordingStatus, why string) app.Recording {
		return app.Recording{Status: status, Error: why, StartedAt: app.At(at(minutes))}
	}
	for name, c := range map[string]struct {
		r       app.Recording
		m       *roster.Meeting
		failure string
		want    app.Recording
	}{
		"the first failure":          {rec(1, app.RecordingFailed, ""), nil, "b", rec(1, app.RecordingFailed, "b")},
		"a smaller one":              {rec(1, app.RecordingFailed, "b"), nil, "a", rec(1, app.RecordingFailed, "a")},
		"a larger one":               {rec(1, app.RecordingFailed, "b"), nil, "c", rec(1, app.RecordingFailed, "b")},
		"none":                       {rec(1, app.RecordingFailed, "b"), nil, "", rec(1, app.RecordingFailed, "b")},
		"ready":                      {rec(1, app.RecordingReady, "b"), nil, "a", rec(1, app.RecordingReady, "")},
		"running, and none there":    {rec(1, app.RecordingRunning, ""), ended, "", rec(1, app.RecordingProcessing, "")},
		"begun when all had left":    {rec(10, app.RecordingRunning, ""), ended, "", rec(10, app.RecordingRunning, "")},
		"running, meeting not known": {rec(1, app.RecordingRunning, ""), nil, "", rec(1, app.RecordingRunning, "")},
		"failed, and none there":     {rec(1, app.RecordingFailed, "b"), ended, "", rec(1, app.RecordingFailed, "b")},
	} {
		if Conclude(&c.r, c.m, c.failure); !cmp.Equal(c.r, c.want) {
			t.Errorf("%s: %s", name, cmp.Diff(c.want, c.r))
		}
	}
}
