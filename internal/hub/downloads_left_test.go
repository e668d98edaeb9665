package hub

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub/downloads"
	"greenroom/provider"
	"greenroom/store"
)

func TestADeletionThatWasInterruptedIsDoneByTheNextOwner(t *testing.T) {
	f := newFetching(t)
	f.keeper.silent = true
	ref := f.recording("r1", app.RecordingReady, time.Hour)
	if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref, DeleteAfter: true}); err != nil {
		t.Fatal(err)
	}
	f.state("r1", app.DownloadDone)
	f.close()
	f.keeper.silent = false
	f.open()
	f.Start()
	for end := time.Now().Add(patience); mustRecording(t, f).DeletedAt.IsZero(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the platform's copy is still there: %+v", mustRecording(t, f).Download)
		}
	}
	f.ended("r1")
	if d := mustRecording(t, f).Download; d.State != app.DownloadDone || d.Kept != "" || len(f.begunBefore()) != 1 {
		t.Errorf("%+v", d)
	}
	if err := f.store.View(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.DownloadJob("daily", "r1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("its job is left: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsDeletedForFilesThatAreNotWhole(t *testing.T) {
	spoil := func(change func(path string) error) func(*fetching) error {
		return func(f *fetching) error { return change(filepath.Join(f.folder, "r1.bin")) }
	}
	for name, c := range map[string]struct {
		interrupted, unable bool
		spoil               func(*fetching) error
		finding             string
	}{
		"removed meanwhile":           {interrupted: true, spoil: spoil(os.Remove), finding: app.FileMissing},
		"changed meanwhile":           {interrupted: true, spoil: spoil(func(p string) error { return os.WriteFile(p, make([]byte, 2500), 0o600) }), finding: app.FileChanged},
		"cut meanwhile":               {interrupted: true, spoil: spoil(func(p string) error { return os.Truncate(p, 10) }), finding: app.FileChanged},
		"of a version without a care": {interrupted: true, unable: true, finding: app.FileSuspect},
		"compared with nothing":       {unable: true, finding: app.FileSuspect},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFetching(t)
			f.keeper.silent, f.fetcher.unable = c.interrupted, c.unable
			ref := f.recording("r1", app.RecordingReady, time.Hour)
			if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref, DeleteAfter: true}); err != nil {
				t.Fatal(err)
			}
			f.state("r1", app.DownloadDone)
			if c.interrupted {
				f.close()
				f.keeper.silent = false
				if c.spoil != nil {
					if err := c.spoil(f); err != nil {
						t.Fatal(err)
					}
				}
				f.open()
				f.Start()
			}
			for end := time.Now().Add(patience); mustRecording(t, f).Download.Kept == ""; time.Sleep(time.Millisecond) {
				if r := mustRecording(t, f); !r.DeletedAt.IsZero() || time.Now().After(end) {
					t.Fatalf("deleted %v: %+v", r.DeletedAt, r.Download)
				}
			}
			f.ended("r1")
			r := mustRecording(t, f)
			if d := r.Download; d.Finding() != c.finding || !r.DeletedAt.IsZero() || len(f.keeper.deleted) > 0 {
				t.Errorf("finding %q, deleted %v at %v, kept %q", d.Finding(), f.keeper.deleted, r.DeletedAt, d.Kept)
			}
		})
	}
}

// begunBefore lists the fetches that have begun.
func (f *fetching) begunBefore() (ids []string) {
	for len(f.fetcher.begins) > 0 {
		ids = append(ids, <-f.fetcher.begins)
	}
	return ids
}

func TestWhoHasTheVoicesMayHaveTheRest(t *testing.T) {
	f := newFetching(t)
	ref := f.recording("r1", app.RecordingReady, time.Hour)
	path := filepath.Join(f.folder, "voice.webm")
	if err := os.WriteFile(path, []byte("voice"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Update(t.Context(), func(tx *store.Tx) error {
		r, err := tx.Recording("daily", "r1")
		r.Files = append(r.Files, provider.RecordingFile{Name: "voice", Kind: "cam-audio", Size: 5})
		r.Download = &app.Download{
			State: app.DownloadDone, AudioOnly: true, Path: f.folder,
			Files: []app.DownloadedFile{{Path: path, Name: "voice", Size: 5}, {Path: path, Size: 5, Media: "manifest"}},
		}
		return errors.Join(err, tx.PutRecording(r))
	}); err != nil {
		t.Fatal(err)
	}
	if r, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref, AudioOnly: true}); err != nil || r.Download.State != app.DownloadDone {
		t.Errorf("what is here was asked for again: %+v, %v", r.Download, err)
	}
	if r := f.ask("r1"); r.Download.AudioOnly {
		t.Errorf("%+v", r.Download)
	}
	f.begun()
	f.state("r1", app.DownloadDone)
}

// A fetch that resumes first reports nothing, and then the bytes that an earlier one has left.
func TestWhatIsHereAlreadyIsNoProgress(t *testing.T) {
	f := newFetching(t)
	away := &app.Error{Kind: provider.Unavailable, Text: "the network is down"}
	f.recording("r1", app.RecordingReady, time.Hour)
	f.fetcher.fromNothing = true
	f.fetcher.gate = make(chan struct{}, 100)
	for range downloads.Tries + 1 {
		f.fetcher.fail["r1"] = append(f.fetcher.fail["r1"], away)
	}
	if err := f.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutChunks("daily", "r1", "file", []byte("5000")) }); err != nil {
		t.Fatal(err)
	}
	f.ask("r1")
	for range downloads.Tries - 1 {
		f.tokens(1)
		f.begun()
		f.until("r1", "a pause", func(d app.Download) bool { return d.RetryAt.After(f.clock.Now()) })
		if err := f.clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(downloads.LongestPause)
	}
	f.tokens(2)
	f.begun()
	if d := f.until("r1", "an end", func(d app.Download) bool { return d.State == app.DownloadFailed || d.RetryAt.After(f.clock.Now()) }).Download; d.State != app.DownloadFailed {
		t.Errorf("it is retried permanently: %+v", d)
	}
}
