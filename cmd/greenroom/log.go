package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

// maxLog is the size in bytes at which the log is rotated. The previous log is kept beside it.
const maxLog = 5 << 20

// logFile is a log that is rotated when it has grown. It is safe for concurrent use.
type logFile struct {
	path string
	mu   sync.Mutex
	f    *os.File
	size int64
}

// openLog opens DIR/greenroom.log, which only its owner can read.
func openLog(dir string) (*logFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	l := &logFile{path: filepath.Join(dir, "greenroom.log")}
	return l, l.reopen()
}

func (l *logFile) reopen() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write appends one record.
func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+int64(len(b)) > maxLog && l.size > 0 {
		if err := l.f.Close(); err != nil {
			return 0, err
		}
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return 0, err
		}
		if err := l.reopen(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	return n, err
}

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}

// tail returns the last lines, at most 200, oldest first.
func (l *logFile) tail() []string {
	f, err := os.Open(l.path)
	if err != nil {
		return nil
	}
	defer f.Close()
	const window = 32 << 10
	from := int64(0)
	if info, err := f.Stat(); err == nil && info.Size() > window {
		from = info.Size() - window
	}
	b := make([]byte, window)
	n, err := f.ReadAt(b, from)
	if err != nil && err != io.EOF {
		return nil
	}
	lines := strings.Split(strings.TrimRight(string(b[:n]), "\n"), "\n")
	if from > 0 && len(lines) > 1 {
		lines = lines[1:] // cut at its beginning
	}
	return lines[max(0, len(lines)-200):]
}

// newLog returns a logger whose records are safe for a terminal.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(safely{w, textLine}, &slog.HandlerOptions{Level: level}))
}

// newJSONLog is newLog with one JSON object per line.
func newJSONLog(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(safely{w, plain.JSON}, &slog.HandlerOptions{Level: level}))
}

// safely writes cleaned records. Each Write is one record.
type safely struct {
	to    io.Writer
	clean func([]byte) []byte
}

// Write writes one record.
func (s safely) Write(b []byte) (int, error) {
	if _, err := s.to.Write(s.clean(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

func textLine(b []byte) []byte { return []byte(plain.Text(strings.TrimSuffix(string(b), "\n")) + "\n") }

// catchLibraries redirects the output of libraries to Go's own loggers, which may contain untrusted bytes, from standard error to a log.
// restore ends this.
func catchLibraries(to *slog.Logger) (restore func()) {
	was := slog.Default()
	slog.SetDefault(to.With("from", "library")) // the log package's as well
	return func() { slog.SetDefault(was) }
}

// crashGroup starts goroutines whose panics are logged with their stack; fatal is called after each.
func crashGroup(log *slog.Logger, fatal func(crash.Report)) *crash.Group {
	return &crash.Group{OnPanic: func(r crash.Report) {
		log.Error("panic", "in", r.Name, "value", fmt.Sprint(r.Value), "stack", string(r.Stack))
		fatal(r)
	}}
}
