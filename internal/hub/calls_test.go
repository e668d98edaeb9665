package hub

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/notify"
	"greenroom/provider"
	"greenroom/store"
)

// ringing remembers the calls that a program was run for.
type ringing struct {
	mu   sync.Mutex
	got  []app.Call
	more chan struct{}
}

func (r *ringing) run(_ context.Context, c app.Call) error {
	r.mu.Lock()
	r.got = append(r.got, c)
	r.mu.Unlock()
	r.more <- struct{}{}
	return nil
}

func (r *ringing) events() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.got {
		out = append(out, c.Event)
	}
	return out
}

func (r *ringing) wait(t *testing.T) {
	t.Helper()
	select {
	case <-r.more:
	case <-time.After(patience):
		t.Fatalf("nothing was run; before that: %q", r.events())
	}
}

func knock(room, who string) provider.Event {
	return provider.Event{Kind: provider.KindParticipantWaiting, Room: room, ID: "knock-" + who, At: t0.Add(time.Second), Participant: &provider.Participant{Session: who, Name: who}}
}

// A guest who waits is called for once: not again for a repeated event, and not after a restart.
func TestAWaitingGuestIsCalledForOnce(t *testing.T) {
	b := newBench(t)
	b.room("hall")
	m := b.start("hall")
	r := &ringing{more: make(chan struct{}, 100)}
	start := func() <-chan app.Change {
		b.opt.Calls = []CallRule{{Words: []string{notify.Waiting}, Run: r.run}, {Words: []string{notify.Starting}, Run: r.run}}
		changes, err := b.Subscribe(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		b.calls.start()
		return changes
	}
	changes := start()
	b.event(knock(m.PlatformRoom, "Ada"))
	r.wait(t)
	want := app.Call{
		Event: notify.Waiting, At: app.At(t0.Add(time.Second)), Room: "hall", Meeting: m.ID, Account: "daily", Platform: provider.Daily,
		Person: "Ada", URL: m.GuestURL,
	}
	if got := r.got[0]; got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	for c := range changes {
		if c.Kind == app.CallChange {
			if *c.Call != want {
				t.Errorf("published %+v", *c.Call)
			}
			break
		}
	}
	b.event(knock(m.PlatformRoom, "Ada"))
	again := knock(m.PlatformRoom, "Ada")
	again.ID = "another"
	b.event(again)
	b.close()
	b.open()
	start()
	b.event(knock(m.PlatformRoom, "Bo"))
	r.wait(t)
	if got := r.events(); len(got) != 2 || r.got[1].Person != "Bo" {
		t.Errorf("called for %q: %+v", got, r.got)
	}
}

// What can't be stored doesn't ring: after a restart it would ring again.
func TestNothingRingsThatIsNotStored(t *testing.T) {
	b := newBench(t)
	b.room("hall")
	m := b.start("hall")
	r := &ringing{more: make(chan struct{}, 100)}
	b.opt.Calls = []CallRule{{Words: notify.Words(), Run: r.run}}
	b.event(knock(m.PlatformRoom, "Ada"))
	ctx, cancel := context.WithCancel(context.Background())
	c := b.calls
	if state, err := c.state(ctx); err != nil || len(state.Meetings) != 1 {
		t.Fatalf("%+v %v", state, err)
	}
	cancel()
	if wait := c.look(ctx); wait != callsSoon || len(c.programs) != 0 || len(c.memory.Marks) != 0 {
		t.Errorf("%s, %d programs, %+v", wait, len(c.programs), c.memory)
	}
	if c.look(context.Background()); len(c.programs) != 1 {
		t.Errorf("%d programs", len(c.programs))
	}
	var raw []byte
	if err := b.store.View(context.Background(), func(tx *store.Tx) error { raw = tx.Value(callsValue); return nil }); err != nil || len(raw) == 0 {
		t.Errorf("stored %q, %v", raw, err)
	}
}

// A program with a filter runs for each event that it selects, and for no duplicate.
func TestAFilterSelectsEvents(t *testing.T) {
	b := newBench(t)
	b.room("hall")
	m := b.start("hall")
	f, err := filter.Parse("kind:participant.joined Ada", filter.Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	r := &ringing{more: make(chan struct{}, 100)}
	b.opt.Calls = []CallRule{{Filter: f, Run: r.run}}
	b.calls.start()
	b.event(join(m.PlatformRoom, "Bo", t0.Add(time.Second)))
	b.event(join(m.PlatformRoom, "Ada", t0.Add(2*time.Second)))
	b.event(join(m.PlatformRoom, "Ada", t0.Add(2*time.Second)))
	r.wait(t)
	b.event(join(m.PlatformRoom, "Ada2", t0.Add(3*time.Second)))
	r.wait(t)
	if got := r.events(); !slices.Equal(got, []string{"participant.joined", "participant.joined"}) || r.got[0].Person != "Name Ada" || r.got[0].Room != "hall" ||
		r.got[0].Platform != provider.Daily || r.got[0].Meeting != m.ID {
		t.Errorf("%+v", r.got)
	}
}

// At most so many programs run at once, and one that doesn't end is ended.
func TestProgramsThatCallAreBounded(t *testing.T) {
	b := newBench(t)
	running, release := make(chan struct{}, 2*callsWaiting), make(chan struct{})
	rule := CallRule{Words: []string{notify.Waiting}, Run: func(ctx context.Context, _ app.Call) error {
		running <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
	b.opt.Calls = []CallRule{rule}
	b.calls.start()
	for range callsWaiting + 2*callsAtOnce {
		b.calls.call(app.Call{Event: notify.Waiting})
	}
	for range callsAtOnce {
		<-running
	}
	if len(running) > 0 {
		t.Error("more run at once")
	}
	if waiting := len(b.calls.programs); waiting > callsWaiting {
		t.Errorf("%d wait", waiting)
	}
	close(release)
	<-running
	b.close() // ends the others
}

func TestAnAccountThatFailsIsCalledFor(t *testing.T) {
	b := newBench(t)
	r := &ringing{more: make(chan struct{}, 100)}
	b.opt.Calls = []CallRule{{Words: []string{notify.AccountFailed}, Run: r.run}}
	b.noteCall(b.Hub.accounts["daily"], errors.New("no route"))
	c := b.calls
	if wait := c.look(context.Background()); wait != callsSoon || len(c.programs) != 0 {
		t.Errorf("at once: %s, %d", wait, len(c.programs))
	}
	b.clock.Advance(11 * time.Second)
	if wait := c.look(context.Background()); wait != 0 || len(c.programs) != 1 {
		t.Errorf("after a while: %s, %d", wait, len(c.programs))
	}
}

// What is not due yet is called for when its time comes, without a change.
func TestACallThatIsPendingRingsInTime(t *testing.T) {
	b := newBench(t)
	r := &ringing{more: make(chan struct{}, 100)}
	b.opt.Calls = []CallRule{{Words: []string{notify.AccountFailed}, Run: r.run}}
	b.noteCall(b.Hub.accounts["daily"], errors.New("no route"))
	b.calls.start() // its timer is the only one that the clock has
	for _, more := range []time.Duration{callsSoon, 2 * callsSoon} {
		if err := b.clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(more)
	}
	r.wait(t)
	if got := r.got[0]; got.Event != notify.AccountFailed || got.Account != "daily" {
		t.Errorf("%+v", got)
	}
}

// Only changes that can be called for are worth a look: a download's progress isn't, its end is.
func TestWhichChangesAreWorthALook(t *testing.T) {
	b := newBench(t)
	c := b.calls
	c.all = false
	rec := func(id string, state app.DownloadState) *app.Recording {
		r := &app.Recording{Account: "daily", ID: id, StartedAt: app.At(t0)}
		if state != "" {
			r.Download = &app.Download{State: state}
		}
		return r
	}
	for _, test := range []struct {
		change app.Change
		look   bool
		noted  int // recordings
	}{
		{app.Change{Kind: app.RecordingChange}, false, 0}, {app.Change{Kind: app.RecordingChange, Recording: rec("a", ""), Deleted: true}, false, 0},
		{app.Change{Kind: app.RecordingChange, Recording: rec("a", "")}, true, 1}, {app.Change{Kind: app.RecordingChange, Recording: rec("a", app.DownloadRunning)}, false, 1},
		{app.Change{Kind: app.RecordingChange, Recording: rec("b", app.DownloadVerifying)}, false, 2},
		{app.Change{Kind: app.RecordingChange, Recording: rec("b", app.DownloadDone)}, true, 2}, {app.Change{Kind: app.MeetingChange}, true, 2},
		{app.Change{Kind: app.BookingChange}, true, 2}, {app.Change{Kind: app.StatusChange}, true, 2}, {app.Change{Kind: app.RoomChange}, false, 2},
		{app.Change{Kind: app.DeliveryChange}, false, 2},
	} {
		if got := c.note(test.change); got != test.look || len(c.recordings) != test.noted || c.all {
			t.Errorf("%+v: %t, %d recordings", test.change, got, len(c.recordings))
		}
	}
	if !c.note(app.Change{Kind: app.Missed}) || !c.all {
		t.Error("after missing changes it doesn't look at everything")
	}
	// All recordings of the store are looked at, from the newest to the first that is no news any more.
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		for id, ago := range map[string]time.Duration{"new": 0, "young": notify.Fresh - 1, "old": notify.Fresh, "older": notify.Fresh + 1} {
			r := rec(id, "")
			r.StartedAt = app.At(t0.Add(-ago))
			if err := tx.PutRecording(*r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for want, missed := range map[int]bool{5: true, 0: false} { // the two that changed, the two that are young, and the first that isn't
		if c.all = missed; missed {
			c.recordings = map[app.RecordingRef]app.Recording{rec("a", "").Ref(): *rec("a", ""), rec("b", "").Ref(): *rec("b", "")}
		}
		s, err := c.state(t.Context())
		if err != nil || len(s.Recordings) != want && missed || c.all || len(c.recordings) != 0 {
			t.Errorf("%d recordings, %v", len(s.Recordings), err)
		}
	}
	if s, err := c.state(t.Context()); err != nil || len(s.Recordings) != 0 {
		t.Errorf("without a change %d recordings, %v", len(s.Recordings), err)
	}
}

// New rules count from the next call on.
func TestRulesAreReplaced(t *testing.T) {
	b := newBench(t)
	c := newCalls(b.Hub)
	b.Hub.opt.Calls = []CallRule{{Words: []string{"waiting"}}}
	if rules := c.rules(); len(rules) != 1 || rules[0].Words[0] != "waiting" {
		t.Errorf("%+v", rules)
	}
	b.SetCalls([]CallRule{{Words: []string{"first-guest"}}, {Words: []string{"starting"}}})
	if rules := c.rules(); len(rules) != 2 || rules[0].Words[0] != "first-guest" {
		t.Errorf("%+v", rules)
	}
	if b.SetCalls(nil); len(c.rules()) != 0 {
		t.Error("a rule is left")
	}
}
