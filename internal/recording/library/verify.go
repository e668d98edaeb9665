package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/dustin/go-humanize"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/recording"
	"greenroom/internal/recording/fetch"
	"greenroom/internal/regular"
)

// Verify reads a file of a download and compares it with what was verified then. The result is the file with its finding, and the
// size and checksum that it has now.
//
// Versions that compared no file with what had arrived could leave holes of zeros. Such a file is looked through for them: where
// the source still has the recording they are compared with it, and otherwise the file is suspect.
func (l *Library) Verify(ctx context.Context, r app.Recording, f app.DownloadedFile) (app.DownloadedFile, recording.Scanned) {
	f.Finding, f.Detail = "", ""
	found := func(what, detail string) { f.Finding, f.Detail = what, plain.Text(detail) }
	now, err := scan(ctx, f.Path, f.Size)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found(app.FileMissing, "")
	case err != nil:
		found(app.FileUnreadable, err.Error())
	case now.Size != f.Size:
		found(app.FileChanged, fmt.Sprintf("%d bytes, not %d", now.Size, f.Size))
	case now.SHA256 != f.SHA256:
		found(app.FileChanged, "same size but different content")
	case f.Compared || f.Name == "" || len(now.Holes) == 0:
	default:
		filled, err := l.filled(ctx, r, f, now.Holes)
		switch {
		case err != nil:
			found(app.FileSuspect, zeros(now.Holes)+", possibly a missing part; the source can't be checked: "+err.Error())
		case filled:
			found(app.FileBroken, zeros(now.Holes)+", but the source has different data there")
		default:
			f.Compared = true // so it is at the source
		}
	}
	return f, now
}

// scan reads a file. A FIFO or a device is none.
func scan(ctx context.Context, path string, size int64) (recording.Scanned, error) {
	f, err := regular.Open(path)
	if err != nil {
		return recording.Scanned{}, err
	}
	defer f.Close()
	return fetch.Scan(ctx, f, size)
}

// filled asks a file's source whether it has anything but zeros in the holes.
func (l *Library) filled(ctx context.Context, r app.Recording, f app.DownloadedFile, holes []recording.Hole) (bool, error) {
	if !r.DeletedAt.IsZero() {
		return false, errors.New("the recording was deleted on the platform")
	}
	for i, known := range r.Files {
		if known.Name != f.Name {
			continue
		}
		source, err := l.source(ctx, r, file{RecordingFile: known, id: identify(known, i)})
		if err != nil {
			return false, err
		}
		full, err := fetch.Filled(ctx, source, f.Size, holes)
		if err != nil {
			err = errors.New(app.AsError(l.explain(r, err)).Text)
		}
		return full, err
	}
	return false, errors.New("the recording no longer has this file")
}

// zeros names holes in words.
func zeros(holes []recording.Hole) string {
	var total int64
	for _, h := range holes {
		total += h.Len
	}
	text := fmt.Sprintf("%s of zeros from byte %d", humanize.IBytes(uint64(total)), holes[0].Off)
	if len(holes) > 1 {
		text = fmt.Sprintf("%s of zeros in %d places, the first at byte %d", humanize.IBytes(uint64(total)), len(holes), holes[0].Off)
	}
	return strings.TrimSpace(text)
}
