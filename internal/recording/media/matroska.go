package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"time"
)

// The structure of Matroska is RFC 9559 and that of EBML RFC 8794; WebM is a subset of Matroska.

// The ids of the elements that matter here.
const (
	idEBML          = 0x1a45dfa3
	idDocType       = 0x4282
	idSegment       = 0x18538067
	idSeekHead      = 0x114d9b74
	idInfo          = 0x1549a966
	idTimeScale     = 0x2ad7b1
	idDuration      = 0x4489
	idTracks        = 0x1654ae6b
	idTrackEntry    = 0xae
	idTrackNumber   = 0xd7
	idTrackType     = 0x83
	idCues          = 0x1c53bb6b
	idChapters      = 0x1043a770
	idTags          = 0x1254c367
	idAttachments   = 0x1941a469
	idCluster       = 0x1f43b675
	idTimestamp     = 0xe7
	idSimpleBlock   = 0xa3
	idBlockGroup    = 0xa0
	idBlock         = 0xa1
	trackTypeVideo  = 1
	trackTypeAudio  = 2
	unknown         = -1
	defaultTickSize = 1_000_000 // nanoseconds
)

// element is one EBML element with the offsets of its start, its content and its end. Live segments and clusters have an unknown end.
type element struct {
	id               uint32
	start, body, end int64
}

// segment is the state of a walk through a Matroska file.
type segment struct {
	w *window
	// tick is the unit of timestamps in nanoseconds. In ticks, length is the duration, latest the latest block's timestamp and
	// cluster the current cluster's.
	tick    uint64
	length  float64
	latest  uint64
	cluster uint64
	// blocks counts each track's blocks that aren't empty, kinds has each track's type.
	blocks map[uint64]uint64
	kinds  map[uint64]uint64
}

// checkMatroska walks the file's elements.
func checkMatroska(w *window, report *Report) error {
	s := &segment{w: w, tick: defaultTickSize, blocks: map[uint64]uint64{}, kinds: map[uint64]uint64{}}
	err := s.walk(report)
	s.fill(report)
	if err != nil {
		return err
	}
	if len(s.kinds) == 0 {
		return damage("the file doesn't describe its tracks: its beginning is missing")
	}
	if len(s.blocks) == 0 {
		return damage("the file has no media: none of its %d tracks has a block", len(s.kinds))
	}
	return nil
}

// fill writes the facts of the segment into the report.
func (s *segment) fill(report *Report) {
	for track, kind := range s.kinds {
		held := s.blocks[track] > 0
		report.Audio = report.Audio || held && kind == trackTypeAudio
		report.Video = report.Video || held && kind == trackTypeVideo
	}
	length := s.length
	if length == 0 {
		length = float64(s.latest) // the header of a live file doesn't have it
	}
	if ns := length * float64(s.tick); ns > 0 && ns < math.MaxInt64 {
		report.Duration = time.Duration(ns).Round(time.Millisecond)
	}
}

// walk visits the top-level elements of the file: headers and one or more segments.
func (s *segment) walk(report *Report) error {
	whole := false
	for off := int64(0); off < s.w.size; {
		e, err := s.element(off, s.w.size)
		if err != nil {
			if whole && s.w.ctx.Err() == nil && !s.begins(off) {
				report.note("the data after byte %d is not media", off)
				return nil
			}
			return err
		}
		switch {
		case e.id != idSegment && e.end == unknown:
			return s.garbled(off)
		case e.id != idSegment:
			off = e.end
		case e.end == unknown:
			if off, err = s.readSegment(e, s.w.size); err != nil {
				return err
			}
			whole = false
		default:
			if _, err = s.readSegment(e, e.end); err != nil {
				return err
			}
			off, whole = e.end, true
		}
	}
	return nil
}

// begins reports whether another document or segment begins at off.
func (s *segment) begins(off int64) bool {
	b, err := s.w.at(off, int(min(s.w.size-off, 4)))
	return err == nil && (number(b) == idEBML || number(b) == idSegment)
}

// readSegment visits a segment's children and returns its end: limit or, for a segment of unknown size, the first element that can't be
// in it.
func (s *segment) readSegment(seg element, limit int64) (int64, error) {
	off := seg.body
	for off < limit {
		e, err := s.element(off, limit)
		if err != nil {
			return 0, err
		}
		if seg.end == unknown && (e.id == idEBML || e.id == idSegment) {
			return off, nil
		}
		switch {
		case e.id == idCluster:
			if off, err = s.readCluster(e, limit); err != nil {
				return 0, err
			}
			continue
		case e.end == unknown:
			return 0, s.garbled(off)
		case e.id == idInfo:
			err = s.children(e, s.readInfo)
		case e.id == idTracks:
			err = s.children(e, s.readTrack)
		}
		if err != nil {
			return 0, err
		}
		off = e.end
	}
	return off, nil
}

// readInfo reads the times from a child of Info.
func (s *segment) readInfo(e element) error {
	switch e.id {
	case idTimeScale:
		tick, err := s.unsigned(e)
		if tick > 0 {
			s.tick = tick
		}
		return err
	case idDuration:
		b, err := s.content(e)
		switch len(b) {
		case 4:
			s.length = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
		case 8:
			s.length = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
		if !(s.length > 0) { // not a number is no length either
			s.length = 0
		}
		return err
	}
	return nil
}

// readTrack reads one TrackEntry.
func (s *segment) readTrack(e element) error {
	if e.id != idTrackEntry {
		return nil
	}
	var number, kind uint64
	err := s.children(e, func(e element) (err error) {
		switch e.id {
		case idTrackNumber:
			number, err = s.unsigned(e)
		case idTrackType:
			kind, err = s.unsigned(e)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(s.kinds) == maxTracks {
		return damage("the file has more than %d tracks", maxTracks)
	}
	s.kinds[number] = kind
	return nil
}

// readCluster visits a cluster's children and returns its end. A cluster of unknown size ends at the first element that can't be in one.
func (s *segment) readCluster(c element, limit int64) (int64, error) {
	if c.end != unknown {
		limit = c.end
	}
	s.cluster = 0
	off := c.body
	for off < limit {
		e, err := s.element(off, limit)
		if err != nil {
			return 0, err
		}
		if c.end == unknown && besideClusters(e.id) {
			return off, nil
		}
		if e.end == unknown {
			return 0, s.garbled(off)
		}
		switch e.id {
		case idTimestamp:
			s.cluster, err = s.unsigned(e)
		case idSimpleBlock:
			err = s.readBlock(e)
		case idBlockGroup:
			err = s.children(e, func(e element) error {
				if e.id != idBlock {
					return nil
				}
				return s.readBlock(e)
			})
		}
		if err != nil {
			return 0, err
		}
		off = e.end
	}
	return off, nil
}

func besideClusters(id uint32) bool {
	switch id {
	case idEBML, idSegment, idSeekHead, idInfo, idTracks, idCues, idChapters, idTags, idAttachments, idCluster:
		return true
	}
	return false
}

// readBlock reads a block's header: the track, and the time relative to the cluster.
func (s *segment) readBlock(e element) error {
	b, err := s.w.at(e.body, int(min(e.end-e.body, 11)))
	if err != nil {
		return err
	}
	track, n, ok := vint(b, 8)
	if !ok || n+3 > len(b) {
		return s.garbled(e.start)
	}
	if e.end-e.body == int64(n)+3 {
		return nil // nothing in it
	}
	if _, known := s.kinds[track]; known {
		s.blocks[track]++
	}
	if at := int64(s.cluster) + int64(int16(binary.BigEndian.Uint16(b[n:]))); at > 0 {
		s.latest = max(s.latest, uint64(at))
	}
	return nil
}

// children calls visit for each element within e. All of them must have an end.
func (s *segment) children(e element, visit func(element) error) error {
	for off := e.body; off < e.end; {
		c, err := s.element(off, e.end)
		if err != nil {
			return err
		}
		if c.end == unknown {
			return s.garbled(off)
		}
		if err := visit(c); err != nil {
			return err
		}
		off = c.end
	}
	return nil
}

// element reads the header of the element at off, which must end within limit.
func (s *segment) element(off, limit int64) (element, error) {
	if err := s.w.count(); err != nil {
		return element{}, err
	}
	head, err := s.w.at(off, int(min(limit-off, 12)))
	if err != nil {
		return element{}, err
	}
	n := bits.LeadingZeros8(head[0]) + 1
	if n > 4 {
		return element{}, s.garbled(off)
	}
	if n >= len(head) {
		return element{}, s.short(off, limit)
	}
	e := element{id: uint32(number(head[:n])), start: off}
	size, width, ok := vint(head[n:], 8)
	if !ok {
		if head[n] == 0 {
			return element{}, s.garbled(off)
		}
		return element{}, s.short(off, limit)
	}
	e.body = off + int64(n+width)
	if size == 1<<(7*width)-1 { // all ones
		e.end = unknown
		return e, nil
	}
	if left := uint64(limit - e.body); size > left {
		if limit == s.w.size {
			return element{}, cut(e.describe(), uint64(e.body)+size, limit)
		}
		return element{}, damage("the file is garbled: %s at byte %d extends beyond its container", e.describe(), off)
	}
	e.end = e.body + int64(size)
	return e, nil
}

// short returns the damage of an element whose header doesn't fit.
func (s *segment) short(off, limit int64) error {
	if limit == s.w.size {
		return damage("the file is cut short: it ends in the header of an element, at byte %d", limit)
	}
	return s.garbled(off)
}

func (s *segment) garbled(off int64) error {
	return damage("the file is garbled or incomplete from byte %d on: no element begins there", off)
}

// describe returns the element in words.
func (e element) describe() string {
	switch e.id {
	case idSegment:
		return "the recording itself"
	case idCluster:
		return "a cluster of media"
	case idSimpleBlock, idBlock, idBlockGroup:
		return "a block of media"
	case idCues:
		return "the index"
	}
	return "a part of the header"
}

// content returns the content of an element with a number; nothing for a longer one.
func (s *segment) content(e element) ([]byte, error) {
	if e.end-e.body > 8 {
		return nil, nil
	}
	return s.w.at(e.body, int(e.end-e.body))
}

func (s *segment) unsigned(e element) (uint64, error) {
	b, err := s.content(e)
	return number(b), err
}

// vint reads a number of variable length, without its marker. width is its length in bytes.
func vint(b []byte, longest int) (v uint64, width int, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	width = bits.LeadingZeros8(b[0]) + 1
	if width > longest || width > len(b) {
		return 0, 0, false
	}
	return number(b[:width]) &^ (1 << (7 * width)), width, true
}

// docType returns the type of an EBML document from the first bytes of the file, or "".
func docType(head []byte) string {
	_, after, found := bytes.Cut(head, []byte{idDocType >> 8, idDocType & 0xff})
	size, n, ok := vint(after, 8)
	if !found || !ok || size > uint64(len(after)-n) {
		return ""
	}
	return string(bytes.TrimRight(after[n:n+int(size)], "\x00"))
}
