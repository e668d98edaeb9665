package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// row is a line of the table.
type row struct{ section, what, ours, beside, ratio, budget, before string }

func (b *bench) row(section, what, ours, beside, ratio, budget, before string) {
	b.rows = append(b.rows, row{section, what, ours, beside, ratio, budget, before})
}

// print writes the table in Markdown.
func (b *bench) print(w io.Writer) error {
	head := []string{"", "what", "Greenroom", "beside", "ratio", "budget"}
	if b.before != "" {
		head = append(head, "earlier build")
	}
	lines := [][]string{head, make([]string, len(head))}
	for i := range lines[1] {
		lines[1][i] = "---"
	}
	section := ""
	for _, r := range b.rows {
		cells := []string{r.section, r.what, r.ours, r.beside, r.ratio, r.budget, r.before}
		if cells[0] == section {
			cells[0] = ""
		}
		section = r.section
		lines = append(lines, cells[:len(head)])
	}
	for _, cells := range lines {
		if _, err := fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |"); err != nil {
			return err
		}
	}
	return nil
}

func rate(perSecond float64) string { return fmt.Sprintf("%.0f/s", perSecond) }

func ratio(r float64) string { return fmt.Sprintf("%.2f", r) }

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

func clients(n int) string {
	if n == 1 {
		return "1 client"
	}
	return fmt.Sprintf("%d clients", n)
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
