package pane

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/words"
)

const (
	// readTimeout bounds one reading, actTimeout one action on a platform, which may retry.
	readTimeout = 20 * time.Second
	actTimeout  = 60 * time.Second
	// readGap is the shortest time between two readings of a slot, RetryGap that after a failure.
	readGap  = 120 * time.Millisecond
	RetryGap = 3 * time.Second
)

// Slot is one kind of reading. At most one reading of a slot counts at a time: the answer to an earlier question is
// dropped.
type Slot struct {
	// Ready reports that an answer has arrived, Busy that one is awaited, Err why the last reading failed.
	Ready, Busy bool
	Err         error

	screen *Screen
	what   string // in messages about a failure
	limit  time.Duration
	once   bool
	ask    func() func(context.Context) (Call, error)

	n       uint64 // number of the question whose answer counts
	cancel  context.CancelFunc
	waiting bool // a timer runs
	dirty   bool // wanted again meanwhile
	next    time.Time
}

// NewSlot makes a slot. ask returns the call for what is chosen now, nil if there is nothing to ask; take receives the
// answer in the update loop.
func NewSlot[T any](s *Screen, what string, ask func() func(context.Context) (T, error), take func(T) tea.Cmd) *Slot {
	l := &Slot{screen: s, what: what, limit: readTimeout}
	l.ask = func() func(context.Context) (Call, error) {
		read := ask()
		if read == nil {
			return nil
		}
		return func(ctx context.Context) (Call, error) {
			v, err := read(ctx)
			return func() tea.Cmd { return take(v) }, err
		}
	}
	s.slots = append(s.slots, l)
	return l
}

// Always is the ask of a slot whose question never changes.
func Always[T any](read func(context.Context) (T, error)) func() func(context.Context) (T, error) {
	return func() func(context.Context) (T, error) { return read }
}

// Once makes a failed reading final, and gives it the time of an action.
func (l *Slot) Once() *Slot {
	l.once, l.limit = true, actTimeout
	return l
}

// Asked reports whether the slot was ever read.
func (l *Slot) Asked() bool { return l.n > 0 }

// Want reads soon: at once, or when the last reading is long enough ago.
func (l *Slot) Want() tea.Cmd {
	if l.Busy || l.waiting {
		l.dirty = true
		return nil
	}
	if d := l.next.Sub(l.screen.Now()); d > 0 {
		l.waiting = true
		return l.screen.After(d, func() tea.Cmd {
			l.waiting = false
			return l.Read()
		})
	}
	return l.Read()
}

// Soon is Want without the delay after the last reading.
func (l *Slot) Soon() tea.Cmd {
	l.next = time.Time{}
	return l.Want()
}

// Read asks at once. An answer that is still awaited no longer counts, and its call is cancelled.
func (l *Slot) Read() tea.Cmd {
	read := l.ask()
	if read == nil {
		return nil
	}
	l.n++
	l.Busy, l.dirty = true, false
	if l.cancel != nil {
		l.cancel()
	}
	ctx, stop := context.WithCancel(l.screen.Ctx)
	l.cancel = stop
	n := l.n
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, l.limit)
		defer stop()
		defer cancel()
		take, err := read(ctx)
		return Call(func() tea.Cmd { return l.answered(n, take, err) })
	}
}

// answered applies the answer to question n, unless a later question was asked.
func (l *Slot) answered(n uint64, take Call, err error) tea.Cmd {
	s := l.screen
	if n != l.n {
		return nil
	}
	if err != nil && l.Err == nil && s.Ctx.Err() == nil {
		s.Failed(cant("read "+l.what, err), err)
	}
	l.Busy, l.Err = false, err
	l.next = s.Now().Add(readGap)
	var cmd tea.Cmd
	if err != nil {
		l.next = s.Now().Add(RetryGap)
		l.dirty = l.dirty || s.Linked && !IsNotFound(err) && !l.once
	} else {
		l.Ready = true
		cmd = take()
	}
	if l.dirty {
		l.dirty = false
		return tea.Batch(cmd, l.Want())
	}
	return cmd
}

// ResetDelays lets every slot be read at once.
func (s *Screen) ResetDelays() {
	for _, l := range s.slots {
		l.next = time.Time{}
	}
}

// IsNotFound reports that something no longer exists, so that reading it again is useless.
func IsNotFound(err error) bool { return app.AsError(err).Kind == provider.NotFound }

// After runs f in the update loop after d.
func (s *Screen) After(d time.Duration, f func() tea.Cmd) tea.Cmd {
	ctx, clock := s.Ctx, s.Clock
	return func() tea.Msg {
		select {
		case <-clock.After(d):
			return Call(f)
		case <-ctx.Done():
			return nil
		}
	}
}

// Try performs an action on the backend and passes its result to then. An error is shown after doing; form, which may be
// nil, stays open with what was typed and shows the error itself.
func Try[T any](s *Screen, doing string, form *dialog.Form, f func(context.Context) (T, error), then func(T) tea.Cmd) tea.Cmd {
	ctx := s.Ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		v, err := f(ctx)
		return Call(func() tea.Cmd {
			switch {
			case err != nil && form != nil && s.Dialogs.Has(form):
				e := app.AsError(err)
				form.Fail(strings.TrimSuffix(words.Safe(e.Text)+"\n"+words.Safe(e.Hint), "\n"))
				s.Failed(cant(doing, err), err)
				return nil
			case err != nil:
				return s.Complain(doing, err)
			case form != nil:
				s.Dialogs.Close(form)
			}
			return then(v)
		})
	}
}
