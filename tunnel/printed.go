package tunnel

import (
	"bytes"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

// longestLine is the length to which [Lines] cuts a line, in bytes.
const longestLine = 4 << 10

// Lines splits the output of a program or a server into lines. It never fails and keeps at most 4 KiB of a line, so that the writer
// is never blocked and can't fill the memory. Writes must not overlap.
type Lines struct {
	// To is called with each line that isn't empty, raw, without its end.
	To func(line string)
	// Crash reports a panic of To; it may be nil.
	Crash *crash.Group

	line []byte
}

// Write implements [io.Writer].
func (l *Lines) Write(p []byte) (int, error) {
	defer l.Crash.Recover("lines of a tunnel")
	n := len(p)
	for {
		before, after, more := bytes.Cut(p, []byte{'\n'})
		l.line = append(l.line, before[:min(len(before), longestLine-len(l.line))]...)
		if !more {
			return n, nil
		}
		l.End()
		p = after
	}
}

// End passes on an unfinished last line.
func (l *Lines) End() {
	if line := bytes.TrimRight(l.line, "\r"); len(line) > 0 {
		l.To(string(line))
	}
	l.line = l.line[:0]
}

// printedBurst lines of output are logged at any pace, further ones at printedPace per second.
const printedBurst, printedPace = 200, 10

// Printed logs the output of a program or a server at the debug level, safe for a terminal and at a limited pace. It is for one
// goroutine.
type Printed struct {
	Log *slog.Logger

	pace *rate.Limiter
	left int
}

// Line logs a line.
func (p *Printed) Line(now time.Time, line string) {
	if p.pace == nil {
		p.pace = rate.NewLimiter(printedPace, printedBurst)
	}
	if !p.pace.AllowN(now, 1) {
		p.left++
		return
	}
	if p.left > 0 {
		p.Log.Debug("more was printed than is logged", "lines", p.left)
		p.left = 0
	}
	p.Log.Debug("printed", "line", plain.Text(line))
}
