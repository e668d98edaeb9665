package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Notify holds the settings of notifications.
type Notify struct {
	// Bell and Desktop are the words for which the terminal's bell rings and the desktop shows a message.
	Bell, Desktop []string
	Programs      []NotifyProgram
}

// NotifyProgram is a table of [[notify]]: Run is a program with its arguments, On the words or the filter that it runs for.
type NotifyProgram struct {
	On  string
	Run []string
}

func (r *reader) notify() {
	n := &r.cfg.Notify
	n.Bell, n.Desktop = r.calls("bell"), r.calls("desktop")
	for i, at := range r.tables["notify"] {
		prefix, before := "notify."+strconv.Itoa(i)+".", len(r.errs)
		p := NotifyProgram{
			On:  r.text(prefix+"on", "", r.selects),
			Run: r.hideArguments(r.program(prefix+"run", `["notify-send", "Greenroom"]`)),
		}
		if len(r.errs) == before && (p.On == "" || len(p.Run) == 0) {
			r.fail(at, "notify", "needs both on and run", `write on = "waiting" and run = ["notify-send", "Someone is waiting"]`)
		}
		n.Programs = append(n.Programs, p)
	}
}

// selects accepts the value of on under [[notify]]: words, or a filter.
func (r *reader) selects(s string) (string, string, string) {
	in := strings.FieldsFunc(s, func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
	strange := slices.IndexFunc(in, func(w string) bool { return !slices.Contains(r.opts.Calls, w) })
	if strange < 0 {
		return s, "", ""
	}
	if len(in) == 1 && !strings.ContainsAny(s, ":/\"") {
		return "", fmt.Sprintf("can't be %q", s),
			meant(closest(s, r.opts.Calls), "use "+strings.Join(r.opts.Calls, ", ")+", or a filter such as kind:participant.joined")
	}
	return r.filter(s)
}

// calls reads the words of bell or desktop: true for all, false for none, or a list.
func (r *reader) calls(key string) []string {
	all := r.opts.Calls
	v, set := r.values[key]
	if _, list := v.raw.([]any); !set || !list {
		if r.boolean(key, true) {
			return all
		}
		return nil
	}
	words := r.texts(key, `["waiting", "recording-failed"], true or false`)
	for _, w := range words {
		if !slices.Contains(all, w) {
			r.fail(v.from, key, fmt.Sprintf("can't contain %q", w), meant(closest(w, all), "use "+strings.Join(all, ", ")))
		}
	}
	return words
}
