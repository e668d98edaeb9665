package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// printJSON writes one JSON value on one line, safe for a terminal.
func (p *program) printJSON(v any) error {
	b, err := plain.Stringify(v)
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err = p.stdout.Write(append(plain.JSON(b), '\n'))
	return err
}

// cut prints on standard error that a list is cut at its limit. count counts all items.
func (p *program) cut(shown, limit int, what string, count func() (int, error)) error {
	if shown < limit {
		return nil
	}
	all, err := count()
	if err == nil && all > shown {
		p.words(fmt.Sprintf("%d of %d %s. For more: --limit %d", shown, all, what, all))
	}
	return err
}

// list returns an empty list for nil, so that JSON has [].
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// printList prints a list: as a JSON array, as a sentence if it is empty, or else as a table with a row per item.
func printList[T any](p *program, all []T, none string, t *table, row func(T) []string) error {
	switch {
	case p.json:
		return p.printJSON(list(all))
	case len(all) == 0 && none != "":
		p.words(none)
		return nil
	}
	for _, one := range all {
		t.add(row(one)...)
	}
	return p.printTable(t)
}

// result prints the result of a command: as JSON, or in a sentence.
func (p *program) result(v any, format string, args ...any) error {
	if p.json {
		return p.printJSON(v)
	}
	p.words(plain.Text(fmt.Sprintf(format, args...)))
	return nil
}

// table is a table with aligned columns. Its cells are made safe for a terminal.
type table struct {
	rows [][]string
	// spare are the columns that are left out on a narrow terminal, the first one first; whole are never clipped.
	spare, whole []string
}

func newTable(header ...string) *table { return &table{rows: [][]string{header}} }

// narrow names the columns that are left out on a narrow terminal, the first one first.
func (t *table) narrow(spare ...string) *table {
	t.spare = spare
	return t
}

// keep names columns that are never clipped, such as ids.
func (t *table) keep(whole ...string) *table {
	t.whole = whole
	return t
}

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = plain.Text(c)
	}
	t.rows = append(t.rows, cells)
}

// printTable prints a table, fitted to the terminal.
func (p *program) printTable(t *table) error { return t.write(p.stdout, p.width) }

// leastWidth is the minimum width of a clipped column.
const leastWidth = 10

// write prints the table. With a width, columns are clipped, the widest first, and spare ones left out, until the rows fit. The last column is
// wrapped instead, unless it is kept whole.
func (t *table) write(w io.Writer, width int) error {
	if width > 0 {
		t.fit(width)
	}
	widths := t.widths()
	before := 0 // the last column
	for _, w := range widths[:len(widths)-1] {
		before += w + 2
	}
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, c := range row {
			if i < len(row)-1 {
				line.WriteString(c + strings.Repeat(" ", widths[i]-ansi.StringWidth(c)+2))
				continue
			}
			if width-before >= leastWidth {
				c = strings.Join(fold(c, width-before), "\n"+strings.Repeat(" ", before))
			}
			line.WriteString(c)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fold wraps a text between words. Words stay whole, so that URLs and paths can be copied.
func fold(s string, width int) []string {
	if ansi.StringWidth(s) <= width {
		return []string{s}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case ansi.StringWidth(line)+1+ansi.StringWidth(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// foldLines wraps the long lines of a text between words, with the indentation of each line.
func foldLines(text string, width int) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if ansi.StringWidth(l) <= width {
			continue
		}
		indent := l[:len(l)-len(strings.TrimLeft(l, " "))]
		if len(indent) < width/2 {
			lines[i] = indent + strings.Join(fold(l, width-len(indent)), "\n"+indent)
		}
	}
	return strings.Join(lines, "\n")
}

func (t *table) widths() []int {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], ansi.StringWidth(c))
		}
	}
	return widths
}

func (t *table) fit(width int) {
	for !t.clip(t.widths(), width) && len(t.spare) > 0 {
		i := slices.Index(t.rows[0], t.spare[0])
		t.spare = t.spare[1:]
		for n := range t.rows {
			if i >= 0 {
				t.rows[n] = slices.Delete(slices.Clone(t.rows[n]), i, i+1)
			}
		}
	}
}

// clip shortens cells until the rows fit, and reports whether they do. If they can't and there are spare columns, it changes nothing.
func (t *table) clip(widths []int, width int) bool {
	last := len(widths) - 1
	end := min(widths[last], width/3)
	if slices.Contains(t.whole, t.rows[0][last]) {
		end = widths[last]
	}
	room := width - 2*last - end
	for _, w := range widths[:last] {
		room -= w
	}
	for ; room < 0; room++ {
		widest := -1
		for i, w := range widths[:last] {
			if w > leastWidth && !slices.Contains(t.whole, t.rows[0][i]) && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	if room < 0 && len(t.spare) > 0 {
		return false
	}
	for _, row := range t.rows {
		for i, c := range row[:last] {
			row[i] = ansi.Truncate(c, widths[i], "…")
		}
	}
	return room >= 0
}

// facts prints pairs of names and values, one per line, with aligned values. Pairs with an empty value are left out.
func (p *program) facts(pairs ...string) error {
	t := &table{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			t.add(pairs[i], pairs[i+1])
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	return t.write(p.stdout, 0)
}

// local formats a time for people, in the local zone.
func local(t app.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// clock formats a time for people: with the date if it isn't today.
func (p *program) clock(t app.Time) string {
	if t.IsZero() {
		return ""
	}
	l, now := t.Local(), p.now().Local()
	if l.Year() == now.Year() && l.YearDay() == now.YearDay() {
		return l.Format("15:04:05")
	}
	return l.Format("2006-01-02 15:04")
}

// length formats a duration for people: "41:29", "1:02:03".
func length(d time.Duration) string {
	s := int(max(d, 0).Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// printRoom prints a changed room: as JSON, or in a sentence with its name.
func (p *program) printRoom(ctx context.Context, b app.Backend, r app.Room, sentence string) error {
	if p.json {
		page, err := b.EditPage(ctx, app.PageChange{Room: r.ID})
		if err != nil && !errors.Is(err, provider.NotFound) { // a room that was deleted has none
			return err
		}
		return p.printJSON(struct {
			app.Room
			app.PageLink
		}{r, page})
	}
	p.words(fmt.Sprintf(sentence, plain.Word(r.Name)))
	return nil
}
