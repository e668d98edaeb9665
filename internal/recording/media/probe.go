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
	// probeTime limits the time of ffprobe, which reads a few megabytes.
	probeTime = 30 * time.Second
	// probeOutput limits the output that is kept, in bytes.
	probeOutput = 64 << 10
)

// secondOpinion runs ffprobe and notes the differences that it finds. If it can't be run or takes too long, nothing is noted.
func (c Checker) secondOpinion(ctx context.Context, path string, report *Report) {
	path, err := filepath.Abs(path)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var out, words bounded
	// Only this file is opened, not those that it refers to.
	cmd := exec.CommandContext(ctx, c.FFprobe, "-v", "error", "-protocol_whitelist", "file",
		"-show_entries", "stream=codec_type", "-of", "json", "file:"+path)
	cmd.Stdout, cmd.Stderr = &out, &words
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() && ctx.Err() == nil {
		report.note("ffprobe cannot read it: %s", reason(words.String(), path))
	}
	if err != nil || ctx.Err() != nil {
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

// reason returns ffprobe's last message as one safe line, without the path.
func reason(words, path string) string {
	lines := strings.Split(strings.TrimSpace(words), "\n")
	last := strings.TrimPrefix(lines[len(lines)-1], "file:"+path+": ")
	if last == "" {
		return "no reason given"
	}
	return plain.Text(last)
}

// bounded keeps the first bytes that are written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(probeOutput-b.Len(), 0))])
	return len(p), nil
}
