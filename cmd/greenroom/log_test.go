package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/plain"
)

// waited is a writer whose writes can be waited for.
type waited struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{}
}

func (w *waited) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
	return w.b.Write(b)
}

// TestNothingInALogSteersATerminal: the library escapes what JSON and its own syntax need, and no more.
func TestNothingInALogSteersATerminal(t *testing.T) {
	const hostile = "a\x1b]0;x\x07b\u009b31mc\x7fd\u202ee\xfff\u2028g"
	for name, make := range map[string]func(io.Writer, slog.Level) *slog.Logger{"text": newLog, "JSON": newJSONLog} {
		for _, v := range []string{hostile, "room\x7f", "room\u009b", "room\u202e"} {
			var out bytes.Buffer
			make(&out, slog.LevelInfo).With("of", v).Info("webhook "+v, "room", v, "err", errors.New(v))
			line := strings.TrimSuffix(out.String(), "\n")
			if plain.Text(line) != line || line == "" {
				t.Errorf("%s of %q: %q", name, v, line)
			}
			if name == "JSON" && !json.Valid([]byte(line)) {
				t.Errorf("no JSON: %q", line)
			}
		}
	}
}

// A server that sends more than it announced makes net/http print the rest. It reaches our log, and nothing in it steers a
// terminal.
func TestWhatLibrariesPrintReachesTheLog(t *testing.T) {
	out := &waited{more: make(chan struct{}, 1)}
	terminal := &waited{more: make(chan struct{}, 1)}
	defer catchLibraries(newLog(terminal, slog.LevelInfo))()
	restore := catchLibraries(newLog(out, slog.LevelInfo))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_ = r.Body.Close()
			}
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + strings.Repeat("\x1b[31m\u202eevil ", 50)))
		}
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	limit := time.After(patience)
	for seen := false; !seen; {
		resp, err := client.Get("http://" + l.Addr().String())
		if err == nil {
			_ = resp.Body.Close()
		}
		select {
		case <-out.more:
			seen = true
		case <-limit:
			t.Fatal("net/http printed nothing to our log")
		case <-time.After(10 * time.Millisecond): // the rest arrives before the client looks, or after
		}
	}
	log.Print("\x1b]0;title\a through the log package")
	slog.Error("\x9b2J through slog", "value", "\x1b[2J")
	out.mu.Lock()
	text := out.b.String()
	out.mu.Unlock()
	for _, want := range []string{"Unsolicited response", "through the log package", "through slog"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q: %q", want, text)
		}
	}
	if strings.ContainsAny(text, "\x1b\a\u202e\u009b") || strings.Contains(text, "\x9b") {
		t.Errorf("the log holds controls: %q", text)
	}
	restore()
	log.Print("after")
	if !strings.Contains(terminal.b.String(), "after") || strings.Contains(terminal.b.String(), "evil") {
		t.Errorf("the earlier logger got %q", terminal.b.String())
	}
}
