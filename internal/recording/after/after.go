// Package after runs the user's programs on recordings: on_download after a download, on_failure after a permanent failure. {path} in
// their arguments is the file, or the folder of a recording with several files. Everything else is in the environment. See package
// program for how programs run.
package after

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/program"
)

// Command is a program with its arguments.
type Command struct {
	// Name is the setting: on_download or on_failure.
	Name string
	// Args are the program and its arguments; not empty.
	Args []string
	// Environ is the inherited environment, as from os.Environ; Secrets are the names of the variables to leave out. Facts are
	// further variables: names without GREENROOM_, each followed by its value.
	Environ []string
	Secrets []string
	Facts   []string
	Log     *slog.Logger
}

// Run runs the program and returns nil if it ends with status 0. When ctx ends, it stops the program and returns ctx's cause. Other
// errors have the status and the last line that the program printed.
func (c Command) Run(ctx context.Context, r app.Recording) error {
	path := ""
	if r.Download != nil {
		path = r.Download.Path
	}
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = strings.ReplaceAll(a, "{path}", path)
	}
	return program.Program{
		Name: c.Name, Args: args, Dir: folderOf(path), Environ: c.Environ, Secrets: c.Secrets, Facts: c.facts(r), Log: c.Log.With("recording", r.ID),
	}.Run(ctx)
}

// folderOf returns the folder in which a program runs: that of the files, or "" for the current one.
func folderOf(path string) string {
	if path == "" {
		return ""
	}
	for _, dir := range []string{path, filepath.Dir(path)} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// facts describe the recording to the program.
func (c Command) facts(r app.Recording) [][2]string {
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
	return pairs
}
