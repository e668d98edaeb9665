package dialog

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"greenroom/internal/plain"
	"greenroom/tui/cell"
	"greenroom/tui/theme"
)

// Option is one choice of a field.
type Option struct {
	// Value is the result, Label the text on the screen.
	Value, Label string
}

// Field is one line of a [Form]: text, or a choice if it has Options.
type Field struct {
	Name, Label string
	// Help explains the field while it has the focus.
	Help string
	// Value is the initial value, and later the entered one. Outside text is shown in its safe form.
	Value   string
	Options []Option
	// Check returns what is wrong with the value, or "". v returns the other values.
	Check func(value string, v func(name string) string) string
	// Off returns why the field has no effect with the other values, or "".
	Off func(v func(name string) string) string

	input textinput.Model
	// raw is the initial value of a text, shown the text that the input made of it.
	raw, shown string
}

// Form asks for several values. It stays open while its command runs, and keeps the values if that fails.
type Form struct {
	Title, Submit string
	Fields        []*Field
	// OnSubmit returns the command for the checked values. Its result is reported by [Stack.Close] or [Form.Fail].
	OnSubmit func(v func(name string) string) tea.Cmd

	focus   int // len(Fields) is the button
	ready   bool
	busy    bool
	touched bool
	problem string
	rows    []int // field at each drawn line, -1 for none
}

// Fail shows an error and accepts keys again.
func (f *Form) Fail(text string) { f.busy, f.problem = false, text }

// Value returns the value of a field: an entered text without surrounding spaces, and one that wasn't changed exactly as it was.
func (f *Form) Value(name string) string {
	for _, x := range f.Fields {
		switch {
		case x.Name != name:
		case f.ready && len(x.Options) == 0 && x.Value == x.shown:
			return x.raw
		default:
			return strings.TrimSpace(x.Value)
		}
	}
	return ""
}

func (f *Form) init() {
	if f.ready {
		return
	}
	f.ready = true
	for _, x := range f.Fields {
		if len(x.Options) > 0 {
			continue
		}
		x.input = textinput.New()
		x.input.Prompt = ""
		x.input.CharLimit = 200
		st := x.input.Styles()
		st.Cursor.Blink = false
		x.input.SetStyles(st)
		x.input.SetValue(plain.Text(x.Value))
		x.raw, x.shown = x.Value, x.input.Value()
		x.Value = x.shown
		x.input.CursorEnd()
	}
	f.moved()
}

// moved gives the focus to one text field.
func (f *Form) moved() {
	for i, x := range f.Fields {
		if len(x.Options) > 0 {
			continue
		}
		if i == f.focus {
			x.input.Focus()
		} else {
			x.input.Blur()
		}
	}
}

// Update implements [Dialog].
func (f *Form) Update(msg tea.Msg) (tea.Cmd, bool) {
	f.init()
	switch msg := msg.(type) {
	case Click:
		if msg.Y < len(f.rows) && f.rows[msg.Y] >= 0 {
			f.focus = f.rows[msg.Y]
			f.moved()
			if f.focus == len(f.Fields) {
				return f.submit(), false
			}
			if x := f.Fields[f.focus]; len(x.Options) > 0 {
				f.turn(x, 1)
			}
		}
		return nil, false
	case tea.KeyPressMsg:
		switch msg.String() {
		case "esc":
			return nil, true
		case "tab", "down":
			f.step(1)
			return nil, false
		case "shift+tab", "up":
			f.step(-1)
			return nil, false
		case "enter", "ctrl+s":
			return f.submit(), false
		}
	}
	if f.busy || f.focus >= len(f.Fields) {
		return nil, false
	}
	x := f.Fields[f.focus]
	if len(x.Options) > 0 {
		if k, ok := msg.(tea.KeyPressMsg); ok {
			switch k.String() {
			case "left", "h":
				f.turn(x, -1)
			case "right", "l", "space":
				f.turn(x, 1)
			}
		}
		return nil, false
	}
	x.input, _ = x.input.Update(msg)
	if safe := plain.Text(x.input.Value()); safe != x.input.Value() {
		x.input.SetValue(safe)
	}
	if x.Value != x.input.Value() {
		x.Value, f.problem = x.input.Value(), ""
	}
	return nil, false
}

func (f *Form) step(d int) {
	n := len(f.Fields) + 1
	for range n {
		f.focus = (f.focus + d + n) % n
		if f.focus == len(f.Fields) || f.off(f.Fields[f.focus]) == "" {
			break
		}
	}
	f.moved()
}

func (f *Form) off(x *Field) string {
	if x.Off == nil {
		return ""
	}
	return x.Off(f.Value)
}

// turn selects the next option.
func (f *Form) turn(x *Field, d int) {
	at := 0
	for i, o := range x.Options {
		if o.Value == x.Value {
			at = i
		}
	}
	x.Value = x.Options[(at+d+len(x.Options))%len(x.Options)].Value
	f.problem = ""
}

// submit checks every field, and moves to the first wrong one.
func (f *Form) submit() tea.Cmd {
	if f.busy {
		return nil
	}
	f.touched = true
	for i, x := range f.Fields {
		if x.Check == nil || f.off(x) != "" {
			continue
		}
		if wrong := x.Check(strings.TrimSpace(x.Value), f.Value); wrong != "" {
			f.focus = i
			f.moved()
			return nil
		}
	}
	f.busy, f.problem = true, ""
	return f.OnSubmit(f.Value)
}

// View implements [Dialog].
func (f *Form) View(s *theme.Styles, w, h int) Box {
	f.init()
	w = min(w, 66)
	label := 0
	for _, x := range f.Fields {
		label = max(label, s.Width(x.Label))
	}
	lines := []string{cell.Spaces(w)} // the width does not depend on the focus
	f.rows = []int{-1}
	add := func(field int, line string) { lines, f.rows = append(lines, line), append(f.rows, field) }
	for i, x := range f.Fields {
		on, off := i == f.focus, f.off(x)
		mark := "  "
		name := s.Muted.Render(s.Fit(x.Label, label))
		if on {
			mark, name = s.Marker.Render(theme.Marker)+" ", s.Strong.Render(s.Fit(x.Label, label))
		}
		add(i, mark+name+"  "+f.value(s, x, on, off, w-label-4))
		if wrong := f.wrong(x, off); wrong != "" {
			for n, l := range s.Wrap(theme.Bad+" "+wrong, w-label-6) {
				if n > 0 {
					l = "  " + l
				}
				add(-1, cell.Spaces(label+4)+s.Bad.Render(l))
			}
		}
	}
	add(-1, "")
	helped := 0
	if f.focus < len(f.Fields) {
		for _, l := range s.Wrap(f.Fields[f.focus].Help, w) {
			add(-1, s.KeyHelp.Render(l))
			helped++
		}
	}
	for ; helped < f.helpHeight(s, w) && len(lines) < h-2; helped++ { // nor does the height
		add(-1, "")
	}
	if f.problem != "" {
		add(-1, "")
		for _, l := range wrapped(s, theme.Bad+" "+f.problem, w) {
			add(-1, s.Bad.Render(l))
		}
	}
	add(-1, "")
	submit := f.Submit
	if f.busy {
		submit = "working…"
	}
	add(len(f.Fields), button(s, submit, f.focus == len(f.Fields), false)+
		s.KeyHelp.Render("  enter select   tab next   ←→ change   esc close"))
	for i := len(lines) - 1; i >= 0 && len(lines) > h; i-- { // first the blank lines go
		if f.rows[i] < 0 && strings.TrimSpace(lines[i]) == "" {
			lines, f.rows = slices.Delete(lines, i, i+1), slices.Delete(f.rows, i, i+1)
		}
	}
	if over := len(lines) - h; over > 0 { // the focused field must be visible
		at := slices.Index(f.rows, f.focus)
		from := min(max(at-h/2, 0), over)
		if f.problem != "" { // and so must what went wrong
			from = over
		}
		lines, f.rows = lines[from:from+h], f.rows[from:from+h]
	}
	return Box{Title: f.Title, Lines: lines}
}

// helpHeight is the number of lines of the longest help.
func (f *Form) helpHeight(s *theme.Styles, w int) (n int) {
	for _, x := range f.Fields {
		n = max(n, len(s.Wrap(x.Help, w)))
	}
	return n
}

func (f *Form) wrong(x *Field, off string) string {
	if !f.touched || x.Check == nil || off != "" {
		return ""
	}
	return x.Check(strings.TrimSpace(x.Value), f.Value)
}

// value draws the value of a field.
func (f *Form) value(s *theme.Styles, x *Field, on bool, off string, w int) string {
	if off != "" {
		return s.Faint.Render(s.Clip(off, w))
	}
	if len(x.Options) > 0 {
		shown := x.Value
		for _, o := range x.Options {
			if o.Value == x.Value {
				shown = o.Label
			}
		}
		if on {
			return s.Accent.Render("‹ ") + s.Strong.Render(s.Clip(shown, w-4)) + s.Accent.Render(" ›")
		}
		return s.Text.Render(s.Clip(shown, w))
	}
	if !on {
		return s.Text.Render(s.Clip(x.Value, w))
	}
	x.input.SetWidth(max(w-1, 4))
	st := x.input.Styles()
	st.Focused.Text = s.Text.Style()
	st.Focused.Placeholder = s.Faint.Style()
	st.Cursor.Color = nil
	x.input.SetStyles(st)
	return x.input.View()
}
