package hub

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
)

// What a verification finds is known everywhere from then on, and the next download mends it.
func TestWhatAVerificationFindsIsRemembered(t *testing.T) {
	f := newFetching(t)
	f.recording("r1", app.RecordingReady, time.Hour)
	f.ask("r1")
	f.begun()
	d := f.state("r1", app.DownloadDone).Download
	for _, found := range []string{app.FileBroken, app.FileSuspect, app.FileChanged, app.FileMissing} {
		file := d.Files[0]
		file.Finding, file.Detail = found, "why"
		ref := app.RecordingRef{ID: "r1"}
		if _, err := f.NoteVerification(t.Context(), app.Verification{RecordingRef: ref, Files: []app.DownloadedFile{file}}); err != nil {
			t.Fatal(err)
		}
		f.close()
		f.open()
		r := mustRecording(t, f)
		if got := r.Download; got.Finding() != found || got.Word() != found || got.State != app.DownloadDone || got.VerifiedAt.IsZero() ||
			got.FindingDetail() != "r1.bin is "+found+" (why)" {
			t.Errorf("%s: %+v", found, got)
		}
		f.ask("r1")
		f.begun()
		got := f.state("r1", app.DownloadDone).Download
		if got.Finding() != "" || len(got.Earlier) != 0 {
			t.Errorf("%s, fetched again: %+v", found, got)
		}
		f.fetcher.mu.Lock()
		replaces := f.fetcher.last.Replaces
		f.fetcher.mu.Unlock()
		want := []string{file.SHA256}
		if found != app.FileBroken && found != app.FileSuspect {
			want = nil
		}
		if !slices.Equal(replaces, want) {
			t.Errorf("%s: it may replace %q", found, replaces)
		}
	}
	// A finding about another content than the present one is out of date.
	stale := d.Files[0]
	stale.Finding, stale.SHA256 = app.FileBroken, "0000"
	if _, err := f.NoteVerification(t.Context(), app.Verification{RecordingRef: app.RecordingRef{ID: "r1"}, Files: []app.DownloadedFile{stale}}); err != nil {
		t.Fatal(err)
	}
	if r := mustRecording(t, f); r.Download.Finding() != "" {
		t.Errorf("%+v", r.Download)
	}
}

// A complete download stays known when less is downloaded to another folder, whatever becomes of that.
func TestALaterDownloadForgetsNoEarlierOne(t *testing.T) {
	f := newFetching(t)
	f.recording("r1", app.RecordingReady, time.Hour)
	f.ask("r1")
	f.begun()
	first := f.state("r1", app.DownloadDone).Download
	other := app.DownloadRequest{RecordingRef: app.RecordingRef{ID: "r1"}, To: t.TempDir(), AudioOnly: true, Again: true}
	again := func() {
		t.Helper()
		if _, err := f.DownloadRecording(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		f.begun()
	}
	again()
	d := f.state("r1", app.DownloadDone).Download
	if d.Path != filepath.Join(other.To, "r1.bin") || len(d.Earlier) != 1 || d.Earlier[0].Path != first.Path || d.Earlier[0].Files[0] != first.Files[0] {
		t.Fatalf("%+v", d)
	}
	// The complete one is what is asked for now: nothing has to be fetched.
	full := app.DownloadRequest{RecordingRef: other.RecordingRef, To: filepath.Dir(first.Path)}
	r, err := f.DownloadRecording(t.Context(), full)
	if err != nil || r.Download.State != app.DownloadDone || len(f.fetcher.begins) > 0 {
		t.Fatalf("%+v, %v", r.Download, err)
	}
	// One that is cancelled leaves what was there.
	f.fetcher.gate = make(chan struct{})
	again()
	if r, err = f.CancelDownload(t.Context(), other.RecordingRef); err != nil || r.Download.State != app.DownloadDone || r.Download.Path == "" {
		t.Fatalf("%+v, %v", r.Download, err)
	}
	// An earlier file that is gone is reported once.
	f.fetcher.gate = nil
	other.To = t.TempDir()
	again()
	d = f.state("r1", app.DownloadDone).Download
	if len(d.Earlier) == 0 {
		t.Fatalf("%+v", d)
	}
	gone := d.Earlier[0].Files[0]
	if err := os.Remove(gone.Path); err != nil {
		t.Fatal(err)
	}
	gone.Finding = app.FileMissing
	r, err = f.NoteVerification(t.Context(), app.Verification{RecordingRef: other.RecordingRef, Files: []app.DownloadedFile{gone}})
	if err != nil || len(r.Download.Earlier) != len(d.Earlier)-1 || r.Download.Finding() != "" {
		t.Errorf("%+v, %v", r.Download, err)
	}
}

// Downloads from which nothing comes hold up no others.
func TestDownloadsThatYieldedLetOthersRun(t *testing.T) {
	f := newFetching(t)
	f.fetcher.dead, f.fetcher.mended = map[string]bool{"r1": true, "r2": true}, make(chan struct{})
	for _, id := range []string{"r1", "r2", "r3", "r4"} {
		f.recording(id, app.RecordingReady, time.Hour)
	}
	for _, id := range []string{"r1", "r2", "r3", "r4"} {
		f.ask(id)
	}
	f.state("r3", app.DownloadDone)
	f.state("r4", app.DownloadDone)
	r := f.until("r1", "the reason", func(d app.Download) bool { return d.Reason == "the source has sent nothing for 5s" })
	if r.Download.State != app.DownloadRunning {
		t.Errorf("%+v", r.Download)
	}
	close(f.fetcher.mended)
	f.state("r1", app.DownloadDone)
	f.state("r2", app.DownloadDone)
}
