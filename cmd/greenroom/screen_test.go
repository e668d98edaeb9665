package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"greenroom/tui"
)

// Every theme of the screen can be configured and chosen, and no other.
func TestThemesCanBeChosen(t *testing.T) {
	b := newBench(t, true, "")
	var shown []string
	b.draw = func(_ context.Context, o tui.Options) error { shown = append(shown, o.Theme); return nil }
	for _, theme := range tui.Themes() {
		b.run(t, exitDone, "--theme", theme)
	}
	if !slices.Equal(shown, tui.Themes()) {
		t.Errorf("shown in %q", shown)
	}
	b.refuses(t, "--theme", "pink")
	for _, theme := range tui.Themes() {
		if !strings.Contains(b.err.String(), theme) {
			t.Errorf("the error doesn't name %s: %s", theme, b.err.String())
		}
	}
}

// The set-up follows the screen on which the user chose it, and the screen follows the set-up.
func TestTheScreenLeadsToTheSetUp(t *testing.T) {
	b := newBench(t, true, "n\n")
	times := 0
	b.draw = func(context.Context, tui.Options) error {
		if times++; times == 1 {
			return tui.ErrSetUp
		}
		return nil
	}
	b.run(t, exitDone)
	if times != 2 || !strings.Contains(b.err.String(), "Greenroom needs an account") {
		t.Errorf("%d screens: %s", times, b.err.String())
	}
}
