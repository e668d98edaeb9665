package media

import "math/bits"

// The flags of tfhd and trun that say which fields are there.
const (
	tfhdBaseOffset     = 0x000001
	tfhdDescription    = 0x000002
	tfhdDuration       = 0x000008
	tfhdSize           = 0x000010
	tfhdFlags          = 0x000020
	tfhdFromMoof       = 0x020000
	trunDataOffset     = 0x000001
	trunFirstFlags     = 0x000004
	trunSampleDuration = 0x000100
	trunSampleSize     = 0x000200
	trunPerSample      = 0x000f00
)

// readDefaults reads trex, which holds what fragments leave out.
func (m *movie) readDefaults(b box) error {
	if b.kind != "trex" {
		return nil
	}
	c, err := m.content(b, 24)
	if err != nil {
		return err
	}
	if t := m.track(uint32(number(c[4:8]))); t != nil {
		t.sampleDuration, t.sampleSize = number(c[12:16]), number(c[16:20])
	}
	return nil
}

func (m *movie) track(id uint32) *track {
	for _, t := range m.tracks {
		if t.id == id {
			return t
		}
	}
	return nil
}

// run is the state while the runs of a track fragment are read.
type run struct {
	track                      *track
	sampleDuration, sampleSize uint64
	// moof is where the fragment begins, base what data offsets count from, next where the data of the next run begins when it
	// doesn't say.
	moof, base, next uint64
}

// readFragment reads moof: every run's data must lie within the file.
func (m *movie) readFragment(moof box) error {
	if !m.index {
		return damage("the file has fragments before its index: its beginning is missing")
	}
	end := uint64(moof.start)
	return m.children(moof, 0, func(b box) error {
		if b.kind != "traf" {
			return nil
		}
		// A track that doesn't say what it counts from continues where the one before it ended.
		r := run{moof: uint64(moof.start), base: end, next: end}
		err := m.children(b, 0, func(b box) error {
			switch b.kind {
			case "tfhd":
				return m.readFragmentHeader(b, &r)
			case "trun":
				return m.readRun(b, &r)
			}
			return nil
		})
		end = r.next
		return err
	})
}

func (m *movie) readFragmentHeader(b box, r *run) error {
	c, err := m.content(b, 8)
	if err != nil {
		return err
	}
	flags := number(c[1:4])
	r.track = m.track(uint32(number(c[4:8])))
	if r.track == nil {
		r.track = &track{} // a track that the index doesn't have: its data is checked all the same
	}
	r.sampleDuration, r.sampleSize = r.track.sampleDuration, r.track.sampleSize
	if flags&tfhdFromMoof != 0 {
		r.base, r.next = r.moof, r.moof
	}
	at := 8
	field := func(flag uint64, width int) (uint64, bool, error) {
		if flags&flag == 0 {
			return 0, false, nil
		}
		c, err := m.content(b, at+width)
		if err != nil {
			return 0, false, err
		}
		v := number(c[at : at+width])
		at += width
		return v, true, nil
	}
	for _, f := range []struct {
		flag  uint64
		width int
		into  []*uint64
	}{
		{tfhdBaseOffset, 8, []*uint64{&r.base, &r.next}},
		{tfhdDescription, 4, nil},
		{tfhdDuration, 4, []*uint64{&r.sampleDuration}},
		{tfhdSize, 4, []*uint64{&r.sampleSize}},
		{tfhdFlags, 4, nil},
	} {
		v, there, err := field(f.flag, f.width)
		if err != nil {
			return err
		}
		for _, p := range f.into {
			if there {
				*p = v
			}
		}
	}
	return nil
}

func (m *movie) readRun(b box, r *run) error {
	if r.track == nil {
		return damage("the file is garbled: a fragment at byte %d doesn't say which track it is of", b.start)
	}
	c, err := m.content(b, 8)
	if err != nil {
		return err
	}
	flags, count := number(c[1:4]), number(c[4:8])
	at := int64(8)
	if flags&trunDataOffset != 0 {
		if c, err = m.content(b, 12); err != nil {
			return err
		}
		r.next = r.base + uint64(int64(int32(number(c[8:12])))) // signed
		at += 4
	}
	if flags&trunFirstFlags != 0 {
		at += 4
	}
	fields := bits.OnesCount64(flags & trunPerSample)
	if room := b.end - b.body - at; room < 0 || count*uint64(fields)*4 > uint64(room) {
		return damage("the file is garbled: the fragment at byte %d says that it has %d samples, more than it has room for", b.start, count)
	}
	size, length := count*r.sampleSize, count*r.sampleDuration // 32 bits each
	if flags&(trunSampleSize|trunSampleDuration) != 0 {
		if size, length, err = m.sumRun(m.w.column(b.body+at, b.end), r, flags, count); err != nil {
			return err
		}
	}
	if file := uint64(m.w.size); r.next > file || size > file-r.next {
		return cut("the media data of a fragment", r.next+min(size, ^r.next), m.w.size)
	}
	if m.runs, err = place(m.runs, r.next, r.next+size); err != nil {
		return err
	}
	r.next += size
	r.track.samples += count
	r.track.bytes += size
	r.track.played += length
	return nil
}

// sumRun adds up the sizes and durations of a run's samples.
func (m *movie) sumRun(c *column, r *run, flags, count uint64) (size, length uint64, err error) {
	for range count {
		duration, bytes := r.sampleDuration, r.sampleSize
		for flag := uint64(trunSampleDuration); flag&trunPerSample != 0; flag <<= 1 {
			if flags&flag == 0 {
				continue
			}
			v, err := c.next(4)
			if err != nil {
				return 0, 0, err
			}
			switch flag {
			case trunSampleDuration:
				duration = v
			case trunSampleSize:
				bytes = v
			}
		}
		size += bytes
		length += duration
	}
	return size, length, nil
}
