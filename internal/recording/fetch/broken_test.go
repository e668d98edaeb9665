package fetch

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/recording"
)

// A connection that breaks costs time, never bytes: wherever in a chunk it breaks, however long the source thinks, and however
// fast it sends. Each chunk's first connection breaks after the same number of bytes.
func TestBrokenConnectionsLeaveNoHoles(t *testing.T) {
	const size, chunk = 300, 32
	data := content(7, size)
	for _, think := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, time.Second} {
		for _, pace := range []time.Duration{100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond} {
			for at := range chunk {
				t.Run(fmt.Sprintf("%v %v at %d", think, pace, at), func(t *testing.T) {
					dir, end := scratch(t)
					defer end()
					synctest.Test(t, func(t *testing.T) {
						w := &wire{data: data, etag: `"one"`}
						seen := map[int]bool{}
						w.answer = func(off, _ int) reply {
							how := reply{think: think, pace: pace, step: 2}
							if first := off / chunk; !seen[first] {
								seen[first] = true
								how.cut = &at
							}
							return how
						}
						d, group := tiny(Options{Chunk: chunk, Workers: 3})
						r, err := d.Fetch(t.Context(), recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"})
						if err != nil {
							t.Fatal(err)
						}
						if err := wholeOrNothing(dir, data, nil); err != nil {
							t.Error(err)
						}
						if !r.Compared || r.FetchedBytes != size || len(r.Restarted) > 0 {
							t.Errorf("%+v", r)
						}
						if w.open != 0 {
							t.Errorf("%d connections were never given back", w.open)
						}
						group.Wait()
					})
				})
			}
		}
	}
}
