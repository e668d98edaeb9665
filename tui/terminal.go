package tui

import (
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// Terminal is a terminal with its earlier state.
type Terminal struct {
	in, out *os.File
	state   *term.State
}

// KeepTerminal saves the state of the terminal. [Terminal.Restore] restores it even if the screen can't.
func KeepTerminal(in, out *os.File) *Terminal {
	t := &Terminal{in: in, out: out}
	if state, err := term.GetState(in.Fd()); err == nil {
		t.state = state
	}
	return t
}

// leaving resets every mode that the screen may have set.
const leaving = ansi.ResetModeSynchronizedOutput + ansi.ResetModeMouseButtonEvent + ansi.ResetModeMouseAnyEvent +
	ansi.ResetModeMouseExtSgr + ansi.ResetModeBracketedPaste + ansi.ResetModifyOtherKeys + ansi.ResetModeUnicodeCore +
	ansi.ResetModeAltScreenSaveCursor + ansi.ResetStyle + ansi.ResetProgressBar + ansi.ShowCursor

// Restore restores the earlier state. It waits for a short time only: a terminal that is stopped with ctrl+s would block
// the program permanently.
func (t *Terminal) Restore() {
	if t.state != nil {
		_ = term.Restore(t.in.Fd(), t.state)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(t.out, leaving)
	}()
	select {
	case <-written:
	case <-time.After(200 * time.Millisecond):
	}
}

// keyboard is the terminal as input. gone is called when it can no longer be read: q can't be pressed then, and not every
// terminal that closes sends a signal.
type keyboard struct {
	*os.File
	gone func()
}

// Read implements [io.Reader].
func (k keyboard) Read(b []byte) (int, error) {
	n, err := k.File.Read(b)
	if err != nil {
		k.gone()
	}
	return n, err
}
