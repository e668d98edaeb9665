// Package media checks whether a downloaded file is a complete recording, by the structure of its container.
//
// [Check] reads headers and tables, never the media: the boxes of MP4 (faststart or not, fragmented, M4A) and the elements of WebM and
// Matroska (also live ones of unknown size). It promises:
//   - A file that ends before its structure does is [ErrDamaged]: a box, fragment, cluster or block that is cut, a missing index, a
//     chunk that the index places beyond the end of the file. An example is a faststart MP4 cut at 70 %, whose header every player
//     reads.
//   - So is an MP4 with a hole over a box: media outside every mdat box, a box without a name in the index.
//   - So is a fragmented MP4 without fragments that its segment index (sidx) lists.
//   - So is a file that is named as media and is something else, such as a web page.
//   - It ends on any input: memory is bounded (tables are streamed), nesting is bounded, and time is linear in the size of the headers
//     and tables.
//
// It doesn't promise that the media decodes, that there is no hole within the media data, or that a live or fragmented file without a
// segment index is complete if it was cut exactly between two fragments or blocks: nothing in such a file marks its end. Comparing sizes
// and checksums is the downloader's task. A recording without audio isn't damaged, and other containers aren't checked; the [Report]
// shows both.
//
// If ffprobe is installed, it gives a second opinion. That only adds to [Report.Note]: a verdict must not depend on what is installed on
// a machine, and downloading an exact copy of the platform's file again would not make it better.
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

// ErrDamaged is wrapped by every error about the file, as opposed to reading it. The error's text is the reason, for people.
var ErrDamaged = errors.New("damaged")

// Report is the result of a check. It survives JSON.
type Report struct {
	// Container is "mp4", "webm", "matroska", or "other" for what is not checked.
	Container string `json:"container"`
	// Audio and Video report whether there is a track of the kind that isn't empty. Both are false for other containers.
	Audio bool `json:"audio"`
	Video bool `json:"video"`
	// Duration is the length of the longest track according to the container, zero if it has none. The platform's is often more exact.
	Duration time.Duration `json:"duration,omitempty"`
	// Fragmented reports whether an MP4's media is in fragments.
	Fragmented bool `json:"fragmented,omitempty"`
	// Extension is the right extension, with its dot, of a WebM or Matroska file whose name has another container's; otherwise empty.
	Extension string `json:"extension,omitempty"`
	// Note is a remark in words: "no audio", "not checked: …", a difference that ffprobe found; otherwise empty.
	Note string `json:"note,omitempty"`
}

// Checked reports whether the container could be checked.
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
	// FFprobe is the program's path; empty for no second opinion.
	FFprobe string
}

// Check checks the file, with ffprobe's second opinion if that program is in the PATH. See [Checker.Check].
func Check(ctx context.Context, path string) (Report, error) {
	found, err := exec.LookPath("ffprobe")
	if err != nil {
		found = ""
	}
	return Checker{FFprobe: found}.Check(ctx, path)
}

// Check reads the file's structure. [ErrDamaged] is its verdict; any other error means that the file can't be read. Either way the report
// has all that was found. A ".part" at the end of the name is ignored.
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

// check checks an open file. Its name shows what it should be.
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
	found := Sniff(head)
	if found.Container == other {
		return report, unchecked(ext, found, &report)
	}
	report.Container = found.Container
	structure := checkMatroska
	if found.Container == mp4 {
		structure = checkMP4
	}
	if err := structure(w, &report); err != nil {
		return report, err
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

// extensionOf returns the usual extension of a container. Players open an MP4 under any name, and its tracks don't show which of its many
// extensions is right, so it keeps its own.
func extensionOf(r Report) string {
	switch r.Container {
	case webm:
		return ".webm"
	case matroska:
		return ".mkv"
	}
	return ""
}

// Rename returns a file's name with the right extension, and the report without the remark about it.
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

// unchecked returns the verdict about a file of another container.
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

// fault is the reason of an [ErrDamaged].
type fault string

func (f fault) Error() string        { return string(f) }
func (f fault) Is(target error) bool { return target == ErrDamaged }

func damage(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

// cut returns the damage of a file that ends at size although a part of it reaches to end.
func cut(what string, end uint64, size int64) error {
	a, b := places(end, uint64(size))
	return damage("the file is cut short: %s should end at %s, the file ends at %s", what, a, b)
}

// places formats two offsets in one unit, with enough digits to tell them apart.
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
