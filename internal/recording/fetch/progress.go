package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"greenroom/internal/recording"
)

// Progress is the saved progress of a file, as JSON.
type Progress struct {
	// Part is the path of the .part file, Identity the file that it is a part of.
	Part     string             `json:"part"`
	Identity recording.Identity `json:"identity"`
	// Chunk is the size of a chunk in bytes, Done has one bit for each chunk, in the file's order, lowest bit first. Both are empty
	// for a file that is read in one stream.
	Chunk int64  `json:"chunk"`
	Done  []byte `json:"done"`
	// Sums has the first 16 bytes of the SHA-256 of each chunk that is done, zeros for the others. It is empty in the progress of
	// early versions.
	Sums []byte `json:"sums,omitempty"`
	// Begun has the number of bytes that were fetched of unfinished chunks, from their first byte; BegunSums has the digests of those
	// bytes.
	Begun     map[int]int64  `json:"begun,omitempty"`
	BegunSums map[int][]byte `json:"begun_sums,omitempty"`
	// Final is the path that the complete file has or is about to get, SHA256 its checksum in hexadecimal; empty before that.
	Final  string `json:"final,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Checked and Compared are as in [File].
	Checked  bool `json:"checked,omitempty"`
	Compared bool `json:"compared,omitempty"`
}

// load returns the saved progress. It is zero if there is none or it can't be parsed; the file is then restarted.
func load(ctx context.Context, j recording.Journal) (Progress, error) {
	raw, err := j.Load(ctx)
	var p Progress
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return Progress{}, err
	}
	return p, nil
}

// save returns once the progress is durable.
func (p Progress) save(ctx context.Context, j recording.Journal) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the progress: %w", err)
	}
	return j.Save(ctx, raw)
}

// sizeMost is the largest plausible file, 64 TiB, and the largest plausible chunk of a saved progress.
const sizeMost = 1 << 46

// fits reports whether a saved progress describes chunks of a file of this size. Early versions kept no digests.
func (p Progress) fits(size int64) bool {
	if p.Chunk <= 0 || p.Chunk > sizeMost || size < 0 || size > sizeMost {
		return false
	}
	n := (size + p.Chunk - 1) / p.Chunk
	return int64(len(p.Done)) == (n+7)/8 && (len(p.Sums) == 0 || int64(len(p.Sums)) == n*sumSize)
}

// spoiled lists the chunks without a mark, and those whose digests differ from those of the chunks as they were read back. known reports
// whether there was a digest for each.
func (p Progress) spoiled(read []byte) (these []int, known bool) {
	known = true
	unknown := make([]byte, sumSize)
	for i := range len(read) / sumSize {
		is, want := read[i*sumSize:(i+1)*sumSize], unknown
		if len(p.Sums) > 0 {
			want = p.Sums[i*sumSize : (i+1)*sumSize]
		}
		switch {
		case !bitOf(p.Done, i):
			these = append(these, i)
		case bytes.Equal(want, unknown):
			known = false
		case !bytes.Equal(is, want):
			these = append(these, i)
		}
	}
	return these, known
}

// drop removes the marks of chunks. Others may hold the slices of the progress.
func (p *Progress) drop(these []int) {
	p.Done, p.Sums = bytes.Clone(p.Done), bytes.Clone(p.Sums)
	for _, i := range these {
		p.Done[i/8] &^= 1 << (i % 8)
		if len(p.Sums) > 0 {
			clear(p.Sums[i*sumSize : (i+1)*sumSize])
		}
	}
}

// whole reports whether every chunk is marked; true for a file that was read in one stream.
func (p Progress) whole(size int64) bool {
	if p.Chunk == 0 {
		return true
	}
	if !p.fits(size) {
		return false
	}
	c := &chunks{size: size, chunk: p.Chunk, saved: p.Done}
	return c.missing() == 0
}
