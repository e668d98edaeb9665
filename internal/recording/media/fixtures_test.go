package media

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/at-wat/ebml-go"
)

// The MP4 files of the tests that need no ffmpeg are put together here by hand; the Matroska ones by a library that shares no
// code with the reader.

func u32(vs ...uint32) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func u64(vs ...uint64) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// mkbox is a box with a size of 32 bits, mkbig one with 64, mkopen one that reaches to the end of the file.
func mkbox(kind string, parts ...[]byte) []byte {
	body := join(parts...)
	return join(u32(uint32(len(body)+8)), []byte(kind), body)
}

func mkbig(kind string, parts ...[]byte) []byte {
	body := join(parts...)
	return join(u32(1), []byte(kind), u64(uint64(len(body)+16)), body)
}

func mkopen(kind string, parts ...[]byte) []byte {
	return join(u32(0), []byte(kind), join(parts...))
}

var (
	ftyp = mkbox("ftyp", []byte("isom"), u32(0x200), []byte("isommp41"))
	mvhd = mkbox("mvhd", u32(0, 0, 0, 1000, 2000), make([]byte, 80))
)

// mktrak is a track of the timescale 1000 and two seconds with the given sample tables.
func mktrak(id uint32, handler string, tables ...[]byte) []byte {
	return mkbox("trak",
		mkbox("tkhd", u32(7, 0, 0, id, 0, 2000), make([]byte, 60)),
		mkbox("mdia",
			mkbox("mdhd", u32(0, 0, 0, 1000, 2000, 0)),
			mkbox("hdlr", u32(0, 0), []byte(handler), make([]byte, 13)),
			mkbox("minf", mkbox("stbl", tables...))))
}

// The sample tables: sizes of each sample, or n of one size; runs of chunks; offsets.
func stsz(sizes ...uint32) []byte { return mkbox("stsz", u32(0, 0, uint32(len(sizes))), u32(sizes...)) }
func stszSame(size, n uint32) []byte {
	return mkbox("stsz", u32(0, size, n))
}
func stz2(bits uint32, n uint32, fields ...byte) []byte {
	return mkbox("stz2", u32(0, bits, n), fields)
}
func stsc(runs ...uint32) []byte {
	var b []byte
	for i := 0; i < len(runs); i += 2 {
		b = append(b, u32(runs[i], runs[i+1], 1)...)
	}
	return mkbox("stsc", u32(0, uint32(len(runs)/2)), b)
}
func stco(offsets ...uint32) []byte {
	return mkbox("stco", u32(0, uint32(len(offsets))), u32(offsets...))
}
func co64(offsets ...uint64) []byte {
	return mkbox("co64", u32(0, uint32(len(offsets))), u64(offsets...))
}

// simple is a whole MP4 whose media begins at byte 40 and has 60 bytes, with the given tracks behind it.
func simple(tracks ...[]byte) []byte {
	return join(ftyp, mkbox("free"), mkbox("mdat", make([]byte, 60)), mkbox("moov", mvhd, join(tracks...)))
}

// faststart is an MP4 whose index comes first, with an audio track of one sample: the ten bytes that end fifty before the end.
func faststart(rest ...[]byte) []byte {
	build := func(at uint32) []byte {
		return join(ftyp, mkbox("moov", mvhd, mktrak(1, "soun", stsz(10), stsc(1, 1), stco(at))), join(rest...))
	}
	return build(uint32(len(build(0)) - 60))
}

// holed is a file with n zeros from so many bytes before its end on.
func holed(file []byte, n, before int) []byte {
	file = bytes.Clone(file)
	clear(file[len(file)-before:][:n])
	return file
}

// sidx lists segments by their sizes, the first of which begins so many bytes behind it.
func sidx(version, first uint32, sizes ...uint32) []byte {
	b := u32(version<<24, 1, 1000, 0, first)
	if version > 0 {
		b = u32(version<<24, 1, 1000, 0, 0, 0, first)
	}
	b = append(b, u32(uint32(len(sizes)))...)
	for _, size := range sizes {
		b = append(b, u32(size, 1500, 0)...)
	}
	return mkbox("sidx", b)
}

// fragmented is a whole MP4 with one audio track, in fragments of three samples of ten bytes and half a second.
func fragmented(fragments int) []byte {
	b := join(ftyp, mkbox("moov", mvhd, mktrak(1, "soun", stsz(), stsc(), stco()), mkbox("mvex", mkbox("trex", u32(0, 1, 1, 500, 0, 0)))))
	for range fragments {
		b = append(b, moof(1, trunDataOffset|trunSampleSize, 3, 10, 10, 10)...)
		b = append(b, mkbox("mdat", make([]byte, 30))...)
	}
	return b
}

// moof is a fragment that counts from itself. With an offset in the flags, its data begins eight bytes behind it.
func moof(id, flags, samples uint32, fields ...uint32) []byte {
	if flags&trunDataOffset != 0 {
		fields = append([]uint32{uint32(48 + 4*(len(fields)+1) + 8)}, fields...)
	}
	return mkbox("moof", mkbox("traf", mkbox("tfhd", u32(tfhdFromMoof, id)), mkbox("trun", u32(flags, samples), u32(fields...))))
}

// header and the others are Matroska's elements as the library writes them.
type header struct {
	DocType string `ebml:"EBMLDocType"`
}

type track1 struct {
	Number uint64 `ebml:"TrackNumber"`
	UID    uint64 `ebml:"TrackUID"`
	Type   uint64 `ebml:"TrackType"`
	Codec  string `ebml:"CodecID"`
}

type info struct {
	TimecodeScale uint64  `ebml:"TimecodeScale"`
	Duration      float64 `ebml:"Duration,omitempty"`
}

type tracks struct {
	Entries []track1 `ebml:"TrackEntry"`
}

type group struct {
	Block ebml.Block `ebml:"Block"`
}

type cluster struct {
	Timecode uint64       `ebml:"Timecode"`
	Blocks   []ebml.Block `ebml:"SimpleBlock"`
	Groups   []group      `ebml:"BlockGroup,omitempty"`
}

type known struct {
	Header  header `ebml:"EBML"`
	Segment struct {
		Info     info      `ebml:"Info"`
		Tracks   tracks    `ebml:"Tracks"`
		Clusters []cluster `ebml:"Cluster"`
	} `ebml:"Segment"`
}

type live struct {
	Header  header `ebml:"EBML"`
	Segment struct {
		Info     info      `ebml:"Info"`
		Tracks   tracks    `ebml:"Tracks"`
		Clusters []cluster `ebml:"Cluster,size=unknown"`
	} `ebml:"Segment,size=unknown"`
}

func block(track uint64, at int16, n int) ebml.Block {
	return ebml.Block{TrackNumber: track, Timecode: at, Keyframe: true, Data: [][]byte{make([]byte, n)}}
}

// twoTracks are a picture and a sound, twoClusters two seconds of both.
var (
	twoTracks   = tracks{Entries: []track1{{1, 1, trackTypeVideo, "V_VP8"}, {2, 2, trackTypeAudio, "A_OPUS"}}}
	twoClusters = []cluster{
		{Timecode: 0, Blocks: []ebml.Block{block(1, 0, 700), block(2, 10, 60), block(2, 500, 60)}},
		{Timecode: 1000, Blocks: []ebml.Block{block(1, 0, 900), block(2, 10, 60)}, Groups: []group{{Block: block(2, 1000, 60)}}},
	}
)

func knownFile(t testing.TB, docType string, ts tracks, clusters []cluster) []byte {
	t.Helper()
	f := known{Header: header{DocType: docType}}
	f.Segment.Info = info{TimecodeScale: defaultTickSize, Duration: 2000}
	f.Segment.Tracks, f.Segment.Clusters = ts, clusters
	return encoded(t, &f)
}

func liveFile(t testing.TB, ts tracks, clusters []cluster) []byte {
	t.Helper()
	f := live{Header: header{DocType: webm}}
	f.Segment.Info = info{TimecodeScale: defaultTickSize}
	f.Segment.Tracks, f.Segment.Clusters = ts, clusters
	return encoded(t, &f)
}

func encoded(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := ebml.Marshal(v, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
