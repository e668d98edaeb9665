package library

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider/sandbox"
)

// downloaded writes a file as an earlier version left it, and what is known of it.
func (b *bench) downloaded(data []byte) app.DownloadedFile {
	b.t.Helper()
	path := filepath.Join(b.folder, "one.mp4")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return app.DownloadedFile{Path: path, Name: "1749988800000", Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// A hole left by an earlier version is told apart from zeros in the source. Where nothing can be compared, it is reported as a
// suspicion.
func TestVerifyFindsWhatEarlierVersionsMissed(t *testing.T) {
	whole := bytes.Repeat([]byte{0xa5}, 3<<20)
	holed := bytes.Clone(whole)
	clear(holed[1<<20 : 2<<20])
	for name, c := range map[string]struct {
		here, source []byte
		deleted      bool
		change       func(f *app.DownloadedFile)
		want, detail string
		compared     bool
	}{
		"whole":                    {here: whole, source: whole},
		"a hole":                   {here: holed, source: whole, want: app.FileBroken, detail: "1.0 MiB of zeros from byte 1048576, but the source has different data there"},
		"zeros at the source, too": {here: holed, source: holed, compared: true},
		"the source is gone":       {here: holed, want: app.FileSuspect, detail: "1.0 MiB of zeros from byte 1048576"},
		"deleted on the platform":  {here: holed, source: whole, deleted: true, want: app.FileSuspect, detail: "was deleted on the platform"},
		"another file there":       {here: holed, source: whole[1:], want: app.FileSuspect, detail: "has changed at its source"},
		"compared when it came":    {here: holed, source: whole, change: func(f *app.DownloadedFile) { f.Compared = true }, compared: true},
		"no longer has this file":  {here: holed, source: whole, change: func(f *app.DownloadedFile) { f.Name = "x" }, want: app.FileSuspect, detail: "no longer has this file"},
		"a manifest":               {here: holed, change: func(f *app.DownloadedFile) { f.Name = "" }},
		"another size":             {here: whole, change: func(f *app.DownloadedFile) { f.Size-- }, want: app.FileChanged, detail: "3145728 bytes, not 3145727"},
		"different content":        {here: whole, change: func(f *app.DownloadedFile) { f.SHA256 = "00" }, want: app.FileChanged, detail: "same size but different content"},
		"missing":                  {here: whole, change: func(f *app.DownloadedFile) { f.Path += "x" }, want: app.FileMissing},
		"a folder":                 {here: whole, change: func(f *app.DownloadedFile) { f.Path = filepath.Dir(f.Path) }, want: app.FileUnreadable, detail: "it is a folder, not a regular file"},
		"a finding of before":      {here: whole, change: func(f *app.DownloadedFile) { f.Finding, f.Detail = app.FileBroken, "why" }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			if c.source != nil {
				b.put(cloudKey, c.source)
			}
			r := cloud(cloudKey)
			if c.deleted {
				r.DeletedAt = app.At(begun)
			}
			f := b.downloaded(c.here)
			if c.change != nil {
				c.change(&f)
			}
			got, now := b.library.Verify(t.Context(), r, f)
			if got.Finding != c.want || !strings.Contains(got.Detail, c.detail) || c.want == "" && got.Detail != "" || got.Compared != c.compared {
				t.Errorf("%+v", got)
			}
			if c.want == "" && (now.Size != f.Size || now.SHA256 != f.SHA256) {
				t.Errorf("%+v", now)
			}
			if got.Path != f.Path || got.Size != f.Size || got.SHA256 != f.SHA256 {
				t.Errorf("what was known of it is %+v now", got)
			}
		})
	}
}

// A file that is known to be broken is replaced where it is; any other is left alone.
func TestABrokenFileIsReplaced(t *testing.T) {
	media := sandbox.Media(time.Minute)
	for name, known := range map[string]bool{"known to be broken": true, "the user's own": false} {
		b := newBench(t, nil)
		b.put(cloudKey, media)
		j := b.job(cloud(cloudKey))
		first, err := b.library.Fetch(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		if !first.Files[0].Compared {
			t.Errorf("%+v", first.Files[0])
		}
		holed := bytes.Clone(media)
		clear(holed[len(holed)/2:])
		if err := os.WriteFile(first.Path, holed, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(holed)
		j.Replaces = []string{"00"}
		if known {
			j.Replaces = append(j.Replaces, hex.EncodeToString(sum[:]))
		}
		clear(b.memory)
		second, err := b.library.Fetch(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		if (second.Path == first.Path) != known {
			t.Errorf("%s: it is at %s", name, second.Path)
		}
		if got, err := os.ReadFile(second.Path); err != nil || !bytes.Equal(got, media) {
			t.Errorf("%s: other bytes; %v", name, err)
		}
		if got, err := os.ReadFile(first.Path); err != nil || !known && !bytes.Equal(got, holed) {
			t.Errorf("%s: the file that was there is another one; %v", name, err)
		}
	}
}
