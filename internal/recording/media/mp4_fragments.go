package media

import (
	"math/bits"
	"slices"
)

// The flags of tfhd and trun for their optional fields.
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

// readDefaults reads trex, which has the fragments' defaults.
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
	if i := slices.IndexFunc(m.tracks, func(t *track) bool { return t.id == id }); i >= 0 {
		return m.tracks[i]
	}
	return nil
}

// run is the state while the runs of a track fragment are read.
type run struct {
	track                      *track
	sampleDuration, sampleSize uint64
	// moof is the offset of the fragment, base the origin of data offsets, next the start of the next run's data if it has no
	// offset.
	moof, base, next uint64
}

// readFragment reads moof: every run's data must lie within the file.
func (m *movie) readFragment(moof box) error {
	if !m.index {
		return damage("the file has fragments before its index: its beginning is missing")
	}
	end := uint64(moof.start)
	return m.children(moof, func(b box) error {
		if b.kind != "traf" {
			return nil
		}
		// A track without a base continues at the end of the one before it.
		r := run{moof: uint64(moof.start), base: end, next: end}
		err := m.children(b, func(b box) error {
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
		r.track = &track{} // the index doesn't have this track, but its data is checked too
	}
	r.sampleDuration, r.sampleSize = r.track.sampleDuration, r.track.sampleSize
	if flags&tfhdFromMoof != 0 {
		r.base, r.next = r.moof, r.moof
	}
	at := 8
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
		if flags&f.flag == 0 {
			continue
		}
		c, err := m.content(b, at+f.width)
		if err != nil {
			return err
		}
		for _, p := range f.into {
			*p = number(c[at : at+f.width])
		}
		at += f.width
	}
	return nil
}

func (m *movie) readRun(b box, r *run) error {
	if r.track == nil {
		return damage("the file is garbled: a fragment at byte %d doesn't say which track it belongs to", b.start)
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
		return damage("the file is garbled: the fragment at byte %d says that it has %d samples, more than fit into it", b.start, count)
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
