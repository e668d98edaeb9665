package tui

import (
	"io"

	tea "charm.land/bubbletea/v2"

	"greenroom/tui/pane"
)

type (
	// suspendMsg asks to stop the process until it is continued; group includes the rest of the job, as ctrl+z does.
	suspendMsg struct{ group bool }
	// continuedMsg reports that the process was stopped from outside and runs again: the shell has changed the terminal.
	continuedMsg struct{}
)

// pause runs while the shell has the terminal.
type pause func() error

// Run implements [tea.ExecCommand].
func (p pause) Run() error { return p() }

// SetStdin implements [tea.ExecCommand].
func (p pause) SetStdin(io.Reader) {}

// SetStdout implements [tea.ExecCommand].
func (p pause) SetStdout(io.Writer) {}

// SetStderr implements [tea.ExecCommand].
func (p pause) SetStderr(io.Writer) {}

// suspend gives the terminal back and stops the process. Everything is read again afterwards: the stream of changes may
// have overflowed.
func (m *Model) suspend(group bool) tea.Cmd {
	if m.jobs == nil {
		return m.Refuse(whyNoJobs)
	}
	if why := m.jobs.why(); group && why != "" {
		return m.Refuse(why)
	}
	return m.released(func() error { return m.jobs.stop(m.Ctx, group) })
}

// released runs f while the screen does not have the terminal, and then draws and reads everything again.
func (m *Model) released(f func() error) tea.Cmd {
	return tea.Exec(pause(f), func(err error) tea.Msg {
		return pane.Call(func() tea.Cmd {
			cmds := []tea.Cmd{tea.ClearScreen, m.refresh()}
			if err != nil {
				cmds = append(cmds, m.Complain("suspend", err))
			}
			return tea.Batch(cmds...)
		})
	})
}
