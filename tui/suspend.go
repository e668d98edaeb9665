package tui

import (
	"io"

	tea "charm.land/bubbletea/v2"
)

type (
	// suspendMsg asks to stop the process until it is continued. group is true when the whole job is meant, as with ctrl+z.
	suspendMsg struct{ group bool }
	// continuedMsg reports that the process was stopped without being asked, and runs again: the shell has changed the
	// terminal meanwhile.
	continuedMsg struct{}
)

// pause is run while the terminal is the shell's.
type pause func() error

// Run implements [tea.ExecCommand].
func (p pause) Run() error { return p() }

// SetStdin implements [tea.ExecCommand].
func (p pause) SetStdin(io.Reader) {}

// SetStdout implements [tea.ExecCommand].
func (p pause) SetStdout(io.Writer) {}

// SetStderr implements [tea.ExecCommand].
func (p pause) SetStderr(io.Writer) {}

// suspend gives the terminal back and stops the process. After it continues everything is read again: what happened
// meanwhile may have been too much for the stream of changes.
func (m *Model) suspend(group bool) tea.Cmd {
	if m.jobs == nil {
		return m.refuse(whyNoJobs)
	}
	if why := m.jobs.why(); group && why != "" {
		return m.refuse(why)
	}
	return m.released(func() error { return m.jobs.stop(m.ctx, group) })
}

// released runs f while the screen doesn't have the terminal.
func (m *Model) released(f func() error) tea.Cmd {
	return tea.Exec(pause(f), func(err error) tea.Msg { return resumed{err} })
}

// resumed reports that the screen has the terminal again.
type resumed struct{ err error }

func (m *Model) resume(r resumed) tea.Cmd {
	cmds := []tea.Cmd{tea.ClearScreen, m.readAll()}
	if r.err != nil {
		cmds = append(cmds, m.complain("suspend", r.err))
	}
	return tea.Batch(cmds...)
}
