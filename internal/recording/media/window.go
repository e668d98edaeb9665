package media

import (
	"bufio"
	"context"
	"fmt"
	"io"
)

const (
	// windowSize is the size of reads of headers, in bytes. It holds several headers that are close together, and wastes little if
	// there are megabytes of media between them.
	windowSize = 4 << 10
	// columnSize is the size of reads of tables.
	columnSize = 64 << 10
	// maxElements limits the boxes or elements of a file: a day of ten fragments a second has ten million.
	maxElements = 1 << 26
)

// window reads a file's headers by their position.
type window struct {
	ctx  context.Context
	r    io.ReaderAt
	size int64

	buf  [windowSize]byte
	off  int64
	n    int
	seen int
}

func newWindow(ctx context.Context, r io.ReaderAt, size int64) *window {
	return &window{ctx: ctx, r: r, size: size}
}

// at returns n bytes from off, which must be within the file; they are valid until the next call. n is at most windowSize.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < w.off || off+int64(n) > w.off+int64(w.n) {
		want := min(int64(windowSize), w.size-off)
		got, err := w.r.ReadAt(w.buf[:want], off)
		w.off, w.n = off, got
		if got < n {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("read at byte %d: %w", off, err)
		}
	}
	i := off - w.off
	return w.buf[i : i+int64(n)], nil
}

// count counts a box or element. It returns an error beyond maxElements or when ctx has ended.
func (w *window) count() error {
	w.seen++
	if w.seen > maxElements {
		return damage("the file's structure has more than %d parts", maxElements)
	}
	if w.seen%4096 == 0 {
		return w.ctx.Err()
	}
	return nil
}

// column reads big-endian numbers one after the other.
type column struct {
	ctx  context.Context
	r    *bufio.Reader
	read int
}

// column starts at off and ends at end.
func (w *window) column(off, end int64) *column {
	return &column{ctx: w.ctx, r: bufio.NewReaderSize(io.NewSectionReader(w.r, off, end-off), int(min(columnSize, max(end-off, 16))))}
}

// next reads a number of 1 to 8 bytes.
func (c *column) next(width int) (uint64, error) {
	b, err := c.r.Peek(width)
	if err != nil {
		return 0, fmt.Errorf("read a table: %w", err)
	}
	v := number(b)
	_, _ = c.r.Discard(width) // these bytes were just peeked at
	if c.read++; c.read%(1<<16) == 0 {
		return v, c.ctx.Err()
	}
	return v, nil
}

// number reads big-endian bytes, at most eight.
func number(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}
