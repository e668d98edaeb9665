package media

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/internal/peers"
)

// made has ffmpeg make a file of four seconds with the given arguments after the inputs: a picture as 0, a tone as 1. With
// pipe, ffmpeg writes to a pipe, where it can't go back and fill in sizes.
func made(t testing.TB, name string, pipe bool, args ...string) string {
	t.Helper()
	program := peers.Find(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), name)
	all := []string{
		"-nostdin", "-v", "error", "-y",
		"-f", "lavfi", "-i", "testsrc=size=160x120:rate=15:duration=4",
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=4",
	}
	all = append(all, args...)
	if pipe {
		all = append(all, "pipe:1")
	} else {
		all = append(all, path)
	}
	cmd := exec.Command(program, all...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %q: %v: %s", args, err, &stderr)
	}
	if pipe {
		if err := os.WriteFile(path, stdout.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// files are made by ffmpeg, each with the check's result.
var files = []struct {
	what string
	name string
	pipe bool
	args string
	want Report
}{
	{"MP4, index at the end", "a.mp4", false, "-c:v mpeg4 -c:a aac", Report{Container: mp4, Audio: true, Video: true}},
	{"MP4, faststart", "a.mp4", false, "-c:v mpeg4 -c:a aac -movflags +faststart", Report{Container: mp4, Audio: true, Video: true}},
	{"MP4, fragmented", "a.mp4", false, "-c:v mpeg4 -g 15 -c:a aac -movflags frag_keyframe+empty_moov+default_base_moof", Report{Container: mp4, Audio: true, Video: true, Fragmented: true}},
	{"MP4, fragmented, old offsets", "a.mp4", false, "-c:v mpeg4 -g 15 -c:a aac -movflags frag_keyframe+empty_moov", Report{Container: mp4, Audio: true, Video: true, Fragmented: true}},
	{"MP4, fragmented, separate moof", "a.mp4", false, "-c:v mpeg4 -g 15 -c:a aac -movflags frag_keyframe+separate_moof+omit_tfhd_offset", Report{Container: mp4, Audio: true, Video: true, Fragmented: true}},
	{"MP4, fragmented to a pipe", "a.mp4", true, "-c:v mpeg4 -g 15 -c:a aac -f mp4 -movflags frag_keyframe+empty_moov", Report{Container: mp4, Audio: true, Video: true, Fragmented: true}},
	{"MP4, DASH", "a.mp4", false, "-map 1 -c:a aac -movflags +dash", Report{Container: mp4, Audio: true, Fragmented: true}},
	{"M4A", "a.m4a", false, "-map 1 -c:a aac", Report{Container: mp4, Audio: true}},
	{"QuickTime", "a.mov", false, "-c:v mpeg4 -c:a pcm_s16le", Report{Container: mp4, Audio: true, Video: true}},
	{"MP4 without audio", "a.mp4", false, "-map 0 -c:v mpeg4", Report{Container: mp4, Video: true, Note: "no audio"}},
	{"WebM", "a.webm", false, "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus", Report{Container: webm, Audio: true, Video: true}},
	{"WebM, audio", "a.webm", false, "-map 1 -c:a libopus", Report{Container: webm, Audio: true}},
	{"WebM to a pipe", "a.webm", true, "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus -f webm", Report{Container: webm, Audio: true, Video: true}},
	{"WebM, live", "a.webm", true, "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus -f webm -live 1", Report{Container: webm, Audio: true, Video: true}},
	{"WebM without audio", "a.webm", false, "-map 0 -c:v libvpx -deadline realtime -cpu-used 8", Report{Container: webm, Video: true, Note: "no audio"}},
	{"Matroska", "a.mkv", false, "-c:v mpeg4 -c:a aac", Report{Container: matroska, Audio: true, Video: true}},
	{"Matroska to a pipe", "a.mkv", true, "-c:v mpeg4 -c:a libopus -f matroska", Report{Container: matroska, Audio: true, Video: true}},
}

func TestFFmpegFiles(t *testing.T) {
	peers.Find(t, "ffmpeg")
	for _, tt := range files {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			path := made(t, tt.name, tt.pipe, strings.Fields(tt.args)...)
			got, err := Check(t.Context(), path)
			took := got.Duration
			got.Duration = 0
			if err != nil || got != tt.want {
				t.Errorf("whole: %+v, %v", got, err)
			}
			if s := took.Seconds(); s < 3.8 || s > 4.3 {
				t.Errorf("the length is %s", took)
			}
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, percent := range []int{1, 30, 70, 99} {
				if err := os.WriteFile(path, whole[:len(whole)*percent/100], 0o600); err != nil {
					t.Fatal(err)
				}
				if got, err := Check(t.Context(), path); !errors.Is(err, ErrDamaged) {
					t.Errorf("cut at %d %%: %+v, %v", percent, got, err)
				} else {
					t.Logf("cut at %d %%: %v", percent, err)
				}
			}
		})
	}
}

// Why ffprobe isn't asked alone: it reads the header of a faststart MP4 that is cut, and is content.
func TestFFprobeTakesACutFileForWhole(t *testing.T) {
	program := peers.Find(t, "ffprobe")
	path := made(t, "a.mp4", false, "-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()*70/100); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "-v", "quiet", path).CombinedOutput(); err != nil {
		t.Errorf("ffprobe sees it: %v %s", err, out)
	}
	if got, err := Check(t.Context(), path); !errors.Is(err, ErrDamaged) {
		t.Errorf("%+v, %v", got, err)
	}
}
