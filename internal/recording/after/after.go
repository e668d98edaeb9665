// Package after runs a program of the user's on a recording: on_download when it has been downloaded, on_failure when something
// of that has failed for good.
//
// The program gets its arguments as they were configured, without a shell; {path} in them is the file, or the folder of a
// recording with several. Everything else is in its environment, GREENROOM_PATH and so on: names from outside can't become
// options of the program there. Greenroom's own secrets are taken out of the environment. The program's output goes to the log,
// made safe to show and bounded; it can neither block nor fill anything by printing.
//
// A program runs in a process group of its own. To stop it, the whole group is asked to end, and what is left a moment later
// is killed. Processes that a program leaves running when it ends normally are not touched.
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
	// dieTime is how long a program that must end has until it is killed, and how long the children of one that has ended may
	// hold its output open. The end of Greenroom waits for it.
	dieTime = time.Second
)

// Command is a program with its arguments.
type Command struct {
	// Name is the setting's: on_download or on_failure.
	Name string
	// Args are the program and its arguments; not empty.
	Args []string
	// Environ is the environment that it inherits, as from os.Environ; Secrets names the variables of it that are left out.
	// Facts are further variables, as names without GREENROOM_ and values in turn.
	Environ []string
	Secrets []string
	Facts   []string
	Log     *slog.Logger
}

// Run runs the program and returns nil when it ended with status 0. When ctx ends the program is ended, and the error is ctx's
// cause. Other errors have the status and the last line that the program printed.
func (c Command) Run(ctx context.Context, r app.Recording) error {
	path := ""
	if r.Download != nil {
		path = r.Download.Path
	}
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = strings.ReplaceAll(a, "{path}", path)
	}
	out := &output{name: c.Name, log: c.Log.With("recording", r.ID, "program", args[0])}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, dieTime
	ownGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd) }
	cmd.Env = append(c.inherited(), c.facts(r)...)
	cmd.Dir = folderOf(path)
	out.log.Info(c.Name + " begins")
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		killGroup(cmd)
	}
	out.end()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it ended well, and left something running that holds its output
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && out.last != "":
		err = fmt.Errorf("%s: %w: %s", plain.Text(args[0]), err, out.last)
	case err != nil:
		err = fmt.Errorf("%s: %w", plain.Text(args[0]), err)
	}
	if err == nil {
		out.log.Info(c.Name + " has ended")
	}
	return err
}

// folderOf is the folder in which a program runs: that of the files, or the current one.
func folderOf(path string) string {
	if path == "" {
		return ""
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	if dir := filepath.Dir(path); isDir(dir) {
		return dir
	}
	return ""
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// inherited is the environment without Greenroom's secrets.
func (c Command) inherited() []string {
	return slices.DeleteFunc(slices.Clone(c.Environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(c.Secrets, name)
	})
}

// facts describe the recording to the program.
func (c Command) facts(r app.Recording) []string {
	d := r.Download
	if d == nil {
		d = &app.Download{}
	}
	paths := []string{}
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
	pairs := [][2]string{
		{"PATH", d.Path}, {"FILES", string(files)}, {"SHA256", sum}, {"ID", r.ID}, {"ROOM", r.Room}, {"ACCOUNT", r.Account},
		{"PLATFORM", string(r.Platform)}, {"MEETING", r.Meeting}, {"KIND", r.Kind}, {"STARTED_AT", started},
		{"DURATION_S", strconv.FormatFloat(r.DurationS, 'f', -1, 64)},
	}
	for i := 0; i+1 < len(c.Facts); i += 2 {
		pairs = append(pairs, [2]string{c.Facts[i], c.Facts[i+1]})
	}
	var env []string
	for _, kv := range pairs {
		env = append(env, "GREENROOM_"+kv[0]+"="+strings.ReplaceAll(kv[1], "\x00", ""))
	}
	return env
}

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
