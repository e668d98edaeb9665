package layout

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
)

const (
	ada   = "0b0e2f3a-1111-4222-8333-0123456789ab"
	grace = "9c0e2f3a-1111-4222-8333-0123456789ab"
)

// key is a raw track's; its recording began at 1749988800000.
func key(who, media, at string) string {
	return "acme/demo/1749988800000-" + who + "-" + media + "-" + at
}

func seconds(s float64) *float64 { return &s }

// rawFiles are a recording's files as Daily lists them, out of order.
var rawFiles = []provider.RecordingFile{
	{Name: "x", Kind: "cam-audio", Size: 30, Key: key(ada, "cam-audio", "1749988931234")},
	{Name: "x", Kind: "cam-audio", Size: 10, Key: key(ada, "cam-audio", "1749988800250")},
	{Name: "x", Kind: "cam-video", Size: 99, Key: key(ada, "cam-video", "1749988800251")},
	{Name: "x", Kind: "video", Size: 20, Key: key(grace, "screen-video", "1749988805000") + ".mp4"},
	{Name: "x", Kind: "cam-audio", Size: 21, Key: key(grace, "cam-audio", "1749988805000")},
	{Name: "x", Kind: "screen-audio", Size: 22, Key: key(grace, "screen-audio", "1749988805000")},
	{Name: "x", Kind: "cam-audio", Size: 5, Key: key(ada, "cam-audio", "1749988800250") + ".event.json"},
	{Name: "layout", Kind: "audio", Key: "acme/demo/layout"},
	{Name: "recording.json", Key: "acme/demo/recording.json"},
	{Name: "v1.2", Key: "acme/demo/v1.2", Kind: "cam-video"},
	{Name: "../../x.wav", Kind: "audio", Key: "acme/demo/x.wav"},
}

func TestTracks(t *testing.T) {
	got := Tracks(rawFiles, map[string]string{ada: "Ada/Lovelace\x1b"})
	want := []Track{
		{File: "cam-audio-Ada_Lovelace_-2.webm", Kind: "cam-audio", Session: ada, Name: "Ada/Lovelace\x1b", OffsetS: seconds(131.234), Size: 30},
		{File: "cam-audio-Ada_Lovelace_.webm", Kind: "cam-audio", Session: ada, Name: "Ada/Lovelace\x1b", OffsetS: seconds(0.25), Size: 10},
		{File: "cam-video-Ada_Lovelace_.webm", Kind: "cam-video", Session: ada, Name: "Ada/Lovelace\x1b", OffsetS: seconds(0.251), Size: 99},
		{File: "screen-video-9c0e2f3a.mp4", Kind: "screen-video", Session: grace, OffsetS: seconds(5), Size: 20},
		{File: "cam-audio-9c0e2f3a.webm", Kind: "cam-audio", Session: grace, OffsetS: seconds(5), Size: 21},
		{File: "screen-audio-9c0e2f3a.webm", Kind: "screen-audio", Session: grace, OffsetS: seconds(5), Size: 22},
		{File: "cam-audio-Ada_Lovelace_.event.json", Kind: "cam-audio", Session: ada, Name: "Ada/Lovelace\x1b", OffsetS: seconds(0.25), Size: 5},
		{File: "layout.webm", Kind: "audio"},
		{File: "recording-2.json"},
		{File: "v1.2.webm", Kind: "cam-video"},
		{File: "_._.._x.wav", Kind: "audio"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, tr := range got {
		checkName(t, tr.File)
	}
}

// People of one name, and those whose names differ in case alone, don't get one file; the names don't depend on the order in
// which the files are listed.
func TestTracksDontMeet(t *testing.T) {
	var files []provider.RecordingFile
	names := map[string]string{}
	for i := range 30 {
		who := strings.Replace(ada, "0b0e2f3a", "0b0e2f"+strconv.Itoa(10+i), 1)
		names[who] = []string{"ada", "ADA", strings.Repeat("ä", 200), strings.Repeat("Ä", 200), "con", "é", "e\u0301"}[i%7]
		files = append(files, provider.RecordingFile{Key: key(who, "cam-audio", "1749988800"+strconv.Itoa(100+i))})
	}
	there := map[string]string{}
	seen := map[string]bool{}
	for i, tr := range Tracks(files, names) {
		checkName(t, tr.File)
		if seen[strings.ToLower(tr.File)] {
			t.Errorf("%s twice", tr.File)
		}
		seen[strings.ToLower(tr.File)] = true
		there[files[i].Key] = tr.File
	}
	backwards := make([]provider.RecordingFile, 0, len(files))
	for i := range files {
		backwards = append(backwards, files[len(files)-1-i])
	}
	for i, tr := range Tracks(backwards, names) {
		if there[backwards[i].Key] != tr.File {
			t.Errorf("%s is %s and %s", backwards[i].Key, there[backwards[i].Key], tr.File)
		}
	}
}

func TestAudioOnly(t *testing.T) {
	var sizes []int64
	for _, f := range AudioOnly(rawFiles) {
		sizes = append(sizes, f.Size)
	}
	if diff := cmp.Diff([]int64{30, 10, 21, 0, 0}, sizes); diff != "" {
		t.Error(diff)
	}
	if got := AudioOnly([]provider.RecordingFile{{Name: "demo.mp4", Kind: "video"}}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestExtension(t *testing.T) {
	for _, tt := range []struct{ name, kind, want string }{
		{"a.MKV", "video", "mkv"},
		{"1749988800000", "video", "mp4"},
		{"1749988800000", "cam-audio", "webm"},
		{"1749988800000", "audio", "webm"},
		{"v1.2", "cam-video", "webm"},
		{"x.tar/gz", "", "mp4"},
		{"", "", "mp4"},
	} {
		if got := Extension(tt.name, tt.kind); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func TestManifest(t *testing.T) {
	folder := t.TempDir()
	if _, err := ReadManifest(folder); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	m := Manifest{
		ID: "r-1", Room: "all-hands", Account: "acme", Platform: "daily",
		StartedAt: time.UnixMilli(1749988800000).UTC(), Tracks: Tracks(rawFiles, nil)[:2],
	}
	m.Tracks[0].SHA256 = strings.Repeat("ab", 32)
	for _, room := range []string{"first", "all-hands"} {
		m.Room = room
		if err := m.Write(folder, Mode{}); err != nil {
			t.Fatal(err)
		}
		got, err := ReadManifest(folder)
		if diff := cmp.Diff(m, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".*")); err != nil || len(left) > 0 {
		t.Errorf("%q is left, %v", left, err)
	}
	b, err := os.ReadFile(filepath.Join(folder, ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id": "r-1"`, `"started_at": "2025-06-15T12:00:00Z"`, `"offset_s": 131.234`, `"session": "` + ada, `"sha256": "abab`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	if err := (Manifest{}).Write(filepath.Join(folder, "none"), Mode{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := (Manifest{}).Write(folder, Mode{}); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(folder, ManifestName)); err != nil || !strings.Contains(string(b), `"tracks": []`) {
		t.Errorf("%s, %v", b, err)
	}
	for _, bad := range []string{"", "{", strings.Repeat(" ", manifestMost+1)} {
		if err := os.WriteFile(filepath.Join(folder, ManifestName), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadManifest(folder); err == nil {
			t.Errorf("%.3q is a manifest", bad)
		}
	}
}

func FuzzTracks(f *testing.F) {
	f.Add(key(ada, "cam-audio", "1749988931234"), "x", "Ada", "cam-audio")
	f.Add(key(grace, "cam-audio", "1749988931234")+".event.json", "../x", "..", "audio")
	f.Add("a/b/recording.json", "recording.json", "\u202e", "")
	f.Fuzz(func(t *testing.T, k, name, who, kind string) {
		files := []provider.RecordingFile{
			{Key: k, Name: name, Kind: kind}, {Key: k, Name: name, Kind: kind}, {Name: name, Kind: kind}, {Key: key(ada, "cam-audio", "1749988931234")},
		}
		seen := map[string]bool{}
		for _, tr := range Tracks(files, map[string]string{ada: who, grace: who}) {
			checkName(t, tr.File)
			if strings.Contains(tr.File, "/") || strings.EqualFold(tr.File, ManifestName) || seen[strings.ToLower(tr.File)] {
				t.Errorf("%q", tr.File)
			}
			seen[strings.ToLower(tr.File)] = true
		}
	})
}
