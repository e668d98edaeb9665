package attendance

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// Columns are the columns of the CSV file, in the order of the JSON fields.
var Columns = []string{"name", "user_id", "owner", "first_in", "last_out", "minutes", "joins", "consent", "consent_at", "expected", "came"}

// CSV writes the rows with a header, in the format of RFC 4180. Times are RFC 3339 in UTC. An apostrophe precedes texts that a spreadsheet
// would read as a formula.
func CSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	records := [][]string{Columns}
	for _, r := range rows {
		records = append(records, []string{
			cell(r.Name), cell(r.UserID), strconv.FormatBool(r.Owner), stamp(r.FirstIn), stamp(r.LastOut), strconv.Itoa(r.Minutes),
			strconv.Itoa(r.Joins), r.Consent, stamp(r.ConsentAt), strconv.FormatBool(r.Expected), strconv.FormatBool(r.Came),
		})
	}
	if err := out.WriteAll(records); err != nil {
		return fmt.Errorf("write the CSV file: %w", err)
	}
	return nil
}

// cell makes an untrusted text safe for spreadsheets and terminals.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		s = "'" + s
	}
	return plain.Text(s)
}

func stamp(t app.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Table writes the rows in columns that are aligned in a monospaced font, with times in the zone.
func Table(w io.Writer, rows []Row, zone *time.Location) error {
	table := [][5]string{{"NAME", "FIRST IN", "LAST OUT", "MINUTES", "JOINED"}}
	for _, r := range rows {
		name := plain.Text(r.Name)
		if r.Owner {
			name += " (host)"
		}
		first, last, minutes, joins := r.words(zone)
		table = append(table, [5]string{name, first, last, minutes, joins})
	}
	var widths [5]int
	for _, cells := range table {
		for i, c := range cells {
			widths[i] = max(widths[i], ansi.StringWidth(c))
		}
	}
	var b strings.Builder
	for _, cells := range table {
		line := ""
		for i, c := range cells {
			line += c + strings.Repeat(" ", widths[i]-ansi.StringWidth(c)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// words returns the times and counts of a row, with times in the zone.
func (r Row) words(zone *time.Location) (first, last, minutes, joins string) {
	switch {
	case !r.Came:
		return "never came", "", "", ""
	case r.LastOut.IsZero():
		last = "still here"
	default:
		last = clock(r.LastOut, zone)
	}
	return clock(r.FirstIn, zone), last, strconv.Itoa(r.Minutes), strconv.Itoa(r.Joins)
}

// Markdown writes a title and a table of the rows, with times in the zone.
func Markdown(w io.Writer, title string, rows []Row, zone *time.Location) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n| Name | First in | Last out | Minutes | Joined | Consent | Expected |\n|---|---|---|---:|---:|---|---|\n", escape(title))
	for _, r := range rows {
		name := escape(r.Name)
		if r.Owner {
			name += " (host)"
		}
		first, last, minutes, joins := r.words(zone)
		expected := ""
		if r.Expected {
			expected = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", name, first, last, minutes, joins, r.Consent, expected)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func clock(t app.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// markup escapes Markdown's characters, except for those that only have a meaning at the beginning of a line: no name is there.
var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`, `|`, `\|`, `~`, `\~`, `&`, `\&`, `!`, `\!`,
)

func escape(s string) string { return markup.Replace(plain.Text(s)) }
