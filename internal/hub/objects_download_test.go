package hub

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// bucketed is a bench that automatically downloads the recordings found in a bucket.
func bucketed(t *testing.T) (*fetching, tale) {
	t.Helper()
	f := newFetching(t)
	f.close()
	f.auto = true
	f.open()
	s := cloudTale("design")
	s.found[0].Recording.Files[0].Size = 10 * step
	return f, s
}

// only is the one recording that there is, under the platform's id.
func (f *fetching) only(s tale) app.Recording {
	f.t.Helper()
	all := f.all()
	if len(all) != 1 || all[0].ID != s.list.ID || all[0].FromBucket {
		f.t.Fatalf("%+v", all)
	}
	return all[0]
}

// nothingLeft checks that no job, no journal and no run of on_download is left.
func (f *fetching) nothingLeft(ids ...string) {
	f.t.Helper()
	if err := f.store.View(context.Background(), func(tx *store.Tx) error {
		jobs, err := tx.DownloadJobs()
		commands, cerr := tx.CommandJobs()
		if len(jobs) > 0 || len(commands) > 0 {
			f.t.Errorf("jobs are left: %+v, %+v", jobs, commands)
		}
		for _, id := range ids {
			if files := tx.ChunkFiles("daily", id); len(files) > 0 {
				f.t.Errorf("the journal of %s has %q", id, files)
			}
		}
		return errors.Join(err, cerr)
	}); err != nil {
		f.t.Fatal(err)
	}
}

// A download that began from the bucket's report resumes after the platform's: while it runs, and in another process.
func TestADownloadOfWhatABucketHasGoesOnUnderThePlatformsID(t *testing.T) {
	for _, restart := range []bool{false, true} {
		f, s := bucketed(t)
		f.fetcher.gate = make(chan struct{})
		f.fetcher.stepped = make(chan struct{}, 100)
		f.Start()
		f.seen([]string{"daily"}, s.found...)
		if id := f.begun(); id != s.found[0].Recording.ID {
			t.Fatalf("%s is fetched", id)
		}
		f.tokens(4)
		for range 4 {
			<-f.fetcher.stepped
		}
		f.listed("daily", s.list)
		if d := f.only(s).Download; d == nil || !d.State.Active() || d.Bytes != 4*step || !d.Auto {
			t.Errorf("%+v", d)
		}
		if restart {
			f.close()
			f.open()
			f.Start()
			if id := f.begun(); id != s.list.ID {
				t.Errorf("%s is fetched", id)
			}
		}
		// A request by either id gets the running one.
		for _, id := range []string{s.found[0].Recording.ID, "daily/" + s.found[0].Recording.ID, s.list.ID} {
			if r := f.ask(id); r.ID != s.list.ID || !r.Download.State.Active() {
				t.Errorf("%s: %+v", id, r)
			}
		}
		f.tokens(6)
		r := f.state(s.found[0].Recording.ID, app.DownloadDone)
		f.ended(s.list.ID)
		if r.ID != s.list.ID || r.Download.Bytes != 10*step || !r.Download.Auto {
			t.Errorf("%+v", r)
		}
		if n := f.fetcher.made(s.list.ID) + f.fetcher.made(s.found[0].Recording.ID); n != 10 || len(f.fetcher.begins) != 0 {
			t.Errorf("%d steps were fetched, and %d more fetches were begun", n, len(f.fetcher.begins))
		}
		f.nothingLeft(s.list.ID, s.found[0].Recording.ID)
		f.close()
	}
}

func TestWhatWasDownloadedFromABucketStaysDownloaded(t *testing.T) {
	f, s := bucketed(t)
	f.close()
	var runs atomic.Int64
	begins, ends := make(chan string, 10), make(chan struct{})
	f.command = func(_ context.Context, r app.Recording) error {
		runs.Add(1)
		begins <- r.ID
		<-ends
		return nil
	}
	f.open()
	f.Start()
	f.seen([]string{"daily"}, s.found...)
	f.begun()
	// The platform reports it while on_download runs.
	if id := <-begins; id != s.found[0].Recording.ID {
		t.Error(id)
	}
	f.listed("daily", s.list)
	close(ends)
	r := f.until(s.list.ID, "on_download", func(d app.Download) bool { return d.Command != nil && d.Command.State == app.CommandDone })
	if f.only(s); r.Download.State != app.DownloadDone || r.Download.Path != filepath.Join(f.folder, s.found[0].Recording.ID+".bin") || runs.Load() != 1 {
		t.Errorf("%+v, %d runs", r.Download, runs.Load())
	}
	f.listed("daily", s.list)
	f.seen([]string{"daily"}, s.found...)
	if len(f.fetcher.begins) > 0 || f.only(s).Download.State != app.DownloadDone {
		t.Errorf("%+v", f.only(s).Download)
	}
	f.nothingLeft(s.list.ID, s.found[0].Recording.ID)
}

// A bucket that can't be read fails the download, until the platform reports the recording: it may have other ways.
func TestWhatTheBucketRefusesIsAskedOfThePlatform(t *testing.T) {
	f, s := bucketed(t)
	f.fetcher.fail[s.found[0].Recording.ID] = []error{&app.Error{Kind: provider.Forbidden, Text: "refused"}}
	f.Start()
	f.seen([]string{"daily"}, s.found...)
	f.state(s.found[0].Recording.ID, app.DownloadFailed)
	f.ended(s.found[0].Recording.ID)
	f.listed("daily", s.list)
	if r := f.state(s.list.ID, app.DownloadDone); r.Download.Bytes != 10*step {
		t.Errorf("%+v", r.Download)
	}
	f.only(s)
	f.ended(s.list.ID)
	f.nothingLeft(s.list.ID, s.found[0].Recording.ID)
}

// A request waits for the platform's recording while the same one comes from the bucket.
func TestTwoDownloadsOfOneRecordingBecomeOne(t *testing.T) {
	for _, done := range []bool{false, true} {
		f, s := bucketed(t)
		f.fetcher.gate = make(chan struct{})
		f.fetcher.stepped = make(chan struct{}, 100)
		f.Start()
		f.event(s.event(provider.KindRecordingStarted, nil))
		waits := app.DownloadRequest{RecordingRef: app.RecordingRef{ID: s.list.ID}, Wait: true}
		if _, err := f.DownloadRecording(t.Context(), waits); err != nil {
			t.Fatal(err)
		}
		f.until(s.list.ID, "waiting for the platform", func(d app.Download) bool { return !d.RetryAt.IsZero() })
		f.seen([]string{"daily"}, s.found...)
		if id := f.begun(); id != s.found[0].Recording.ID {
			t.Fatal(id)
		}
		f.tokens(4)
		for range 4 {
			<-f.fetcher.stepped
		}
		if done {
			f.tokens(6)
			f.state(s.found[0].Recording.ID, app.DownloadDone)
		}
		f.listed("daily", s.list)
		f.clock.Advance(time.Minute) // the one that waited has its turn, and finds that it isn't wanted
		if !done {
			f.tokens(6)
		}
		f.state(s.list.ID, app.DownloadDone)
		f.ended(s.list.ID)
		f.only(s)
		if n := f.fetcher.made(s.list.ID) + f.fetcher.made(s.found[0].Recording.ID); n != 10 {
			t.Errorf("%d steps were fetched", n)
		}
		f.nothingLeft(s.list.ID, s.found[0].Recording.ID)
		f.close()
	}
}
