package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/recording"
)

// begin fetches the first half of a file, and returns the task to continue with.
func halfway(t *testing.T, w *wire, dir string, edit func(p *Progress, part string)) recording.Task {
	t.Helper()
	d, group := tiny(Options{Chunk: 32, Workers: 2})
	task := recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"}
	ctx, pause := context.WithTimeout(t.Context(), time.Duration(len(w.data)/2/2)*time.Millisecond)
	defer pause()
	w.answer = func(int, int) reply { return reply{pace: 2 * time.Millisecond, step: 2} }
	if _, err := d.Fetch(ctx, task); err == nil {
		t.Fatal("it was not paused")
	}
	w.answer = nil
	p, err := load(t.Context(), task.Journal)
	if err != nil {
		t.Fatal(err)
	}
	edit(&p, filepath.Join(dir, partName(task.Key, task.Name)))
	if err := p.save(t.Context(), task.Journal); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	return task
}

// A download of an earlier version resumes: its marks have no digests, and chunks that it had begun are fetched again.
func TestProgressOfEarlierVersionsResumes(t *testing.T) {
	data := content(5, 500)
	for name, test := range map[string]struct {
		edit     func(p *Progress, part string)
		compared bool
		// least is how much must not be fetched again.
		least int64
	}{
		"as it is": {edit: func(*Progress, string) {}, compared: true, least: 200},
		"marks without digests": {edit: func(p *Progress, _ string) {
			p.Sums, p.BegunSums = nil, nil
		}, compared: false, least: 150},
		"a beginning that isn't on the disk": {edit: func(p *Progress, part string) {
			for i, n := range p.Begun {
				overwrite(t, part, int64(i)*p.Chunk, make([]byte, n))
			}
		}, compared: true, least: 150},
		"a marked chunk that isn't on the disk": {edit: func(p *Progress, part string) {
			overwrite(t, part, 32, make([]byte, 32))
		}, compared: true, least: 150},
		"digests of another number": {edit: func(p *Progress, _ string) { p.Sums = p.Sums[:sumSize] }, compared: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, end := scratch(t)
			defer end()
			synctest.Test(t, func(t *testing.T) {
				w := &wire{data: data, etag: `"one"`}
				task := halfway(t, w, dir, test.edit)
				d, group := tiny(Options{Chunk: 32, Workers: 2})
				r, err := d.Fetch(t.Context(), task)
				if err != nil {
					t.Fatal(err)
				}
				if err := wholeOrNothing(dir, data, nil); err != nil {
					t.Error(err)
				}
				if r.Compared != test.compared || r.FetchedBytes > int64(len(data))-test.least {
					t.Errorf("compared: %v; %d bytes were fetched", r.Compared, r.FetchedBytes)
				}
				group.Wait()
			})
		})
	}
}

func overwrite(t *testing.T, path string, off int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

// An earlier version could give a file with a hole its name, and be killed before it had noted that. The hole is filled.
func TestANamedFileWithAMissingChunkIsAPartFileAgain(t *testing.T) {
	dir, end := scratch(t)
	defer end()
	data := content(6, 200)
	holed := bytes.Clone(data)
	clear(holed[64:96])
	path := filepath.Join(dir, "one.mp4")
	if err := os.WriteFile(path, holed, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(holed)
	text := fmt.Sprintf(`{"part":%q,"chunk":32,"done":"ew==","identity":{"size":200,"etag":"\"one\""},"final":%q,"sha256":%q}`,
		filepath.Join(dir, partName("x", "one.mp4")), path, hex.EncodeToString(sum[:]))
	var p Progress
	if err := json.Unmarshal([]byte(text), &p); err != nil || !p.fits(200) {
		t.Fatalf("%+v, %v", p, err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &wire{data: data, etag: `"one"`}
		d, group := tiny(Options{Chunk: 32})
		journal := &memory{text: []byte(text)}
		r, err := d.Fetch(t.Context(), recording.Task{Key: "x", Source: w.source(), Journal: journal, Dir: dir, Name: "one.mp4"})
		if err != nil {
			t.Fatal(err)
		}
		if err := wholeOrNothing(dir, data, nil); err != nil {
			t.Error(err)
		}
		if r.FetchedBytes != 32 || r.Path != path {
			t.Errorf("%+v", r)
		}
		group.Wait()
	})
}
