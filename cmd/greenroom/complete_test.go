package main

import (
	"strings"
	"testing"
)

func TestRoomsAreCompleted(t *testing.T) {
	b := newBench(t, false, "")
	for _, name := range []string{"all-hands", "all days", "design"} {
		b.run(t, 0, "room", "create", name)
	}
	for _, command := range [][]string{{"room", "show"}, {"meeting", "start"}, {"meeting", "end"}} {
		b.run(t, 0, append(append([]string{"__complete"}, command...), "al")...)
		if got := strings.Split(b.out.String(), "\n")[0]; got != "all-hands" {
			t.Errorf("%v al: %q", command, b.out.String())
		}
	}
	b.run(t, 0, "__complete", "room", "show", "all-hands", "")
	if strings.Contains(b.out.String(), "design") {
		t.Errorf("a second argument is offered: %q", b.out.String())
	}
}
