package bucket

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/recording"
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/whereby"
)

// namesOf are the names that a platform gives to its recordings.
func namesOf(p provider.Platform) provider.Objects {
	return map[provider.Platform]provider.Objects{
		provider.Daily: *daily.Driver().Objects, provider.Whereby: *whereby.Driver().Objects,
	}[p]
}

func TestRecordings(t *testing.T) {
	noon := time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)
	const ada, grace = "0b0e2f3a-1111-4222-8333-0123456789ab", "9c0e2f3a-1111-4222-8333-0123456789ab"
	const raw = "acme/demo/1749988800000-"
	objects := []Object{
		{Bucket: "b", Key: raw + grace + "-cam-video-1749988800200", Size: 3, At: noon.Add(time.Minute)},
		{Bucket: "b", Key: raw + ada + "-cam-audio-1749988800100", Size: 1, At: noon.Add(time.Hour)},
		{Bucket: "other", Key: raw + ada + "-cam-audio-1749988800100", Size: 4},
		{Bucket: "b", Key: raw + ada + "-cam-audio-1749988800100", Size: 2, At: noon.Add(2 * time.Hour)}, // again, in a later version
		{Bucket: "b", Key: "acme/demo/1749988800000", Size: 9},
		{Bucket: "b", Key: "acme/demo/1749988800000.json", Size: 9},
		{Bucket: "b", Key: "sub/demo-2025-06-15T12:00:00Z.mkv", Size: 5},
		{Bucket: "b", Key: "sub/demo-2025-06-15T12:00:00Z.txt", Size: 5},
		{Bucket: "b", Key: "notes.txt"},
	}
	tracks := func(size ...int64) []provider.RecordingFile {
		var out []provider.RecordingFile
		for i, name := range []string{ada + "-cam-audio-1749988800100", grace + "-cam-video-1749988800200"}[:len(size)] {
			out = append(out, provider.RecordingFile{Name: "1749988800000-" + name, Kind: []string{"cam-audio", "cam-video"}[i], Size: size[i], Key: raw + name})
		}
		return out
	}
	for platform, want := range map[provider.Platform][]recording.Found{
		provider.Daily: {
			{Bucket: "b", Domain: "acme", Recording: provider.Recording{Room: "demo", Status: "ready", Kind: "cloud", StartedAt: noon, Files: []provider.RecordingFile{
				{Name: "1749988800000", Kind: "video", Size: 9, Key: "acme/demo/1749988800000"}}}},
			{Bucket: "b", Domain: "acme", At: noon.Add(2 * time.Hour), Recording: provider.Recording{Room: "demo", Status: "processing", Kind: "tracks", StartedAt: noon, Files: tracks(2, 3)}},
			{Bucket: "other", Domain: "acme", Recording: provider.Recording{Room: "demo", Status: "processing", Kind: "tracks", StartedAt: noon, Files: tracks(4)}},
		},
		provider.Whereby: {
			{Bucket: "b", Recording: provider.Recording{Room: "demo", Status: "ready", Kind: "cloud", StartedAt: noon, Files: []provider.RecordingFile{
				{Name: "demo-2025-06-15T12:00:00Z.mkv", Kind: "video", Size: 5, Key: "sub/demo-2025-06-15T12:00:00Z.mkv"}}}},
		},
	} {
		got := Recordings(namesOf(platform), objects)
		ids := map[string]bool{}
		for i := range got {
			ids[got[i].Recording.ID] = true
			got[i].Recording.ID = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", platform, diff)
		}
		if len(ids) != len(got) || ids[""] {
			t.Errorf("%s: the ids are %v", platform, ids)
		}
	}
	// A track that comes alone belongs to the same recording as one that came before.
	first, later := Recordings(namesOf(provider.Daily), objects[:1]), Recordings(namesOf(provider.Daily), objects[1:2])
	if first[0].Recording.ID != later[0].Recording.ID {
		t.Errorf("%s and %s", first[0].Recording.ID, later[0].Recording.ID)
	}
}
