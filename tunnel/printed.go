package tunnel

import (
	"bytes"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

// longestLine is where [Lines] cuts a line, in bytes.
const longestLine = 4 << 10

// Lines cuts what a program or a server prints into lines. It reads everything, never fails, and keeps of a line at most
// 4 KiB, so that who prints is never held up and can't fill the memory. Writes must not overlap.
type Lines struct {
	// To gets each line that isn't empty, without its end, raw.
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

// End passes on the text after the last line feed.
func (l *Lines) End() {
	if line := bytes.TrimRight(l.line, "\r"); len(line) > 0 {
		l.To(string(line))
	}
	l.line = l.line[:0]
}

const (
	// Of what is printed, printedBurst lines are logged at once and printedPace in a second from then on.
	printedBurst, printedPace = 200, 10
)

// Printed logs what a program or a server prints, at the debug level, made safe for a terminal, and without being flooded.
// It is for one goroutine.
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
