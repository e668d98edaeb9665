package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"greenroom/internal/recording"
)

func hole(off, n int64) recording.Hole { return recording.Hole{Off: off, Len: n} }

// withZeros is a file of a size with zeros in some places.
func withZeros(size int64, holes ...recording.Hole) []byte {
	b := bytes.Repeat([]byte{0xa5}, int(size))
	for _, h := range holes {
		clear(b[h.Off : h.Off+h.Len])
	}
	return b
}

func TestHolesAreFound(t *testing.T) {
	const mib = 1 << 20
	for name, test := range map[string]struct {
		size  int64
		zeros []recording.Hole
		want  []recording.Hole
	}{
		"none":                              {size: 3 * mib},
		"a chunk":                           {size: 20 * mib, zeros: []recording.Hole{hole(8*mib, 5*mib)}, want: []recording.Hole{hole(8*mib, 5*mib)}},
		"a chunk and the byte before":       {size: 20 * mib, zeros: []recording.Hole{hole(8*mib-1, 5*mib+1)}, want: []recording.Hole{hole(8*mib-1, 5*mib+1)}},
		"the rest of a chunk":               {size: 20 * mib, zeros: []recording.Hole{hole(9*mib+17, 4*mib-17)}, want: []recording.Hole{hole(9*mib+17, 4*mib-17)}},
		"the short last chunk":              {size: 8*mib + 100, zeros: []recording.Hole{hole(8*mib, 100)}, want: []recording.Hole{hole(8*mib, 100)}},
		"an end that is no chunk":           {size: 8*mib + 100, zeros: []recording.Hole{hole(8*mib+1, 99)}},
		"a few zeros at the end":            {size: 8*mib + 20, zeros: []recording.Hole{hole(8*mib, 20)}},
		"a last chunk that is too short":    {size: 8*mib + 20, zeros: []recording.Hole{hole(8*mib-100, 120)}},
		"short runs":                        {size: 4 * mib, zeros: []recording.Hole{hole(100, 4000), hole(2*mib-1000, 500_000)}},
		"everything":                        {size: 40, zeros: []recording.Hole{hole(0, 40)}, want: []recording.Hole{hole(0, 40)}},
		"a chunk of many workers":           {size: 64 * mib, zeros: []recording.Hole{hole(64*mib/17*3, 64*mib/17)}, want: []recording.Hole{hole(64*mib/17*3, 64*mib/17)}},
		"two chunks":                        {size: 16 * mib, zeros: []recording.Hole{hole(0, 4*mib), hole(12*mib, 4*mib)}, want: []recording.Hole{hole(0, 4*mib), hole(12*mib, 4*mib)}},
		"nearly a chunk, at its boundaries": {size: 4 * mib, zeros: []recording.Hole{hole(mib, mib-1)}},
	} {
		t.Run(name, func(t *testing.T) {
			data := withZeros(test.size, test.zeros...)
			got, err := Scan(t.Context(), bytes.NewReader(data), test.size)
			if err != nil || !slices.Equal(got.Holes, test.want) || got.Size != test.size {
				t.Errorf("%+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// Whatever the number of workers and the size: a chunk that never came is found.
func TestEveryMissedChunkIsFound(t *testing.T) {
	for _, size := range []int64{1000, 1<<20 + 40, 5<<20 + 77, 33<<20 + 4096} {
		data := withZeros(size)
		for workers := 1; workers <= workersMost; workers += 3 {
			chunk := chunkSize(size, DefaultChunk, workers)
			for off := int64(0); off < size; off += chunk {
				hole := hole(off, min(chunk, size-off))
				clear(data[hole.Off : hole.Off+hole.Len])
				if !missed(hole.Off, hole.Off+hole.Len, size) {
					t.Errorf("%d workers, %d bytes: %+v is not found", workers, size, hole)
				}
				if off == 0 {
					if got, err := Scan(t.Context(), bytes.NewReader(data), size); err != nil || !slices.Equal(got.Holes, []recording.Hole{hole}) {
						t.Errorf("%d workers, %d bytes: %+v, %v", workers, size, got, err)
					}
				}
				copy(data[hole.Off:], withZeros(hole.Len))
			}
		}
	}
}

func TestASourceDistinguishesHolesFromZeros(t *testing.T) {
	holes := []recording.Hole{hole(100, 50), hole(300, 40)}
	for name, test := range map[string]struct {
		data  []byte
		reply reply
		want  bool
		err   error
	}{
		"zeros there too":    {data: withZeros(400, holes...)},
		"full":               {data: withZeros(400), want: true},
		"full in the second": {data: withZeros(400, holes[0]), want: true},
		"one byte":           {data: withZeros(400, holes[0], hole(300, 39)), want: true},
		"another size":       {data: withZeros(401, holes...), err: recording.ErrChanged},
		"gone":               {data: withZeros(400, holes...), reply: reply{status: 404}, err: recording.ErrGone},
		"cut":                {data: withZeros(400, holes...), reply: reply{cut: new(20), polite: true, unsized: true}, err: fmt.Errorf("any")},
		"no parts":           {data: withZeros(400, holes...), reply: reply{whole: true}, err: recording.ErrNoRanges},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{data: test.data, etag: `"one"`, answer: func(int, int) reply { return test.reply }}
			got, err := Filled(t.Context(), w.source(), 400, holes)
			if got != test.want || (err == nil) != (test.err == nil) {
				t.Errorf("%v, %v", got, err)
			}
			if known := errors.Is(test.err, recording.ErrChanged) || errors.Is(test.err, recording.ErrGone) || errors.Is(test.err, recording.ErrNoRanges); known && !errors.Is(err, test.err) {
				t.Errorf("%v, not %v", err, test.err)
			}
			if w.open != 0 {
				t.Error("a connection was never given back")
			}
		})
	}
}
