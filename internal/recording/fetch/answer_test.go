package fetch

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"greenroom/internal/recording"
)

// A part has the bytes that its header announces: no more of them are believed.
func TestAPartIsAsLongAsItSays(t *testing.T) {
	data := content(1, 200)
	w := &wire{data: data, etag: `"one"`}
	for extra, want := range map[string]error{"": nil, "and more": recording.ErrOdd} {
		w.answer = func(int, int) reply {
			how := reply{to: new(40), unsized: true}
			if extra != "" {
				how.extra = []byte(extra)
			}
			return how
		}
		body, err := w.source().Open(t.Context(), recording.Identity{Size: 200, ETag: `"one"`}, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		body.Close()
		if !errors.Is(err, want) || want == nil && len(got) != 40 || len(got) > 40 {
			t.Errorf("%q: %d bytes, %v", extra, len(got), err)
		}
	}
}

// A file is replaced by one of the same length between two parts, and the server says nothing that would show it: no mixture of both
// gets the file's name.
func TestPartsOfTwoFilesAreNotJoined(t *testing.T) {
	first, second := content(1, 200), content(2, 200)
	for name, cut := range map[string]int{"after a part": 32, "within a part": 40} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{data: first}
				sent := false
				w.answer = func(off, _ int) reply {
					if !sent {
						sent = true
						return reply{cut: &cut}
					}
					return reply{changes: second}
				}
				d, group := tiny(Options{Chunk: 32, Files: 1, Workers: 1})
				dir, end := scratch(t)
				defer end()
				_, err := d.Fetch(t.Context(), recording.Task{Key: "one", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"})
				if err != nil {
					t.Fatal(err)
				}
				if err := wholeOrNothing(dir, second, nil); err != nil {
					t.Error(err)
				}
				group.Wait()
			})
		})
	}
}
