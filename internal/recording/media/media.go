// Package media checks whether a downloaded file is a whole recording, by the structure of its container.
//
// [Check] reads headers and tables, never the media itself: the boxes of MP4 (faststart or not, fragmented, M4A), the
// elements of WebM and Matroska (live ones of unknown size too). What it promises:
//   - A file that ends before its structure does is [ErrDamaged]: a box, fragment, cluster or block that is cut, an index
//     that is missing, a chunk that the index places beyond the end of the file. A faststart MP4 cut at 70 %, whose header
//     every player reads, is one.
//   - So is an MP4 with a hole over a box: media that lies in no mdat box, a box without a name in the index.
//   - So is a fragmented MP4 that lacks fragments which its segment index (sidx) lists.
//   - A file that is named as media and is something else, such as a web page, is [ErrDamaged].
//   - Whatever the bytes are, it ends: memory is bounded (tables are streamed), nesting is bounded, time is linear in the
//     size of the headers and tables.
//
// What it does not promise: that the media decodes, that there is no hole within the media data, and that a live or fragmented
// file without a segment index is complete when it was cut exactly between two fragments or blocks; such a file has no end that
// could be missed. Sizes and checksums are the downloader's to
// compare. A recording without audio is no damage; [Report] says so. Containers other than these are not checked, which
// [Report] says as well.
//
// ffprobe is asked for a second opinion where it is installed. It adds to the [Report.Note] and decides nothing: the same
// file must not be whole on one machine and damaged on another because of what else is installed, and a file that arrived
// byte for byte as the platform has it becomes no better by being fetched again.
package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"greenroom/internal/regular"
)

// ErrDamaged is wrapped by every error about the file itself rather than about reading it. The error's text is the reason, in
// words for people.
var ErrDamaged = errors.New("damaged")

// Report is the result of a check. It survives JSON.
type Report struct {
	// Container is "mp4", "webm", "matroska", or "other" for what is not checked.
	Container string `json:"container"`
	// Audio and Video say whether there is a track of the kind that isn't empty. Both are false for other containers.
	Audio bool `json:"audio"`
	Video bool `json:"video"`
	// Duration is that of the longest track as written in the container, zero if it isn't. Platforms often know better.
	Duration time.Duration `json:"duration,omitempty"`
	// Fragmented says of an MP4 that its media comes in fragments.
	Fragmented bool `json:"fragmented,omitempty"`
	// Extension is the one that a WebM or Matroska file should have, with its dot, when its name has another kind's.
	Extension string `json:"extension,omitempty"`
	// Note is a remark in words: "no audio", "not checked: …", a difference that ffprobe found. Empty when all is as
	// expected.
	Note string `json:"note,omitempty"`
}

// Checked reports whether the container is one that could be checked.
func (r Report) Checked() bool { return r.Container != other && r.Container != "" }

// note adds a remark.
func (r *Report) note(format string, args ...any) {
	if r.Note != "" {
		r.Note += "; "
	}
	r.Note += fmt.Sprintf(format, args...)
}

// A Checker checks files. Its zero value works, without a second opinion.
type Checker struct {
	// FFprobe is the program's path; empty asks for no second opinion.
	FFprobe string
}

// Check checks the file with ffprobe's second opinion where that program is found in the PATH. See [Checker.Check].
func Check(ctx context.Context, path string) (Report, error) {
	var c Checker
	if found, err := exec.LookPath("ffprobe"); err == nil {
		c.FFprobe = found
	}
	return c.Check(ctx, path)
}

// Check reads the file's structure. An error that is [ErrDamaged] is the verdict; any other says that the file could not be
// read. The report is filled as far as it goes in either case. A ".part" at the end of the name is looked through.
func (c Checker) Check(ctx context.Context, path string) (Report, error) {
	f, err := regular.Open(path)
	if err != nil {
		return Report{}, fmt.Errorf("media check: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Report{}, fmt.Errorf("media check: %w", err)
	}
	report, err := check(ctx, f, info.Size(), filepath.Base(path))
	if err == nil && report.Checked() && c.FFprobe != "" {
		c.secondOpinion(ctx, path, &report)
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("media check: %w", err)
	}
	return report, err
}

// check is Check of what was opened. The name is a hint at what the file should be.
func check(ctx context.Context, r io.ReaderAt, size int64, name string) (Report, error) {
	ext := strings.ToLower(filepath.Ext(strings.TrimSuffix(name, ".part")))
	report := Report{Container: other}
	if size == 0 {
		return report, damage("the file is empty")
	}
	head := make([]byte, min(size, sniffed))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), head); err != nil {
		return report, err
	}
	w := newWindow(ctx, r, size)
	switch found := Sniff(head); found.Container {
	case mp4:
		report.Container = mp4
		if err := checkMP4(w, &report); err != nil {
			return report, err
		}
	case webm, matroska:
		report.Container = found.Container
		if err := checkMatroska(w, &report); err != nil {
			return report, err
		}
	default:
		return report, unchecked(ext, found, &report)
	}
	if !fits(ext, report.Container) {
		report.Extension = extensionOf(report)
		report.note("%s", misnamed(ext, report.Container))
	}
	if !report.Audio {
		report.note("no audio")
	}
	return report, nil
}

func misnamed(ext, container string) string {
	return fmt.Sprintf("named %s, but the content is %s", ext, container)
}

// extensionOf is the usual extension of what was found. Players open an MP4 under any name, and its tracks alone don't say which
// of its many extensions is meant: it keeps the one that it has.
func extensionOf(r Report) string {
	switch r.Container {
	case webm:
		return ".webm"
	case matroska:
		return ".mkv"
	}
	return ""
}

// Rename gives a file's name the extension that fits what was found, and the report without the remark about it.
func (r Report) Rename(name string) (string, Report) {
	if r.Extension == "" {
		return name, r
	}
	ext := filepath.Ext(name)
	var notes []string
	for note := range strings.SplitSeq(r.Note, "; ") {
		if note != misnamed(strings.ToLower(ext), r.Container) {
			notes = append(notes, note)
		}
	}
	name, r.Note, r.Extension = strings.TrimSuffix(name, ext)+r.Extension, strings.Join(notes, "; "), ""
	return name, r
}

// unchecked is the verdict about a file that is no container of ours.
func unchecked(ext string, found Format, report *Report) error {
	if promised := containerOf(ext); promised != "" {
		return damage("the file is named %s but isn't one: it %s", ext, found.looks())
	}
	if found.Markup && ext != ".xml" && ext != ".html" && ext != ".htm" {
		return damage("the file is not a recording: it %s", found.looks())
	}
	report.note("not checked: it %s", found.looks())
	return nil
}

// fault is a damage's reason.
type fault string

func (f fault) Error() string        { return string(f) }
func (f fault) Is(target error) bool { return target == ErrDamaged }

func damage(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

// cut is the damage of a file that ends at size although the part called what reaches to end.
func cut(what string, end uint64, size int64) error {
	a, b := places(end, uint64(size))
	return damage("the file is cut short: %s should end at %s, the file ends at %s", what, a, b)
}

// places shows two places in a file in one unit, as exactly as it takes to tell them apart.
func places(a, b uint64) (string, string) {
	unit, scale := "MB", 1e6
	if max(a, b) < 1e6 {
		unit, scale = "kB", 1e3
	}
	for decimals := 1; decimals <= 2; decimals++ {
		x := fmt.Sprintf("%.*f %s", decimals, float64(a)/scale, unit)
		y := fmt.Sprintf("%.*f %s", decimals, float64(b)/scale, unit)
		if x != y {
			return x, y
		}
	}
	return fmt.Sprintf("byte %d", a), fmt.Sprintf("byte %d", b)
}
