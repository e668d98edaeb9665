// Package after runs a program of the user's on a recording that has been downloaded.
//
// The program gets its arguments as they were configured, without a shell; {path} in them is the file, or the folder of a
// recording with several. Everything else stands in its environment, GREENROOM_PATH and so on: names that others gave can't
// become options of the program there. Greenroom's own secrets are taken out of the environment. What the program prints
// goes to the log, made safe to show and bounded; it can neither block nor fill anything by printing.
package after

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

const (
	// linesMost of a run's output are logged, each of at most lineMost bytes.
	linesMost = 200
	lineMost  = 500
	// dieTime is how long the program's children may hold its output open once it has ended or was killed.
	dieTime = 500 * time.Millisecond
)

// Command is a program with its arguments.
type Command struct {
	// Args are the program and its arguments; not empty.
	Args []string
	// Environ is what it inherits, as os.Environ gives it; Secrets names the variables of it that are left out.
	Environ []string
	Secrets []string
	Log     *slog.Logger
}

// Run runs the program and returns nil when it ended with status 0. It is killed when ctx ends. The error tells the status
// and the last line that the program printed.
func (c Command) Run(ctx context.Context, r app.Recording) error {
	if r.Download == nil || r.Download.Path == "" {
		return errors.New("on_download: the recording was not downloaded")
	}
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = strings.ReplaceAll(a, "{path}", r.Download.Path)
	}
	out := &output{log: c.Log.With("recording", r.ID, "program", args[0])}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, dieTime
	cmd.Env = append(c.inherited(), facts(r)...)
	cmd.Dir = r.Download.Path
	if info, err := os.Stat(cmd.Dir); err != nil || !info.IsDir() {
		cmd.Dir = filepath.Dir(r.Download.Path)
	}
	out.log.Info("on_download begins")
	err := cmd.Run()
	out.end()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well, and left something running that holds its output
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && out.last != "":
		err = fmt.Errorf("%s: %w: %s", plain.Text(args[0]), err, out.last)
	case err != nil:
		err = fmt.Errorf("%s: %w", plain.Text(args[0]), err)
	}
	if err == nil {
		out.log.Info("on_download has ended")
	}
	return err
}

// inherited is the environment without Greenroom's secrets.
func (c Command) inherited() []string {
	return slices.DeleteFunc(slices.Clone(c.Environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(c.Secrets, name)
	})
}

// facts are what the program is told of the recording.
func facts(r app.Recording) []string {
	d := r.Download
	var paths []string
	for _, f := range d.Files {
		paths = append(paths, f.Path)
	}
	files, err := json.Marshal(paths)
	if err != nil {
		files = []byte("[]") // unreachable: paths are texts
	}
	sum := ""
	if len(d.Files) == 1 {
		sum = d.Files[0].SHA256
	}
	started := ""
	if !r.StartedAt.IsZero() {
		started = r.StartedAt.Format(time.RFC3339)
	}
	var env []string
	for _, kv := range [][2]string{
		{"PATH", d.Path}, {"FILES", string(files)}, {"SHA256", sum}, {"ID", r.ID}, {"ROOM", r.Room}, {"ACCOUNT", r.Account},
		{"PLATFORM", string(r.Platform)}, {"MEETING", r.Meeting}, {"KIND", r.Kind}, {"STARTED_AT", started},
		{"DURATION_S", strconv.FormatFloat(r.DurationS, 'f', -1, 64)},
	} {
		env = append(env, "GREENROOM_"+kv[0]+"="+strings.ReplaceAll(kv[1], "\x00", ""))
	}
	return env
}

// output logs what a program prints, line by line.
type output struct {
	log *slog.Logger

	mu      sync.Mutex
	line    []byte
	lines   int
	dropped int
	last    string
}

// Write never fails, so that the program never does because of it.
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
	// Programs that draw their progress rewrite a line; what stands there in the end counts.
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
	o.log.Info("on_download", "line", line)
}

// end logs what is left.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	if o.dropped > 0 {
		o.log.Info("on_download", "lines not logged", o.dropped)
	}
}
