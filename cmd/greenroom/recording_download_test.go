package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// put makes recordings known that are ready, the first one newest.
func (b *bench) put(ids ...string) {
	for i := len(ids) - 1; i >= 0; i-- {
		b.backend.PutRecording(app.Recording{
			ID: ids[i], Account: "daily", Platform: provider.Daily, Room: "design", Status: app.RecordingReady,
			Files: []provider.RecordingFile{{Name: ids[i] + ".mp4", Size: 1000}},
		})
	}
}

// whenAsked changes a recording's download as soon as it is asked for.
func (b *bench) whenAsked(t *testing.T, then map[string]app.Download) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	changes, err := b.backend.Memory.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	go func() {
		for c := range changes {
			if r := c.Recording; r != nil && r.Download != nil && r.Download.State == app.DownloadWaiting {
				d, ok := then[r.ID]
				if !ok {
					continue
				}
				now := *r
				now.Download = &d
				b.backend.PutRecording(now)
			}
		}
	}()
}

func TestDownloadsAreFollowedToTheirEnd(t *testing.T) {
	b := newBench(t, false, "")
	b.put("r1", "r2", "r3")
	b.whenAsked(t, map[string]app.Download{
		"r1": {State: app.DownloadDone, Bytes: 1000, Path: "/v/r1\x1b.mp4", Note: "no audio"},
		"r2": {State: app.DownloadFailed, Reason: "refused", Hint: "ask"},
		"r3": {State: app.DownloadDone, Bytes: 1000, Path: "/v/r3.mp4"},
	})
	b.run(t, 0, "recording", "download", "r1")
	if out, words := b.out.String(), b.err.String(); out != "/v/r1␛.mp4\n" || !strings.Contains(words, "is downloaded and verified: 1000 B (no audio)") {
		t.Errorf("%q, %q", out, words)
	}
	b.run(t, 1, "recording", "download", "r2", "--json")
	if words := b.err.String(); !strings.Contains(b.out.String(), `"state":"failed"`) || !strings.HasPrefix(b.out.String(), "{") ||
		!strings.Contains(words, "refused") || !strings.Contains(words, "ask") {
		t.Errorf("%q, %q", b.out.String(), words)
	}
	b.run(t, 1, "recording", "download", "r1", "r2", "r3", "r1", "--json")
	if out := b.out.String(); !strings.HasPrefix(out, "[") || strings.Count(out, `"download":{`) != 3 {
		t.Errorf("%q", out)
	}
	b.put("r4")
	b.whenAsked(t, map[string]app.Download{"r4": {State: app.DownloadDone, Path: "/v/r4.mp4"}})
	b.run(t, 1, "recording", "download", "--all")
	if out := b.out.String(); out != "/v/r4.mp4\n" || !strings.Contains(b.err.String(), "r2 (design) failed: refused") {
		t.Errorf("%q, %q", out, b.err.String())
	}
}

func TestDownloadRefusesWhatCantBeMeant(t *testing.T) {
	b := newBench(t, false, "")
	b.put("r1")
	for want, args := range map[int][][]string{
		2: {
			{}, {"r1", "--all"}, {"r1", "--since", "7d"}, {"--all", "--since", "yesterday-ish"}, {"r1", "--limit-rate", "5"}, {"r1", "--limit-rate", "fast"},
		},
		3: {{"r1", "nowhere"}},
	} {
		for _, a := range args {
			b.run(t, want, append([]string{"recording", "download"}, a...)...)
		}
	}
	if r, err := b.backend.Recording(t.Context(), app.RecordingRef{ID: "r1"}); err != nil || r.Download != nil {
		t.Errorf("it was begun all the same: %+v, %v", r.Download, err)
	}
	b.run(t, 0, "recording", "download", "--all", "--since", "2h")
}

func TestCtrlCPausesWhatThisCommandBegan(t *testing.T) {
	b := newBench(t, false, "")
	b.put("mine", "theirs")
	theirs, err := b.backend.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: app.RecordingRef{ID: "theirs"}})
	if err != nil || theirs.Download.State != app.DownloadWaiting {
		t.Fatal(theirs, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := b.backend.Memory.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for c := range changes {
			if c.Recording != nil && c.Recording.ID == "mine" && c.Recording.Download != nil {
				cancel()
				return
			}
		}
	}()
	b.program.err = nil
	if got := b.execute(ctx, []string{"recording", "download", "theirs", "mine"}); got != 1 {
		t.Fatalf("status %d: %s", got, b.err.String())
	}
	for id, want := range map[string]app.DownloadState{"mine": app.DownloadPaused, "theirs": app.DownloadWaiting} {
		if r, err := b.backend.Recording(t.Context(), app.RecordingRef{ID: id}); err != nil || r.Download.State != want {
			t.Errorf("%s: %+v, %v", id, r.Download, err)
		}
	}
	if words := b.err.String(); !strings.Contains(words, "To resume: greenroom recording download mine\n") {
		t.Errorf("%q", words)
	}
}

func TestProgressLines(t *testing.T) {
	d := app.Download{State: app.DownloadRunning, Bytes: 512, Total: 1024, Rate: 256, ETAS: 2}
	if got := strings.TrimSpace(progressWords(d)); got != "50 %  512 B of 1.0 KiB  256 B/s  0:02 left" {
		t.Errorf("%q", got)
	}
	one := app.Recording{ID: "r1", Room: "design", Download: &d}
	if got := summary([]app.Recording{one}); got != "design: 50 %  512 B of 1.0 KiB  256 B/s  0:02 left" {
		t.Errorf("%q", got)
	}
	if got := summary([]app.Recording{one, one, {}}); got != "2 downloads: 50 %  1.0 KiB of 2.0 KiB  512 B/s  0:02 left" {
		t.Errorf("%q", got)
	}
	if got := summary([]app.Recording{{Download: &app.Download{State: app.DownloadPaused}}}); got != "" {
		t.Errorf("%q", got)
	}
	b := newBench(t, false, "")
	b.errTTY, b.errWidth = true, 40
	board := &fetchBoard{p: b.program}
	board.draw([]app.Recording{one, one})
	if got := b.err.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "[##########..........]  50 %") {
		t.Errorf("%q", got)
	}
	b.err.Reset()
	board.draw([]app.Recording{one})
	board.clear()
	if got := b.err.String(); strings.Count(got, "\x1b[2A") != 1 || strings.Count(got, "\x1b[A") != 1 {
		t.Errorf("%q", got)
	}
}

func TestVerify(t *testing.T) {
	b := newBench(t, false, "")
	dir := t.TempDir()
	b.put("r1", "r2", "r3", "r4")
	for _, id := range []string{"r1", "r2", "r3"} {
		path := filepath.Join(dir, id)
		if err := os.WriteFile(path, []byte(id), 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(id))
		r, err := b.backend.Recording(t.Context(), app.RecordingRef{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		r.Download = &app.Download{State: app.DownloadDone, Path: path, Files: []app.DownloadedFile{{Path: path, Size: 2, SHA256: hex.EncodeToString(sum[:])}}}
		b.backend.PutRecording(r)
	}
	b.run(t, 0, "recording", "verify")
	if err := os.WriteFile(filepath.Join(dir, "r2"), []byte("XX"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "r3")); err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "recording", "verify", "r1")
	b.run(t, 1, "recording", "verify", "r2")
	b.run(t, 1, "recording", "verify", "--json")
	for _, want := range []string{`"state":"ok"`, `"state":"changed"`, `"state":"missing"`} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("no %s in %s", want, b.out.String())
		}
	}
	b.run(t, 1, "recording", "verify", "r4")
	b.run(t, 3, "recording", "verify", "r5")
}

func TestDeletingARecordingAsks(t *testing.T) {
	b := newBench(t, false, "")
	b.put("r1")
	b.run(t, 2, "recording", "delete", "r1")
	b.run(t, 3, "recording", "delete", "r9", "--yes")
	b.run(t, 0, "recording", "delete", "r1", "--yes", "--json")
	if !strings.Contains(b.out.String(), `"deleted_at":"`) {
		t.Error(b.out.String())
	}
	tty := newBench(t, true, "n\n")
	tty.put("r1")
	tty.run(t, 1, "recording", "delete", "r1")
	if words := tty.err.String(); !strings.Contains(words, "Delete the recording of design on daily? This can't be undone; it is not downloaded. [y/N]") {
		t.Errorf("%q", words)
	}
	if r, err := tty.backend.Recording(t.Context(), app.RecordingRef{ID: "r1"}); err != nil || !r.DeletedAt.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPauseCancelLimit(t *testing.T) {
	b := newBench(t, false, "")
	b.put("r1", "r2")
	if _, err := b.backend.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: app.RecordingRef{ID: "r1"}}); err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "recording", "pause", "r1", "--json")
	if !strings.Contains(b.out.String(), `"state":"paused"`) {
		t.Error(b.out.String())
	}
	b.run(t, 3, "recording", "pause", "r1", "nowhere")
	b.run(t, 0, "recording", "cancel", "r1", "r2")
	if words := b.err.String(); !strings.Contains(words, "cancelled") || !strings.Contains(words, "is not being downloaded") {
		t.Errorf("%q", words)
	}
	b.run(t, 2, "recording", "pause")
	b.run(t, 0, "recording", "limit", "5M", "--json")
	if got := strings.TrimSpace(b.out.String()); got != `{"bytes_per_second":5242880}` {
		t.Error(got)
	}
	b.run(t, 2, "recording", "limit", "fast")
	b.run(t, 0, "recording", "limit")
}
