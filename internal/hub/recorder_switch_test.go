package hub

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// slowRecorder is a platform that records. A start waits for its gate.
type slowRecorder struct {
	*platform
	entered, gate chan struct{}

	calls   sync.Mutex
	rooms   []string // whose recording was started, in order
	running map[string]bool
}

func (r *slowRecorder) RecordingKinds() []string { return []string{"cloud"} }

func (r *slowRecorder) StartRecording(_ context.Context, m provider.Meeting, _ provider.RecordingStart) error {
	r.entered <- struct{}{}
	<-r.gate
	r.calls.Lock()
	defer r.calls.Unlock()
	r.rooms = append(r.rooms, m.Room)
	r.running[m.Room] = true
	return nil
}

func (r *slowRecorder) StopRecording(_ context.Context, m provider.Meeting, _ provider.RecordingStart) error {
	r.calls.Lock()
	defer r.calls.Unlock()
	delete(r.running, m.Room)
	return nil
}

func (r *slowRecorder) records() (rooms []string, running int) {
	r.calls.Lock()
	defer r.calls.Unlock()
	return slices.Clone(r.rooms), len(r.running)
}

// recordedBench has a meeting with Ada in it for each name, whose recording starts automatically and is due.
func recordedBench(t *testing.T, names ...string) (*bench, *slowRecorder, *autoRecorder, []app.StartedMeeting) {
	b := newBench(t)
	b.close()
	p := &slowRecorder{platform: b.platform, entered: make(chan struct{}, 9), gate: make(chan struct{}, 9), running: map[string]bool{}}
	b.accounts[0].Provider = p
	b.open()
	var meetings []app.StartedMeeting
	for _, name := range names {
		if _, err := b.CreateRoom(t.Context(), app.RoomSpec{
			Name: name, Recording: provider.RecordingCloud, Trigger: provider.TriggerAutomatic,
		}); err != nil {
			t.Fatal(err)
		}
		m := b.start(name)
		b.event(join(m.PlatformRoom, "ada "+name, b.clock.Now()))
		meetings = append(meetings, m)
	}
	r, ok := newAutoRecorder(b.Hub, b.order[0])
	if !ok {
		t.Fatal("no recorder")
	}
	r.turn(t.Context()) // the host's token has its time first
	b.clock.Advance(tokenTime)
	return b, p, r, meetings
}

// background runs f and returns a channel that is closed when f is over.
func background(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// users waits until n calls hold or await the lock on a meeting's recording.
func (b *bench) users(meeting string, n int) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); runtime.Gosched() {
		b.locks.mu.Lock()
		l := b.locks.locks[recordingOf(meeting)]
		got := 0
		if l != nil {
			got = l.users
		}
		b.locks.mu.Unlock()
		if got == n {
			return
		}
	}
	b.t.Fatalf("no %d calls about the recording of %s at once", n, meeting)
}

// Once "stopped" is answered nothing starts: the stop waits for a start that is under way.
func TestNoRecordingStartsAfterItWasStopped(t *testing.T) {
	for name, finish := range map[string]func(*bench, string) error{
		"recording stop": func(b *bench, id string) error {
			_, err := b.StopRecording(context.Background(), app.RecordingSwitch{Meeting: id})
			return err
		},
		"meeting end": func(b *bench, id string) error {
			_, err := b.EndMeeting(context.Background(), app.MeetingRef{Ref: id})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, p, r, ms := recordedBench(t, "design")
			started := background(func() { r.turn(context.Background()) })
			<-p.entered
			stopped := background(func() {
				if err := finish(b, ms[0].ID); err != nil {
					t.Error(err)
				}
			})
			b.users(ms[0].ID, 2)
			select {
			case <-stopped:
				t.Error("answered while a start is under way")
			default:
			}
			p.gate <- struct{}{}
			<-started
			<-stopped
			rooms, running := p.records()
			if len(rooms) != 1 || name == "recording stop" && running != 0 {
				t.Errorf("%d starts, %d recordings run", len(rooms), running)
			}
			for range 10 {
				b.clock.Advance(time.Minute)
				r.turn(t.Context())
			}
			if again, _ := p.records(); len(again) != 1 {
				t.Errorf("started %d times", len(again))
			}
		})
	}
}

// A list of due meetings that was read before the host's "stop" starts nothing after it.
func TestAStaleListStartsNoRecording(t *testing.T) {
	b, p, r, ms := recordedBench(t, "one", "two")
	turn := background(func() { r.turn(context.Background()) })
	<-p.entered
	other := ms[1]
	b.locks.mu.Lock()
	if b.locks.locks[recordingOf(other.ID)] != nil {
		other = ms[0]
	}
	b.locks.mu.Unlock()
	if _, err := b.StopRecording(t.Context(), app.RecordingSwitch{Meeting: other.ID}); err != nil {
		t.Fatal(err)
	}
	p.gate <- struct{}{}
	p.gate <- struct{}{} // for a start that must not be
	<-turn
	if rooms, _ := p.records(); len(rooms) != 1 || rooms[0] == other.PlatformRoom {
		t.Errorf("started in %v although the recording of %s was stopped", rooms, other.PlatformRoom)
	}
}

// Two starts at once, one from a key and one automatic, are one start.
func TestAStartThatWaitedFindsTheRecordingRunning(t *testing.T) {
	b, p, r, ms := recordedBench(t, "design")
	by := background(func() { r.turn(context.Background()) })
	<-p.entered
	asked := background(func() {
		if _, err := b.StartRecording(context.Background(), app.RecordingSwitch{Meeting: ms[0].ID}); err != nil {
			t.Error(err)
		}
	})
	b.users(ms[0].ID, 2)
	b.event(provider.Event{Kind: provider.KindRecordingStarted, ID: "rs", At: b.clock.Now(), Room: ms[0].PlatformRoom,
		Recording: &provider.RecordingEvent{ID: "rec", StartedAt: b.clock.Now()}})
	p.gate <- struct{}{}
	p.gate <- struct{}{}
	<-by
	<-asked
	if rooms, _ := p.records(); len(rooms) != 1 {
		t.Errorf("started %d times", len(rooms))
	}
}

func TestTheRecordingOfAnEndedMeetingIsNotSwitched(t *testing.T) {
	b, _, _, ms := recordedBench(t, "design")
	b.end(ms[0].ID)
	for name, do := range map[string]func(context.Context, app.RecordingSwitch) (app.Meeting, error){
		"start": b.StartRecording, "stop": b.StopRecording,
	} {
		for range 2 { // the lock is free again
			if _, err := do(t.Context(), app.RecordingSwitch{Meeting: ms[0].ID}); !errors.Is(err, provider.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
