package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Notify is how the user is called.
type Notify struct {
	// Bell and Desktop are the words that ring the terminal's bell and show a message on the desktop.
	Bell, Desktop []string
	// Programs are run.
	Programs []NotifyProgram
}

// NotifyProgram is one of [[notify]]: Run, a program with its arguments, is for what On selects.
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
			Run: r.program(prefix+"run", `["notify-send", "Greenroom"]`),
		}
		if len(r.errs) == before && (p.On == "" || len(p.Run) == 0) {
			r.fail(at, "notify", "needs both on and run", `write on = "waiting" and run = ["notify-send", "Someone is waiting"]`)
		}
		if k := len(r.cfg.settings); len(p.Run) > 1 {
			r.cfg.settings[k-1].Value = p.Run[0] + " …" // arguments may hold a secret
		}
		n.Programs = append(n.Programs, p)
	}
}

// selects accepts what [[notify]] can be for: words, or a filter.
func (r *reader) selects(s string) (string, string, string) {
	in := strings.FieldsFunc(s, func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
	strange := slices.IndexFunc(in, func(w string) bool { return !slices.Contains(r.opts.Calls, w) })
	if strange < 0 {
		return s, "", ""
	}
	if len(in) == 1 && !strings.ContainsAny(s, ":/\"") {
		fix := "use " + strings.Join(r.opts.Calls, ", ") + ", or a filter such as kind:participant.joined"
		if near := closest(s, r.opts.Calls); near != "" {
			fix = "did you mean " + near + "?"
		}
		return "", fmt.Sprintf("can't be %q", s), fix
	}
	return r.filter(s)
}

// calls reads which words something is for: true for all, false for none, or a list.
func (r *reader) calls(key string) []string {
	all := r.opts.Calls
	v, set := r.values[key]
	if _, list := v.raw.([]any); !set || !list {
		if on, _ := r.boolean(key, true); on {
			return all
		}
		return nil
	}
	const example = `["waiting", "recording-failed"], true or false`
	words := r.texts(key, example)
	for _, w := range words {
		if !slices.Contains(all, w) {
			fix := "use " + strings.Join(all, ", ")
			if near := closest(w, all); near != "" {
				fix = "did you mean " + near + "?"
			}
			r.fail(v.from, key, fmt.Sprintf("can't contain %q", w), fix)
		}
	}
	return words
}
