package tui

import (
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jonboulle/clockwork"
)

// wheelEvery is the shortest time between two movements: a touchpad sends hundreds of turns a second.
const wheelEvery = 16 * time.Millisecond

// wheelMsg is a turn of the wheel at a position, down if rows is positive.
type wheelMsg struct{ x, y, rows int }

// wheel combines bursts of wheel events into few messages without losing distance.
type wheel struct {
	clock clockwork.Clock

	mu   sync.Mutex
	last time.Time
	rows int
}

func newWheel(c clockwork.Clock) *wheel { return &wheel{clock: c} }

// filter is a filter for tea.WithFilter.
func (w *wheel) filter(_ tea.Model, msg tea.Msg) tea.Msg {
	ev, ok := msg.(tea.MouseWheelMsg)
	if !ok {
		return msg
	}
	rows := 0
	switch ev.Button {
	case tea.MouseWheelDown:
		rows = 1
	case tea.MouseWheelUp:
		rows = -1
	default:
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock.Now()
	if now.Sub(w.last) < wheelEvery {
		w.rows += rows
		return nil
	}
	if now.Sub(w.last) > 10*wheelEvery {
		w.rows = 0 // the rest of an earlier burst
	}
	out := wheelMsg{x: ev.X, y: ev.Y, rows: w.rows + rows}
	w.last, w.rows = now, 0
	return out
}
