package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/internal/hub/downloads"
	"greenroom/provider"
	"greenroom/store"
)

// programs are a hub that runs programs whose ends the test decides.
type programs struct {
	*Hub
	t     rapid.TB
	clock *clockwork.FakeClock
	opt   Options

	mu   sync.Mutex
	live []*liveProgram
	most int // that ran at once
	runs map[string]int
	n    int
}

// liveProgram is one that runs. Its end is what it returns; one that hangs gets none.
type liveProgram struct {
	what  string // the recording, with "!" for on_failure
	end   chan error
	begun time.Time
}

const programTime = time.Hour

func newPrograms(t rapid.TB, path string, atOnce int) *programs {
	p := &programs{t: t, clock: clockwork.NewFakeClockAt(t0), runs: map[string]int{}}
	p.opt = Options{
		Store: store.Options{Path: path}, Clock: p.clock,
		Accounts: []Account{{
			Account:  provider.Account{Name: "daily", Platform: provider.Daily},
			Provider: &platform{name: provider.Daily, used: map[string]bool{}, present: map[string][]provider.Participant{}},
		}},
		Downloads: downloads.Config{
			Fetcher: newFetcher(), Programs: atOnce, ProgramTime: programTime,
			Command:   func(ctx context.Context, r app.Recording) error { return p.program(ctx, r.ID) },
			OnFailure: func(ctx context.Context, r app.Recording, _ downloads.Failure) error { return p.program(ctx, r.ID+"!") },
		},
	}
	p.open()
	return p
}

func (p *programs) open() {
	h, err := Open(p.opt)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Hub = h
	h.goes("programs", h.downloads.Programs().Serve)
}

func (p *programs) program(ctx context.Context, what string) error {
	run := &liveProgram{what: what, end: make(chan error, 1), begun: p.clock.Now()}
	p.mu.Lock()
	if slices.ContainsFunc(p.live, func(o *liveProgram) bool { return o.what == what }) {
		p.t.Errorf("%s runs twice at once", what)
	}
	p.live = append(p.live, run)
	p.most = max(p.most, len(p.live))
	p.runs[what]++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.live = slices.DeleteFunc(p.live, func(o *liveProgram) bool { return o == run })
		p.mu.Unlock()
	}()
	select {
	case err := <-run.end:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// downloaded makes a recording that is here, whose program is due.
func (p *programs) downloaded() string {
	p.n++
	r := app.Recording{
		ID: fmt.Sprintf("r%d", p.n), Account: "daily", Platform: provider.Daily, Status: app.RecordingReady, StartedAt: app.At(p.clock.Now()),
		Download: &app.Download{State: app.DownloadDone},
	}
	if err := p.store.Update(context.Background(), func(tx *store.Tx) error {
		return errors.Join(p.Hub.downloads.PutCommand(tx, &r), tx.PutRecording(r))
	}); err != nil {
		p.t.Fatal(err)
	}
	return r.ID
}

func (p *programs) jobs() (jobs []store.CommandJob) {
	if err := p.store.View(context.Background(), func(tx *store.Tx) (err error) { jobs, err = tx.CommandJobs(); return err }); err != nil {
		p.t.Fatal(err)
	}
	return jobs
}

// settled waits until as many programs run as can, none beyond its time limit, and every end is noted.
func (p *programs) settled() {
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		jobs := p.jobs()
		due := 0
		for _, j := range jobs {
			if !j.Next.After(p.clock.Now()) {
				due++
			}
		}
		p.mu.Lock()
		live := len(p.live)
		late := slices.ContainsFunc(p.live, func(o *liveProgram) bool { return p.clock.Since(o.begun) >= programTime })
		p.mu.Unlock()
		running := p.downloads.Programs().Running()
		if !late && running == live && live == min(due, p.opt.Downloads.Programs) {
			return
		}
		if time.Since(begin) > patience {
			p.t.Fatalf("%d programs run and %d are noted, of %d that are due: %+v", live, running, due, jobs)
		}
	}
}

// finish ends one of the programs that run.
func (p *programs) finish(i int, err error) {
	p.mu.Lock()
	if len(p.live) == 0 { // its time limit ended it
		p.mu.Unlock()
		return
	}
	run := p.live[i%len(p.live)]
	p.mu.Unlock()
	run.end <- err
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		lives := slices.Contains(p.live, run)
		p.mu.Unlock()
		if !lives {
			break
		}
		if time.Since(begin) > patience {
			p.t.Fatal("a program does not end")
		}
	}
	p.settled()
}

// until waits for a recording's program to be as it should.
func (p *programs) until(id string, fits func(app.DownloadCommand) bool) app.DownloadCommand {
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		r, err := p.Recording(context.Background(), app.RecordingRef{ID: id})
		if err != nil {
			p.t.Fatal(err)
		}
		if c := *r.Download.Command; fits(c) {
			return c
		}
		if time.Since(begin) > patience {
			p.t.Fatalf("%s stays %+v", id, r.Download.Command)
		}
	}
}

// ran is how often a program began.
func (p *programs) ran(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs[what]
}

func (p *programs) alive() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live)
}

// However programs end, hang, are skipped, rerun, and interrupted by restarts: each runs at most as often as it may, no
// more at once than may, and comes to exactly one end, without a job left.
func TestEveryProgramComesToOneEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), store.FileName)
	rapid.Check(t, func(t *rapid.T) {
		defer os.Remove(path)
		p := newPrograms(t, path, rapid.IntRange(1, 3).Draw(t, "at once"))
		defer func() { _ = p.Hub.Close() }()
		asked := map[string]int{} // how often a program was asked for
		skipped := map[string]bool{}
		ctx := context.Background()
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			step := rapid.SampledFrom([]string{"download", "succeed", "fail", "fail", "hang", "pass", "restart", "skip", "rerun"}).Draw(t, "step")
			switch {
			case step == "download":
				asked[p.downloaded()]++
			case step == "succeed" && p.alive() > 0:
				p.finish(rapid.IntRange(0, 9).Draw(t, "which"), nil)
			case step == "fail" && p.alive() > 0:
				p.finish(rapid.IntRange(0, 9).Draw(t, "which"), errors.New("exit status 1"))
			case step == "hang":
				p.clock.Advance(programTime)
			case step == "pass":
				p.clock.Advance(downloads.ProgramPause)
			case step == "restart":
				if err := p.Hub.Close(); err != nil {
					t.Fatal(err)
				}
				p.open()
			case step == "skip" && p.n > 0:
				id := fmt.Sprintf("r%d", rapid.IntRange(1, p.n).Draw(t, "skipped"))
				r, err := p.SkipCommand(ctx, app.RecordingRef{ID: id})
				if err != nil || !r.Download.Command.Ended() {
					t.Fatalf("skipped: %+v, %v", r.Download.Command, err)
				}
				skipped[id] = r.Download.Command.State == app.CommandSkipped
			case step == "rerun" && p.n > 0:
				id := fmt.Sprintf("r%d", rapid.IntRange(1, p.n).Draw(t, "rerun"))
				_, err := p.RerunCommand(ctx, app.RecordingRef{ID: id})
				if err == nil {
					asked[id]++
					delete(skipped, id)
				} else if !errors.Is(err, provider.Conflict) {
					t.Fatal(err)
				}
			}
			p.settled()
		}
		for i := 0; len(p.jobs()) > 0; i++ {
			if i > 1000 {
				t.Fatalf("jobs never end: %+v", p.jobs())
			}
			if p.alive() == 0 {
				p.clock.Advance(downloads.ProgramPause << downloads.ProgramTries)
				p.settled()
				continue
			}
			p.finish(0, []error{nil, errors.New("exit status 1")}[i%2])
		}
		if p.most > p.opt.Downloads.Programs {
			t.Errorf("%d run at once, of %d", p.most, p.opt.Downloads.Programs)
		}
		for id, n := range asked {
			r, err := p.Recording(ctx, app.RecordingRef{ID: id})
			if err != nil {
				t.Fatal(err)
			}
			if c := r.Download.Command; !c.Ended() || skipped[id] != (c.State == app.CommandSkipped) {
				t.Errorf("%s has come to %+v, skipped %v", id, c, skipped[id])
			}
			if p.ran(id) > n*downloads.ProgramTries {
				t.Errorf("%s was asked for %d times and ran %d times", id, n, p.ran(id))
			}
			if p.ran(id+"!") > n*downloads.ProgramTries {
				t.Errorf("on_failure of %s ran %d times", id, p.ran(id+"!"))
			}
		}
	})
}

func TestAProgramThatHangsBlocksNoOther(t *testing.T) {
	p := newPrograms(t, filepath.Join(t.TempDir(), store.FileName), 2)
	defer func() { _ = p.Hub.Close() }()
	p.downloaded()
	p.settled() // it hangs from now on
	for range 3 {
		id := p.downloaded()
		p.settled()
		p.mu.Lock()
		i := slices.IndexFunc(p.live, func(o *liveProgram) bool { return o.what == id })
		p.mu.Unlock()
		if i < 0 {
			t.Fatalf("%s does not run", id)
		}
		p.finish(i, nil)
	}
	p.clock.Advance(programTime)
	if c := p.until("r1", func(c app.DownloadCommand) bool { return c.State == app.CommandWaiting && !c.RetryAt.IsZero() }); c.Reason != "it was killed after 1h0m0s, its time limit" {
		t.Errorf("%+v", c)
	}
}

func TestAClockThatWasAheadHoldsNoProgramUp(t *testing.T) {
	p := newPrograms(t, filepath.Join(t.TempDir(), store.FileName), 2)
	defer func() { _ = p.Hub.Close() }()
	id := p.downloaded()
	p.settled()
	p.finish(0, errors.New("exit status 1"))
	if err := p.store.Update(t.Context(), func(tx *store.Tx) error {
		j, err := tx.CommandJob("daily", id)
		j.Next = p.clock.Now().AddDate(1, 0, 0)
		return errors.Join(err, tx.PutCommandJob(j))
	}); err != nil {
		t.Fatal(err)
	}
	p.downloads.Programs().Wake()
	p.until(id, func(c app.DownloadCommand) bool { return c.State == app.CommandRunning && c.Tries == 2 })
}

func TestAFailureForGoodRunsOnFailure(t *testing.T) {
	p := newPrograms(t, filepath.Join(t.TempDir(), store.FileName), 2)
	defer func() { _ = p.Hub.Close() }()
	id := p.downloaded()
	for range downloads.ProgramTries {
		p.settled()
		p.finish(0, errors.New("exit status 1"))
		p.clock.Advance(downloads.ProgramPause << downloads.ProgramTries)
	}
	p.settled()
	if jobs := p.jobs(); len(jobs) != 1 || jobs[0].Failure != downloads.FailedProgram || jobs[0].Reason != "exit status 1" || p.ran(id+"!") != 1 {
		t.Fatalf("%+v, ran %v", jobs, p.ran(id+"!"))
	}
	p.finish(0, nil)
	r, err := p.Recording(t.Context(), app.RecordingRef{ID: id})
	if err != nil || r.Download.Command.State != app.CommandFailed || len(p.jobs()) != 0 {
		t.Errorf("%+v, %+v, %v", r.Download.Command, p.jobs(), err)
	}
}

// A process that is killed over a program has counted the run: what kills the machine doesn't do so at every start.
func TestARunThatIsInterruptedCounts(t *testing.T) {
	p := newPrograms(t, filepath.Join(t.TempDir(), store.FileName), 2)
	defer func() { _ = p.Hub.Close() }()
	id := p.downloaded()
	for range downloads.ProgramTries {
		p.settled()
		if p.alive() != 1 {
			t.Fatalf("after %d runs none is running", p.ran(id))
		}
		if err := p.Hub.Close(); err != nil {
			t.Fatal(err)
		}
		p.open()
	}
	if c := p.until(id, app.DownloadCommand.Ended); c.State != app.CommandFailed || p.ran(id) != downloads.ProgramTries {
		t.Errorf("%+v after %d runs", c, p.ran(id))
	}
}
