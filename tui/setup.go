package tui

import tea "charm.land/bubbletea/v2"

// whyNoSetUp returns what prevents the set-up, or "".
func (m *Model) whyNoSetUp() string {
	switch {
	case m.Demo:
		return "The demo already has accounts. To set up your own, quit and run: greenroom init"
	case !m.opts.SetUp || !m.NoAccount():
		return "To add an account, quit and run: greenroom init"
	}
	return ""
}

// setUp is the action that leaves the screen to set up an account.
func (m *Model) setUp() tea.Cmd {
	m.setsUp = true
	return tea.Quit
}

// toggleMouse is the action that releases the mouse or uses it again.
func (m *Model) toggleMouse() tea.Cmd {
	if m.opts.Mouse = !m.opts.Mouse; m.opts.Mouse {
		return m.Say("The mouse works on the screen again", "")
	}
	return m.Say("The mouse is released: you can select text", "")
}
