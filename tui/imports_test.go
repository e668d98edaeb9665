package tui

import (
	"go/build"
	"path"
	"testing"
)

// Imports between the packages of the screen run one way: the frame imports tabs, tabs import what they share, and no tab
// imports another one.
func TestImportsRunDownwards(t *testing.T) {
	order := [][]string{{"words", "cell", "grid"}, {"theme"}, {"dialog"}, {"pane"}, {"rooms", "meetings", "recordings", "webhooks", "status"}}
	level := map[string]int{}
	for i, names := range order {
		for _, name := range names {
			level[name] = i
		}
	}
	for name := range level {
		p, err := build.ImportDir(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range p.Imports {
			folder, to := path.Split(imported)
			if imported == "greenroom/tui" || folder == "greenroom/tui/" && level[to] >= level[name] {
				t.Errorf("tui/%s must not import %s", name, imported)
			}
		}
	}
}
