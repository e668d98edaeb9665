// Package pane is what the tabs of the screen have in common: the [Pane] interface that the frame in package tui calls,
// the [Action] rows from which keys, footer, help and command palette are made, and the [Screen] that all panes share.
//
// Everything here belongs to Bubble Tea's update loop and is called from one goroutine. Calls of the backend are made in
// commands, and their results come back as a [Call] that the loop runs.
package pane

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/grid"
)

// Pane is one tab of the screen.
type Pane interface {
	// Title is the tab's name.
	Title() string
	// Actions returns a row for each thing that can be done on this tab.
	Actions() []Action
	// Body draws h lines over the screen's whole width, and adds the zones that the mouse can use. y is the first line.
	Body(y, h int) []string
	// Move moves the cursor of the part that has the focus.
	Move(Motion) tea.Cmd
	// Filter returns the filter of the list, nil if the tab has none.
	Filter() *Filter
	// Refresh reads everything that the tab shows.
	Refresh() tea.Cmd
	// Changed applies what the backend reported.
	Changed(Changes) tea.Cmd
	// Target identifies the row that actions apply to; empty if there is none. empty reports that the list is known to
	// have no rows.
	Target() (id string, empty bool)
	// Pace is how often the tab must be drawn although nothing happens; 0 is never.
	Pace() time.Duration
	// Guide is the next step that the demo suggests.
	Guide() string
}

// The optional abilities of a pane, found by asking for them.
type (
	// Enterer runs Enter when its tab is opened.
	Enterer interface{ Enter() tea.Cmd }
	// Split has a second part, such as a document beside a list. Inner points to whether that part has the focus; it is
	// nil while there is nothing in it.
	Split interface{ Inner() *bool }
	// Badged shows something beside its title on every tab.
	Badged interface{ Badge() string }
	// Filler reads rows that became visible because the window or the terminal changed.
	Filler interface{ Fill() tea.Cmd }
	// Ticker reads something at each tick of its pace.
	Ticker interface{ Tick() tea.Cmd }
)

// Call is a message that runs in the update loop. Results, timers and pages arrive as one.
type Call func() tea.Cmd

// Changes are the reports of the backend within one interval.
type Changes struct {
	// Deliveries are the last ones in order of arrival, Total is how many there were.
	Deliveries []app.Delivery
	Total      int
	Activity   []app.Activity
	Meetings   map[string]app.Meeting
	// Confirmed are meetings of which the evidence alone is newer.
	Confirmed map[string]app.Meeting
	Rooms     bool
	// Recordings reports that some changed without being included; News are the others, in their new state.
	Recordings bool
	News       map[app.RecordingRef]app.Recording
	Status     bool
	// Missed reports that something was lost: everything must be read again.
	Missed bool
}

// Motion is a movement of the cursor.
type Motion int

// The motions. In and Out change the focus between the two parts of a tab; Out also clears the filter.
const (
	Up Motion = iota
	Down
	Top
	Bottom
	HalfUp
	HalfDown
	In
	Out
)

// Move moves the cursor of a list. In and Out do nothing.
func (m Motion) Move(l *grid.List) {
	switch m {
	case Up:
		l.Move(-1)
	case Down:
		l.Move(1)
	case Top:
		l.First()
	case Bottom:
		l.Last()
	case HalfUp:
		l.Half(-1)
	case HalfDown:
		l.Half(1)
	}
}

// Scroll scrolls a text. In and Out do nothing.
func (m Motion) Scroll(l *grid.List) {
	half := max(l.Height/2, 1)
	l.Scroll(map[Motion]int{Up: -1, Down: 1, HalfUp: -half, HalfDown: half, Top: -l.Len, Bottom: l.Len}[m])
}
