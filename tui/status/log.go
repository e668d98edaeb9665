package status

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"greenroom/tui/words"
)

// askLog reads the log, if there is one.
func (p *Pane) askLog() func(context.Context) ([]string, error) {
	if p.Log == nil {
		return nil
	}
	return func(context.Context) ([]string, error) { return p.Log(), nil }
}

// logLines draws the last lines of the log.
func (p *Pane) logLines(w, h int) []string {
	s := p.Styles
	if len(p.log) == 0 {
		return []string{" " + s.Muted.Render("The log is empty.")}
	}
	var out []string
	for _, l := range p.log[max(len(p.log)-h, 0):] {
		ink := s.Muted
		switch up := strings.ToUpper(l); {
		case strings.Contains(up, "ERROR"), strings.Contains(up, "PANIC"):
			ink = s.Bad
		case strings.Contains(up, "WARN"):
			ink = s.Warn
		}
		l = words.Safe(logLine(l, p.Zone))
		out = append(out, " "+ink.Render(s.Clip(l, w-2)))
	}
	return out
}

// record matches a line of the log as package slog writes it.
var record = regexp.MustCompile(`^time=(\S+) level=(\S+) msg=("(?:[^"\\]|\\.)*"|\S*) ?(.*)$`)

// logLine shortens a line of the log: time of day, level unless it is INFO, message and attributes. A line in another
// form is unchanged.
func logLine(l string, zone *time.Location) string {
	f := record.FindStringSubmatch(l)
	if f == nil {
		return l
	}
	at, err := time.Parse(time.RFC3339, f[1])
	if err != nil {
		return l
	}
	msg := f[3]
	if text, err := strconv.Unquote(msg); err == nil {
		msg = text
	}
	words := []string{at.In(zone).Format(time.TimeOnly)}
	if f[2] != "INFO" {
		words = append(words, f[2])
	}
	return strings.Join(append(words, strings.TrimSpace(msg+"  "+f[4])), " ")
}
