package cell

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	_ "greenroom/internal/cases"
)

func TestTextInASCII(t *testing.T) {
	for in, want := range map[string]string{
		"plain \x1b[1mbold\x1b[m":         "plain \x1b[1mbold\x1b[m",
		"╭ \x1b[32m●\x1b[m all-hands … ╮": "+ \x1b[32m*\x1b[m all-hands ~ +",
		"Zoë Ünal": "Zoe Unal",
		"渡辺":       "DuBi",
		"🙂":        "??",
		"\x1b]8;;https://é.example\x07é\x1b]8;;\a": "\x1b]8;;https://é.example\x07e\x1b]8;;\a",
	} {
		if got := (Ruler{}).ASCII(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}

// Whatever is drawn, its ASCII is as wide, and has nothing else in it.
func TestASCIIKeepsTheWidth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("aé渡🙂👩‍👧…●│▌\u0301")), rapid.Rune())).Filter(func(s string) bool {
			for _, c := range s {
				if c < ' ' || c >= 0x7f && c < 0xa0 {
					return false // the screen draws no control characters
				}
			}
			return true
		}).Draw(rt, "text")
		for _, r := range []Ruler{{}, {Method: ansi.GraphemeWidth}} {
			got := r.ASCII(s)
			if len(got) != r.Width(s) {
				rt.Fatalf("%q is %d wide, %q %d", s, r.Width(s), got, len(got))
			}
			for _, c := range got {
				if c < ' ' || c > '~' {
					rt.Fatalf("%q has %q", got, c)
				}
			}
		}
	})
}
