package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
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

func TestFlagsAndPeopleAreCompleted(t *testing.T) {
	b := newBench(t, false, "")
	b.run(t, 0, "room", "create", "all-hands")
	for _, test := range []struct{ line, want string }{
		{"meeting list --status ", "open live ended"},
		{"recording list --status ", "recording processing ready failed"},
		{"event list --verdict ", "verified rejected unverified"},
		{"event list --meeting ", "all-hands"},
		{"meeting list --room a", "all-hands"},
	} {
		b.out.Reset()
		b.run(t, 0, append([]string{"__complete"}, strings.Split(test.line, " ")...)...)
		lines := strings.Split(strings.TrimSpace(b.out.String()), "\n")
		if got := strings.Join(lines[:len(lines)-1], " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.line, got, test.want)
		}
	}
}

// Every flag that names an account, a room or a meeting is completed.
func TestNamesInFlagsAreCompleted(t *testing.T) {
	found := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, name := range []string{"account", "room", "meeting", "status", "verdict", "kind"} {
			if c.Flags().Lookup(name) == nil {
				continue
			}
			found++
			if _, ok := c.GetFlagCompletionFunc(name); !ok {
				t.Errorf("%s --%s isn't completed", c.CommandPath(), name)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newProgram().root())
	if found < 10 {
		t.Errorf("only %d flags were looked at", found)
	}
}

func TestBookingsAndGroupsAreCompleted(t *testing.T) {
	b := newBench(t, false, "")
	b.run(t, 0, "room", "create", "all-hands", "--group", "Sales")
	b.run(t, 0, "room", "create", "board")
	b.run(t, 0, "room", "schedule", "all-hands", "--at", "2036-12-01 10:00", "--time-zone", "UTC")
	for line, want := range map[string]string{
		"room schedule --remove ":           "\tall-hands 2036-12-01",
		"room schedule all-hands --edit ":   "\tall-hands 2036-12-01",
		"room schedule board --edit ":       "",
		"room list --group S":               "Sales",
		"room schedule --remove 0000000000": "",
	} {
		b.out.Reset()
		b.run(t, 0, append([]string{"__complete"}, strings.Split(line, " ")...)...)
		if first := strings.Split(b.out.String(), "\n")[0]; want == "" && !strings.HasPrefix(first, ":") || !strings.Contains(first, want) {
			t.Errorf("%q: %q, want %q", line, first, want)
		}
	}
}
