package tui

import (
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// Terminal is the screen's terminal and the state that it had before.
type Terminal struct {
	in, out *os.File
	state   *term.State
}

// KeepTerminal notes the state of the terminal, to be restored by [Terminal.Restore] even if the screen can't do so
// itself.
func KeepTerminal(in, out *os.File) *Terminal {
	t := &Terminal{in: in, out: out}
	if state, err := term.GetState(in.Fd()); err == nil {
		t.state = state
	}
	return t
}

// leaving turns off every mode that the screen may have turned on.
const leaving = ansi.ResetModeSynchronizedOutput + ansi.ResetModeMouseButtonEvent + ansi.ResetModeMouseAnyEvent +
	ansi.ResetModeMouseExtSgr + ansi.ResetModeBracketedPaste + ansi.ResetModifyOtherKeys + ansi.ResetModeUnicodeCore +
	ansi.ResetModeAltScreenSaveCursor + ansi.ResetStyle + ansi.ResetProgressBar + ansi.ShowCursor

// Restore gives the terminal its earlier state. It waits at most for a short while: a terminal that takes no output,
// as after ctrl+s, would keep the program for ever.
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

// keyboard is the terminal as input. gone is called when it can't be read any more: nobody can press q then, and not every
// terminal that goes away sends a signal.
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
