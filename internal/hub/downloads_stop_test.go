package hub

import (
	"context"
	"errors"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub/downloads"
	"greenroom/provider"
	"greenroom/store"
)

// settled waits until a download is in the queue no more, and says whether that was without a fetch.
func (f *fetching) settled(r app.Recording) bool {
	f.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if len(f.fetcher.begins) > 0 {
			return false
		}
		if !f.downloads.Has(r) {
			return true
		}
	}
	return false
}

func (f *fetching) jobOf(id string) store.DownloadJob {
	f.t.Helper()
	var job store.DownloadJob
	if err := f.store.View(f.t.Context(), func(tx *store.Tx) (err error) { job, err = tx.DownloadJob("daily", id); return err }); err != nil {
		f.t.Fatal(err)
	}
	return job
}

// The store's jobs are looked at after each commit, also after the one with which a stopped fetch notes how far it came.
func TestWhatIsPausedOrCancelledDoesNotGoOnByItself(t *testing.T) {
	for name, stop := range map[string]func(*fetching, app.RecordingRef) (app.Recording, error){
		"paused": func(f *fetching, r app.RecordingRef) (app.Recording, error) { return f.PauseDownload(f.t.Context(), r) },
		"cancelled": func(f *fetching, r app.RecordingRef) (app.Recording, error) {
			return f.CancelDownload(f.t.Context(), r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFetching(t)
			f.Start()
			f.fetcher.gate = make(chan struct{})
			ref := f.recording("r1", app.RecordingReady, time.Hour)
			for range 15 {
				f.ask("r1")
				f.begun()
				r, err := stop(f, ref)
				if err != nil || string(r.Download.State) != name {
					t.Fatalf("%+v, %v", r.Download, err)
				}
				if err := f.downloads.Recall(); err != nil {
					t.Fatal(err)
				}
				if !f.settled(r) {
					t.Fatal("it resumes automatically")
				}
			}
		})
	}
}

// A look at the store's jobs may be older than the pause.
func TestALateLookAtTheJobsStartsNothingThatIsPaused(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	ref := f.recording("r1", app.RecordingReady, time.Hour)
	seen := f.ask("r1")
	f.begun()
	job := f.jobOf("r1")
	if _, err := f.PauseDownload(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	f.downloads.Add(seen, job)
	if r := mustRecording(t, f); !f.settled(r) || mustRecording(t, f).Download.State != app.DownloadPaused {
		t.Errorf("%+v", r.Download)
	}
	f.ask("r1")
	f.begun()
	close(f.fetcher.gate)
	f.state("r1", app.DownloadDone)
}

func TestAJobWithoutARecordingStopsNoOther(t *testing.T) {
	f := newFetching(t)
	ran := make(chan string, 10)
	f.command = func(_ context.Context, r app.Recording) error { ran <- r.ID; return nil }
	f.close()
	f.open()
	f.recording("r1", app.RecordingReady, time.Hour)
	f.recording("r2", app.RecordingReady, time.Hour)
	if err := f.store.Update(t.Context(), func(tx *store.Tx) error {
		r1, err := tx.Recording("daily", "r1")
		r2, err2 := tx.Recording("daily", "r2")
		r2.Download = &app.Download{State: app.DownloadDone, Path: "/x", Command: &app.DownloadCommand{State: app.CommandWaiting}}
		return errors.Join(err, err2,
			tx.PutDownloadJob(store.DownloadJob{Account: "daily", ID: "unknown"}), tx.PutCommandJob(store.CommandJob{Account: "daily", ID: "unknown"}),
			downloads.PutJob(tx, &r1, store.DownloadJob{Account: "daily", ID: "r1", AskedAt: f.clock.Now()}),
			tx.PutRecording(r2), tx.PutCommandJob(store.CommandJob{Account: "daily", ID: "r2"}))
	}); err != nil {
		t.Fatal(err)
	}
	f.Start()
	f.state("r1", app.DownloadDone)
	for range 2 {
		select {
		case <-ran:
		case <-time.After(patience):
			t.Fatal("on_download did not run")
		}
	}
	if err := f.store.View(t.Context(), func(tx *store.Tx) error {
		jobs, err := tx.DownloadJobs()
		if len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestADownloadThatCouldNotBeNotedIsTriedAgain(t *testing.T) {
	f := newFetching(t)
	f.close()
	f.queue = 1
	f.open()
	f.recording("r1", app.RecordingReady, time.Hour)
	f.fetcher.fail["r1"] = []error{&app.Error{Kind: provider.Unavailable, Text: "the network is down"}}
	f.ask("r1")
	f.until("r1", "a pause", func(d app.Download) bool { return d.RetryAt.After(f.clock.Now()) })
	f.begun()

	// The store is blocked: one commit is under way, and another one waits.
	if err := f.store.View(t.Context(), func(*store.Tx) error { return nil }); err != nil { // so that no read waits
		t.Fatal(err)
	}
	busy, free, noted := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		noted <- f.store.Update(context.Background(), func(*store.Tx) error { close(busy); <-free; return nil })
	}()
	<-busy
	for full := false; !full; {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		full = errors.Is(f.store.Update(ctx, func(*store.Tx) error { return nil }), store.ErrBusy)
		cancel()
	}
	next := func() time.Time { return f.downloads.Next(app.Recording{Account: "daily", ID: "r1"}) }
	first := next()
	f.stepUntil("it is tried in vain", func() bool { return next().After(first) })
	close(free)
	if err := <-noted; err != nil {
		t.Fatal(err)
	}
	f.stepUntil("it is tried again", func() bool { return len(f.fetcher.begins) > 0 })
	f.state("r1", app.DownloadDone)
}
