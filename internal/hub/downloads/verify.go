package downloads

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"greenroom/internal/app"
	"greenroom/store"
)

// NoteVerification stores the findings about downloaded files; see [app.Backend].
func (q *Queue) NoteVerification(ctx context.Context, v app.Verification) (app.Recording, error) {
	r, err := q.opt.Hub.Stored(ctx, v.RecordingRef)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	err = q.changeDownload(ctx, r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		if r.Download != nil {
			d := *r.Download
			d.Apply(v, q.now())
			d.Earlier = without(d.Earlier, func(f app.DownloadedFile) bool { return f.Finding == app.FileMissing }) // reported once
			r.Download = &d
		}
		return nil
	})
	return q.reread(ctx, r, err)
}

// earliersMost bounds the earlier downloads of a recording.
const earliersMost = 16

// formerDownloads returns the downloads to keep when another one replaces d, newest first.
func formerDownloads(d *app.Download) []app.EarlierDownload {
	if d == nil {
		return nil
	}
	all := slices.Clone(d.Earlier)
	if d.State == app.DownloadDone && len(d.Files) > 0 {
		all = slices.Insert(all, 0, app.EarlierDownload{Path: d.Path, Files: d.Files, FetchedAt: d.FetchedAt, AudioOnly: d.AudioOnly})
	}
	return all[:min(len(all), earliersMost)]
}

// remaining returns the earlier downloads without damaged files and those that the present download has.
func remaining(all []app.EarlierDownload, now []app.DownloadedFile) []app.EarlierDownload {
	return without(all, func(f app.DownloadedFile) bool {
		return f.Finding != "" || slices.ContainsFunc(now, func(n app.DownloadedFile) bool { return n.Path == f.Path })
	})
}

// without removes files from earlier downloads, and downloads without files.
func without(all []app.EarlierDownload, out func(app.DownloadedFile) bool) (left []app.EarlierDownload) {
	for _, e := range all {
		e.Files = slices.DeleteFunc(slices.Clone(e.Files), out)
		if len(e.Files) > 0 {
			left = append(left, e)
		}
	}
	return left
}

// broken returns the checksums of a recording's files that have a hole or may have one.
func broken(d *app.Download) (sums []string) {
	for _, e := range formerDownloads(d) {
		for _, f := range e.Files {
			if f.Finding == app.FileBroken || f.Finding == app.FileSuspect {
				sums = append(sums, f.SHA256)
			}
		}
	}
	return sums
}

// restore makes an earlier download the present one if it matches the request: it is whole, has all the files, and is in the
// folder. It reports whether there was one.
func restore(d *app.Download, req app.DownloadRequest) bool {
	for i, e := range d.Earlier {
		if e.AudioOnly && !req.AudioOnly || !e.Whole() || !allThere(e.Files) || req.To != "" && !inside(req.To, e.Path) {
			continue
		}
		bytes := int64(0)
		for _, f := range e.Files {
			bytes += f.Size
		}
		was := *d
		was.Earlier = slices.Delete(slices.Clone(d.Earlier), i, i+1)
		*d = app.Download{
			State: app.DownloadDone, Bytes: bytes, Total: bytes, Path: e.Path, Files: e.Files, FetchedAt: e.FetchedAt, AudioOnly: e.AudioOnly,
			AskedAt: d.AskedAt, VerifiedAt: d.VerifiedAt,
			Earlier: without(remaining(formerDownloads(&was), e.Files), func(f app.DownloadedFile) bool {
				return !allThere([]app.DownloadedFile{f})
			}),
		}
		return true
	}
	return false
}

func inside(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// allThere reports whether there are files, and all exist with their size.
func allThere(files []app.DownloadedFile) bool {
	return len(files) > 0 && !slices.ContainsFunc(files, func(f app.DownloadedFile) bool {
		info, err := os.Stat(f.Path)
		return err != nil || info.Size() != f.Size
	})
}
