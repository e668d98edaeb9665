package media

import (
	"math"
	"slices"
	"strings"
	"time"
)

// The structure of MP4 is ISO/IEC 14496-12; QuickTime's differs in nothing that is read here.

// maxTracks limits the tracks of a file.
const maxTracks = 1024

// box is one box of an MP4 file: its type, and where it begins, its content begins and it ends.
type box struct {
	kind             string
	start, body, end int64
}

// movie is the state of a walk through an MP4 file.
type movie struct {
	w *window
	// index reports whether there was a moov; timescale and duration are its header's.
	index      bool
	timescale  uint64
	duration   uint64
	tracks     []*track
	fragments  int
	fragmented bool
	// data are the contents of the mdat boxes, runs the places of the fragments' media, both in the order of the file.
	data, runs []extent
}

// track is one track.
type track struct {
	id        uint32
	handler   string
	timescale uint64
	duration  uint64
	// samples and bytes count those of the sample table and of all fragments; begun reports whether the table has any, and played is
	// the fragments' length in timescale units.
	samples, bytes, played uint64
	begun                  bool
	// sampleDuration and sampleSize are the fragments' defaults, from trex.
	sampleDuration, sampleSize uint64
	tables                     map[string]box
}

func (t *track) name() string {
	switch t.handler {
	case "soun":
		return "the audio track"
	case "vide":
		return "the video track"
	}
	return "a track"
}

// length returns the track's length in timescale units. The index has the length of the sample table; if all samples are in fragments,
// it has none, or that of the whole track.
func (t *track) length() uint64 {
	if t.begun {
		return t.duration + t.played
	}
	return max(t.duration, t.played)
}

// checkMP4 walks the file's boxes.
func checkMP4(w *window, report *Report) error {
	m := &movie{w: w}
	err := m.walk(report)
	m.fill(report)
	if err != nil {
		return err
	}
	if !m.index {
		return damage("the file has no index (moov): it was cut short, or the recording never finished")
	}
	for _, r := range m.runs {
		if !m.holds(r.start, r.end-r.start) {
			return misplaced("a fragment's media data", r.start)
		}
	}
	var samples uint64
	for _, t := range m.tracks {
		if err := m.check(t); err != nil {
			return err
		}
		samples += t.samples
	}
	if samples == 0 {
		return damage("the file has no media: none of its %d tracks has a sample", len(m.tracks))
	}
	m.fill(report)
	return nil
}

// walk visits the boxes of the file itself.
func (m *movie) walk(report *Report) error {
	for off := int64(0); off < m.w.size; {
		b, err := m.box(off, m.w.size, true)
		if err != nil {
			return err
		}
		if b.kind == "" {
			// Players stop here. In a fragmented file, missing fragments would look the same.
			if !m.index || m.fragmented {
				return damage("the file is garbled or incomplete from byte %d on: no box begins there", off)
			}
			report.note("the data after byte %d is not media", off)
			return nil
		}
		switch b.kind {
		case "mdat":
			m.data, err = place(m.data, uint64(b.body), uint64(b.end))
		case "sidx":
			err = m.readSegmentIndex(b)
		case "moov":
			m.index = true
			err = m.readIndex(b)
		case "moof":
			m.fragments++
			err = m.readFragment(b)
		}
		if err != nil {
			return err
		}
		off = b.end
	}
	return nil
}

// box reads the header of the box at off, which must end within limit. At the top level a box may reach to the end of the file, and the
// zero box means that the bytes aren't a box's header.
func (m *movie) box(off, limit int64, top bool) (box, error) {
	if err := m.w.count(); err != nil {
		return box{}, err
	}
	left := limit - off
	if left < 8 {
		if top {
			return box{}, damage("the file is cut short: it ends in the header of a box, at byte %d", limit)
		}
		return box{start: off, body: off, end: limit}, nil // QuickTime ends some lists with four zero bytes
	}
	head, err := m.w.at(off, int(min(left, 16)))
	if err != nil {
		return box{}, err
	}
	b := box{kind: string(head[4:8]), start: off, body: off + 8}
	size := number(head[:4])
	if top && !printable(b.kind) {
		return box{}, nil
	}
	if !top && (strings.IndexByte(b.kind, 0) >= 0 || size == 0) {
		// Only the last box of the file may omit its size, and a hole can begin in the middle of a name.
		return box{}, damage("the file is garbled: no box begins at byte %d", off)
	}
	switch {
	case size == 1 && len(head) < 16:
		return box{}, cut("the header of "+b.describe(), uint64(off)+16, limit)
	case size == 1:
		size = number(head[8:16])
		b.body += 8
	case size == 0:
		size = uint64(left)
	}
	if size < uint64(b.body-off) {
		return box{}, damage("the file is garbled: %s at byte %d says that it has %d bytes", b.describe(), off, size)
	}
	if size > uint64(left) {
		end := uint64(off) + min(size, math.MaxUint64-uint64(off))
		if limit == m.w.size {
			return box{}, cut(b.describe(), end, limit)
		}
		return box{}, damage("the file is garbled: %s at byte %d extends beyond its container", b.describe(), off)
	}
	b.end = off + int64(size)
	return b, nil
}

// describe returns the box in words.
func (b box) describe() string {
	switch b.kind {
	case "mdat":
		return "the media data"
	case "moov":
		return "the index"
	case "moof":
		return "a fragment's index"
	}
	if printable(b.kind) {
		return "the box " + b.kind
	}
	return "a box"
}

func printable(kind string) bool {
	return !slices.ContainsFunc([]byte(kind), func(c byte) bool { return c < 0x20 || c > 0x7e })
}

// children calls visit for each box within b.
func (m *movie) children(b box, visit func(box) error) error {
	for off := b.body; off < b.end; {
		c, err := m.box(off, b.end, false)
		if err != nil {
			return err
		}
		if err := visit(c); err != nil {
			return err
		}
		off = c.end
	}
	return nil
}

// content returns the first n bytes of b's content, which must have them.
func (m *movie) content(b box, n int) ([]byte, error) {
	if b.end-b.body < int64(n) {
		return nil, damage("the file is garbled: %s at byte %d is too short", b.describe(), b.start)
	}
	return m.w.at(b.body, n)
}

// readIndex reads moov.
func (m *movie) readIndex(moov box) error {
	return m.children(moov, func(b box) error {
		switch b.kind {
		case "mvhd":
			var err error
			m.timescale, m.duration, err = m.readTimes(b)
			return err
		case "trak":
			if len(m.tracks) == maxTracks {
				return damage("the file has more than %d tracks", maxTracks)
			}
			t := &track{tables: map[string]box{}}
			m.tracks = append(m.tracks, t)
			return m.readTrack(b, t)
		case "mvex":
			m.fragmented = true
			return m.children(b, m.readDefaults)
		}
		return nil
	})
}

// readTrack reads trak: the id, the kind, the length, and the places of the sample tables.
func (m *movie) readTrack(trak box, t *track) error {
	indexed := false
	table := func(b box) error {
		switch b.kind {
		case "stsz", "stz2", "stsc", "stco", "co64":
			t.tables[b.kind] = b
		}
		return nil
	}
	information := func(b box) error {
		if b.kind != "stbl" {
			return nil
		}
		indexed = true
		return m.children(b, table)
	}
	media := func(b box) (err error) {
		switch b.kind {
		case "mdhd":
			t.timescale, t.duration, err = m.readTimes(b)
		case "hdlr":
			var c []byte
			if c, err = m.content(b, 12); err == nil {
				t.handler = string(c[8:12])
			}
		case "minf":
			err = m.children(b, information)
		}
		return err
	}
	err := m.children(trak, func(b box) error {
		switch b.kind {
		case "tkhd":
			c, err := m.content(b, 4)
			if err != nil {
				return err
			}
			at := 12 // after version, flags and two times of four bytes
			if c[0] == 1 {
				at = 20
			}
			if c, err = m.content(b, at+4); err == nil {
				t.id = uint32(number(c[at : at+4]))
			}
			return err
		case "mdia":
			return m.children(b, media)
		}
		return nil
	})
	if err == nil && !indexed && (t.handler == "soun" || t.handler == "vide") {
		return damage("the file is garbled: the track at byte %d has no index of its samples", trak.start)
	}
	return err
}

// readTimes reads the timescale and the duration, which mvhd and mdhd have in the same place. A duration of all ones is unknown.
func (m *movie) readTimes(b box) (timescale, duration uint64, err error) {
	c, err := m.content(b, 4)
	if err != nil {
		return 0, 0, err
	}
	at, width := 12, 4 // after version, flags and two times
	if c[0] == 1 {
		at, width = 20, 8
	}
	if c, err = m.content(b, at+4+width); err != nil {
		return 0, 0, err
	}
	if duration = number(c[at+4 : at+4+width]); duration == math.MaxUint64>>(64-8*width) {
		duration = 0
	}
	return number(c[at : at+4]), duration, nil
}

// fill writes the facts of the movie into the report.
func (m *movie) fill(report *Report) {
	report.Fragmented = m.fragmented || m.fragments > 0
	report.Duration = span(m.duration, m.timescale)
	for _, t := range m.tracks {
		report.Duration = max(report.Duration, span(t.length(), t.timescale))
		switch held := t.samples > 0 && t.bytes > 0; {
		case t.handler == "soun":
			report.Audio = report.Audio || held
		case t.handler == "vide":
			report.Video = report.Video || held
		}
	}
}

// span returns the duration of n units of 1/scale seconds; 0 if it is unknown or too long.
func span(n, scale uint64) time.Duration {
	if scale == 0 {
		return 0
	}
	s := float64(n) / float64(scale)
	if s >= math.MaxInt64/float64(time.Second) {
		return 0
	}
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}
