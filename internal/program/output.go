package program

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"

	"greenroom/internal/plain"
)

const (
	// linesMost is the number of lines of a run that are logged, lineMost their largest size in bytes.
	linesMost = 200
	lineMost  = 500
)

// output logs what a program prints, line by line.
type output struct {
	name string
	log  *slog.Logger

	mu      sync.Mutex
	line    []byte
	lines   int
	dropped int
	last    string
}

// Write never fails, so that it can't make the program fail.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := b; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		rest = after
		if room := lineMost - len(o.line); len(part) > room {
			part = part[:room]
		}
		o.line = append(o.line, part...)
		if whole {
			o.flush()
		}
	}
	return len(b), nil
}

// flush logs the line that is complete.
func (o *output) flush() {
	// Programs that draw their progress rewrite a line; its final text counts.
	line := string(o.line)
	if i := strings.LastIndexByte(strings.TrimRight(line, "\r"), '\r'); i >= 0 {
		line = line[i+1:]
	}
	line = plain.Text(strings.TrimSpace(strings.ToValidUTF8(line, "�")))
	o.line = o.line[:0]
	if line == "" {
		return
	}
	o.last = line
	if o.lines++; o.lines > linesMost {
		o.dropped++
		return
	}
	o.log.Info(o.name, "line", line)
}

// end logs what is left.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	if o.dropped > 0 {
		o.log.Info(o.name, "lines not logged", o.dropped)
	}
}
