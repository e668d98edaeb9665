package tui

import (
	"fmt"
	"image/color"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"greenroom/tui/theme"
)

// looks are all looks of the screen: the themes, and the numbers of colours that terminals have.
var looks = [...]struct {
	name   string
	look   theme.Options
	change func(*Options) // makes the program choose it
}{
	{"dark", theme.Options{Profile: colorprofile.TrueColor}, func(*Options) {}},
	{"light", theme.Options{Profile: colorprofile.TrueColor, Light: true}, func(o *Options) { o.Theme = Light }},
	{"high contrast", theme.Options{Profile: colorprofile.TrueColor, Contrast: true}, func(o *Options) { o.Theme = HighContrast }},
	{"high contrast, light", theme.Options{Profile: colorprofile.TrueColor, Contrast: true, Light: true}, nil},
	{"256", theme.Options{Profile: colorprofile.ANSI256}, func(o *Options) { *o.Profile = colorprofile.ANSI256 }},
	{"256, light", theme.Options{Profile: colorprofile.ANSI256, Light: true}, func(o *Options) { *o.Profile, o.Theme = colorprofile.ANSI256, Light }},
	{"16", theme.Options{Profile: colorprofile.ANSI}, func(o *Options) { o.Theme = Sixteen }},
	{"16, light", theme.Options{Profile: colorprofile.ANSI, Light: true}, func(o *Options) { *o.Profile, o.Theme = colorprofile.ANSI, Light }},
	{"no colour", theme.Options{Profile: colorprofile.ASCII}, func(o *Options) { o.Env = append(o.Env, "NO_COLOR=yes") }},
}

// painted has the styles of a piece of the screen, one for each look.
type painted [len(looks)]uv.Style

// row is a line of the screen: its text, and its styles, each to a position in the text.
type row struct {
	text   string
	styles []uv.Style
	ends   []int
}

// paint draws the screen as it is now in a look.
func (p *person) paint(look theme.Options, ascii bool) []row {
	m := p.model
	wasLook, wasASCII := m.Look, m.ASCII
	look.Ruler = m.Look.Ruler
	m.Look, m.ASCII = look, ascii
	m.Restyle(false)
	lines := strings.Split(m.View().Content, "\n")
	m.Look, m.ASCII = wasLook, wasASCII
	m.Restyle(m.noColor)
	out, parser := make([]row, len(lines)), ansi.NewParser()
	for i, l := range lines {
		out[i] = read(parser, l, look.Profile)
	}
	return out
}

// read reads a line with its escape sequences, for a terminal of so many colours.
func read(parser *ansi.Parser, line string, colours colorprofile.Profile) (r row) {
	var now uv.Style
	var b strings.Builder
	for state := byte(0); line != ""; {
		if i := strings.IndexByte(line, '\x1b'); i != 0 {
			if i < 0 {
				i = len(line)
			}
			b.WriteString(line[:i])
			r.styles, r.ends = append(r.styles, uv.ConvertStyle(now, colours)), append(r.ends, b.Len())
			line = line[i:]
			continue
		}
		_, _, n, next := ansi.DecodeSequence(line, state, parser)
		if parser.Command() == 'm' {
			uv.ReadStyle(parser.Params(), &now)
		}
		line, state = line[n:], next
	}
	r.text = b.String()
	return r
}

// textOf returns the text of lines without the spaces at their ends.
func textOf(rows []row) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = strings.TrimRight(r.text, " ")
	}
	return strings.Join(lines, "\n")
}

// describe returns a style in words.
func describe(s uv.Style) string {
	var words []string
	for _, a := range []struct {
		name string
		on   bool
	}{
		{"bold", s.Attrs&uv.AttrBold != 0}, {"faint", s.Attrs&uv.AttrFaint != 0}, {"italic", s.Attrs&uv.AttrItalic != 0},
		{"reverse", s.Attrs&uv.AttrReverse != 0}, {"underlined", s.Underline != uv.UnderlineNone},
	} {
		if a.on {
			words = append(words, a.name)
		}
	}
	if s.Fg != nil {
		words = append(words, shade(s.Fg))
	}
	if s.Bg != nil {
		words = append(words, "on "+shade(s.Bg))
	}
	return strings.Join(words, " ")
}

func shade(c color.Color) string {
	switch c := c.(type) {
	case ansi.BasicColor:
		return []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}[c%8] + strings.Repeat("+", int(c/8))
	case ansi.IndexedColor:
		return fmt.Sprint(int(c))
	}
	return hexOf(c)
}

// paints names what cells look like by the styles of package theme.
type paints struct {
	names map[painted]string
	// order lists the names, and also other names of the same style.
	order []string
	also  map[string][]string
	of    map[string]painted
}

// newPaints makes every style in every look.
func newPaints() *paints {
	p := &paints{names: map[painted]string{}, also: map[string][]string{}, of: map[string]painted{}}
	var styles [len(looks)]reflect.Value
	parser := ansi.NewParser()
	for i, l := range looks {
		styles[i] = reflect.ValueOf(*theme.New(l.look))
	}
	add := func(name string, draw func(i int) string) {
		var is painted
		for i, l := range looks {
			is[i] = read(parser, draw(i), l.look.Profile).styles[0]
		}
		if first, ok := p.names[is]; ok {
			p.also[first] = append(p.also[first], name)
			return
		}
		p.names[is], p.of[name] = name, is
		p.order = append(p.order, name)
	}
	ink := func(i int, field string) theme.Ink { return styles[i].FieldByName(field).Interface().(theme.Ink) }
	add("plain", func(int) string { return "x" })
	fields := []string{"Text", "Strong", "Muted", "Faint", "Accent", "Key"} // rather than others that look the same
	for _, f := range fields {
		add(f, func(i int) string { return ink(i, f).Render("x") })
	}
	for i := range styles[0].NumField() {
		if f := styles[0].Type().Field(i); f.Type == reflect.TypeFor[theme.Ink]() && !slices.Contains(fields, f.Name) {
			fields = append(fields, f.Name)
			add(f.Name, func(i int) string { return ink(i, f.Name).Render("x") })
		}
	}
	for _, row := range []string{"Selected", "Chosen"} {
		for _, f := range fields {
			add(f+"/"+row, func(i int) string { return ink(i, row).Over(ink(i, f).Render("x")) })
		}
	}
	// The cursor of a text field.
	add("Cursor", func(i int) string { return "\x1b[7mx\x1b[m" })
	return p
}

// legend lists the styles and what they are in each look.
func (p *paints) legend() string {
	var b strings.Builder
	for _, name := range p.order {
		if strings.Contains(name, "/") {
			continue // one drawn over another
		}
		b.WriteString(name)
		if also := slices.DeleteFunc(slices.Clone(p.also[name]), func(s string) bool { return strings.Contains(s, "/") }); len(also) > 0 {
			b.WriteString(" (and " + strings.Join(also, ", ") + ")")
		}
		b.WriteByte('\n')
		for i, l := range looks {
			fmt.Fprintf(&b, "  %-22s%s\n", l.name, describe(p.of[name][i]))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// runs returns the names of the styles of a line, each with the number of its cells. Spaces on which nothing shows continue a run.
func (p *paints) runs(t *testing.T, looked [len(looks)]row) string {
	type run struct {
		name string
		n    int
	}
	var runs []run
	pending := 0
	text := looked[0].text
	var at [len(looks)]int // of the styles
	for from := 0; from < len(text); {
		to, shown := len(text), false
		var is painted
		for i := range looked {
			for looked[i].ends[at[i]] <= from {
				at[i]++
			}
			to, is[i] = min(to, looked[i].ends[at[i]]), looked[i].styles[at[i]]
			shown = shown || is[i].Bg != nil || is[i].Attrs&uv.AttrReverse != 0 || is[i].Underline != uv.UnderlineNone
		}
		piece := text[from:to]
		from = to
		n := ansi.StringWidthWc(piece)
		if !shown && strings.Trim(piece, " ") == "" {
			pending += n
			continue
		}
		name, ok := p.names[is]
		if !ok {
			t.Errorf("%q has no style of package theme:", piece)
			for i, l := range looks {
				t.Errorf("  %s: %s", l.name, describe(is[i]))
			}
		}
		switch last := len(runs) - 1; {
		case last >= 0 && runs[last].name == name:
			runs[last].n += pending + n
		case last >= 0:
			runs[last].n += pending
			runs = append(runs, run{name, n})
		case pending > 0:
			runs = append(runs, run{"", pending}, run{name, n})
		default:
			runs = append(runs, run{name, n})
		}
		pending = 0
	}
	var words []string
	for _, r := range runs {
		switch {
		case r.name == "":
			words = append(words, fmt.Sprint(r.n))
		case r.n == 1:
			words = append(words, r.name)
		default:
			words = append(words, fmt.Sprintf("%s %d", r.name, r.n))
		}
	}
	return strings.Join(words, ", ")
}

// folded replaces the repetitions of a line by their number.
func folded(lines []string) string {
	var out []string
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		if out = append(out, lines[i]); n > 2 {
			out = append(out, fmt.Sprintf("⋮ %d more", n-1))
		} else if n == 2 {
			out = append(out, lines[i])
		}
		i += n
	}
	return strings.Join(out, "\n")
}

// The legend of the style maps.
func TestStyles(t *testing.T) { golden(t, "styles", newPaints().legend()) }

// Each look can be chosen, and the terminal shows it as the golden screens have it.
func TestLooksAreShown(t *testing.T) {
	for _, l := range looks {
		for screen, walk := range map[string]func(*person){
			"rooms":    func(*person) {},
			"rewind":   func(p *person) { p.opens("Meetings").moves("down", "in").does("moment.first", "moment.next") },
			"webhooks": func(p *person) { p.opens("Webhooks") },
			"plan":     func(p *person) { p.does("room.plan") },
			"end":      func(p *person) { p.does("meeting.end") },
		} {
			t.Run(l.name+" "+screen, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					change := l.change
					if change == nil { // as the terminal's background chooses
						change = func(o *Options) { o.Theme = HighContrast }
					}
					p := sit(t, 80, 24, busyDay, change)
					if l.change == nil {
						p.presses("\x1b]11;rgb:ffff/ffff/ffff\x07")
					}
					walk(p)
					p.shows(l.look)
					if got := p.model.Look; got != l.look {
						t.Errorf("the look is %+v", got)
					}
				})
			})
		}
	}
}

// shows checks that the terminal shows what is painted.
func (p *person) shows(look theme.Options) []row {
	p.t.Helper()
	text := p.screen()
	rows := p.paint(look, false)
	if got := textOf(rows); got != text {
		p.t.Errorf("the terminal shows:\n%s\nand not:\n%s", text, got)
		return rows
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for y, r := range rows {
		x, from := 0, 0
		for i, to := range r.ends {
			for piece := r.text[from:to]; piece != ""; {
				char, width, n, _ := ansi.DecodeSequenceWc(piece, 0, nil)
				if c := p.term.CellAt(x, y); char != " " && c != nil && describe(c.Style) != describe(r.styles[i]) {
					p.t.Fatalf("line %d, column %d: %q is %s, not %s", y+1, x+1, char, describe(c.Style), describe(r.styles[i]))
				}
				x, piece = x+width, piece[n:]
			}
			from = to
		}
	}
	return rows
}
