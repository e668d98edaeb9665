package tui

import (
	"fmt"
	"html"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// The README's picture is drawn from the program's own screen, and stays true: `go test ./tui -run Picture -update`.
func TestThePictureOfTheReadmeIsTheScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 32, busyDay)
		p.moves("in", "down").wait(time.Second)
		p.mu.Lock()
		got := svg(p.term)
		p.mu.Unlock()
		path := filepath.Join("..", "docs", "screen.svg")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != got {
			t.Errorf("%s is not what the screen shows now: run with -update (%v)", path, err)
		}
	})
}

// The size of a cell and the room around the screen, in SVG units, and the terminal's own colours.
const (
	cellWidth, cellHeight, margin = 8.4, 18, 14
	paper, ink                    = "#16181d", "#d5d9e0"
)

// svg draws a terminal. Runs of one style become one text element that is stretched over its cells, so that no font's
// widths matter.
func svg(term *vt.Emulator) string {
	w, h := term.Width(), term.Height()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.1f %d" role="img" aria-label="Greenroom's screen">`+"\n",
		float64(w)*cellWidth+2*margin, h*cellHeight+2*margin)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="10" fill="%s"/>`+"\n", paper)
	fmt.Fprintf(&b, `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" `+
		`xml:space="preserve" fill="%s">`+"\n", ink)
	for y := range h {
		for x := 0; x < w; {
			x = drawRun(&b, term, x, y, w)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// arms are the ends of a border's lines: up, down, left, right.
var arms = map[string][4]bool{
	"│": {true, true, false, false}, "─": {false, false, true, true}, "╭": {false, true, false, true},
	"╮": {false, true, true, false}, "╰": {true, false, false, true}, "╯": {true, false, true, false},
	"├": {true, true, false, true}, "┤": {true, true, true, false}, "┬": {false, true, true, true}, "┴": {true, false, true, true},
}

// drawRun draws the cells from x that share a style, and gives the first one after them.
func drawRun(b *strings.Builder, term *vt.Emulator, x, y, w int) int {
	first := *term.CellAt(x, y)
	fg, bg := colours(first.Style)
	if a, ok := arms[first.Content]; ok {
		drawBorder(b, a, x, y, fg)
		return x + 1
	}
	text, end := "", x
	for end < w {
		c := term.CellAt(end, y)
		if c.Width == 0 {
			end++ // the second half of a wide character
			continue
		}
		_, border := arms[c.Content]
		if end > x && (border || c.Width != first.Width || !c.Style.Equal(&first.Style)) {
			break
		}
		content := c.Content
		if content == "" || content == " " {
			content = "\u00a0" // a plain one would be folded
		}
		text += content
		end += c.Width
	}
	left, top, width := margin+float64(x)*cellWidth, margin+y*cellHeight, float64(end-x)*cellWidth
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", left, top, width, cellHeight, bg)
	}
	if strings.Trim(text, "\u00a0") == "" {
		return end
	}
	style := ""
	if fg != "" {
		style += fmt.Sprintf(` fill="%s"`, fg)
	}
	if first.Style.Attrs&uv.AttrBold != 0 {
		style += ` font-weight="bold"`
	}
	if first.Style.Attrs&uv.AttrFaint != 0 {
		style += ` opacity="0.6"`
	}
	if first.Style.Attrs&uv.AttrItalic != 0 {
		style += ` font-style="italic"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		left, top+cellHeight-5, width, style, html.EscapeString(text))
	return end
}

func drawBorder(b *strings.Builder, arm [4]bool, x, y int, stroke string) {
	cx, cy := margin+(float64(x)+0.5)*cellWidth, margin+(float64(y)+0.5)*cellHeight
	var path string
	for i, to := range [4][2]float64{{0, -cellHeight / 2.0}, {0, cellHeight / 2.0}, {-cellWidth / 2, 0}, {cellWidth / 2, 0}} {
		if arm[i] {
			path += fmt.Sprintf("M%.1f %.1fl%.1f %.1f", cx, cy, to[0], to[1])
		}
	}
	if stroke == "" {
		stroke = ink
	}
	fmt.Fprintf(b, `<path d="%s" stroke="%s" stroke-linecap="round" fill="none"/>`+"\n", path, stroke)
}

func colours(s uv.Style) (fg, bg string) {
	fg, bg = hexOf(s.Fg), hexOf(s.Bg)
	if s.Attrs&uv.AttrReverse != 0 {
		fg, bg = bg, fg
		if fg == "" {
			fg = paper
		}
		if bg == "" {
			bg = ink
		}
	}
	return fg, bg
}

func hexOf(c color.Color) string {
	if c == nil {
		return ""
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
