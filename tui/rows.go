package tui

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/tui/pane"
)

// rows returns the actions of every tab, and those that work on all of them.
func (m *Model) rows() []pane.Group {
	var groups []pane.Group
	all := []pane.Action{
		{Name: "filter", Keys: "/", Word: "filter", Long: "Filter the list", Footer: true, Shown: m.roomy, Why: m.whyNoFilter, Do: m.startFilter},
		{Name: palette, Keys: ":", Word: "command", Long: "Find a command", Footer: true, Do: m.palette},
		{Name: pane.Help, Keys: "?", Word: "help", Long: "Show the keys", Footer: true, Do: m.help},
		{Name: pane.Quit, Keys: "q ctrl+c", Word: "quit", Long: "Quit", Footer: true, Do: m.quit},
	}
	for i, p := range m.panes {
		groups = append(groups, pane.Group{Title: p.Title(), Pane: p, Actions: p.Actions()})
		all = append(all, pane.Action{Name: tabName(p), Keys: strconv.Itoa(i + 1), Word: p.Title(), Long: "Go to " + p.Title(),
			Do: func() tea.Cmd { return m.open(p) }})
	}
	all = append(all, []pane.Action{
		{Name: "tab.next", Keys: "tab", Word: "next", Long: "Next pane, or next tab if there is only one pane", Do: m.next},
		{Name: "tab.previous", Keys: "shift+tab", Word: "previous tab", Long: "Previous tab", Do: func() tea.Cmd { return m.open(m.beside(-1)) }},
		{Name: "reload", Keys: "ctrl+r", Word: "refresh", Long: "Refresh", Do: m.reload},
		{Name: "messages", Keys: "!", Word: "messages", Long: "Show this session's messages and errors", Yields: true, Do: m.messages},
		{Name: "mouse", Keys: "M", Word: "mouse", Long: "Release the mouse to select text, or use it again", Yields: true, Do: m.toggleMouse},
		{Name: pane.SetUp, Keys: "i", Word: "set up", Long: "Set up an account", Footer: true, Shown: m.NoAccount, Yields: true, Why: m.whyNoSetUp, Do: m.setUp},
		{Name: suspend, Keys: "ctrl+z", Word: "suspend", Long: "Suspend Greenroom; fg in the shell resumes it", Yields: true, Do: func() tea.Cmd { return m.suspend(true) }},
	}...)
	motions := []pane.Action{
		{Name: pane.MoveDown, Keys: "j down", Word: "down", Long: "Down", Do: m.move(pane.Down)},
		{Name: "move.up", Keys: "k up", Word: "up", Long: "Up", Do: m.move(pane.Up)},
		{Name: pane.MoveIn, Keys: "l right enter", Word: "into", Long: "Focus next pane", Do: m.move(pane.In)},
		{Name: "move.out", Keys: "h left esc", Word: "back", Long: "Back to the list", Do: m.move(pane.Out)},
		{Name: "move.top", Keys: "g home", Word: "top", Long: "To the top", Do: m.move(pane.Top)},
		{Name: "move.bottom", Keys: "G end", Word: "bottom", Long: "To the bottom", Do: m.move(pane.Bottom)},
		{Name: "move.half-down", Keys: "ctrl+d pgdown", Word: "half page down", Long: "Half a page down", Do: m.move(pane.HalfDown)},
		{Name: "move.half-up", Keys: "ctrl+u pgup", Word: "half page up", Long: "Half a page up", Do: m.move(pane.HalfUp)},
	}
	return append(groups, pane.Group{Title: moving, Actions: motions}, pane.Group{Title: everywhere, Actions: all})
}

// The headings and actions that the frame treats in a special way.
const (
	moving               = "Moving"
	everywhere           = "Everywhere"
	palette    pane.Name = "palette"
	suspend    pane.Name = "suspend"
)

// tabName is the action that opens a tab.
func tabName(p pane.Pane) pane.Name { return pane.Name("tab." + strings.ToLower(p.Title())) }

// Actions lists the names of all actions, to which [Options] may give other keys.
func Actions() []string {
	keys, err := pane.NewKeys(newPanes(&pane.Screen{}).rows(), nil)
	if err != nil {
		panic(err) // the default keys clash
	}
	return keys.Names()
}

// CheckKeys reports why keys can't be given to actions as in [Options]; nil if they can.
func CheckKeys(rebound map[string][]string) error {
	_, err := pane.NewKeys(newPanes(&pane.Screen{}).rows(), rebound)
	return err
}
