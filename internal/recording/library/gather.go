package library

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/recording"
	"greenroom/internal/recording/layout"
	"greenroom/internal/recording/media"
	"greenroom/provider"
)

// gather returns the result of a job whose files were downloaded, and writes the manifest of several files.
func (l *Library) gather(j recording.Job, files []file, folder string, got []fetched) (recording.Result, error) {
	var out recording.Result
	var notes []string
	note := func(of, text string) {
		if folder != "" {
			text = of + ": " + text
		}
		if text != "" && !slices.Contains(notes, text) {
			notes = append(notes, text)
		}
	}
	for i, g := range got {
		out.Files = append(out.Files, app.DownloadedFile{
			Path: g.Path, Name: files[i].Name, Size: g.Size, SHA256: g.SHA256, Media: mediaWords(g.media), Compared: g.Compared,
		})
		// A camera's track is always silent.
		if n := g.media.Note; n != "" && (folder == "" || strings.HasSuffix(files[i].Kind, "audio")) {
			note(filepath.Base(g.Path), n)
		}
		for _, why := range g.Restarted {
			note(filepath.Base(g.Path), "restarted: "+why)
		}
	}
	if j.AudioOnly && folder == "" && got[0].media.Video {
		note("", "audio and video are in one file, so the video was downloaded too")
	}
	out.Note = plain.Text(strings.Join(notes, "; "))
	out.Path = got[0].Path
	if folder == "" {
		return out, nil
	}
	out.Path = filepath.Join(j.Folder, filepath.FromSlash(folder))
	manifest, err := l.manifest(j, files, out)
	if err != nil {
		return out, err
	}
	out.Files = append(out.Files, manifest)
	list, err := l.checksums(out)
	if err != nil {
		return out, err
	}
	out.Files = append(out.Files, list)
	return out, nil
}

// checksums writes the list of checksums and returns its file.
func (l *Library) checksums(got recording.Result) (app.DownloadedFile, error) {
	sums := make(map[string]string, len(got.Files))
	for _, f := range got.Files {
		sums[filepath.Base(f.Path)] = f.SHA256
	}
	if err := layout.WriteChecksums(got.Path, sums, l.opt.Mode); err != nil {
		return app.DownloadedFile{}, &app.Error{Text: err.Error(), Hint: "is the disk full?", Err: err}
	}
	return written(filepath.Join(got.Path, layout.ChecksumsName), "checksums")
}

// written describes a file that was written here.
func written(path, media string) (app.DownloadedFile, error) {
	got, err := scan(context.Background(), path, 0)
	return app.DownloadedFile{Path: path, Media: media, Size: got.Size, SHA256: got.SHA256}, err
}

// manifest writes the manifest of a folder's files and returns its file.
func (l *Library) manifest(j recording.Job, files []file, got recording.Result) (app.DownloadedFile, error) {
	r := j.Recording
	m := layout.Manifest{
		ID: r.ID, Room: r.Room, Account: r.Account, Platform: string(r.Platform), Meeting: r.Meeting, StartedAt: r.StartedAt.Time,
	}
	if r.DurationS > 0 {
		m.DurationS = &r.DurationS
	}
	users := make(map[string]string)
	for _, s := range j.People {
		users[strings.ToLower(s.Session)] = s.UserID
	}
	wanted := make([]provider.RecordingFile, len(files))
	for i, f := range files {
		wanted[i] = f.RecordingFile
	}
	m.Tracks = layout.Tracks(wanted, names(j.People))
	for i, f := range got.Files {
		m.Tracks[i].File, m.Tracks[i].Size, m.Tracks[i].SHA256 = filepath.Base(f.Path), f.Size, f.SHA256
		m.Tracks[i].UserID = users[strings.ToLower(m.Tracks[i].Session)]
	}
	if err := m.Write(got.Path, l.opt.Mode); err != nil {
		return app.DownloadedFile{}, &app.Error{Text: err.Error(), Hint: "is the disk full?", Err: err}
	}
	return written(filepath.Join(got.Path, layout.ManifestName), "manifest")
}

// mediaWords describes a check's result in a few words.
func mediaWords(r media.Report) string {
	words := []string{r.Container}
	if r.Checked() {
		if r.Audio {
			words = append(words, "audio")
		}
		if r.Video {
			words = append(words, "video")
		}
	}
	if r.Note != "" {
		words = append(words, r.Note)
	}
	return plain.Text(strings.Join(words, ", "))
}
