package pane

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/filter"
	"greenroom/internal/latin"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// maxFilter bounds the text that is typed or pasted, in characters.
const maxFilter = 200

// Filter is the text that narrows a list.
type Filter struct {
	Text string
	// Typing reports that keys go into the text.
	Typing bool
	// Hint is shown beside the text if there is room.
	Hint string
	// Wrong is why the text can't be used, safe to draw; empty if it can.
	Wrong string
	// Complete returns the text with its last word completed, and what could follow; nil completes nothing.
	Complete func(text string) (string, []string)
	// Options are the results of the last completion.
	Options []string
	// Earlier are the texts that were kept, oldest first; recalled counts from the end, 0 for the text that is typed.
	Earlier  []string
	recalled int
	// Apply narrows the list after the text has changed.
	Apply func() tea.Cmd
}

// Clear removes the text without applying it.
func (f *Filter) Clear() { f.Text, f.Typing, f.Wrong, f.Options, f.recalled = "", false, "", nil, 0 }

// Insert adds typed or pasted text.
func (f *Filter) Insert(s string) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, words.Safe(strings.ReplaceAll(s, "\n", " ")))
	r := []rune(f.Text + s)
	f.Text = string(r[:min(len(r), maxFilter)])
}

// Press edits the text.
func (f *Filter) Press(msg tea.KeyPressMsg) tea.Cmd {
	f.Options = nil
	switch key := msg.String(); key {
	case "enter":
		f.Typing = false
		f.remember()
		return nil
	case "down":
		if f.recalled == 0 {
			f.Typing = false
			return nil
		}
		f.recall(-1)
	case "up":
		f.recall(1)
	case "tab":
		if f.Complete == nil {
			return nil
		}
		f.Text, f.Options = f.Complete(f.Text)
		f.Insert("")
	case "esc", "ctrl+c":
		f.Clear()
	case "backspace":
		r := []rune(f.Text)
		if len(r) == 0 {
			f.Typing = false
			return nil
		}
		f.Text = string(r[:len(r)-1])
	case "ctrl+u":
		f.Text = ""
	case "ctrl+w":
		t := strings.TrimRight(f.Text, " ")
		f.Text = t[:strings.LastIndex(t, " ")+1]
	default:
		if msg.Text == "" {
			return nil
		}
		f.Insert(msg.Text)
	}
	return f.Apply()
}

// maxEarlier is how many texts are kept.
const maxEarlier = 50

// remember keeps the text, for the arrow keys.
func (f *Filter) remember() {
	f.recalled = 0
	if f.Text == "" {
		return
	}
	f.Earlier = append(slices.DeleteFunc(f.Earlier, func(s string) bool { return s == f.Text }), f.Text)
	f.Earlier = f.Earlier[max(0, len(f.Earlier)-maxEarlier):]
}

// recall replaces the text by an earlier one.
func (f *Filter) recall(older int) {
	f.recalled = min(max(f.recalled+older, 0), len(f.Earlier))
	if f.Text = ""; f.recalled > 0 {
		f.Text = f.Earlier[len(f.Earlier)-f.recalled]
	}
}

// Matches reports whether every word of the filter is in one of the fields.
func (f *Filter) Matches(fields ...string) bool {
	hay := latin.Fold(strings.Join(fields, "\n"))
	for _, w := range strings.Fields(latin.Fold(f.Text)) {
		if !strings.Contains(hay, w) {
			return false
		}
	}
	return true
}

// WhyWrong returns why a text can't be read as a filter, and at which character, safe to draw.
func WhyWrong(err error) string {
	var e *filter.Error
	if !errors.As(err, &e) {
		return words.Safe(err.Error())
	}
	text := fmt.Sprintf("character %d: %s", e.Column(), words.Safe(e.Problem))
	if e.Hint != "" {
		text += ": " + words.Safe(e.Hint)
	}
	return text
}

// NotApplied is the note at the edge of a list while its filter can't be used.
const NotApplied = theme.Bad + " filter not applied"

// WrongLines draws why the filter can't be used, for the end of a list of h lines whose rows are shown as before.
func (s *Screen) WrongLines(f *Filter, w, h int) (out []string) {
	if f.Wrong == "" {
		return nil
	}
	lines := s.Styles.Wrap(theme.Bad+" "+f.Wrong, max(w-2, 1))
	if most := max(h-1, 1); len(lines) > most {
		lines = append(lines[:most-1], s.Styles.Clip(strings.Join(lines[most-1:], " "), max(w-2, 1)))
	}
	for _, l := range lines {
		out = append(out, " "+s.Styles.Bad.Render(l))
	}
	return out
}

// Empty draws the reason for a list without rows: its reading failed or has not ended, or nothing matches its filter; ok is false if it
// is really empty. what names a row. of is the subject of the filter, nil if it is no more than words.
func (s *Screen) Empty(what string, err error, ready bool, f *Filter, of *filter.Subject, w int) (lines []string, ok bool) {
	st := s.Styles
	switch {
	case err != nil:
		return s.Trouble("The "+what+"s can't be read", err, w), true
	case !ready:
		return st.Para(st.Muted, "reading…", w), true
	case f.Wrong != "":
		return s.WrongLines(f, w, len(f.Wrong)), true
	case f.Text == "":
		return nil, false
	}
	lines = st.Para(st.Muted, "No "+what+" matches. esc clears the filter.", w)
	if of != nil {
		if read, err := s.ReadFilter(f, *of); err == nil {
			lines = append(lines, st.Para(st.Text, words.Safe(read.Whole()), w)...)
		}
	}
	return lines, true
}

// ReadFilter reads the text of a filter.
func (s *Screen) ReadFilter(f *Filter, of filter.Subject) (*filter.Filter, error) {
	return filter.Parse(f.Text, filter.Options{Now: s.Now().In(s.Zone), Of: of})
}

// Note returns the number of rows that match and the filter, for the edge of a list; empty without a filter.
func (f *Filter) Note(shown, all int) string {
	if f.Text == "" {
		return ""
	}
	return fmt.Sprintf("%d of %d  / %s", shown, all, words.Safe(f.Text))
}
