package recording

import (
	"maps"
	"sync"
)

// chunks are the pieces of one file and what has become of each. It is safe for concurrent use.
type chunks struct {
	size, chunk int64

	mu    sync.Mutex
	taken []bool
	saved []byte        // one bit for each chunk that is synced
	begun map[int]int64 // what is there of others, see [Progress]
	next  int
}

// newChunks has nothing yet when saved is nil.
func newChunks(size, chunk int64, saved []byte, begun map[int]int64) *chunks {
	c := &chunks{size: size, chunk: chunk, begun: map[int]int64{}}
	n := c.count()
	c.taken = make([]bool, n)
	c.saved = make([]byte, (n+7)/8)
	copy(c.saved, saved)
	for i := range c.taken {
		c.taken[i] = c.has(i)
	}
	for i, n := range begun {
		c.reached(i, n)
	}
	return c
}

func (c *chunks) count() int { return int((c.size + c.chunk - 1) / c.chunk) }

// span is where a chunk begins and ends.
func (c *chunks) span(i int) (off, end int64) {
	off = int64(i) * c.chunk
	return off, min(off+c.chunk, c.size)
}

// start is where the first byte of a chunk is that isn't there from an earlier time.
func (c *chunks) start(i int) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	off, _ := c.span(i)
	return off + c.begun[i]
}

// reached notes that a chunk that is not complete has its first n bytes. What can't be is not noted.
func (c *chunks) reached(i int, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i < 0 || i >= c.count() || c.has(i) {
		return
	}
	if off, end := c.span(i); n > 0 && n < end-off {
		c.begun[i] = n
	}
}

// partial gives a copy of what is there of chunks that are not complete.
func (c *chunks) partial() map[int]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.begun)
}

// take gives the first chunk that nobody has taken.
func (c *chunks) take() (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; c.next < len(c.taken); c.next++ {
		if !c.taken[c.next] {
			c.taken[c.next] = true
			return c.next, true
		}
	}
	return 0, false
}

// save marks chunks as synced and returns a copy of all marks.
func (c *chunks) save(these []int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range these {
		c.saved[i/8] |= 1 << (i % 8)
		delete(c.begun, i)
	}
	return append([]byte(nil), c.saved...)
}

func (c *chunks) has(i int) bool { return c.saved[i/8]&(1<<(i%8)) != 0 }

// bytes counts those of the chunks that are synced.
func (c *chunks) bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var n int64
	for i := range c.taken {
		if c.has(i) {
			off, end := c.span(i)
			n += end - off
		}
	}
	for _, there := range c.begun {
		n += there
	}
	return n
}

// sizeMost is the largest file that is believed, 64 TiB, and the largest chunk of a saved progress.
const sizeMost = 1 << 46

// fits says whether a saved progress describes chunks of a file of this size.
func (p Progress) fits(size int64) bool {
	if p.Chunk <= 0 || p.Chunk > sizeMost || size < 0 || size > sizeMost {
		return false
	}
	n := (size + p.Chunk - 1) / p.Chunk
	return int64(len(p.Done)) == (n+7)/8
}
