package cell

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

var samples = []string{
	"", "plain", "Zoë", "渡辺", "\x1b[1mbold\x1b[m", "\x1b[31m渡辺\x1b[m tail", "👨‍👩‍👧 family", "e\u0301", strings.Repeat("長", 50),
	strings.Repeat("x", 200), "नमस्ते", "\x1b]8;;https://a.example\x07link\x1b]8;;\x07",
}

func TestFittedTextIsExactlyAsWideAsAsked(t *testing.T) {
	for _, r := range []Ruler{{}, {Method: ansi.GraphemeWidth}} {
		for _, s := range samples {
			for w := range 60 {
				for name, got := range map[string]string{"Fit": r.Fit(s, w), "FitRight": r.FitRight(s, w), "Center": r.Center(s, w)} {
					if r.Width(got) != w {
						t.Errorf("%s(%q, %d) is %d wide: %q", name, s, w, r.Width(got), got)
					}
				}
				if got := r.Clip(s, w); r.Width(got) > w {
					t.Errorf("Clip(%q, %d) is %d wide", s, w, r.Width(got))
				}
				for _, line := range append(r.Wrap(s, w), r.Break(s, w)...) {
					if w > 6 && r.Width(line) > w {
						t.Errorf("a line of %q at %d is %d wide: %q", s, w, r.Width(line), line)
					}
				}
			}
		}
	}
}

func TestClipMarksTheCut(t *testing.T) {
	var r Ruler
	for _, c := range []struct {
		in   string
		w    int
		want string
	}{
		{"hello", 5, "hello"}, {"hello", 4, "hel…"}, {"hello", 1, "…"}, {"hello", 0, ""}, {"渡辺さん", 5, "渡辺…"}, {"Zoë", 3, "Zoë"},
	} {
		if got := r.Clip(c.in, c.w); got != c.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.in, c.w, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	var r Ruler
	for _, c := range []struct{ left, right, want string }{
		{"ab", "cd", "ab      cd"}, {"abcdef", "ghijk", "abcdef gh…"}, {"abcdefghij", "k", "abcdefghij"}, {"a", "", "a         "},
	} {
		if got := r.Spread(c.left, c.right, 10); got != c.want {
			t.Errorf("Spread(%q, %q) = %q, want %q", c.left, c.right, got, c.want)
		}
	}
}

func TestBreakKeepsEverything(t *testing.T) {
	var r Ruler
	for _, s := range []string{"  indented  twice ", "渡辺渡辺渡", "short"} {
		if got := strings.Join(r.Break(s, 4), ""); got != s {
			t.Errorf("Break(%q) lost something: %q", s, got)
		}
	}
}

func TestSpliceKeepsTheWidth(t *testing.T) {
	var r Ruler
	base := "\x1b[32m渡辺さんとAdaと渡辺さん\x1b[m"
	want := r.Width(base)
	for x := 0; x+6 <= want; x++ {
		got := r.Splice(base, "[over]", x)
		if r.Width(got) != want || !strings.Contains(ansi.Strip(got), "[over]") {
			t.Errorf("at %d: %d wide, want %d: %q", x, r.Width(got), want, ansi.Strip(got))
		}
	}
	if got := ansi.Strip(r.Splice("abc", "XY", 2)); got != "abXY" {
		t.Errorf("over the end: %q", got)
	}
}

func TestFrameJoinsPanes(t *testing.T) {
	var r Ruler
	got := strings.Join(r.Frame(
		[]Section{{Title: "One", Lines: []string{"a", "b", "left out"}, Width: 12, Height: 2}, {Title: "渡辺", Note: "note", Width: 20, Height: 2}},
		[]Section{{Title: "Below", Lines: []string{"a line that is far too long for it"}, Width: 32, Height: 1}},
	), "\n")
	want := strings.Trim(`
╭ One ─────╮╭ 渡辺 ───── note ─╮
│a         ││                  │
│b         ││                  │
├ Below ───┴┴──────────────────┤
│a line that is far too long f…│
╰──────────────────────────────╯`, "\n")
	if got != want {
		t.Errorf("the frame is\n%s\nwant\n%s", got, want)
	}
	for _, line := range r.Frame([]Section{{Title: strings.Repeat("長", 30), Note: "n", Width: 9, Height: 1}}) {
		if r.Width(line) != 9 {
			t.Errorf("%q is %d wide", line, r.Width(line))
		}
	}
}

func TestSpaces(t *testing.T) {
	for _, n := range []int{-3, 0, 1, 96, 97, 500} {
		if got := Spaces(n); len(got) != max(n, 0) || strings.Trim(got, " ") != "" {
			t.Errorf("Spaces(%d) has %d", n, len(got))
		}
	}
}
