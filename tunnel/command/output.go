package command

import (
	"strings"
	"sync"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// lastLength is the length to which the last line is cut, in characters.
const lastLength = 200

// output reads a program's standard output and error.
type output struct {
	run *run
	// searched means that the URL is searched for.
	searched bool

	mu   sync.Mutex
	find tunnel.Announcements
	// last is the last line, or the last reason found in one.
	last    string
	reason  bool
	printed tunnel.Printed
}

func (e *output) line(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run.token != "" { // ngrok repeats it in its errors
		line = strings.ReplaceAll(line, e.run.token, "(the authtoken)")
	}
	words := plain.Text(line)
	if !e.reason {
		e.last = words
	}
	e.printed.Line(e.run.clock.Now(), line)
	if e.searched {
		if e.run.find != nil {
			line = e.run.find(line)
		}
		if url, news := e.find.Line(line); news {
			e.run.found(url)
			return
		}
	}
	if e.run.hint != nil {
		if reason := e.run.hint(words); reason != "" {
			e.last, e.reason = reason, true
			e.run.trouble(reason)
		}
	}
}

// refuted switches to another URL, if the program has printed several.
func (e *output) refuted(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if next, news := e.find.Refuted(url); news {
		e.run.found(next)
	}
}

// words returns the last line, cut.
func (e *output) words() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := []rune(e.last); len(w) > lastLength {
		return string(w[:lastLength-1]) + "…"
	}
	return e.last
}
