package status

import "greenroom/tui/theme"

// facts builds indented lines.
type facts struct {
	s     *theme.Styles
	w     int
	lines []string
}

// head adds a heading.
func (f *facts) head(text string) {
	if len(f.lines) > 0 {
		f.lines = append(f.lines, "")
	}
	f.lines = append(f.lines, " "+f.s.Title.Render(text))
}

// row adds a named value, in several lines if it is long. Without a value it adds nothing.
func (f *facts) row(name, value string, ink theme.Ink) {
	const col = 12
	if value == "" {
		return
	}
	for i, line := range f.s.Wrap(value, max(f.w-col-5, 8)) {
		if i > 0 {
			name = ""
		}
		f.lines = append(f.lines, "   "+f.s.Muted.Render(f.s.Fit(name, col))+ink.Render(line))
	}
}

// check adds a row whose word has the ink of its result.
func (f *facts) check(word string, ink theme.Ink, name, detail string) {
	const col = 12
	for i, line := range f.s.Wrap(name+": "+detail, max(f.w-col-5, 8)) {
		lead := ""
		if i == 0 {
			lead = word
		}
		f.lines = append(f.lines, "   "+ink.Render(f.s.Fit(lead, col))+f.s.Text.Render(line))
	}
}
