package tui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestWhatFollowsIsCounted(t *testing.T) {
	m := &Model{}
	m.restyle()
	for _, c := range []struct {
		line string
		n    int
		want string
	}{
		{"▌Grace" + strings.Repeat(" ", 24), 4993, "▌Grace          ↓ 4993 more "},
		{"▌Grace Brewster Murray Hopper", 3, "▌Grace Brewster M… ↓ 3 more "},
		{"▌Grace", 3, "▌Grace             ↓ 3 more "},
	} {
		if got := ansi.Strip(m.withMore(c.line, c.n, 28)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
