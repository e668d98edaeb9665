package media

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"greenroom/internal/plain"
)

const (
	// probeTime is how long ffprobe may take. It reads a few megabytes.
	probeTime = 30 * time.Second
	// probeOutput bounds what is kept of what it says.
	probeOutput = 64 << 10
)

// secondOpinion asks ffprobe, and notes where it sees the file differently. That it can't be run, or takes too long, is no
// opinion.
func (c Checker) secondOpinion(ctx context.Context, path string, report *Report) {
	path, err := filepath.Abs(path)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var out, words bounded
	// Only this very file is opened, whatever it refers to.
	cmd := exec.CommandContext(ctx, c.FFprobe, "-v", "error", "-protocol_whitelist", "file",
		"-show_entries", "stream=codec_type", "-of", "json", "file:"+path)
	cmd.Stdout, cmd.Stderr = &out, &words
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return
	case errors.As(err, &exit) && exit.Exited():
		report.note("ffprobe cannot read it: %s", reason(words.String(), path))
		return
	case err != nil:
		return
	}
	var seen struct {
		Streams []struct {
			Type string `json:"codec_type"`
		} `json:"streams"`
	}
	if json.Unmarshal(out.Bytes(), &seen) != nil {
		return
	}
	var audio bool
	for _, s := range seen.Streams {
		audio = audio || s.Type == "audio"
	}
	switch {
	case audio && !report.Audio:
		report.note("ffprobe sees an audio track, but it is empty")
	case !audio && report.Audio:
		report.note("ffprobe sees no audio")
	}
}

// reason is the last thing that ffprobe said, as one safe line without the path.
func reason(words, path string) string {
	lines := strings.Split(strings.TrimSpace(words), "\n")
	last := strings.TrimPrefix(lines[len(lines)-1], "file:"+path+": ")
	if last == "" {
		return "no reason given"
	}
	return plain.Text(last)
}

// bounded keeps the first part of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(probeOutput-b.Len(), 0))])
	return len(p), nil
}
