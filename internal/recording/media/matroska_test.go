package media

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
)

// el is an element put together by hand, for what the library doesn't write.
func el(id []byte, parts ...[]byte) []byte {
	body := join(parts...)
	return join(id, []byte{0x10 | byte(len(body)>>24), byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body)
}

// elOpen is an element of unknown size, eight bytes wide as recorders write it.
func elOpen(id []byte, parts ...[]byte) []byte {
	return join(id, []byte{0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, join(parts...))
}

var (
	ebmlHeader  = el([]byte{0x1a, 0x45, 0xdf, 0xa3}, el([]byte{0x42, 0x82}, []byte("webm")))
	rawSegment  = []byte{0x18, 0x53, 0x80, 0x67}
	rawInfo     = []byte{0x15, 0x49, 0xa9, 0x66}
	rawTracks   = []byte{0x16, 0x54, 0xae, 0x6b}
	rawCluster  = []byte{0x1f, 0x43, 0xb6, 0x75}
	rawTags     = []byte{0x12, 0x54, 0xc3, 0x67}
	rawTime     = el([]byte{0xe7}, []byte{3, 0xe8})
	oneTrack    = el(rawTracks, el([]byte{0xae}, el([]byte{0xd7}, []byte{1}), el([]byte{0x83}, []byte{trackTypeAudio}), el([]byte{0x7e, 0x7f}, []byte("new"))))
	simpleBlock = el([]byte{0xa3}, []byte{0x81, 0, 20, 0x80}, []byte("sound"))
)

func TestMatroska(t *testing.T) {
	both := Report{Container: webm, Audio: true, Video: true, Duration: length}
	sound := Report{Container: webm, Audio: true, Duration: 1020 * time.Millisecond}
	kept := knownFile(t, webm, twoTracks, twoClusters)
	open := liveFile(t, twoTracks, twoClusters)
	mkv := both
	mkv.Container = matroska
	tests := []struct {
		what   string
		file   []byte
		want   Report
		damage string
	}{
		{"WebM", kept, both, ""},
		{"Matroska", knownFile(t, matroska, twoTracks, twoClusters), mkv, ""},
		{"live, without a length", open, both, ""},
		{"unknown elements", join(ebmlHeader, el(rawSegment, el([]byte{0xec}, make([]byte, 300)), oneTrack, el([]byte{0x1a, 0xbc, 0xde, 0xf0}, []byte("?")), el(rawCluster, rawTime, el([]byte{0xf7}, []byte{1}), simpleBlock))), sound, ""},
		{"live, clusters of unknown size", join(ebmlHeader, elOpen(rawSegment, oneTrack, elOpen(rawCluster, rawTime, simpleBlock), elOpen(rawCluster, simpleBlock), el(rawTags, []byte{}))), sound, ""},
		{"a cluster of unknown size in a known segment", join(ebmlHeader, el(rawSegment, oneTrack, elOpen(rawCluster, rawTime, simpleBlock))), sound, ""},
		{"two recordings in one file", join(ebmlHeader, elOpen(rawSegment, oneTrack, elOpen(rawCluster, rawTime, simpleBlock)), ebmlHeader, el(rawSegment, oneTrack, el(rawCluster, simpleBlock))), sound, ""},
		{"what follows is no media", join(kept, make([]byte, 100)), func() Report { r := both; r.Note = "the data after byte 1984 is not media"; return r }(), ""},
		{"no audio", knownFile(t, webm, tracks{Entries: twoTracks.Entries[:1]}, twoClusters), Report{Container: webm, Video: true, Duration: length, Note: "no audio"}, ""},
		{"audio track without blocks", knownFile(t, webm, twoTracks, []cluster{{Blocks: []ebml.Block{block(1, 0, 9)}}}), Report{Container: webm, Video: true, Duration: length, Note: "no audio"}, ""},
		{"audio blocks with nothing in them", join(ebmlHeader, el(rawSegment, oneTrack, el(rawCluster, el([]byte{0xa3}, []byte{0x81, 0, 0, 0})))), Report{Container: webm}, "none of its 1 tracks has a block"},
		{"no cluster", join(ebmlHeader, elOpen(rawSegment, oneTrack)), Report{Container: webm}, "none of its 1 tracks has a block"},
		{"no tracks", join(ebmlHeader, elOpen(rawSegment, el(rawCluster, simpleBlock))), Report{}, "its beginning is missing"},
		{"only the header", ebmlHeader, Report{}, "its beginning is missing"},
		{"length that is no number", join(ebmlHeader, el(rawSegment, el(rawInfo, el([]byte{0x44, 0x89}, u64(math.Float64bits(math.NaN())))), oneTrack, el(rawCluster, rawTime, simpleBlock))), sound, ""},
		{"length in seconds of four bytes", join(ebmlHeader, el(rawSegment, el(rawInfo, el([]byte{0x2a, 0xd7, 0xb1}, u32(1e9)), el([]byte{0x44, 0x89}, u32(math.Float32bits(7.5)))), oneTrack, el(rawCluster, simpleBlock))), Report{Container: webm, Audio: true, Duration: 7500 * time.Millisecond}, ""},
		{"length beyond all measure", join(ebmlHeader, el(rawSegment, el(rawInfo, el([]byte{0x2a, 0xd7, 0xb1}, u64(math.MaxUint64)), el([]byte{0x44, 0x89}, u64(math.Float64bits(1e300)))), oneTrack, el(rawCluster, simpleBlock))), Report{Container: webm, Audio: true}, ""},

		{"second recording cut", join(kept, ebmlHeader, el(rawSegment, oneTrack)[:20]), Report{}, "the recording itself should end"},
		{"block cut in a live file", open[:len(open)-1], Report{}, "a block of media should end"},
		{"hole in a cluster", join(kept[:1200], make([]byte, 400), kept[1600:]), both, ""}, // within a block: nothing to see
		{"hole over a block's header", join(kept[:1000], make([]byte, 900), kept[1900:]), Report{}, "no element begins there"},
		{"hole to the end of a live file", join(open, make([]byte, 50)), Report{}, "no element begins there"},
		{"block beyond its cluster", join(ebmlHeader, el(rawSegment, oneTrack, el(rawCluster, []byte{0xa3, 0xff & 0xc0}), el(rawTags, make([]byte, 200)))), Report{}, "extends beyond its container"},
		{"block of unknown size", join(ebmlHeader, elOpen(rawSegment, oneTrack, elOpen(rawCluster, elOpen([]byte{0xa3}, []byte{0x81, 0, 0, 0, 1})))), Report{}, "no element begins there"},
		{"tracks of unknown size", join(ebmlHeader, elOpen(rawSegment, elOpen(rawTracks), el(rawCluster, simpleBlock))), Report{}, "no element begins there"},
		{"track without an end", join(ebmlHeader, elOpen(rawSegment, el(rawTracks, elOpen([]byte{0xae})))), Report{}, "no element begins there"},
		{"block too short", join(ebmlHeader, elOpen(rawSegment, oneTrack, el(rawCluster, el([]byte{0xa3}, []byte{0x81, 0})))), Report{}, "no element begins there"},
		{"block without a track", join(ebmlHeader, elOpen(rawSegment, oneTrack, el(rawCluster, el([]byte{0xa3})))), Report{}, "no element begins there"},
		{"size of nine bytes", join(ebmlHeader, elOpen(rawSegment, []byte{0xec, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), Report{}, "no element begins there"},
		{"cut in a header", join(ebmlHeader, elOpen(rawSegment, oneTrack, []byte{0x1f, 0x43})), Report{}, "ends in the header of an element"},
		{"cut in a size", join(ebmlHeader, elOpen(rawSegment, oneTrack, []byte{0xec, 0x01, 0})), Report{}, "ends in the header of an element"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) { verdict(t, "x", tt.file, tt.want, tt.damage) })
	}
}

// A file of known sizes cut anywhere is damaged. A live one is unless it is cut exactly between two of its parts, with some
// media before.
func TestEveryCutOfMatroska(t *testing.T) {
	kept := knownFile(t, webm, twoTracks, twoClusters)
	for n := range kept {
		if _, err := checked(t, "x.webm", kept[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at byte %d of %d: %v", n, len(kept), err)
		}
	}
	open, unseen := liveFile(t, twoTracks, twoClusters), 0
	for n := range open {
		if _, err := checked(t, "x.webm", open[:n]); err == nil {
			unseen++
		}
	}
	// Behind each of the first five blocks, the second cluster's header (two: its own and its time).
	if unseen != 7 {
		t.Errorf("%d of %d cuts of a live file are not seen", unseen, len(open))
	}
}

// Depth is bounded: elements within elements are not followed beyond those that are known to hold others.
func TestDeepNestingIsNotFollowed(t *testing.T) {
	deep := bytes.Repeat([]byte{0xae, 0x10, 0, 0, 0}, 1<<20)
	left := len(deep)
	for i := 0; i < len(deep); i += 5 {
		left -= 5
		deep[i+1], deep[i+2], deep[i+3], deep[i+4] = 0x10|byte(left>>24), byte(left>>16), byte(left>>8), byte(left)
	}
	file := join(ebmlHeader, el(rawSegment, el(rawTracks, deep), oneTrack, el(rawCluster, rawTime, simpleBlock)))
	if _, err := checked(t, "x.webm", file); err != nil {
		t.Error(err)
	}
	boxes := bytes.Repeat(mkbox("moov"), 1<<18)
	left = len(boxes)
	for i := 0; i < len(boxes); i += 8 {
		copy(boxes[i:], u32(uint32(left)))
		left -= 8
	}
	if _, err := checked(t, "x.mp4", join(ftyp, boxes)); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}
