package media

// check reads a track's sample table: every chunk must be within the file's media data, and every sample in a chunk. The tables may have
// millions of entries, so three of them are read in parallel and none is kept.
func (m *movie) check(t *track) error {
	w := m.w
	sizes, err := t.sizes(w)
	if err != nil || sizes.left == 0 {
		return err
	}
	t.begun = true
	width, chunks := 4, t.tables["stco"]
	if b, ok := t.tables["co64"]; ok {
		width, chunks = 8, b
	}
	offsets, n, err := t.entries(w, chunks, width)
	if err != nil {
		return err
	}
	runs, err := t.runs(w)
	if err != nil {
		return err
	}
	for chunk := uint64(1); chunk <= n && sizes.left > 0; chunk++ {
		offset, err := offsets.next(width)
		if err != nil {
			return err
		}
		samples, err := runs.of(chunk)
		if err != nil {
			return err
		}
		size, err := sizes.take(samples, uint64(w.size))
		if err != nil {
			return err
		}
		if offset > uint64(w.size) || size > uint64(w.size)-offset {
			return cut(t.name()+" according to the index", offset+min(size, ^offset), w.size)
		}
		if !m.holds(offset, size) {
			return misplaced("a part of "+t.name(), offset)
		}
		t.bytes += size
	}
	if sizes.left > 0 {
		return damage("the index is garbled: %d samples of %s are in no chunk", sizes.left, t.name())
	}
	return nil
}

// entries opens a table that begins with a 32-bit count after version and flags. The box must have room for that many entries.
func (t *track) entries(w *window, b box, width int) (*column, uint64, error) {
	if b.kind == "" {
		return nil, 0, damage("the index is garbled: a table of %s is missing", t.name())
	}
	return t.counted(w, b, 4, uint64(width)*8)
}

// counted opens a table with a 32-bit count at an offset of its content, and entries of the given bits.
func (t *track) counted(w *window, b box, at int64, bits uint64) (*column, uint64, error) {
	room := b.end - b.body - at - 4
	if room < 0 {
		return nil, 0, damage("the index is garbled: the table %s of %s is too short", b.kind, t.name())
	}
	head, err := w.at(b.body+at, 4)
	if err != nil {
		return nil, 0, err
	}
	n := number(head)
	if (n*bits+7)/8 > uint64(room) {
		return nil, 0, damage("the index is garbled: the table %s of %s says that it has %d entries, more than fit into it", b.kind, t.name(), n)
	}
	return w.column(b.body+at+4, b.end), n, nil
}

// sampleSizes reads the sizes of a track's samples in order, from stsz or stz2.
type sampleSizes struct {
	left uint64
	// same is the size of all samples; if it is 0, the table has their sizes, in fields of the given bits.
	same  uint64
	bits  int
	table *column
	// half holds the second of two four-bit fields.
	half    uint64
	pending bool
}

// sizes opens the table of sample sizes. A track without one has no samples here.
func (t *track) sizes(w *window) (*sampleSizes, error) {
	s := &sampleSizes{bits: 32}
	b, ok := t.tables["stsz"]
	if !ok {
		if b, ok = t.tables["stz2"]; !ok {
			return s, nil
		}
	}
	if b.end-b.body < 12 {
		return nil, damage("the index is garbled: the table %s of %s is too short", b.kind, t.name())
	}
	head, err := w.at(b.body, 12)
	if err != nil {
		return nil, err
	}
	if b.kind == "stz2" {
		s.bits = int(head[7])
		if s.bits != 4 && s.bits != 8 && s.bits != 16 {
			return nil, damage("the index is garbled: sample sizes of %d bits", s.bits)
		}
	} else if s.same = number(head[4:8]); s.same > 0 {
		s.left = number(head[8:12])
		t.samples += s.left
		return s, nil
	}
	s.table, s.left, err = t.counted(w, b, 8, uint64(s.bits))
	t.samples += s.left
	return s, err
}

// take returns the sum of the next n sizes, or of all that are left. It stops once the sum is over limit.
func (s *sampleSizes) take(n, limit uint64) (uint64, error) {
	n = min(n, s.left)
	s.left -= n
	if s.table == nil {
		return n * s.same, nil // both have 32 bits
	}
	var sum uint64
	for ; n > 0 && sum <= limit; n-- {
		size, err := s.next()
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

func (s *sampleSizes) next() (uint64, error) {
	if s.bits >= 8 {
		return s.table.next(s.bits / 8)
	}
	if s.pending {
		s.pending = false
		return s.half, nil
	}
	b, err := s.table.next(1)
	s.half, s.pending = b&15, true
	return b >> 4, err
}

// chunkRuns reads the number of samples in each chunk, from stsc: an entry applies from its first chunk to the next entry's.
type chunkRuns struct {
	table   *column
	left    uint64
	samples uint64
	// from is the first chunk of the next entry, and then its number of samples.
	from, then uint64
}

func (t *track) runs(w *window) (*chunkRuns, error) {
	table, n, err := t.entries(w, t.tables["stsc"], 12)
	if err != nil {
		return nil, err
	}
	r := &chunkRuns{table: table, left: n}
	return r, r.advance()
}

// advance reads the next entry; after the last one from is 0, which is no chunk.
func (r *chunkRuns) advance() (err error) {
	r.samples = r.then
	before := r.from
	if r.left == 0 {
		r.from = 0
		return nil
	}
	r.left--
	if r.from, err = r.table.next(4); err != nil {
		return err
	}
	if r.then, err = r.table.next(4); err != nil {
		return err
	}
	if _, err = r.table.next(4); err != nil { // which sample description
		return err
	}
	if r.from <= before {
		return damage("the index is garbled: the chunks are out of order")
	}
	return nil
}

// of returns the number of samples in a chunk. It must be called for every chunk in order, from 1.
func (r *chunkRuns) of(chunk uint64) (uint64, error) {
	if r.from == chunk {
		if err := r.advance(); err != nil {
			return 0, err
		}
	}
	return r.samples, nil
}
