package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/tidwall/gjson"

	"greenroom/internal/app"
	"greenroom/internal/difference"
	"greenroom/internal/export"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// refold folds the body to its first level, to its second, or not at all.
func (p *Pane) refold() tea.Cmd {
	p.fold = (p.fold + 1) % 3
	return p.readDelivery.Read()
}

// mark marks the delivery, or removes its mark.
func (p *Pane) mark() tea.Cmd {
	if p.marked == p.seq() {
		p.marked = 0
		return p.Say("Mark removed", "")
	}
	p.marked = p.seq()
	return p.Say(fmt.Sprintf("Event %d marked", p.marked), p.Key("webhook.diff")+" on another event compares the two.")
}

func (p *Pane) whyNoDiff() string {
	switch {
	case p.seq() == 0:
		return "No event selected"
	case p.marked == 0:
		return "Mark an event first: " + p.Key("webhook.mark")
	case p.marked == p.seq():
		return "This is the marked event: select another"
	}
	return ""
}

// diff compares the marked delivery with the selected one.
func (p *Pane) diff() tea.Cmd {
	a, b := p.marked, p.seq()
	return pane.Try(p.Screen, "compare the events", nil, func(ctx context.Context) ([]difference.Change, error) {
		first, err := p.Backend.Event(ctx, app.EventRef{Seq: a})
		if err != nil {
			return nil, err
		}
		second, err := p.Backend.Event(ctx, app.EventRef{Seq: b})
		first.Body, second.Body = export.RedactBody(first.Body), export.RedactBody(second.Body)
		return difference.Of(first, second), err
	}, func(all []difference.Change) tea.Cmd {
		return p.Dialogs.Push(&dialog.Sheet{Title: fmt.Sprintf("From %d to %d", a, b), Draw: func(s *theme.Styles, w int) []string { return diffLines(s, w, all) }})
	})
}

func diffLines(s *theme.Styles, w int, all []difference.Change) (out []string) {
	if len(all) == 0 {
		return []string{s.Muted.Render("The requests are identical.")}
	}
	part := ""
	for _, c := range all {
		if c.Part != part {
			if part = c.Part; len(out) > 0 {
				out = append(out, "")
			}
			out = append(out, s.Title.Render(strings.ToUpper(part[:1])+part[1:]))
		}
		for i, v := range []*string{c.A, c.B} {
			if v == nil {
				continue
			}
			text := *v
			if c.Path != "" {
				text = c.Path + ": " + text
			}
			mark, ink := "- ", s.Bad
			if i == 1 {
				mark, ink = "+ ", s.Good
			}
			for line := range strings.Lines(plain.Lines(text)) {
				for _, piece := range s.Break(strings.TrimRight(line, "\n"), max(w-2, 8)) {
					out = append(out, ink.Render(mark+piece))
				}
			}
		}
	}
	return out
}

// chain shows the way of the delivery: when it happened, came, was stored and answered, what it changed, and where it went.
func (p *Pane) chain() tea.Cmd {
	seq := p.seq()
	return pane.Try(p.Screen, "read the event", nil,
		func(ctx context.Context) (app.Delivery, error) { return p.Backend.Event(ctx, app.EventRef{Seq: seq}) },
		func(d app.Delivery) tea.Cmd {
			return p.Dialogs.Push(&dialog.Sheet{Title: fmt.Sprintf("Receipt of event "+
				"%d", seq), Draw: func(s *theme.Styles, w int) []string { return p.chainLines(s, w, d) }})
		})
}

func (p *Pane) chainLines(s *theme.Styles, w int, d app.Delivery) (out []string) {
	before := app.Time{}
	row := func(what string, at app.Time, text string) {
		when := ""
		if !at.IsZero() {
			when = at.In(p.Zone).Format("15:04:05.000")
			if gap := at.Sub(before.Time); !before.IsZero() && gap > time.Second {
				text = strings.TrimSpace(text + "  +" + gap.Round(time.Second).String())
			}
			before = at
		}
		for i, line := range s.Wrap(words.Safe(text), max(w-26, 8)) {
			if i > 0 {
				what, when = "", ""
			}
			out = append(out, s.Muted.Render(s.Fit(what, 11))+s.Faint.Render(s.Fit(when, 14))+s.Text.Render(line))
		}
	}
	if !d.HappenedAt.IsZero() {
		row("happened", d.HappenedAt, "by the platform's clock")
	}
	from := ""
	if d.Remote != "" {
		from = " from " + d.Remote
	}
	switch {
	case d.Position != nil:
		row("received", d.At, "at the relay"+from)
		row("spooled", app.Time{}, fmt.Sprintf("as %d of hook %s", d.Position.Seq, d.Position.Hook))
	case d.ReplayOf != 0:
		row("replayed", d.At, fmt.Sprintf("from event %d", d.ReplayOf))
	case d.Imported:
		row("received", d.At, "from the imported file")
	default:
		row("received", d.At, "here"+from)
	}
	row("verified", app.Time{}, strings.TrimSpace(string(d.Verdict)+"  "+d.Reason))
	row("stored", d.StoredAt, "as event "+strconv.FormatUint(d.Seq, 10))
	row("applied", app.Time{}, applied(d))
	row("answered", app.Time{}, strconv.Itoa(d.Status))
	for _, a := range d.Forwards {
		result := strconv.Itoa(a.Status)
		if a.Status == 0 {
			result = "no answer: " + a.Error
		}
		before = app.Time{}
		row("forwarded", a.At, fmt.Sprintf("%s, attempt %d: %s in %d ms", a.Name, a.Attempt, result, a.Ms))
	}
	return out
}

// applied says what the event changed.
func applied(d app.Delivery) string {
	switch {
	case d.Verdict != provider.Verified:
		return "no effect: not verified"
	case d.DuplicateOf != 0:
		return fmt.Sprintf("no effect: duplicate of event %d", d.DuplicateOf)
	case d.Unapplied != "":
		return "no effect: " + d.Unapplied
	case d.Imported:
		return "no effect: imported"
	case d.Meeting == "":
		return "no effect: not about a meeting"
	case d.ReplayOf != 0:
		return "as a replay of " + string(d.Kind)
	}
	return string(d.Kind) + " in " + d.Room
}

// value is one value of a body.
type value struct{ path, text string }

// maxValues bounds the list of values.
const maxValues = 2000

// valuesOf lists the values of a JSON body with their paths.
func valuesOf(body []byte) (out []value) {
	var walk func(path string, v gjson.Result)
	walk = func(path string, v gjson.Result) {
		if len(out) >= maxValues {
			return
		}
		if !v.IsObject() && !v.IsArray() {
			text := v.Raw
			if v.Type == gjson.String {
				text = v.Str
			}
			out = append(out, value{strings.TrimPrefix(path, "."), text})
			return
		}
		i := 0
		v.ForEach(func(k, sub gjson.Result) bool {
			name := strconv.Itoa(i)
			if v.IsObject() {
				name = difference.Key(k.Str)
			}
			i++
			walk(path+"."+name, sub)
			return len(out) < maxValues
		})
	}
	if json.Valid(body) {
		walk("", gjson.ParseBytes(bytes.TrimSpace(body)))
	}
	return out
}

// values lists the values in the body: typed text narrows them, enter copies one, ctrl+p its path. The list stays open after that.
func (p *Pane) values() tea.Cmd {
	seq := p.seq()
	return pane.Try(p.Screen, "read the event", nil, func(ctx context.Context) ([]value, error) {
		d, err := p.Backend.Event(ctx, app.EventRef{Seq: seq})
		return valuesOf(export.RedactBody(d.Body)), err
	}, func(all []value) tea.Cmd {
		menu := &dialog.Menu{
			Title: fmt.Sprintf("Values of event %d", seq), Search: true, Wide: true, Empty: "The body is not JSON, or has no values.",
			Hint: "type to find   ctrl+p copy the path   ",
		}
		for _, v := range all {
			menu.Items = append(menu.Items, dialog.Item{
				ID: v.path, Label: words.Safe(v.path) + "  " + words.Safe(v.text), Do: func() tea.Cmd { return p.CopyText(pane.Copied{What: "Value"}, v.text) },
			})
		}
		menu.Keys = map[string]func() tea.Cmd{"ctrl+p": func() tea.Cmd {
			it, ok := menu.Current()
			if !ok {
				return nil
			}
			return p.CopyText(pane.Copied{What: "Path"}, it.ID)
		}}
		return p.Dialogs.Push(menu)
	})
}
