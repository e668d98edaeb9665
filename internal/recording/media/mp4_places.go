package media

import "sort"

// maxExtents limits the remembered places: a day of twenty fragments a second has fewer.
const maxExtents = 1 << 22

// extent is a part of the file.
type extent struct{ start, end uint64 }

// place adds an extent to a list. It extends the last one if it continues it.
func place(known []extent, start, end uint64) ([]extent, error) {
	if start == end {
		return known, nil
	}
	if n := len(known); n > 0 && known[n-1].end == start {
		known[n-1].end = end
		return known, nil
	}
	if len(known) == maxExtents {
		return known, damage("the file's media data is in more than %d pieces", maxExtents)
	}
	return append(known, extent{start, end}), nil
}

// holds reports whether a part of the file is within one mdat box. An empty part always is.
func (m *movie) holds(start, size uint64) bool {
	if size == 0 {
		return true
	}
	i := sort.Search(len(m.data), func(i int) bool { return m.data[i].end > start })
	return i < len(m.data) && m.data[i].start <= start && size <= m.data[i].end-start
}

// misplaced returns the damage of a file whose media data isn't at its place in the index.
func misplaced(what string, at uint64) error {
	return damage("the file is garbled: there is no media data at byte %d, where the index has %s", at, what)
}

// readSegmentIndex reads sidx, which has the sizes of the segments that follow it: all of them must be in the file.
func (m *movie) readSegmentIndex(b box) error {
	c, err := m.content(b, 12)
	if err != nil {
		return err
	}
	width, at := 4, int64(12) // behind version and flags, reference and timescale
	if c[0] != 0 {
		width = 8
	}
	if c, err = m.content(b, int(at)+2*width+4); err != nil {
		return err
	}
	first := number(c[int(at)+width : int(at)+2*width])
	at += int64(2*width) + 2
	count := number(c[at : at+2])
	at += 2
	if room := b.end - b.body - at; room < int64(count)*12 {
		return damage("the file is garbled: the segment index at byte %d says that it has %d segments, more than fit into it", b.start, count)
	}
	table, end := m.w.column(b.body+at, b.end), uint64(b.end)
	if first > uint64(m.w.size) {
		return cut("a segment according to the segment index", end+min(first, ^end), m.w.size)
	}
	for end += first; count > 0; count-- {
		size, err := table.next(4)
		if err != nil {
			return err
		}
		if end += size & 0x7fffffff; end > uint64(m.w.size) { // the highest bit is the type of the reference
			return cut("a segment according to the segment index", end, m.w.size)
		}
		for range 2 { // the duration, and the access point
			if _, err := table.next(4); err != nil {
				return err
			}
		}
	}
	return nil
}
