package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/dustin/go-humanize"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/recording"
	"greenroom/internal/recording/fetch"
	"greenroom/internal/regular"
	"greenroom/provider"
)

// Verify reads a downloaded file and compares it with the size and checksum that it had when it was downloaded. It returns the file with
// the finding, and the size and checksum that it has now.
//
// Early versions, which didn't compare the file on disk with what had arrived, could leave holes of zeros. Such a file is searched for
// them. If the source still has the recording, the holes are compared with it; otherwise the file is suspect.
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

// scan reads a file. FIFOs and devices are refused.
func scan(ctx context.Context, path string, size int64) (recording.Scanned, error) {
	f, err := regular.Open(path)
	if err != nil {
		return recording.Scanned{}, err
	}
	defer f.Close()
	return fetch.Scan(ctx, f, size)
}

// filled reports whether a file's source has non-zero bytes in the holes.
func (l *Library) filled(ctx context.Context, r app.Recording, f app.DownloadedFile, holes []recording.Hole) (bool, error) {
	if !r.DeletedAt.IsZero() {
		return false, errors.New("the recording was deleted on the platform")
	}
	i := slices.IndexFunc(r.Files, func(known provider.RecordingFile) bool { return known.Name == f.Name })
	if i < 0 {
		return false, errors.New("the recording no longer has this file")
	}
	source, err := l.source(r, file{RecordingFile: r.Files[i], id: identify(r.Files[i], i)})
	if err != nil {
		return false, err
	}
	full, err := fetch.Filled(ctx, source, f.Size, holes)
	if err != nil {
		err = errors.New(app.AsError(l.explain(r, err)).Text)
	}
	return full, err
}

// zeros describes holes in words.
func zeros(holes []recording.Hole) string {
	var total int64
	for _, h := range holes {
		total += h.Len
	}
	text := humanize.IBytes(uint64(total)) + " of zeros"
	if len(holes) == 1 {
		return fmt.Sprintf("%s from byte %d", text, holes[0].Off)
	}
	return fmt.Sprintf("%s in %d places, the first at byte %d", text, len(holes), holes[0].Off)
}
