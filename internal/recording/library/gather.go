package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/recording"
	"greenroom/internal/recording/layout"
	"greenroom/internal/recording/media"
	"greenroom/internal/regular"
	"greenroom/provider"
)

// gather tells what is here, and writes the manifest of several files.
func (l *Library) gather(j Job, files []file, folder string, got []fetched) (Result, error) {
	var out Result
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
		// That a camera's track is silent is no news.
		if n := g.media.Note; n != "" && (folder == "" || strings.HasSuffix(files[i].Kind, "audio")) {
			note(filepath.Base(g.Path), n)
		}
		for _, why := range g.Restarted {
			note(filepath.Base(g.Path), "begun anew: "+why)
		}
	}
	if j.AudioOnly && folder == "" && got[0].media.Video {
		note("", "audio and video are in one file: the video came too")
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

// checksums writes the list of checksums, and gives the file that it wrote.
func (l *Library) checksums(got Result) (app.DownloadedFile, error) {
	sums := make(map[string]string, len(got.Files))
	for _, f := range got.Files {
		sums[filepath.Base(f.Path)] = f.SHA256
	}
	if err := layout.WriteChecksums(got.Path, sums, l.opt.Mode); err != nil {
		return app.DownloadedFile{}, &app.Error{Text: err.Error(), Hint: "is the disk full?", Err: err}
	}
	return written(filepath.Join(got.Path, layout.ChecksumsName), "checksums")
}

// written is a file that was written here.
func written(path, media string) (out app.DownloadedFile, err error) {
	out = app.DownloadedFile{Path: path, Media: media}
	out.Size, out.SHA256, err = Sum(context.Background(), path)
	return out, err
}

// manifest writes what the files of a folder are, and gives the file that it wrote.
func (l *Library) manifest(j Job, files []file, got Result) (app.DownloadedFile, error) {
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
	m.Tracks = layout.Tracks(wanted, j.names())
	for i, f := range got.Files {
		m.Tracks[i].File, m.Tracks[i].Size, m.Tracks[i].SHA256 = filepath.Base(f.Path), f.Size, f.SHA256
		m.Tracks[i].UserID = users[strings.ToLower(m.Tracks[i].Session)]
	}
	if err := m.Write(got.Path, l.opt.Mode); err != nil {
		return app.DownloadedFile{}, &app.Error{Text: err.Error(), Hint: "is the disk full?", Err: err}
	}
	return written(filepath.Join(got.Path, layout.ManifestName), "manifest")
}

// mediaWords is what a check found, in a few words.
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

// Sum reads a file and gives its size and its SHA-256 in hexadecimal.
func Sum(ctx context.Context, path string) (int64, string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, reader{ctx, f})
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// reader is a file that is read until ctx ends.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// journal is a file's progress in the memory that a job was given.
type journal struct{ Memory }

// Load implements [recording.Journal], as does Save. What can't be read back is taken for nothing: the file begins anew.
func (j journal) Load(ctx context.Context) (recording.Progress, error) {
	var p recording.Progress
	raw, err := j.Memory.Load(ctx)
	if err != nil || len(raw) == 0 {
		return p, err
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return recording.Progress{}, nil
	}
	return p, nil
}

// Save writes the progress.
func (j journal) Save(ctx context.Context, p recording.Progress) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode how far it is: %w", err)
	}
	return j.Memory.Save(ctx, raw)
}

// tally adds the stats of a job's files up.
type tally struct {
	report func(Report)

	mu    sync.Mutex
	stats []recording.Stats
	notes int
}

func newTally(files []file, report func(Report)) *tally {
	if report == nil {
		report = func(Report) {}
	}
	t := &tally{report: report, stats: make([]recording.Stats, len(files))}
	for i, f := range files {
		t.stats[i].Total = f.Size
	}
	return t
}

// of gives the report of one file.
func (t *tally) of(i int) func(recording.Stats) {
	return func(s recording.Stats) {
		t.mu.Lock()
		if s.Total <= 0 {
			s.Total = t.stats[i].Total
		}
		t.stats[i] = s
		r := t.sum()
		t.mu.Unlock()
		t.report(r)
	}
}

func (t *tally) sum() (r Report) {
	verifying, running, yielded, holding, known, notes := 0, 0, 0, 0, true, 0
	for _, s := range t.stats {
		r.Bytes, r.Total, r.Fetched = r.Bytes+s.Bytes, r.Total+max(s.Total, 0), r.Fetched+s.Fetched
		switch {
		case s.Yielded:
			yielded++
		case s.State == recording.Running, s.State == recording.Verifying:
			holding++
		}
		known = known && s.Total > 0
		notes += len(s.Restarted)
		switch s.State {
		case recording.Verifying, recording.Done:
			verifying++
		case recording.Paused:
			if s.Reason != "" {
				r.Paused = s.Reason
			}
		case recording.Running:
			running++
			r.Trouble = s.Reason
		}
		if n := len(s.Restarted); n > 0 {
			r.Note = "begun anew: " + s.Restarted[n-1]
		}
	}
	if notes == t.notes {
		r.Note = ""
	}
	t.notes = notes
	if !known {
		r.Total = 0
	}
	r.Verifying = verifying == len(t.stats)
	r.Yielded = yielded > 0 && holding == 0
	if running > 0 {
		r.Paused = ""
	}
	return r
}
