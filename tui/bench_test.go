package tui

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
	"greenroom/tui/webhooks"
)

// desk runs a model as Bubble Tea's loop does, one message at a time with a View behind each, without a terminal.
type desk struct {
	m    *Model
	msgs chan tea.Msg
	ctx  context.Context
}

func newDesk(b *testing.B, backend app.Backend) *desk {
	profile := colorprofile.TrueColor
	ctx, cancel := context.WithCancel(b.Context())
	m, err := New(ctx, Options{Backend: backend, Theme: "dark", Profile: &profile, Env: []string{"TERM=xterm"}, PID: 1})
	if err != nil {
		b.Fatal(err)
	}
	d := &desk{m: m, msgs: make(chan tea.Msg, 1024), ctx: ctx}
	d.run(m.Init())
	b.Cleanup(func() {
		cancel()
		m.feed.wait()
	})
	d.take(tea.WindowSizeMsg{Width: 160, Height: 45})
	return d
}

// run runs a command as Bubble Tea does, in goroutines of their own.
func (d *desk) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, c := range msg {
				d.run(c)
			}
		default:
			select {
			case d.msgs <- msg:
			case <-d.ctx.Done():
			}
		}
	}()
}

func (d *desk) take(msg tea.Msg) tea.View {
	_, cmd := d.m.Update(msg)
	d.run(cmd)
	return d.m.View()
}

// until takes messages until the condition holds.
func (d *desk) until(b *testing.B, ok func() bool) {
	b.Helper()
	end := time.After(10 * time.Second)
	for !ok() {
		select {
		case msg := <-d.msgs:
			d.take(msg)
		case <-end:
			b.Fatal("it never came to that")
		}
	}
}

// shows reports whether a text is on the screen.
func (d *desk) shows(text string) bool {
	return strings.Contains(ansi.Strip(strings.Join(d.m.draw(), "\n")), text)
}

func (d *desk) webhooks() *webhooks.Pane { return d.m.panes[3].(*webhooks.Pane) }

func letter(r rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: r, Text: string(r)} }

// keysOfAWalk go up and down the list, follow, and read.
var keysOfAWalk = []tea.Msg{
	letter('j'), letter('j'), tea.KeyPressMsg{Code: 'd', Mod: tea.ModCtrl}, letter('k'), tea.KeyPressMsg{Code: 'd', Mod: tea.ModCtrl},
	letter('j'), letter('f'), letter('j'), tea.KeyPressMsg{Code: 'u', Mod: tea.ModCtrl}, letter('l'), letter('j'), letter('h'),
}

// BenchmarkKeyToFrame is the time from a key to the frame that shows it, over a million deliveries while 2,000 more
// arrive each second: what waits before the key is counted too. The budget is 16 ms at the 99th percentile.
func BenchmarkKeyToFrame(b *testing.B) {
	backend := tuitest.NewMany(tuitest.New(clockwork.NewRealClock()), 1_000_000)
	for i := range 50 {
		backend.AddRoom(app.RoomSpec{Name: fmt.Sprintf("board-%d", i), Account: "daily"})
	}
	d := newDesk(b, backend)
	d.take(letter('4'))
	d.until(b, func() bool { return d.shows("Headers") })
	stop := make(chan struct{})
	go func() {
		t := time.NewTicker(5 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				for range 10 {
					backend.Arrive()
				}
			case <-stop:
				return
			}
		}
	}()
	type press struct {
		msg tea.Msg
		at  time.Time
	}
	keys := make(chan press)
	go func() {
		defer close(keys)
		for i := range b.N {
			time.Sleep(2 * time.Millisecond) // a person is no faster than this; the load continues
			keys <- press{keysOfAWalk[i%len(keysOfAWalk)], time.Now()}
		}
	}()
	var took []time.Duration
	b.ResetTimer()
	for keys != nil {
		select {
		case k, ok := <-keys:
			if !ok {
				keys = nil
				break
			}
			d.take(k.msg)
			took = append(took, time.Since(k.at))
		case msg := <-d.msgs:
			d.take(msg)
		}
	}
	b.StopTimer()
	close(stop)
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/worst")
}

// BenchmarkFirstFrame is the time from nothing to the first frame with webhooks of a million.
func BenchmarkFirstFrame(b *testing.B) {
	backend := tuitest.NewMany(tuitest.New(clockwork.NewRealClock()), 1_000_000)
	for b.Loop() {
		d := newDesk(b, backend)
		d.until(b, func() bool { return d.webhooks().Settled() && d.m.rooms.Ready() })
		d.take(letter('4'))
	}
}

// BenchmarkView is one frame of each tab.
func BenchmarkView(b *testing.B) {
	backend := tuitest.NewMany(tuitest.New(clockwork.NewRealClock()), 1_000_000)
	for i := range 1000 {
		backend.AddRoom(app.RoomSpec{Name: fmt.Sprintf("board-%d", i), Account: "daily"})
	}
	backend.Start("board-0")
	for i := range 500 {
		backend.Join("board-0", fmt.Sprintf("Guest %d 渡辺", i))
	}
	d := newDesk(b, backend)
	d.until(b, func() bool { return d.webhooks().Settled() && d.shows("Guest 1 ") })
	for _, p := range d.m.panes {
		d.m.open(p)
		b.Run(p.Title(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.m.View()
			}
		})
	}
}

// BenchmarkHeap reports what the screen holds of a million deliveries after walking far down.
func BenchmarkHeap(b *testing.B) {
	backend := tuitest.NewMany(tuitest.New(clockwork.NewRealClock()), 1_000_000)
	for b.Loop() {
		d := newDesk(b, backend)
		d.take(letter('4'))
		d.until(b, d.webhooks().Settled)
		for range 200 {
			d.take(tea.KeyPressMsg{Code: 'd', Mod: tea.ModCtrl})
			d.until(b, d.webhooks().Settled)
		}
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		b.ReportMetric(float64(s.HeapAlloc)/(1<<20), "MiB")
		b.ReportMetric(float64(d.webhooks().Held()), "rows")
	}
}

// BenchmarkAdoption is a key that narrows the list of an account with years of rooms, to the frame that shows it.
func BenchmarkAdoption(b *testing.B) {
	backend := tuitest.New(clockwork.NewRealClock())
	for i := range 10_000 {
		backend.Found = append(backend.Found, app.PlatformRoom{Account: "daily", PlatformRoom: fmt.Sprintf("interview-%d-20240101", i)})
	}
	d := newDesk(b, backend)
	d.until(b, func() bool { return d.m.rooms.Ready() && d.m.StatusRead.Ready })
	d.take(letter('A'))
	d.until(b, func() bool { return d.shows("10000 rooms") })
	for i := 0; b.Loop(); i++ {
		msg := tea.Msg(letter('7'))
		if i%2 == 1 {
			msg = tea.KeyPressMsg{Code: tea.KeyBackspace}
		}
		d.take(msg)
	}
}
