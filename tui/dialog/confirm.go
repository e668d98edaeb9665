package dialog

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/tui/cell"
	"greenroom/tui/theme"
)

// Confirm asks a question that is answered with yes or no. The focus starts on no.
type Confirm struct {
	Title string
	// Text explains in a few sentences what will happen.
	Text string
	// Yes and No name the two answers by what they do: "End it", "Keep it".
	Yes, No string
	// Also names a second way to say yes, which has no key of its own; empty if there is none.
	Also string
	// Danger marks an action that cannot be undone.
	Danger bool
	// OnYes, OnNo and OnAlso return the command of an answer. None runs when the question is closed without an answer.
	OnYes, OnNo, OnAlso func() tea.Cmd

	focus answer
	spots []spot
}

type answer int

const (
	no answer = iota
	yes
	also
	answers
)

// spot is the position of an answer's button.
type spot struct {
	answer answer
	x, y   int
}

// Update implements [Dialog].
func (c *Confirm) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case Click:
		hit := false
		for _, at := range c.spots {
			if msg.Y == at.y && (msg.X >= at.x || at.x == 0) {
				c.focus, hit = at.answer, true
			}
		}
		if hit {
			return c.take()
		}
	case tea.KeyPressMsg:
		switch msg.String() {
		case "right", "l", "tab", "down", "j":
			c.move(1)
		case "left", "h", "shift+tab", "up", "k":
			c.move(-1)
		case "y", "Y":
			c.focus = yes
			return c.take()
		case "n", "N":
			c.focus = no
			return c.take()
		case "esc", "q":
			return nil, true
		case "enter", "space":
			return c.take()
		}
	}
	return nil, false
}

// move stops at both ends: a key that is held down, or meant for a list, must not reach yes from the other side.
func (c *Confirm) move(d int) {
	n := answers
	if c.Also == "" {
		n--
	}
	c.focus = min(max(c.focus+answer(d), 0), n-1)
}

func (c *Confirm) take() (tea.Cmd, bool) {
	if f := [answers]func() tea.Cmd{c.OnNo, c.OnYes, c.OnAlso}[c.focus]; f != nil {
		return f(), true
	}
	return nil, true
}

// View implements [Dialog]. The answers are beside each other, or below each other if the width requires it.
func (c *Confirm) View(s *theme.Styles, w, h int) Box {
	w = min(w, 62)
	lines := append([]string{""}, wrapped(s, c.Text, w)...)
	buttons := c.buttons(s, w)
	tight := len(lines)+len(buttons)+3 > h
	if tight { // the answers are more important than the end of the question
		lines = lines[1:min(len(lines), max(h-len(buttons)+1, 2))]
	} else {
		lines = append(lines, "")
	}
	for i := range c.spots {
		c.spots[i].y += len(lines)
	}
	lines = append(lines, buttons...)
	if !tight {
		lines = append(lines, "", s.KeyHelp.Render("y yes   n no   ←→ choose   enter select"))
	}
	return Box{Title: c.Title, Danger: c.Danger, Lines: lines}
}

// buttons draws the answers and notes their positions.
func (c *Confirm) buttons(s *theme.Styles, w int) (rows []string) {
	c.spots = c.spots[:0]
	for i, label := range [answers]string{c.No, c.Yes, c.Also} {
		if label == "" {
			continue
		}
		b := button(s, label, c.focus == answer(i), c.Danger && answer(i) != no)
		last := len(rows) - 1
		if last < 0 || s.Width(rows[last])+2+s.Width(b) > w {
			c.spots = append(c.spots, spot{answer: answer(i), y: len(rows)})
			rows = append(rows, b)
			continue
		}
		c.spots = append(c.spots, spot{answer: answer(i), x: s.Width(rows[last]) + 2, y: last})
		rows[last] += cell.Spaces(2) + b
	}
	return rows
}

// button draws one answer. Brackets mark the focus without colour.
func button(s *theme.Styles, label string, on, danger bool) string {
	switch {
	case on && danger:
		return s.ButtonDanger.Render("[ " + label + " ]")
	case on:
		return s.ButtonOn.Render("[ " + label + " ]")
	}
	return s.Button.Render("  " + label + "  ")
}
