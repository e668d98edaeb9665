package tui

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"greenroom/internal/app"
	_ "greenroom/internal/cases"
	"greenroom/tui/tuitest"
)

// witness notes what the screen asks of the backend about one room or recording.
type witness struct {
	*tuitest.Backend
	mu   sync.Mutex
	done []string // "action name"
}

func (w *witness) note(action, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, action+" "+name)
}

func (w *witness) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.done
	w.done = nil
	return out
}

func (w *witness) roomOf(meeting string) string {
	mt, err := w.Backend.Meeting(context.Background(), app.MeetingRef{Ref: meeting})
	if err != nil {
		return ""
	}
	return mt.Room
}

func (w *witness) StartMeeting(ctx context.Context, s app.StartMeeting) (app.StartedMeeting, error) {
	m, err := w.Backend.StartMeeting(ctx, s)
	w.note("start", m.Room)
	return m, err
}

func (w *witness) EndMeeting(ctx context.Context, r app.MeetingRef) (app.Meeting, error) {
	w.note("end", w.roomOf(r.Ref))
	return w.Backend.EndMeeting(ctx, r)
}

func (w *witness) MeetingLink(ctx context.Context, r app.LinkRequest) (app.Link, error) {
	w.note("link", w.roomOf(r.Meeting))
	return w.Backend.MeetingLink(ctx, r)
}

func (w *witness) StartRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	w.note("record", w.roomOf(r.Meeting))
	return w.Backend.StartRecording(ctx, r)
}

func (w *witness) DeleteRoom(ctx context.Context, r app.RoomRef) (app.Room, error) {
	room, err := w.Backend.DeleteRoom(ctx, r)
	w.note("delete", room.Name)
	return room, err
}

func (w *witness) DownloadRecording(ctx context.Context, r app.DownloadRequest) (app.Recording, error) {
	w.note("download", r.ID)
	return w.Backend.DownloadRecording(ctx, r)
}

func (w *witness) DeleteRecording(ctx context.Context, r app.RecordingRef) (app.Recording, error) {
	w.note("erase", r.ID)
	return w.Backend.DeleteRecording(ctx, r)
}

// marked returns the lines with a marker and those with a title: the row under the cursor, and the subject of a dialog.
func marked(screen string) string {
	var out []string
	for _, line := range strings.Split(screen, "\n") {
		if strings.Contains(line, "▌") || strings.Contains(line, "╭") || strings.Contains(line, "├") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// Whatever is typed and clicked while rooms, meetings and recordings come, go and change places: an action concerns what the screen
// showed under the cursor when the key was pressed, nothing panics, and every frame has the terminal's size.
func TestNoActionHitsAnotherThingThanTheOneShown(t *testing.T) {
	keys := []string{"j", "k", "down", "up", "g", "G", "s", "e", "c", "r", "D", "d", "y", "n", "l", "h", "enter", "tab", "esc", "1", "2", "3", "4", "5", ":", "?", "!", "q",
		"/", "ctrl+d", "x", "A", "right", "space",
		"c", "c", "c", "c", "r", "r", "d", "d", "o", "O", "j", "k"} // what acts at once comes often
	rapid.Check(t, func(rt *rapid.T) {
		type step struct {
			change, name, key, x, y, pause int
			wheel                          bool
		}
		size := rapid.SampledFrom([][2]int{{80, 24}, {100, 30}, {160, 45}, {40, 10}}).Draw(rt, "size")
		var steps []step
		for range rapid.IntRange(5, 30).Draw(rt, "steps") {
			steps = append(steps, step{
				change: rapid.SampledFrom([]int{0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 5, 6, 6, 7, 8}).Draw(rt, "change"), name: rapid.IntRange(0, 4).Draw(rt, "name"),
				key: rapid.IntRange(-2, len(keys)-1).Draw(rt, "key"), pause: rapid.SampledFrom([]int{0, 30, 200, 700}).Draw(rt, "pause"),
				x: rapid.IntRange(1, size[0]).Draw(rt, "x"), y: rapid.IntRange(1, size[1]).Draw(rt, "y"), wheel: rapid.Bool().Draw(rt, "wheel"),
			})
		}
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			var w *witness
			p := sit(t, size[0], size[1], func(b *tuitest.Backend) {
				for i := range 4 {
					name := fmt.Sprintf("r%02dx", i)
					b.AddRoom(app.RoomSpec{Name: name, Account: "daily", SkipConsent: true})
					b.Start(name)
				}
			}, func(o *Options) {
				w = &witness{Backend: o.Backend.(*tuitest.Backend)}
				o.Backend = w
			})
			said := []string{}
			for _, s := range steps {
				before := marked(p.screen())
				w.change(s.change, s.name)
				p.wait(time.Duration(s.pause) * time.Millisecond)
				if s.pause >= 700 {
					before = marked(p.screen()) // there was time to read what changed
				}
				switch {
				case s.key >= 0:
					said = append(said, keys[s.key])
					p.presses(keys[s.key])
				case s.wheel:
					said = append(said, "wheel")
					fmt.Fprintf(p.term.InputPipe(), "\x1b[<%d;%d;%dM", 64+s.key+2, s.x, s.y)
				default:
					said = append(said, "click")
					fmt.Fprintf(p.term.InputPipe(), "\x1b[<0;%d;%dM\x1b[<0;%d;%dm", s.x, s.y, s.x, s.y)
				}
				p.rest()
				// On the smallest screen a message or a dialog can cover the row itself.
				covered := size[0] == 40 && strings.Count(before, "╭") > 1
				for _, done := range w.calls() {
					_, name, _ := strings.Cut(done, " ")
					if !covered && name != "" && !strings.Contains(before, name) && wrong == "" {
						wrong = fmt.Sprintf("after %v: %q, but the cursor was on\n%s\nand now:\n%s", said, done, before, p.screen())
					}
				}
				select {
				case err := <-p.done: // it was quit
					p.over, p.err = true, err
					p.term.Close()
					if err != nil && wrong == "" {
						wrong = fmt.Sprintf("after %v: %v", said, err)
					}
				default:
				}
				if p.over {
					return
				}
				for y, line := range strings.Split(p.screen(), "\n") {
					if strings.HasPrefix(line, "│") && (p.width(line) != size[0] || !strings.HasSuffix(line, "│")) && wrong == "" {
						wrong = fmt.Sprintf("after %v: line %d is %d cells wide: %q", said, y, p.width(line), line)
					}
				}
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// change makes something happen that was not caused on the screen.
func (w *witness) change(kind, n int) {
	name := fmt.Sprintf("r%02dx", n)
	v, err := w.Backend.Room(context.Background(), app.RoomRef{Ref: name})
	exists := err == nil
	going := exists && v.Meeting != nil && v.Meeting.Status != app.Ended
	switch {
	case kind == 0 && !exists:
		w.AddRoom(app.RoomSpec{Name: name, Account: "daily", SkipConsent: true})
	case kind == 1 && exists:
		_, _ = w.Backend.DeleteRoom(context.Background(), app.RoomRef{Ref: v.ID})
	case kind == 2 && exists && !going:
		w.Start(name)
	case kind == 3 && going:
		w.JoinAs(name, app.Stay{Name: "Ada", Waiting: n%2 == 0})
	case kind == 4 && going:
		_, _ = w.Backend.EndMeeting(context.Background(), app.MeetingRef{Ref: v.Meeting.ID})
	case kind == 5:
		w.Lock()
		w.Recs = append([]app.Recording{{ID: name, Account: "daily", Room: name, Status: app.RecordingReady, StartedAt: app.At(w.Clock.Now())}}, w.Recs...)
		w.Unlock()
		w.Publish(app.Change{Kind: app.RecordingChange})
	case kind == 6:
		w.Lock()
		if len(w.Recs) > 0 {
			w.Recs = append([]app.Recording(nil), w.Recs[1:]...)
		}
		w.Unlock()
		w.Publish(app.Change{Kind: app.RecordingChange})
	case kind == 7:
		w.Lock()
		w.Stat.Accounts = append(w.Stat.Accounts[1:len(w.Stat.Accounts):len(w.Stat.Accounts)], w.Stat.Accounts[0])
		w.Unlock()
		w.Publish(app.Change{Kind: app.StatusChange})
	}
}

// The room under the cursor goes: a key that was meant for it does nothing to the one in its place, until there was time to
// see it. The cursor follows a room that changes places.
func TestAKeyIsNotMeantForTheRoomThatTookThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *witness
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			for _, name := range []string{"alpha", "beta", "gamma"} {
				b.AddRoom(app.RoomSpec{Name: name, Account: "daily"})
				b.Start(name)
			}
		}, func(o *Options) {
			w = &witness{Backend: o.Backend.(*tuitest.Backend)}
			o.Backend = w
		})
		p.moves("down").sees("▌○ beta")
		w.JoinAs("beta", app.Stay{Name: "Ada", Waiting: true})
		p.sees("▌○ beta").wait(time.Second)
		if top := strings.Split(p.screen(), "\n")[2]; !strings.Contains(top, "beta") {
			t.Errorf("someone waits in beta, and the first row is %q", top)
		}
		_, _ = w.Backend.DeleteRoom(t.Context(), app.RoomRef{Ref: "beta"})
		for range 100 {
			if !strings.Contains(p.screen(), "○ beta") {
				break
			}
			p.wait(10 * time.Millisecond)
		}
		p.does("copy.guest").sees("has just changed")
		if done := w.calls(); len(done) != 0 {
			t.Errorf("%v", done)
		}
		p.does("copy.guest").sees("copied")
		if done := w.calls(); len(done) != 1 {
			t.Errorf("%v", done)
		}
	})
}

// The wheel moves lists, text and dialogs: where it does nothing, this fails.
func TestTheWheelScrolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			for i := range 60 {
				b.AddRoom(app.RoomSpec{Name: fmt.Sprintf("hall-%d", i), Account: "daily"})
			}
		})
		wheel := func(button, n int) { p.turns(button, n, 5, 5) }
		p.sees("▌· hall-0 ", "↓").misses("hall-30")
		wheel(65, 8)
		p.sees("hall-30", "↑24").misses("hall-0 ")
		wheel(64, 8)
		p.sees("hall-0 ").misses("hall-30", "↑")
		p.does("help").sees("Keys on Rooms").misses("Signs")
		wheel(65, 20)
		p.sees("Signs").misses("Create a room")
		p.presses("esc").does("palette").sees("Create a room")
		wheel(65, 20)
		p.misses("Create a room")
	})
}

// The wheel moves every list and text of every tab.
func TestTheWheelScrollsEveryPane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 24, func(b *tuitest.Backend) {
			many(100)(b)
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Start("board")
			for i := range 40 {
				b.Join("board", fmt.Sprintf("guest-%d", i))
			}
			for i := range 40 {
				b.Recs = append(b.Recs, app.Recording{ID: fmt.Sprint(i), Account: "daily", Room: fmt.Sprintf("take-%d", i), Status: app.RecordingReady})
			}
			b.Deliver(app.Delivery{Account: "daily", Room: "long", Body: app.Body(strings.Repeat("line\n", 60) + "the end")})
		})
		p.sees("guest-0 ").turns(down, 20, 60, 8)
		p.sees("guest-39 ").misses("guest-0 ").turns(up, 20, 60, 8)
		p.sees("guest-0 ").opens("Recordings").sees("take-0 ").turns(down, 20, 5, 5)
		p.sees("take-39 ").misses("take-0 ").opens("Webhooks").pane("Webhooks").sees("▌00:00:00 ! unverified")
		p.misses("the end").turns(down, 20, 80, 8)
		p.sees("the end").turns(down, 10, 5, 5)
		p.pane("Webhooks").misses("unverified")
		p.opens("Status").sees("Accounts").misses("version").turns(down, 20, 5, 5)
		p.sees("version").misses("Accounts")
	})
}

// slowDaily has one platform that takes five seconds to list its rooms.
type slowDaily struct{ *tuitest.Backend }

func (s slowDaily) PlatformRooms(ctx context.Context, q app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	if q.Account == "daily" {
		select {
		case <-s.Clock.After(5 * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.Backend.PlatformRooms(ctx, q)
}

// With one platform slow, the rooms of the fast one are shown first; those that arrive later push nothing under the cursor.
func TestAdoptingTakesTheRoomThatWasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, years, func(o *Options) { o.Backend = slowDaily{o.Backend.(*tuitest.Backend)} })
		p.does("room.adopt").sees("▌ whereby  design-4711").misses("weekly-sync").wait(6 * time.Second)
		p.sees("weekly-sync", "▌ whereby  design-4711").presses("enter").sees("Adopt design-4711")
	})
}
