package main

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// allCommands lists the whole tree.
func allCommands(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		out = append(out, allCommands(sub)...)
	}
	return out
}

// Help wraps paragraphs at the terminal's width: a line break of ours in one would show in the middle of a sentence.
func TestHelpBreaksNoSentence(t *testing.T) {
	for _, c := range allCommands(newProgram().root()) {
		lines := strings.Split(c.Long, "\n")
		for i, l := range lines[:len(lines)-1] {
			if next := lines[i+1]; l != "" && next != "" && !strings.ContainsAny(l[:1]+next[:1], " \t") {
				t.Errorf("%s: a line ends with %q", c.CommandPath(), l[max(0, len(l)-30):])
			}
		}
	}
	if got := paragraphs("One\nsentence.\n\nA list:\n  a\n  b\nEnd."); got != "One sentence.\n\nA list:\n  a\n  b\nEnd." {
		t.Errorf("paragraphs: %q", got)
	}
}

// Help shows the first letter of a flag's text large, so no value may come first; and each text is complete.
func TestFlagTextsStandAlone(t *testing.T) {
	values := []string{"open", "live", "ended", "verified", "rejected", "unverified", "none", "local", "cloud", "auto", "off", "ack", "sync", "ready", "failed", "recording"}
	for _, c := range allCommands(newProgram().root()) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			first, _, _ := strings.Cut(f.Usage, " ")
			if first = strings.TrimRight(first, ",:;"); slices.Contains(values, first) || unicode.IsUpper(rune((f.Usage + " ")[0])) {
				t.Errorf("%s --%s begins with %q", c.CommandPath(), f.Name, first)
			}
			for _, bad := range []string{"one of them", "they do so", "of this ", "at most so many"} {
				if strings.HasPrefix(f.Usage, bad) || strings.HasSuffix(f.Usage, bad) {
					t.Errorf("%s --%s: %q needs its neighbours", c.CommandPath(), f.Name, f.Usage)
				}
			}
		})
	}
}

// The manual page has a flag's letter behind one hyphen and its name behind two, and says what scripts need to know.
func TestManualPage(t *testing.T) {
	page, err := manPage(newProgram().root())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`-y, --yes`, "EXIT STATUS", "ENVIRONMENT", "FILES"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "--y ") {
		t.Error("a letter has two hyphens")
	}
}
