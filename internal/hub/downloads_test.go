package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/hub/downloads"
	"greenroom/internal/recording"
	"greenroom/provider"
	"greenroom/store"
)

// keeper is a platform that keeps its recordings, and deletes them when asked.
type keeper struct {
	*platform
	kmu     sync.Mutex
	deleted []string
	refuse  error
	silent  bool // never answers
}

func (k *keeper) FileLink(context.Context, string, provider.RecordingFile) (provider.FileLink, error) {
	return provider.FileLink{}, errors.New("the tests' fetcher needs no link")
}

func (k *keeper) DeleteRecording(ctx context.Context, id string) error {
	k.kmu.Lock()
	defer k.kmu.Unlock()
	if k.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	k.deleted = append(k.deleted, id)
	return k.refuse
}

// step is how much the tests' fetcher gets at a time.
const step = 1000

// fetcher makes files of the recordings' sizes, a step at a time, each of which uses a token of its gate, and resumes
// where its journal says.
type fetcher struct {
	// gate gives a token for each step; nil lets everything pass.
	gate chan struct{}
	// begins receives each fetch that begins, stepped each step that was reported, unless it is nil.
	begins  chan string
	stepped chan struct{}
	// dead recordings get nothing, and are reported as having yielded, until mended is closed.
	dead   map[string]bool
	mended chan struct{}
	// fromNothing has it report at first that nothing is here.
	fromNothing bool

	// unable fetchers compare nothing with the source, as earlier versions did.
	unable bool

	// full is closed when the disk has space; nil means that it has.
	full chan struct{}

	mu    sync.Mutex
	fail  map[string][]error // what the next fetches of a recording end with, after what they may fetch
	steps map[string]int     // how many steps were taken for each
	limit int64
	last  recording.Job
}

func newFetcher() *fetcher {
	return &fetcher{begins: make(chan string, 100), fail: map[string][]error{}, steps: map[string]int{}}
}

func (f *fetcher) path(j recording.Job) string { return filepath.Join(j.Folder, j.Recording.ID+".bin") }

func (f *fetcher) Fetch(ctx context.Context, j recording.Job) (recording.Result, error) {
	id := j.Recording.ID
	f.begins <- id
	f.mu.Lock()
	f.last = j
	f.mu.Unlock()
	journal := j.Journal("file")
	raw, err := journal.Load(ctx)
	if err != nil {
		return recording.Result{}, err
	}
	at, _ := strconv.Atoi(string(raw))
	size := int(j.Recording.Size())
	if f.full != nil {
		j.Report(recording.Report{Bytes: int64(at), Total: int64(size), State: recording.Paused, Reason: "there is no space"})
		select {
		case <-f.full:
		case <-ctx.Done():
			return recording.Result{}, ctx.Err()
		}
	}
	if f.fromNothing {
		j.Report(recording.Report{})
	}
	j.Report(recording.Report{Bytes: int64(at), Total: int64(size)})
	if f.dead[id] {
		j.Report(recording.Report{Bytes: int64(at), Total: int64(size), Yielded: true, State: recording.Running, Reason: "the source has sent nothing for 5s"})
		select {
		case <-f.mended:
		case <-ctx.Done():
			return recording.Result{}, ctx.Err()
		}
	}
	before := at
	for at < size {
		if f.gate != nil {
			select {
			case <-f.gate:
			case <-ctx.Done():
				return recording.Result{}, ctx.Err()
			}
		}
		f.mu.Lock()
		var failing error
		if errs := f.fail[id]; len(errs) > 0 {
			failing, f.fail[id] = errs[0], errs[1:]
		} else {
			f.steps[id]++
		}
		f.mu.Unlock()
		if failing != nil {
			return recording.Result{}, failing
		}
		at = min(at+step, size)
		if err := journal.Save(ctx, []byte(strconv.Itoa(at))); err != nil {
			return recording.Result{}, err
		}
		j.Report(recording.Report{Bytes: int64(at), Total: int64(size), Fetched: int64(at - before)})
		if f.stepped != nil {
			f.stepped <- struct{}{}
		}
	}
	j.Report(recording.Report{Bytes: int64(at), Total: int64(size), State: recording.Verifying})
	data := bytes.Repeat([]byte{7}, size)
	if err := os.WriteFile(f.path(j), data, 0o600); err != nil {
		return recording.Result{}, err
	}
	sum := sha256.Sum256(data)
	return recording.Result{Path: f.path(j), Files: []app.DownloadedFile{
		{Path: f.path(j), Name: j.Recording.Files[0].Name, Size: int64(size), SHA256: hex.EncodeToString(sum[:]), Media: "bytes", Compared: !f.unable},
	}}, journal.Clear(ctx)
}

func (f *fetcher) Discard(ctx context.Context, j recording.Job) error {
	files, err := j.Journaled(ctx)
	for _, name := range files {
		err = errors.Join(err, j.Journal(name).Clear(ctx))
	}
	return err
}

func (f *fetcher) Verify(_ context.Context, _ app.Recording, file app.DownloadedFile) (app.DownloadedFile, recording.Scanned) {
	raw, err := os.ReadFile(file.Path)
	sum := sha256.Sum256(raw)
	switch {
	case err != nil:
		file.Finding = app.FileMissing
	case hex.EncodeToString(sum[:]) != file.SHA256:
		file.Finding = app.FileChanged
	case !file.Compared:
		file.Finding, file.Detail = app.FileSuspect, "zeros"
	}
	return file, recording.Scanned{}
}

func (f *fetcher) Limit(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = n
}

func (f *fetcher) made(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.steps[id]
}

// fetching is a bench whose hub fetches.
type fetching struct {
	*bench
	keeper  *keeper
	fetcher *fetcher
	folder  string
	command func(context.Context, app.Recording) error
	auto    bool
	queue   int
}

func newFetching(t *testing.T) *fetching {
	b := newBench(t)
	b.close()
	f := &fetching{bench: b, keeper: &keeper{platform: b.platform}, fetcher: newFetcher(), folder: t.TempDir()}
	f.open()
	return f
}

func (f *fetching) open() {
	f.t.Helper()
	h, err := Open(Options{
		Store: store.Options{Path: f.path, QueueLen: f.queue}, Clock: f.clock,
		Accounts: []Account{{
			Account:  provider.Account{Name: "daily", Platform: provider.Daily, WebhookSecret: "x"},
			Provider: f.keeper, AutoDownload: f.auto,
		}},
		Downloads: downloads.Config{Fetcher: f.fetcher, Folder: f.folder, Command: f.command},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.Hub = h
}

// recording makes a recording known that began so long ago, of 10 steps.
func (f *fetching) recording(id string, status app.RecordingStatus, ago time.Duration) app.RecordingRef {
	f.t.Helper()
	s := catalog.Evidence{Recording: provider.Recording{
		ID: id, Room: "design", Status: string(status), Kind: "cloud", StartedAt: f.clock.Now().Add(-ago),
	}}
	if status == app.RecordingReady {
		s.Duration = time.Minute
		s.Files = []provider.RecordingFile{{Name: id + ".mp4", Kind: "video", Size: 10 * step}}
	}
	err := f.store.Update(f.t.Context(), func(tx *store.Tx) error {
		_, err := f.Hub.accounts["daily"].merge(tx, nil, s, f.clock.Now())
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return app.RecordingRef{Account: "daily", ID: id}
}

func (f *fetching) ask(id string) app.Recording {
	f.t.Helper()
	r, err := f.DownloadRecording(f.t.Context(), app.DownloadRequest{RecordingRef: app.RecordingRef{ID: id}})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// until waits for a recording to be as it should.
func (f *fetching) until(id, what string, fits func(app.Download) bool) app.Recording {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	changes, err := f.Subscribe(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	for {
		r, err := f.Recording(ctx, app.RecordingRef{ID: id})
		if err != nil {
			f.t.Fatal(err)
		}
		if r.Download != nil && fits(*r.Download) {
			return r
		}
		if _, ok := <-changes; !ok {
			f.t.Fatalf("%s never came: %+v", what, r.Download)
		}
	}
}

func (f *fetching) state(id string, want app.DownloadState) app.Recording {
	f.t.Helper()
	return f.until(id, string(want), func(d app.Download) bool { return d.State == want })
}

func (f *fetching) begun() string {
	f.t.Helper()
	select {
	case id := <-f.fetcher.begins:
		return id
	case <-time.After(patience):
		f.t.Fatal("no fetch begins")
		return ""
	}
}

// stepUntil lets the pauses between attempts pass until a condition holds. The timer of a pause may be armed at any moment.
func (f *fetching) stepUntil(what string, is func() bool) {
	f.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !is(); {
		select {
		case <-tick.C:
			f.clock.Advance(downloads.Pause)
		case <-late:
			f.t.Fatal("never ", what)
		}
	}
}

func (f *fetching) tokens(n int) {
	for range n {
		f.fetcher.gate <- struct{}{}
	}
}

func TestADownloadComesWholeAndIsKnownForEver(t *testing.T) {
	f := newFetching(t)
	f.recording("r1", app.RecordingReady, time.Hour)
	if r := f.ask("r1"); r.Download == nil || !r.Download.State.Active() && r.Download.State != app.DownloadDone {
		t.Errorf("asked for: %+v", r.Download)
	}
	r := f.state("r1", app.DownloadDone)
	d := r.Download
	if d.Bytes != 10*step || d.Total != 10*step || d.Path != filepath.Join(f.folder, "r1.bin") || d.FetchedAt.IsZero() ||
		len(d.Files) != 1 || len(d.Files[0].SHA256) != 64 || d.Rate != 0 {
		t.Errorf("%+v", d)
	}
	f.begun()
	if again := f.ask("r1"); again.Download.State != app.DownloadDone || len(f.fetcher.begins) > 0 {
		t.Errorf("fetched again although it is there: %+v", again.Download)
	}
	f.close()
	f.open()
	kept, err := f.Recording(t.Context(), app.RecordingRef{ID: "daily/r1"})
	if err != nil || kept.Download.Files[0] != d.Files[0] {
		t.Errorf("after a restart: %+v, %v", kept.Download, err)
	}
	if err := os.Remove(d.Path); err != nil {
		t.Fatal(err)
	}
	f.ask("r1")
	f.begun()
	f.state("r1", app.DownloadDone)
	if _, err := os.Stat(d.Path); err != nil {
		t.Errorf("one that is gone from the disk was not fetched again: %v", err)
	}
}

func TestTwoWhoAskGetOneDownload(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	f.recording("r1", app.RecordingReady, time.Hour)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: app.RecordingRef{ID: "r1"}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(f.fetcher.gate)
	f.state("r1", app.DownloadDone)
	if n := len(f.fetcher.begins); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func TestTwoAreFetchedAtOnceAndOthersWait(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	for i := range 3 {
		f.recording(fmt.Sprintf("r%d", i), app.RecordingReady, time.Hour)
		f.ask(fmt.Sprintf("r%d", i))
		f.clock.Advance(time.Second)
	}
	first := map[string]bool{f.begun(): true, f.begun(): true}
	if !first["r0"] || !first["r1"] {
		t.Errorf("first are %v", first)
	}
	if r, err := f.Recording(t.Context(), app.RecordingRef{ID: "r2"}); err != nil || r.Download.State != app.DownloadWaiting {
		t.Errorf("the third: %+v, %v", r.Download, err)
	}
	if s := f.downloads.Status(); s.Running != 2 || s.Waiting != 1 || s.Folder != f.folder {
		t.Errorf("%+v", s)
	}
	close(f.fetcher.gate)
	f.state("r2", app.DownloadDone)
}

func TestPausingKeepsWhatIsHereAndCancellingDoesNot(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	ref := f.recording("r1", app.RecordingReady, time.Hour)
	f.ask("r1")
	f.tokens(4)
	r, err := f.PauseDownload(t.Context(), ref)
	if err != nil || r.Download.State != app.DownloadPaused || r.Download.Bytes < 3*step {
		t.Fatalf("%+v, %v", r.Download, err)
	}
	if again, err := f.PauseDownload(t.Context(), ref); err != nil || again.Download.State != app.DownloadPaused {
		t.Errorf("paused twice: %+v, %v", again.Download, err)
	}
	before := f.fetcher.made("r1")
	f.fetcher.stepped = make(chan struct{}, 20)
	f.ask("r1")
	f.tokens(1)
	<-f.fetcher.stepped
	if now := mustRecording(t, f).Download; now.State != app.DownloadRunning || now.Bytes <= r.Download.Bytes {
		t.Errorf("after resuming: %+v, when it was paused %+v", now, r.Download)
	}
	if r, err = f.CancelDownload(t.Context(), ref); err != nil || r.Download.State != app.DownloadCancelled || r.Download.Bytes != 0 {
		t.Fatalf("%+v, %v", r.Download, err)
	}
	if err := f.store.View(t.Context(), func(tx *store.Tx) error {
		if files := tx.ChunkFiles("daily", "r1"); len(files) > 0 {
			t.Errorf("the journal still holds %v", files)
		}
		jobs, err := tx.DownloadJobs()
		if len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := f.fetcher.made("r1") - before; n > 2 {
		t.Errorf("%d steps were made after resuming", n)
	}
	f.ask("r1")
	close(f.fetcher.gate)
	f.state("r1", app.DownloadDone)
}

func TestWhatACrashInterruptedGoesOnWithAnOwnerThatStays(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	for _, id := range []string{"r1", "r2", "r3"} {
		f.recording(id, app.RecordingReady, time.Hour)
		f.ask(id)
		f.clock.Advance(time.Second)
	}
	f.begun()
	f.begun()
	f.tokens(6)
	if _, err := f.PauseDownload(t.Context(), app.RecordingRef{ID: "r3"}); err != nil {
		t.Fatal(err)
	}
	f.close()
	before := f.fetcher.made("r1") + f.fetcher.made("r2")
	f.open()
	if s := f.downloads.Status(); s.Running != 0 {
		t.Errorf("a program that comes and goes has taken them up: %+v", s)
	}
	f.Start()
	close(f.fetcher.gate)
	f.state("r1", app.DownloadDone)
	f.state("r2", app.DownloadDone)
	if n := f.fetcher.made("r1") + f.fetcher.made("r2"); n > 20+2 || before < 4 {
		t.Errorf("%d steps in all for 20, %d before the crash", n, before)
	}
	if r, err := f.Recording(t.Context(), app.RecordingRef{ID: "r3"}); err != nil || r.Download.State != app.DownloadPaused {
		t.Errorf("a paused download resumed: %+v, %v", r.Download, err)
	}
}

func TestFailuresAreRetriedAndReported(t *testing.T) {
	f := newFetching(t)
	away := &app.Error{Kind: provider.Unavailable, Text: "the network is down"}
	f.recording("r1", app.RecordingReady, time.Hour)
	f.fetcher.fail["r1"] = []error{away, away}
	f.ask("r1")
	for try, pause := range []time.Duration{5 * time.Second, 10 * time.Second} {
		r := f.until("r1", "a pause", func(d app.Download) bool {
			return d.State == app.DownloadWaiting && d.Reason == away.Text && d.RetryAt.After(f.clock.Now())
		})
		if got := r.Download.RetryAt.Sub(f.clock.Now()); got > pause || got < pause-time.Second {
			t.Errorf("pause %d is %v", try, got)
		}
		f.begun()
		if err := f.clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(pause)
	}
	f.state("r1", app.DownloadDone)

	f.recording("r2", app.RecordingReady, time.Hour)
	f.fetcher.fail["r2"] = []error{&app.Error{Kind: provider.Forbidden, Text: "refused", Hint: "ask for access"}}
	f.ask("r2")
	if d := f.state("r2", app.DownloadFailed).Download; d.Reason != "refused" || d.Hint != "ask for access" || !d.RetryAt.IsZero() {
		t.Errorf("%+v", d)
	}
	f.ask("r2")
	f.state("r2", app.DownloadDone)
}

// The owner checks its jobs all the time; a job that is being stopped is not restarted by that.
func TestWhatIsStoppedStaysStopped(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	f.fetcher.begins = make(chan string, 10_000)
	f.Hub.Start()
	for i := range 50 {
		id := fmt.Sprintf("r%d", i)
		ref := f.recording(id, app.RecordingReady, time.Hour)
		f.ask(id)
		f.state(id, app.DownloadRunning)
		stop, want := f.PauseDownload, app.DownloadPaused
		if i%2 == 1 {
			stop, want = f.CancelDownload, app.DownloadCancelled
		}
		if r, err := stop(t.Context(), ref); err != nil || r.Download.State != want {
			t.Fatalf("%d: %+v, %v", i, r.Download, err)
		}
	}
	// What is looked for now has been looked for when the next one runs.
	f.recording("last", app.RecordingReady, time.Hour)
	f.ask("last")
	f.state("last", app.DownloadRunning)
	// A job that was read just before it was stopped is dropped when it is looked at again.
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if s := f.downloads.Status(); s.Running == 1 && s.Waiting == 0 {
			break
		} else if time.Since(begin) > patience {
			t.Fatalf("%+v continue", s)
		}
	}
	if n := len(f.fetcher.begins); n > 51 {
		t.Errorf("51 were asked for, %d fetches have begun", n)
	}
	for i := range 50 {
		r, err := f.Recording(t.Context(), app.RecordingRef{ID: fmt.Sprintf("r%d", i)})
		if err != nil || r.Download.State.Active() {
			t.Errorf("%d: %+v, %v", i, r.Download, err)
		}
	}
}

// While the disk is full the fetcher waits, and says so.
func TestAFullDiskIsReportedWhileTheFetcherWaits(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	ref := f.recording("r1", app.RecordingReady, time.Hour)
	f.fetcher.full = make(chan struct{})
	f.ask("r1")
	d := f.until("r1", "the reason", func(d app.Download) bool { return d.State == app.DownloadPaused }).Download
	if d.Reason != "there is no space" || !d.RetryAt.After(f.clock.Now()) {
		t.Errorf("%+v", d)
	}
	if again := f.ask("r1"); again.Download.State != app.DownloadPaused || len(f.fetcher.begins) != 1 {
		t.Errorf("asked again it is %+v, begun %d times", again.Download, len(f.fetcher.begins))
	}
	close(f.fetcher.full)
	f.tokens(1)
	f.until("r1", "resumed", func(d app.Download) bool { return d.State == app.DownloadRunning && d.Reason == "" })
	if r, err := f.PauseDownload(t.Context(), ref); err != nil || r.Download.State != app.DownloadPaused || !r.Download.RetryAt.IsZero() {
		t.Errorf("paused by hand: %+v, %v", r.Download, err)
	}
}

// A job that waits for another process isn't shown as running.
func TestAWaitingJobSaysWhatItWaitsFor(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	f.recording("r1", app.RecordingReady, time.Hour)
	f.ask("r1")
	f.state("r1", app.DownloadRunning)
	f.close()
	f.open()
	r, err := f.Recording(t.Context(), app.RecordingRef{ID: "r1"})
	if err != nil || r.Download.State != app.DownloadWaiting || r.Download.Reason != downloads.ReasonNoOwner {
		t.Errorf("%+v, %v", r.Download, err)
	}
	f.Hub.Start()
	f.state("r1", app.DownloadRunning)
}

func TestANetworkThatStaysAwayFailsTheDownloadForGood(t *testing.T) {
	f := newFetching(t)
	away := &app.Error{Kind: provider.Unavailable, Text: "the network is down"}
	f.recording("r1", app.RecordingReady, time.Hour)
	for range downloads.Tries {
		f.fetcher.fail["r1"] = append(f.fetcher.fail["r1"], away)
	}
	f.ask("r1")
	for range downloads.Tries - 1 {
		f.begun()
		f.until("r1", "a pause", func(d app.Download) bool { return d.RetryAt.After(f.clock.Now()) })
		if err := f.clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(downloads.LongestPause)
	}
	if d := f.state("r1", app.DownloadFailed).Download; d.Reason != away.Text {
		t.Errorf("%+v", d)
	}
}

func TestARecordingThatIsNotReadyIsWaitedForWhenAsked(t *testing.T) {
	f := newFetching(t)
	ref := f.recording("r1", app.RecordingProcessing, time.Hour)
	if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref}); !errors.Is(err, provider.NotReady) {
		t.Errorf("%v", err)
	}
	r, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref, Wait: true})
	if err != nil || r.Download.State != app.DownloadWaiting {
		t.Fatalf("%+v, %v", r.Download, err)
	}
	f.until("r1", "a reason", func(d app.Download) bool { return d.State == app.DownloadWaiting && !d.RetryAt.IsZero() })
	f.recording("r1", app.RecordingReady, time.Hour)
	f.downloads.Schedule()
	f.state("r1", app.DownloadDone)
	for status, kind := range map[app.RecordingStatus]provider.Kind{app.RecordingFailed: provider.Conflict, app.RecordingRunning: provider.NotReady} {
		ref := f.recording("r-"+string(status), status, time.Hour)
		if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref}); !errors.Is(err, kind) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestProgressIsReportedAFewTimesASecondWithRateAndTime(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate, f.fetcher.stepped = make(chan struct{}), make(chan struct{}, 20)
	f.recording("r1", app.RecordingReady, time.Hour)
	changes, err := f.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.ask("r1")
	f.begun()
	reports := 0
	for range 9 {
		f.clock.Advance(downloads.PublishEvery / 2)
		f.tokens(1)
		<-f.fetcher.stepped
	}
	r := mustRecording(t, f)
	if d := r.Download; d.Bytes != 9*step || d.Rate <= 0 || d.ETAS <= 0 {
		t.Errorf("%+v", d)
	}
	close(f.fetcher.gate)
	f.state("r1", app.DownloadDone)
	for done := false; !done; {
		c := <-changes
		if c.Kind == app.RecordingChange && c.Recording.Download != nil {
			reports++
			done = c.Recording.Download.State == app.DownloadDone
		}
	}
	// Asked, running, about one for two of nine steps, verifying, done; never one a step.
	if reports > 2+6+2 {
		t.Errorf("%d reports", reports)
	}
}

// ended waits until no download of a recording runs.
func (b *bench) ended(id string) {
	b.t.Helper()
	<-b.downloads.Ended(app.Recording{Account: "daily", ID: id})
}

func mustRecording(t *testing.T, f *fetching) app.Recording {
	t.Helper()
	r, err := f.Recording(t.Context(), app.RecordingRef{ID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDeletingOnThePlatform(t *testing.T) {
	f := newFetching(t)
	f.fetcher.gate = make(chan struct{})
	ref := f.recording("r1", app.RecordingReady, time.Hour)
	if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref, DeleteAfter: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.DeleteRecording(t.Context(), ref); !errors.Is(err, provider.Conflict) {
		t.Errorf("deleted under a running download: %v", err)
	}
	close(f.fetcher.gate)
	f.state("r1", app.DownloadDone)
	f.ended("r1")
	if r := mustRecording(t, f); r.DeletedAt.IsZero() || r.Download.State != app.DownloadDone || len(f.keeper.deleted) != 1 {
		t.Errorf("%+v, deleted %v", r, f.keeper.deleted)
	}
	if _, err := f.DownloadRecording(t.Context(), app.DownloadRequest{RecordingRef: ref, Again: true}); !errors.Is(err, provider.NotFound) {
		t.Errorf("downloads what was deleted: %v", err)
	}
	f.recording("r2", app.RecordingReady, time.Hour)
	f.keeper.refuse = &provider.Error{Kind: provider.Forbidden, Platform: provider.Daily, Op: "delete recording"}
	if _, err := f.DeleteRecording(t.Context(), app.RecordingRef{ID: "r2"}); !errors.Is(err, provider.Forbidden) {
		t.Errorf("%v", err)
	}
}

func TestAccountsAndRoomsDownloadByThemselves(t *testing.T) {
	f := newFetching(t)
	f.recording("before", app.RecordingReady, 3*time.Hour)
	f.close()
	f.auto = true
	f.open()
	f.Hub.Start()
	f.recording("old", app.RecordingReady, 2*time.Hour)
	f.recording("running", app.RecordingRunning, time.Minute)
	f.clock.Advance(time.Minute)
	f.recording("running", app.RecordingReady, 2*time.Minute)
	f.recording("new", app.RecordingReady, 0)
	for _, id := range []string{"new", "running"} {
		if d := f.state(id, app.DownloadDone).Download; !d.Auto {
			t.Errorf("%s: %+v", id, d)
		}
	}
	for _, id := range []string{"before", "old"} {
		if r, err := f.Recording(t.Context(), app.RecordingRef{ID: id}); err != nil || r.Download != nil {
			t.Errorf("%s was fetched although it is older: %+v, %v", id, r.Download, err)
		}
	}
}

func TestOnDownloadIsRunUntilItSucceedsOrHasFailedForGood(t *testing.T) {
	f := newFetching(t)
	f.close()
	runs := make(chan string, 100)
	var mu sync.Mutex
	fails := 2
	var seen app.Recording
	f.command = func(_ context.Context, r app.Recording) error {
		runs <- r.ID
		mu.Lock()
		defer mu.Unlock()
		seen = r
		if fails--; fails >= 0 {
			return errors.New("exit status 1")
		}
		return nil
	}
	f.open()
	f.recording("r1", app.RecordingReady, time.Hour)
	f.ask("r1")
	f.until("r1", "its command", func(d app.Download) bool { return d.Command != nil && d.Command.State == app.CommandWaiting })
	f.close()
	if len(runs) > 0 {
		t.Error("a program that comes and goes runs commands")
	}
	f.open()
	f.Hub.Start()
	for try := range 2 {
		r := f.until("r1", "a failure", func(d app.Download) bool { return d.Command.Tries == try+1 && d.Command.State == app.CommandWaiting })
		if c := r.Download.Command; c.Reason != "exit status 1" || c.RetryAt.IsZero() {
			t.Errorf("%+v", c)
		}
		f.clock.Advance(downloads.ProgramPause << try)
		f.downloads.Programs().Wake()
	}
	if c := f.until("r1", "success", func(d app.Download) bool { return d.Command.State == app.CommandDone }).Download.Command; c.Tries != 3 {
		t.Errorf("%+v", c)
	}
	mu.Lock()
	fails = downloads.ProgramTries
	if c := f.downloads.Overlay(seen).Download.Command; c.State != app.CommandRunning || c.Tries != 3 {
		t.Errorf("what was read during the last run is shown after it as %+v", c)
	}
	mu.Unlock()
	f.recording("r2", app.RecordingReady, time.Hour)
	f.ask("r2")
	for try := range downloads.ProgramTries - 1 {
		f.until("r2", "a failure", func(d app.Download) bool {
			return d.Command != nil && d.Command.Tries == try+1 && d.Command.State == app.CommandWaiting
		})
		f.clock.Advance(downloads.ProgramPause << try)
		f.downloads.Programs().Wake()
	}
	f.until("r2", "the end", func(d app.Download) bool {
		return d.Command.State == app.CommandFailed && d.Command.Tries == downloads.ProgramTries
	})
	if err := f.store.View(t.Context(), func(tx *store.Tx) error {
		jobs, err := tx.CommandJobs()
		if len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTheLimitReachesTheFetcher(t *testing.T) {
	f := newFetching(t)
	if _, err := f.LimitDownloads(t.Context(), app.DownloadLimit{BytesPerSecond: 5000}); err != nil || f.fetcher.limit != 5000 {
		t.Errorf("%d, %v", f.fetcher.limit, err)
	}
	if s, err := f.Status(t.Context(), app.StatusQuery{}); err != nil || s.Downloads.Limit != 5000 {
		t.Errorf("%+v, %v", s.Downloads, err)
	}
	if _, err := f.LimitDownloads(t.Context(), app.DownloadLimit{BytesPerSecond: -1}); !errors.Is(err, provider.Invalid) {
		t.Errorf("%v", err)
	}
}
