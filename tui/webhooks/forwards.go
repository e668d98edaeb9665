package webhooks

import (
	"context"
	"fmt"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// forwards shows the forwards with their queues and last answers. r reads them again.
func (p *Pane) forwards() tea.Cmd {
	return pane.Try(p.Screen, "list the forwards", nil,
		func(ctx context.Context) ([]app.Forward, error) { return p.Backend.Forwards(ctx, app.ForwardQuery{}) },
		func(all []app.Forward) tea.Cmd {
			return p.Dialogs.Push(p.forwardSheet(all))
		})
}

func (p *Pane) forwardSheet(all []app.Forward) *dialog.Sheet {
	note := words.Plural(len(all), "forward", "forwards")
	if len(all) == 0 {
		note = ""
	}
	return &dialog.Sheet{
		Title: "Forwards", Note: note, Hint: "r refresh   ", Keys: map[string]func() tea.Cmd{"r": p.forwards},
		Draw: func(s *theme.Styles, w int) []string { return p.forwardLines(s, all, w) },
	}
}

// forwardLines draws each forward with its state and queue, and below it the target, the filter and the last answer.
func (p *Pane) forwardLines(s *theme.Styles, all []app.Forward, w int) []string {
	if len(all) == 0 {
		return []string{s.Muted.Render(s.Clip("No forwards. Add one: greenroom forward add NAME URL", w))}
	}
	name := 8
	for _, f := range all {
		name = max(name, s.Width(words.Safe(f.Name))+2)
	}
	name = min(name, max(w/2, 12))
	var out []string
	for _, f := range all {
		sign, ink := forwardSign(s, f)
		queue := "nothing waiting"
		if f.Queue > 0 {
			queue = words.Plural(f.Queue, "event waiting", "events waiting")
		}
		if n := len(f.Parked); n > 0 {
			queue += ", " + strconv.Itoa(n) + " parked"
		}
		out = append(out, pane.Columns(s.Ruler, pane.Column{Text: sign + " " + words.Safe(f.Name), W: name + 2, Ink: ink},
			pane.Column{Text: string(f.State), W: 9, Ink: ink}, pane.Column{Text: queue, W: max(w-name-15, 0), Ink: s.Text}))
		below := func(ink theme.Ink, text string) {
			if text != "" {
				out = append(out, "  "+ink.Render(s.Clip(text, max(w-2, 0))))
			}
		}
		below(s.Link, words.Safe(f.URL))
		if f.Filter != "" {
			below(s.Muted, "filter "+words.Safe(f.Filter))
		}
		below(s.Muted, p.lastAnswer(f))
	}
	return append(out, "", s.Muted.Render(s.Clip("To change a forward: greenroom forward pause, resume, edit or remove.", w)))
}

// forwardSign returns the glyph and the ink of a forward's state.
func forwardSign(s *theme.Styles, f app.Forward) (string, theme.Ink) {
	switch {
	case f.State == app.ForwardPaused:
		return theme.Open, s.Muted
	case f.State == app.ForwardRetrying || len(f.Parked) > 0:
		return theme.Doubtful, s.Warn
	}
	return theme.Live, s.Good
}

// lastAnswer describes the latest attempt.
func (p *Pane) lastAnswer(f app.Forward) string {
	a := f.Last
	if a == nil {
		return "nothing sent yet"
	}
	outcome := words.Safe(a.Error)
	if a.Status != 0 {
		outcome = fmt.Sprintf("%d in %d ms", a.Status, a.Ms)
	}
	return fmt.Sprintf("%s  event %d: %s", p.TimeOfDay(a.At), a.Seq, outcome)
}
