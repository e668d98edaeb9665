package fetch

import (
	"errors"
	"io"
	"testing"

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
