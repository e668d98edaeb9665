package object

import (
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	noon := time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)
	half := noon.Add(500 * time.Millisecond)
	const who = "0b0e2f3a-1111-4222-8333-0123456789ab"
	tests := []struct {
		read func(string) (Name, bool)
		key  string
		want Name
	}{
		{Whereby, "demo-0a1b-2025-06-15T12:00:00Z.mp4", Name{Room: "demo-0a1b", Start: noon, Ext: ".mp4"}},
		{Whereby, "sub/folder/demo-2025-06-15T12:00:00.5Z.mkv", Name{Room: "demo", Start: half, Ext: ".mkv"}},
		{Whereby, "Zoë & co-2025-06-15T12:00:00Z", Name{Room: "Zoë & co", Start: noon}},
		{Whereby, "a-2025-01-01T00:00:00Z-2025-06-15T12:00:00Z.MP4", Name{Room: "a-2025-01-01T00:00:00Z", Start: noon, Ext: ".MP4"}},
		{Whereby, "demo-2025-06-15T12:00:00Z.txt", Name{Room: "demo", Start: noon, Ext: ".txt"}},
		{Whereby, "demo-2025-06-31T12:00:00Z.mp4", Name{}},
		{Whereby, "demo-0001-01-01T00:00:00Z.mp4", Name{}},
		{Whereby, "-2025-06-15T12:00:00Z.mp4", Name{}},
		{Whereby, "demo-2025-06-15T12:00:00Z/notes.mp4", Name{}},
		{Whereby, "", Name{}},

		{Daily, "acme/demo-1/1749988800000", Name{Domain: "acme", Room: "demo-1", Start: noon}},
		{Daily, "acme/demo-1/1749988800500.mp4", Name{Domain: "acme", Room: "demo-1", Start: half, Ext: ".mp4"}},
		{Daily, "/kept/here/acme/demo-1/1749988800000-" + who + "-cam-audio-1749988800500",
			Name{Domain: "acme", Room: "demo-1", Start: noon, Participant: who, Media: "cam-audio", TrackStart: half}},
		{Daily, "acme/r/1749988800000-0B0E2F3A-1111-4222-8333-0123456789AB-screen-video-1749988800500.webm",
			Name{Domain: "acme", Room: "r", Start: noon, Participant: who, Media: "screen-video", TrackStart: half, Ext: ".webm"}},
		{Daily, "acme/r/1749988800000-" + who + "-cam-audio-1749988800500.event.json",
			Name{Domain: "acme", Room: "r", Start: noon, Participant: who, Media: "cam-audio", TrackStart: half, Ext: ".event.json"}},
		{Daily, "r/1749988800000", Name{}},
		{Daily, "acme//1749988800000", Name{}},
		{Daily, "acme/r/1749988800", Name{}},
		{Daily, "acme/r/1749988800000-noone-cam-audio-1749988800500", Name{}},
		{Daily, "acme/r/1749988800000-" + who + "-cam-audio-", Name{}},
		{Daily, "acme/r/notes.json", Name{}},
		{Daily, "", Name{}},
	}
	for _, tt := range tests {
		got, ok := tt.read(tt.key)
		if got != tt.want || ok != (tt.want != Name{}) {
			t.Errorf("%q: %+v, %t", tt.key, got, ok)
		}
		if got.Track() && got.Offset() != 500*time.Millisecond || !got.Track() && got.Offset() != 0 {
			t.Errorf("%q: offset %s", tt.key, got.Offset())
		}
	}
}

func TestGroup(t *testing.T) {
	const who = "0b0e2f3a-1111-4222-8333-0123456789ab"
	for key, want := range map[string]string{
		"acme/r/1749988800000-" + who + "-cam-audio-1749988800500":            "acme/r/1749988800000-",
		"acme/r/1749988800000-" + who + "-cam-video-1749988800600.event.json": "acme/r/1749988800000-",
		"/x/acme/r/1749988800000-" + who + "-cam-audio-1749988800500":         "/x/acme/r/1749988800000-",
		"acme/r/1749988800000":              "acme/r/1749988800000",
		"acme/r/1749988800000.mp4":          "acme/r/1749988800000.mp4",
		"sub/demo-2025-06-15T12:00:00Z.mp4": "sub/demo-2025-06-15T12:00:00Z.mp4",
		"":                                  "",
	} {
		if got := Group(key); got != want {
			t.Errorf("%q: %q", key, got)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("demo-2025-06-15T12:00:00Z.mp4")
	f.Add("acme/r/1749988800000-0b0e2f3a-1111-4222-8333-0123456789ab-cam-audio-1749988800500")
	f.Add("acme/r/1749988800000")
	f.Fuzz(func(t *testing.T, key string) {
		for _, read := range []func(string) (Name, bool){Whereby, Daily} {
			if n, ok := read(key); ok && (n.Room == "" || n.Start.IsZero() || n.Track() != (n.Participant != "")) {
				t.Errorf("%q: %+v", key, n)
			}
		}
	})
}
