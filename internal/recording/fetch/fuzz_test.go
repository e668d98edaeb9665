package fetch

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a name is, its file and its part file stand in the folder, or nowhere.
func FuzzName(f *testing.F) {
	for _, s := range []string{"one.mp4", "../one.mp4", "a/b", "con", "a/../b", strings.Repeat("ä", 127), ".part", "a.\x00", `..\x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkName(name) != nil {
			return
		}
		dir := t.TempDir()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if rel, err := filepath.Rel(dir, path); err != nil || !filepath.IsLocal(rel) {
			t.Fatalf("%q leads to %s", name, path)
		}
		base := filepath.Base(path)
		for _, s := range []string{partName("key", base), numbered(base, 2), numbered(base, namesMost)} {
			if len(s) > nameMost || !utf8.ValidString(s) || strings.Contains(s, "/") {
				t.Errorf("%q becomes %q", name, s)
			}
		}
		if in, err := openFolder(dir, name); err == nil {
			defer in.root.Close()
			if err := in.root.WriteFile(base, nil, 0o600); err == nil {
				if _, err := os.Lstat(path); err != nil {
					t.Errorf("%q is elsewhere: %v", name, err)
				}
			}
		}
	})
}

// A journal comes from a disk, and may be of another time.
func FuzzProgress(f *testing.F) {
	f.Add([]byte(`{"part":"x","chunk":8388608,"done":"AQ==","identity":{"size":8388609}}`), int64(8388609))
	f.Add([]byte(`{"chunk":-1}`), int64(5))
	f.Fuzz(func(t *testing.T, text []byte, size int64) {
		var p Progress
		if json.Unmarshal(text, &p) != nil || !p.fits(size) || len(p.Done) > 1<<16 {
			return
		}
		c := newChunks(size, p.Chunk)
		if err := c.recall(t.Context(), p, bytes.NewReader(nil)); err != nil {
			t.Fatal(err)
		}
		if n := c.bytes(); n < 0 || n > size {
			t.Fatalf("%d bytes of %d", n, size)
		}
		for range c.count() {
			mine := c.take()
			if mine == nil {
				break
			}
			if mine.begin < 0 || mine.off != mine.begin || mine.end <= mine.begin || mine.end > size {
				t.Fatalf("chunk %d is %d-%d of %d, from %d", mine.chunk, mine.begin, mine.end, size, mine.off)
			}
		}
	})
}
