package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"maps"
	"sync"
)

// sumSize is the number of bytes kept of a chunk's SHA-256: enough to find damage by a disk or a bug. The file's checksum is kept whole.
const sumSize = 16

// chunks is the state of one file's chunks. Each is free, claimed by one owner, or saved. It is safe for concurrent use.
type chunks struct {
	size, chunk int64

	mu    sync.Mutex
	used  []bool        // claimed or saved
	saved []byte        // one bit for each chunk that is synced
	sums  []byte        // sumSize bytes for each saved chunk, zeros if the digest is unknown
	begun map[int]begun // the beginnings of chunks that aren't saved
	next  int           // no chunk before it is free
}

// begun is the beginning of a chunk: its length and its hash, which is cloned before use.
type begun struct {
	n   int64
	sum hash.Cloner
}

// claim is a claimed chunk, until [chunks.save] marks it or [chunks.giveBack] frees it.
type claim struct {
	chunk int
	// begin and end are the chunk's offsets in the file, off is the next byte's. sum hashes the bytes before off.
	begin, end, off int64
	sum             hash.Cloner
}

// wrote records bytes that were written to the file.
func (c *claim) wrote(b []byte) {
	c.sum.Write(b)
	c.off += int64(len(b))
}

// newChunks returns the chunks of an empty file.
func newChunks(size, chunk int64) *chunks {
	c := &chunks{size: size, chunk: chunk, begun: map[int]begun{}}
	n := c.count()
	c.used, c.saved, c.sums = make([]bool, n), make([]byte, (n+7)/8), make([]byte, n*sumSize)
	return c
}

// recall restores a saved progress that fits the file. It reads the beginnings of chunks back, and drops those that differ from what was
// written or have no digest.
func (c *chunks) recall(ctx context.Context, p Progress, file io.ReaderAt) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.saved, p.Done)
	copy(c.sums, p.Sums)
	for i := range c.used {
		c.used[i] = c.has(i)
	}
	for i, n := range p.Begun {
		if i < 0 || i >= len(c.used) || c.used[i] || len(p.BegunSums[i]) != sumSize {
			continue
		}
		off, end := c.span(i)
		if n <= 0 || n >= end-off {
			continue
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		sum := newSum()
		if _, err := io.Copy(sum, io.NewSectionReader(file, off, n)); err == nil && bytes.Equal(digest(sum), p.BegunSums[i]) {
			c.begun[i] = begun{n, sum}
		}
	}
	return nil
}

// newSum returns a chunk's hash.
func newSum() hash.Cloner { return sha256.New().(hash.Cloner) }

func digest(h hash.Hash) []byte { return h.Sum(nil)[:sumSize] }

func (c *chunks) count() int { return int((c.size + c.chunk - 1) / c.chunk) }

// span returns a chunk's offsets.
func (c *chunks) span(i int) (off, end int64) {
	off = int64(i) * c.chunk
	return off, min(off+c.chunk, c.size)
}

// take claims the first free chunk. It returns nil if there is none.
func (c *chunks) take() *claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; c.next < len(c.used); c.next++ {
		if c.used[c.next] {
			continue
		}
		i := c.next
		c.used[i] = true
		begin, end := c.span(i)
		mine := &claim{chunk: i, begin: begin, end: end, off: begin, sum: newSum()}
		if b, ok := c.begun[i]; ok {
			mine.off, mine.sum = begin+b.n, clone(b.sum)
		}
		return mine
	}
	return nil
}

// clone copies a hash. Those of the standard library never fail.
func clone(h hash.Cloner) hash.Cloner {
	copied, err := h.Clone()
	if err != nil {
		panic(err)
	}
	return copied
}

// giveBack frees a claimed chunk and keeps its beginning.
func (c *chunks) giveBack(mine *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if mine.off > mine.begin && mine.off < mine.end {
		c.begun[mine.chunk] = begun{mine.off - mine.begin, clone(mine.sum)}
	}
	c.used[mine.chunk] = false
	c.next = min(c.next, mine.chunk)
}

// restart drops the beginning of a claimed chunk.
func (c *chunks) restart(mine *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.begun, mine.chunk)
	mine.off, mine.sum = mine.begin, newSum()
}

// partial returns the beginnings of chunks that aren't saved.
func (c *chunks) partial() map[int]begun {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.begun)
}

// errIncomplete means that a chunk that should be complete isn't.
var errIncomplete = errors.New("a part of the file is missing")

// save marks complete chunks as synced.
func (c *chunks) save(these []*claim) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, mine := range these {
		if mine.off != mine.end {
			return errIncomplete
		}
		i := mine.chunk
		c.saved[i/8] |= 1 << (i % 8)
		copy(c.sums[i*sumSize:], digest(mine.sum))
		delete(c.begun, i)
	}
	return nil
}

// note writes the marks into a progress, and the given beginnings of chunks that aren't saved.
func (c *chunks) note(p *Progress, partial map[int]begun) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.Chunk, p.Done, p.Sums = c.chunk, bytes.Clone(c.saved), bytes.Clone(c.sums)
	p.Begun, p.BegunSums = nil, nil
	for i, b := range partial {
		if c.has(i) {
			continue
		}
		if p.Begun == nil {
			p.Begun, p.BegunSums = map[int]int64{}, map[int][]byte{}
		}
		p.Begun[i], p.BegunSums[i] = b.n, digest(b.sum)
	}
}

func (c *chunks) has(i int) bool { return bitOf(c.saved, i) }

func bitOf(bits []byte, i int) bool { return bits[i/8]&(1<<(i%8)) != 0 }

// missing returns the number of chunks that aren't saved.
func (c *chunks) missing() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.count() {
		if !c.has(i) {
			n++
		}
	}
	return n
}

// bytes returns the number of bytes in the file.
func (c *chunks) bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var n int64
	for i := range c.used {
		if c.has(i) {
			off, end := c.span(i)
			n += end - off
		}
	}
	for _, b := range c.begun {
		n += b.n
	}
	return n
}
