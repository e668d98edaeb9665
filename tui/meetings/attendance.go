package meetings

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/attendance"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// attended is who attended a meeting.
type attended struct {
	meeting app.Meeting
	rows    []attendance.Row
}

// attendance reads who attended the selected meeting, and who was expected, and shows it.
func (p *Pane) attendance() tea.Cmd {
	m, _ := p.chosen()
	return pane.Try(p.Screen, "read the attendance list", nil, func(ctx context.Context) (attended, error) {
		d, err := p.Backend.Meeting(ctx, app.MeetingRef{Ref: m.ID})
		if err != nil {
			return attended{}, err
		}
		expected, err := p.Backend.Expected(ctx, app.MeetingRef{Ref: m.ID})
		return attended{d.Meeting, attendance.Of(d, expected, p.Now())}, err
	}, func(a attended) tea.Cmd {
		return p.Dialogs.Push(p.sheet(a))
	})
}

// sheet shows the list with the keys to copy and export it.
func (p *Pane) sheet(a attended) *dialog.Sheet {
	copies := func(what string, write func(io.Writer) error) func() tea.Cmd {
		return func() tea.Cmd {
			var b strings.Builder
			if err := write(&b); err != nil {
				return p.Complain("copy the attendance list", err)
			}
			return p.CopyText(pane.Copied{What: "Attendance of " + a.meeting.Room + " as " + what}, b.String())
		}
	}
	return &dialog.Sheet{
		Title: "Attendance of " + words.Safe(a.meeting.Room), Note: p.Day(began(a.meeting)),
		Stays: true, Hint: "c copy   v CSV   m Markdown   e export   ",
		Keys: map[string]func() tea.Cmd{
			"c": copies("a table", func(w io.Writer) error { return attendance.Table(w, a.rows, p.Zone) }),
			"v": copies("CSV", func(w io.Writer) error { return attendance.CSV(w, a.rows) }),
			"m": copies("Markdown", func(w io.Writer) error { return p.markdown(w, a) }),
			"e": func() tea.Cmd { return p.export(a) },
		},
		Draw: func(s *theme.Styles, w int) []string { return p.table(s, a, w) },
	}
}

func (p *Pane) markdown(w io.Writer, a attended) error {
	return attendance.Markdown(w, a.meeting.Room+", "+began(a.meeting).In(p.Zone).Format("2006-01-02 15:04"), a.rows, p.Zone)
}

// table draws the list.
func (p *Pane) table(s *theme.Styles, a attended, w int) []string {
	rows := a.rows
	switch {
	case len(rows) == 0 && a.meeting.Status != app.Ended:
		return []string{s.Muted.Render("No one has come yet.")}
	case len(rows) == 0:
		return []string{s.Muted.Render("No one came.")}
	}
	name, clock := 8, 5
	for _, r := range rows {
		name = max(name, s.Width(words.Safe(r.Name))+2)
	}
	name = min(name, max(w-37, 12), 40)
	line := func(ink theme.Ink, cells [6]string) string {
		return pane.Columns(s.Ruler, pane.Column{Text: cells[0], W: name, Ink: ink}, pane.Column{Text: cells[1], W: clock, Ink: s.Muted},
			pane.Column{Text: cells[2], W: clock, Ink: s.Muted}, pane.Column{Text: cells[3], W: 7, Ink: s.Muted, Right: true},
			pane.Column{Text: cells[4], W: 6, Ink: s.Muted, Right: true}, pane.Column{Text: cells[5], W: w - name - 2*clock - 19, Ink: s.Warn})
	}
	out := []string{line(s.Head, [6]string{"name", "in", "out", "minutes", "joined", "note"})}
	here, came, declined, missing := 0, 0, 0, 0
	for _, r := range rows {
		mark, ink := "  ", s.Text
		var notes []string
		if r.Owner {
			mark = theme.Host + " "
		}
		cells := [6]string{"", p.clock(r.FirstIn), p.clock(r.LastOut), strconv.Itoa(r.Minutes), strconv.Itoa(r.Joins), ""}
		switch {
		case !r.Came:
			mark, ink, cells = theme.Bad+" ", s.Muted, [6]string{}
			if notes = append(notes, "never came"); r.Expected {
				missing++
			}
		case r.LastOut.IsZero():
			notes = append(notes, "still here")
			here++
		}
		if r.Came {
			came++
		}
		switch r.Consent {
		case app.ConsentYes:
			notes = append(notes, "agreed to be recorded")
		case app.ConsentNo:
			notes = append(notes, "declined to be recorded")
			declined++
		}
		cells[0], cells[5] = mark+words.Safe(r.Name), strings.Join(notes, ", ")
		out = append(out, line(ink, cells))
	}
	sum := words.Plural(came, "person", "people") + " came"
	if here > 0 {
		sum += fmt.Sprintf(", %d still here", here)
	}
	if missing > 0 {
		sum += fmt.Sprintf(", %d expected but never came", missing)
	}
	if declined > 0 {
		sum += fmt.Sprintf(", %d declined to be recorded", declined)
	}
	return append(out, "", s.Muted.Render(s.Clip(sum, w)))
}

func (p *Pane) clock(t app.Time) string {
	if t.IsZero() {
		return theme.Nothing
	}
	return t.In(p.Zone).Format("15:04")
}

// export asks for a file, whose extension chooses the format, and writes it. An existing file is left as it is.
func (p *Pane) export(a attended) tea.Cmd {
	f := &dialog.Form{Title: "Export the attendance of " + words.Safe(a.meeting.Room), Submit: "Export", Fields: []*dialog.Field{{
		Name: "path", Label: "File", Value: fileName(a.meeting.Room) + "-" + began(a.meeting).In(p.Zone).Format("2006-01-02-1504") + ".csv",
		Help: "The extension sets the format: .csv for spreadsheets, .md for Markdown, .txt for a table. A name without a folder " +
			"is saved in the current folder.",
		Check: func(v string, _ func(string) string) string { return checkExport(v) },
	}}}
	f.OnSubmit = func(v func(string) string) tea.Cmd {
		path := pane.Path(v("path"))
		return pane.Try(p.Screen, "export the attendance list", f, func(context.Context) (string, error) { return path, p.write(path, a) },
			func(path string) tea.Cmd { return p.Say("Attendance exported", path) })
	}
	return p.Dialogs.Push(f)
}

// fileName makes a file's name of a room's.
func fileName(room string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) || r < 0x20 {
			return '-'
		}
		return r
	}, words.Safe(room)), "-.")
	if name == "" {
		name = "meeting"
	}
	return name
}

func checkExport(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".md", ".txt":
		return ""
	}
	return "Enter a file name that ends in .csv, .md or .txt."
}

// write writes the list in the format of the path's extension.
func (p *Pane) write(path string, a attended) error {
	return pane.WriteNew(path, func(out io.Writer) error {
		switch strings.ToLower(filepath.Ext(path)) {
		case ".md":
			return p.markdown(out, a)
		case ".txt":
			return attendance.Table(out, a.rows, p.Zone)
		}
		return attendance.CSV(out, a.rows)
	})
}
