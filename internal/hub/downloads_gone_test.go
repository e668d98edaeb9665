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

// finder is a keeper that is asked for single recordings.
type finder struct {
	*keeper
	answer error // nil: it is there
}

func (f *finder) Recording(_ context.Context, id string) (provider.Recording, error) {
	f.kmu.Lock()
	defer f.kmu.Unlock()
	return provider.Recording{ID: id, Status: "ready", Room: "design"}, f.answer
}

func (f *finder) answers(err error) {
	f.kmu.Lock()
	defer f.kmu.Unlock()
	f.answer = err
}

// finding is a bench whose platform is asked for single recordings.
func finding(t *testing.T) (*fetching, *finder) {
	f := newFetching(t)
	f.close()
	p := &finder{keeper: f.keeper}
	h, err := Open(Options{
		Store: store.Options{Path: f.path}, Clock: f.clock,
		Accounts:  []Account{{Account: provider.Account{Name: "daily", Platform: provider.Daily}, Provider: p}},
		Downloads: downloads.Config{Fetcher: f.fetcher, Folder: f.folder},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Hub = h
	return f, p
}

var (
	errFileGone = &app.Error{Kind: provider.NotFound, Text: "there is no such file"}
	errRecGone  = &provider.Error{Kind: provider.NotFound, Platform: provider.Daily, Op: "look up recording"}
)

func TestARecordingThatIsGoneIsMarkedOnlyWhenThePlatformSaysSo(t *testing.T) {
	f, p := finding(t)
	f.fetcher.fail["r1"] = []error{errFileGone, errFileGone, errFileGone}
	f.recording("r1", app.RecordingReady, time.Hour)
	// The platform still has it, or can't be asked: a file that is missing proves nothing.
	for _, answer := range []error{nil, &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily, Op: "look up recording"}} {
		p.answers(answer)
		f.ask("r1")
		if r := f.state("r1", app.DownloadFailed); !r.DeletedAt.IsZero() || r.Download.Reason != errFileGone.Text {
			t.Errorf("%v: deleted %v, %s", answer, r.DeletedAt, r.Download.Reason)
		}
	}
	p.answers(errRecGone)
	f.ask("r1")
	r := f.until("r1", "the deletion", func(d app.Download) bool { return d.State == app.DownloadFailed && d.Reason != errFileGone.Text })
	if r.DeletedAt.IsZero() {
		t.Errorf("%+v", r)
	}
	if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: r.Ref()}); !errors.Is(err, provider.NotFound) {
		t.Errorf("%v", err)
	}
	// It was out of reach only.
	p.answers(nil)
	f.ask("r1")
	if r := f.state("r1", app.DownloadDone); !r.DeletedAt.IsZero() {
		t.Errorf("it is here, and deleted %v", r.DeletedAt)
	}
}

func TestAnIgnoredRecordingIsNotFetchedByItself(t *testing.T) {
	f := newFetching(t)
	f.close()
	f.auto = true
	f.open()
	f.Hub.Start()
	ref := f.recording("r1", app.RecordingRunning, 0)
	r, err := f.IgnoreRecording(t.Context(), app.IgnoreRequest{RecordingRef: ref})
	if err != nil || r.IgnoredAt.IsZero() {
		t.Fatalf("%+v, %v", r, err)
	}
	f.clock.Advance(time.Minute)
	f.recording("r1", app.RecordingReady, time.Minute)
	if r := mustRecording(t, f); r.Download != nil || r.Status != app.RecordingReady {
		t.Errorf("%+v", r.Download)
	}
	f.fetcher.gate = make(chan struct{})
	f.ask("r1")
	f.state("r1", app.DownloadRunning)
	if r := mustRecording(t, f); !r.IgnoredAt.IsZero() {
		t.Error("asked for by its id it is still ignored")
	}
	if _, err := f.IgnoreRecording(t.Context(), app.IgnoreRequest{RecordingRef: ref}); !errors.Is(err, provider.Conflict) {
		t.Errorf("ignored under a running download: %v", err)
	}
	close(f.fetcher.gate)
	f.state("r1", app.DownloadDone)
}
