package tui

import (
	"errors"
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

// Restore restores the earlier state. A terminal that shows nothing, such as one stopped with ctrl+s, would block the program
// permanently: its pending output is then discarded to make room, and after a short time Restore fails.
func (t *Terminal) Restore() error {
	if t.state != nil {
		_ = term.Restore(t.in.Fd(), t.state)
	}
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(t.out, leaving)
		written <- err
	}()
	for range 10 {
		select {
		case err := <-written:
			return err
		case <-time.After(40 * time.Millisecond):
			discardOutput(t.out) // again each time: a frame whose writing was blocked continues and may be larger than the room
		}
	}
	return errors.New("the terminal accepts no output: its modes could not be reset")
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
