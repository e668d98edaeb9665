package tui

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	tea "charm.land/bubbletea/v2"
)

// The framework draws with a ticker that never rests: sixty times a second it looks for a new frame. That is nearly all that an idle
// screen would cost. A pulse slows the ticker while nothing happens, and hurries it while something does.
const (
	// fast is the time between two looks while something happens: how long a key waits for its frame at most.
	fast = 4 * time.Millisecond
	// slow is that time while nothing happens. A frame that a slow terminal didn't accept earlier appears then.
	slow = time.Second
	// calm is how long nothing happens before the ticker slows.
	calm = 100 * time.Millisecond
)

// pulse sets the pace of a program's ticker. It does nothing before the ticker exists.
type pulse struct {
	program *tea.Program

	mu      sync.Mutex
	hurries bool
	last    time.Time
	timer   *time.Timer
}

// beat notes that something happens: the next frames are drawn at once.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := ticker(p.program)
	if t == nil {
		return
	}
	p.last = time.Now()
	if p.hurries {
		return
	}
	p.hurries = true
	t.Reset(fast)
	if p.timer == nil {
		p.timer = time.AfterFunc(calm, p.rest)
	} else {
		p.timer.Reset(calm)
	}
}

// rest slows the ticker if nothing happened for a while.
func (p *pulse) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := calm - time.Since(p.last); left > 0 {
		p.timer.Reset(left)
		return
	}
	p.hurries = false
	if t := ticker(p.program); t != nil {
		t.Reset(slow)
	}
}

// stop ends the pulse.
func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}

// tickerField is the framework's ticker, which it doesn't export.
var tickerField, hasTicker = reflect.TypeFor[tea.Program]().FieldByName("ticker")

// ticker returns a program's ticker, nil while it has none.
func ticker(p *tea.Program) *time.Ticker {
	if p == nil || !hasTicker || tickerField.Type != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return *(**time.Ticker)(unsafe.Add(unsafe.Pointer(p), tickerField.Offset))
}
