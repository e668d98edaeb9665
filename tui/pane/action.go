package pane

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// Name is the stable name of an action. The [keys] table of the configuration uses it.
type Name string

// The names that sentences on several tabs refer to. All others are only in their rows.
const (
	TabRooms      Name = "tab.rooms"
	TabMeetings   Name = "tab.meetings"
	TabRecordings Name = "tab.recordings"
	TabWebhooks   Name = "tab.webhooks"
	TabStatus     Name = "tab.status"
	MoveIn        Name = "move.in"
	MoveDown      Name = "move.down"
	EditRoom      Name = "room.edit"
	Help          Name = "help"
	SetUp         Name = "set-up"
	Quit          Name = "quit"
)

// Action is one row: everything about one thing that the user can do. Keys, footer, help and command palette are made
// from the rows.
type Action struct {
	Name Name
	// Keys are the default keys, separated by spaces.
	Keys string
	// Word is the label in the footer, Long the sentence in the help and the palette.
	Word, Long string
	// Footer shows the action in the footer, if it fits, while Shown returns true or is nil.
	Footer bool
	Shown  func() bool
	// Aims marks an action on the row under the cursor. It is refused just after another row has moved there.
	Aims bool
	// Anywhere lets the palette run the action on every tab.
	Anywhere bool
	// Yields lets the configuration give the keys to another action: bindings may be older than this action.
	Yields bool
	// While limits the action to a state of its tab, such as the focus of a part. In that state its keys go before those of
	// the motions and of the actions of every tab. nil is always.
	While func() bool
	// Why returns what prevents the action now, safe to draw; empty if nothing does. nil is never prevented.
	Why func() string
	// Do performs the action.
	Do func() tea.Cmd

	keys []string
	home Pane
}

// Home returns the tab on which the action works, nil for every tab.
func (a *Action) Home() Pane { return a.home }

// Has reports whether a key is one of the action's.
func (a *Action) Has(press fmt.Stringer) bool { return slices.Contains(a.keys, press.String()) }

// Hint returns the first two keys as the help shows them.
func (a *Action) Hint() string { return shown(a.keys) }

// First returns the first key as footer and sentences show it; empty if there is none.
func (a *Action) First() string { return shown(a.keys[:min(len(a.keys), 1)]) }

// Group is a heading with its actions. Pane is the tab on which they work, nil for every tab.
type Group struct {
	Title   string
	Pane    Pane
	Actions []Action
}

// Keys are the actions of all groups with their keys.
type Keys struct{ groups []Group }

// NewKeys binds the actions to their default keys, or to those that rebound gives by name. It fails for an unknown
// action, for one without a key, and for a key with two actions in one place.
func NewKeys(groups []Group, rebound map[string][]string) (*Keys, error) {
	k := &Keys{groups}
	for _, g := range groups {
		for i := range g.Actions {
			g.Actions[i].keys, g.Actions[i].home = strings.Fields(g.Actions[i].Keys), g.Pane
		}
	}
	names := k.Names()
	for name, keys := range rebound {
		a := k.Find(Name(name))
		if a == nil {
			return nil, fmt.Errorf("keys: there is no action %q; there are %s", name, strings.Join(names, ", "))
		}
		if len(keys) == 0 {
			return nil, fmt.Errorf("keys: %s needs at least one key", name)
		}
		a.keys = keys
	}
	for _, a := range k.each() {
		if _, own := rebound[string(a.Name)]; own || !a.Yields {
			continue
		}
		for _, keys := range rebound {
			a.keys = slices.DeleteFunc(a.keys, func(s string) bool { return slices.Contains(keys, s) })
		}
	}
	return k, k.clash()
}

// each returns all actions in order.
func (k *Keys) each() (all []*Action) {
	for _, g := range k.groups {
		for i := range g.Actions {
			all = append(all, &g.Actions[i])
		}
	}
	return all
}

// clash reports a key that has two actions on one tab.
func (k *Keys) clash() error {
	for _, tab := range k.groups {
		bound := map[string]Name{}
		for _, g := range k.On(tab.Pane) {
			for _, a := range g.Actions {
				for _, s := range a.keys {
					place := s
					if a.While != nil {
						place += " while" // another action may have the key at other times
					}
					if other, dup := bound[place]; dup {
						return fmt.Errorf("keys: %q is bound to both %s and %s on %s", s, other, a.Name, tab.Title)
					}
					bound[place] = a.Name
				}
			}
		}
	}
	return nil
}

// Names lists all actions in alphabetical order.
func (k *Keys) Names() []string {
	var out []string
	for _, a := range k.each() {
		out = append(out, string(a.Name))
	}
	slices.Sort(out)
	return out
}

// On returns the groups that work on a tab, its own first.
func (k *Keys) On(p Pane) (on []Group) {
	for _, g := range k.groups {
		if g.Pane == nil || g.Pane == p {
			on = append(on, g)
		}
	}
	return on
}

// Elsewhere returns the groups of the other tabs.
func (k *Keys) Elsewhere(p Pane) (off []Group) {
	for _, g := range k.groups {
		if g.Pane != nil && g.Pane != p {
			off = append(off, g)
		}
	}
	return off
}

// Find returns the action of that name, nil if there is none.
func (k *Keys) Find(name Name) *Action {
	for _, a := range k.each() {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Pressed returns the action of a key on a tab in its present state, nil if it has none.
func (k *Keys) Pressed(p Pane, press fmt.Stringer) (found *Action) {
	for _, g := range k.On(p) {
		for i := range g.Actions {
			switch a := &g.Actions[i]; {
			case !a.Has(press):
			case a.While != nil && a.While():
				return a
			case a.While == nil && found == nil:
				found = a
			}
		}
	}
	return found
}

// First returns the first key of an action as sentences show it; empty if it has none.
func (k *Keys) First(name Name) string {
	if a := k.Find(name); a != nil {
		return a.First()
	}
	return ""
}

// shown returns the first two keys, with arrows for the arrow keys.
func shown(keys []string) string {
	arrows := map[string]string{"up": "↑", "down": "↓", "left": "←", "right": "→", " ": "space"}
	var out []string
	for _, k := range keys[:min(len(keys), 2)] {
		if a, ok := arrows[k]; ok {
			k = a
		}
		out = append(out, k)
	}
	return strings.Join(out, " ")
}
