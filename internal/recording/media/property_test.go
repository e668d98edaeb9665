package media

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greenroom/internal/cases"
)

// sample is a file that is whole, and where its structure is that every player needs.
type sample struct {
	what string
	file []byte
	// spine are places of which each must survive: the headers of boxes or elements that lead to the media.
	spine []extent
	// complete says that the container states where the file ends.
	complete bool
}

// drawSample builds a file of random shape.
func drawSample(t *rapid.T) sample {
	switch kind := rapid.SampledFrom([]string{"media first", "index first", "fragments", "listed fragments", "WebM", "live WebM"}).Draw(t, "kind"); kind {
	case "WebM", "live WebM":
		return drawMatroska(t, kind)
	case "fragments", "listed fragments":
		return drawFragments(t, kind)
	default:
		return drawMovie(t, kind)
	}
}

// full is media data without a zero, so that a hole in it can't be mistaken for it.
func full(n int) []byte { return bytes.Repeat([]byte{0xa5}, n) }

func drawMovie(t *rapid.T, kind string) sample {
	sizes := rapid.SliceOfN(rapid.Uint32Range(1, 40), 1, 30).Draw(t, "sizes")
	each := rapid.IntRange(1, 5).Draw(t, "samples in a chunk")
	// Chunks of two tracks take turns, as those of recordings do.
	var media []byte
	var offsets [2][]uint32
	tables := func(from uint32) (tracks []byte) {
		media, offsets = nil, [2][]uint32{}
		for i := 0; i < len(sizes); i += each {
			for track := range offsets {
				offsets[track] = append(offsets[track], from+uint32(len(media)))
				for _, size := range sizes[i:min(i+each, len(sizes))] {
					media = append(media, full(int(size))...)
				}
			}
		}
		for track, handler := range []string{"vide", "soun"} {
			tracks = append(tracks, mktrak(uint32(track+1), handler, stsz(sizes...), stsc(1, uint32(each)), stco(offsets[track]...))...)
		}
		return tracks
	}
	s := sample{what: kind, complete: true}
	if kind == "media first" {
		from := uint32(len(ftyp) + 8)
		index := mkbox("moov", mvhd, tables(from))
		s.file = join(ftyp, mkbox("mdat", media), index)
		s.spine = append(s.spine, extent{uint64(len(ftyp)), uint64(from)})
		s.spine = append(s.spine, headers(s.file, int(from)+len(media), 0, "moov", "trak", "mdia", "minf", "stbl", "stco", "stsc")...)
		return s
	}
	size := len(mkbox("moov", mvhd, tables(0)))
	from := len(ftyp) + size + 8
	s.file = join(ftyp, mkbox("moov", mvhd, tables(uint32(from))), mkbox("mdat", media))
	s.spine = append(headers(s.file, len(ftyp), 0, "moov", "trak", "mdia", "minf", "stbl", "stco", "stsc"), extent{uint64(from - 8), uint64(from)})
	return s
}

// headers finds the headers of the boxes of some kinds from off on, within each other.
func headers(file []byte, off, end int, kinds ...string) (out []extent) {
	if end == 0 {
		end = len(file)
	}
	for off+8 <= end {
		size, kind := int(number(file[off:off+4])), string(file[off+4:off+8])
		for _, k := range kinds {
			if k == kind {
				out = append(out, extent{uint64(off), uint64(off + 8)})
				if kind != "stco" && kind != "stsc" {
					out = append(out, headers(file, off+8, off+size, kinds...)...)
				}
			}
		}
		off += size
	}
	return out
}

func drawFragments(t *rapid.T, kind string) sample {
	n := rapid.IntRange(1, 6).Draw(t, "fragments")
	s := sample{what: kind, complete: kind == "listed fragments"}
	s.file = fragmented(0)
	var parts [][]byte
	var sizes []uint32
	for range n {
		size := rapid.Uint32Range(1, 60).Draw(t, "size")
		part := join(moof(1, trunDataOffset|trunSampleSize, 2, size, size), mkbox("mdat", full(2*int(size))))
		parts, sizes = append(parts, part), append(sizes, uint32(len(part)))
	}
	s.spine = headers(s.file, 0, 0, "moov")
	if s.complete {
		s.file = append(s.file, sidx(0, 0, sizes...)...)
	}
	for _, part := range parts {
		s.spine = append(s.spine, moved(headers(part, 0, 0, "moof", "traf", "mdat"), len(s.file))...)
		s.file = append(s.file, part...)
	}
	return s
}

func moved(all []extent, by int) []extent {
	for i := range all {
		all[i].start, all[i].end = all[i].start+uint64(by), all[i].end+uint64(by)
	}
	return all
}

func drawMatroska(t *rapid.T, kind string) sample {
	part := el
	s := sample{what: kind, complete: kind == "WebM"}
	if !s.complete {
		part = elOpen
	}
	var clusters []byte
	var spine []extent
	tracks := oneTrack
	for range rapid.IntRange(1, 5).Draw(t, "clusters") {
		blocks := rawTime
		for range rapid.IntRange(1, 5).Draw(t, "blocks") {
			blocks = join(blocks, el([]byte{0xa3}, []byte{0x81, 0, 20, 0x80}, full(rapid.IntRange(1, 60).Draw(t, "size"))))
		}
		c := part(rawCluster, blocks)
		at := len(clusters) + len(tracks)
		spine = append(spine, extent{uint64(at), uint64(at + len(rawCluster))})
		for off := len(c) - len(blocks) + len(rawTime); off < len(c); {
			size := int(number(c[off+2 : off+5])) // one byte of id, four of size with the marker in the first
			spine = append(spine, extent{uint64(at + off), uint64(at + off + 2)})
			off += 5 + size
		}
		clusters = append(clusters, c...)
	}
	body := join(tracks, clusters)
	segment := part(rawSegment, body)
	s.file = join(ebmlHeader, segment)
	start := len(s.file) - len(body)
	s.spine = append(moved(spine, start), extent{uint64(len(ebmlHeader)), uint64(len(ebmlHeader) + 4)})
	return s
}

// A file that is whole passes. With a hole of zeros over any part of the structure that leads to its media, or cut anywhere, it
// doesn't, as far as the container can tell. Whatever else is done to it, the check ends with a verdict.
func TestHolesAndCutsAreSeen(t *testing.T) {
	for i := range 20 {
		cases.Vary(i)
		rapid.Check(t, func(rt *rapid.T) {
			s := drawSample(rt)
			name := "x.mp4"
			if strings.HasSuffix(s.what, "WebM") {
				name = "x.webm"
			}
			if got, err := checked(t, name, s.file); err != nil || !got.Audio || got.Note != "" {
				rt.Fatalf("%s, whole: %+v, %v", s.what, got, err)
			}
			from := rapid.IntRange(0, len(s.file)-1).Draw(rt, "from")
			n := rapid.IntRange(1, len(s.file)-from).Draw(rt, "length")
			if rapid.Bool().Draw(rt, "at the structure") {
				at := rapid.SampledFrom(s.spine).Draw(rt, "place")
				from = int(at.start)
				n = min(len(s.file)-from, max(n, int(at.end-at.start)))
			}
			hole := bytes.Clone(s.file)
			clear(hole[from : from+n])
			_, err := checked(t, name, hole)
			if err != nil && !errors.Is(err, ErrDamaged) {
				rt.Fatal(err)
			}
			if where := broken(s, from, from+n); where != "" && err == nil {
				rt.Fatalf("%s: a hole of %d bytes from byte %d on, over %s, passes", s.what, n, from, where)
			}
			if _, err := checked(t, name, s.file[:from]); err == nil && s.complete {
				rt.Fatalf("%s cut at byte %d of %d passes", s.what, from, len(s.file))
			}
		})
		if t.Failed() {
			return
		}
	}
}

// broken names a place of the spine that lies in a hole, empty when none does.
func broken(s sample, from, end int) string {
	for _, at := range s.spine {
		if uint64(from) <= at.start && at.end <= uint64(end) {
			return fmt.Sprintf("bytes %d-%d", at.start, at.end)
		}
	}
	return ""
}
