package dialog

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/tui/theme"
)

// Confirm asks a question that is answered with yes or no. The focus starts on no.
type Confirm struct {
	Title string
	// Text says what will happen, in one or a few sentences.
	Text string
	// Yes and No name the two answers by what they do: "End it", "Keep it".
	Yes, No string
	// Danger is for what cannot be undone.
	Danger bool
	// OnYes makes the command that follows from yes.
	OnYes func() tea.Cmd

	yes   bool
	split int // column at which the yes button begins
	row   int
}

// Update moves between the answers and takes one.
func (c *Confirm) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case Click:
		if c.row == 0 || msg.Y != c.row {
			return nil, false
		}
		c.yes = msg.X >= c.split
		return c.answer()
	case tea.KeyPressMsg:
		switch msg.String() {
		case "left", "right", "h", "l", "tab", "shift+tab":
			c.yes = !c.yes
		case "y", "Y":
			c.yes = true
			return c.answer()
		case "n", "N", "esc", "q":
			return nil, true
		case "enter", "space":
			return c.answer()
		}
	}
	return nil, false
}

func (c *Confirm) answer() (tea.Cmd, bool) {
	if c.yes && c.OnYes != nil {
		return c.OnYes(), true
	}
	return nil, true
}

// View draws the question and the two answers.
func (c *Confirm) View(s *theme.Styles, w, h int) Box {
	w = min(w, 62)
	lines := append([]string{""}, wrapped(s, c.Text, w)...)
	no, yes := button(s, c.No, !c.yes, false), button(s, c.Yes, c.yes, c.Danger)
	c.split = s.Width(no) + 2
	if len(lines)+4 > h { // little room: the question's end gives way to its answers
		lines = lines[1:min(len(lines), max(h, 2))]
		c.row = len(lines)
		return Box{Title: c.Title, Danger: c.Danger, Lines: append(lines, no+"  "+yes)}
	}
	c.row = len(lines) + 1
	return Box{Title: c.Title, Danger: c.Danger, Lines: append(lines, "", no+"  "+yes, "",
		s.KeyHelp.Render("y yes   n no   tab other   enter takes it"))}
}

// button draws one answer; the brackets tell the focused one without colour.
func button(s *theme.Styles, label string, on, danger bool) string {
	switch {
	case on && danger:
		return s.ButtonDanger.Render("[ " + label + " ]")
	case on:
		return s.ButtonOn.Render("[ " + label + " ]")
	}
	return s.Button.Render("  " + label + "  ")
}
