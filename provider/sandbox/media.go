package sandbox

import (
	"encoding/binary"
	"time"
)

// Media is a faststart MP4 file with one audio track: silence in AAC-LC, stereo, 48 kHz, of the given length. The same
// length gives the same bytes.
func Media(length time.Duration) []byte {
	frames := mediaFrames(length)
	var mdat []byte
	for range frames {
		mdat = append(mdat, silence...)
	}
	head := append(ftyp(), moov(frames, 0)...)
	// The sample table points behind the header and the eight bytes that open mdat; its size doesn't depend on where.
	head = append(ftyp(), moov(frames, uint32(len(head)+8))...)
	return append(head, box("mdat", mdat)...)
}

const (
	sampleRate   = 48000
	frameSamples = 1024
)

// silence is one AAC-LC frame of two silent channels.
var silence = []byte{0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80}

func box(kind string, parts ...[]byte) []byte {
	size := 8
	for _, p := range parts {
		size += len(p)
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(size))
	b = append(b, kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// u32 and u16 write numbers in the order of the wire.
func u32(vs ...uint32) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func u16(vs ...uint16) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

var matrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

func ftyp() []byte { return box("ftyp", []byte("isom"), u32(0x200), []byte("isomiso2mp41")) }

func moov(frames int, offset uint32) []byte {
	length := uint32(frames) * frameSamples
	mvhd := box("mvhd",
		u32(0, 0, 0, sampleRate, length, 0x10000), u16(0x100, 0), u32(0, 0), matrix, make([]byte, 24), u32(2))
	tkhd := box("tkhd", u32(3, 0, 0, 1, 0, length, 0, 0), u16(0, 0, 0x100, 0), matrix, u32(0, 0))
	mdhd := box("mdhd", u32(0, 0, 0, sampleRate, length), u16(0x55c4, 0))
	hdlr := box("hdlr", u32(0, 0), []byte("soun"), make([]byte, 12), []byte("sound\x00"))
	dinf := box("dinf", box("dref", u32(0, 1), box("url ", u32(1))))
	stbl := box("stbl",
		box("stsd", u32(0, 1), box("mp4a",
			make([]byte, 6), u16(1), make([]byte, 8), u16(2, 16, 0, 0), u32(sampleRate<<16), esds())),
		box("stts", u32(0, 1, uint32(frames), frameSamples)),
		box("stsc", u32(0, 1, 1, uint32(frames), 1)),
		box("stsz", u32(0, uint32(len(silence)), uint32(frames))),
		box("stco", u32(0, 1, offset)))
	minf := box("minf", box("smhd", u32(0, 0)), dinf, stbl)
	return box("moov", mvhd, box("trak", tkhd, box("mdia", mdhd, hdlr, minf)))
}

// esds describes the audio: AAC-LC (object type 2), 48 kHz (index 3), two channels.
func esds() []byte {
	specific := []byte{0x05, 2, 0x11, 0x90}
	config := append([]byte{0x04, byte(13 + len(specific)), 0x40, 0x15, 0, 0, 0}, u32(3400, 3400)...)
	config = append(config, specific...)
	es := append([]byte{0x03, byte(3 + len(config) + 3), 0, 1, 0}, config...)
	return box("esds", u32(0), append(es, 0x06, 1, 2))
}

// mediaSize is the size of what Media gives for a length.
func mediaSize(length time.Duration) int64 {
	return int64(len(Media(0))) + int64(mediaFrames(length)-1)*int64(len(silence))
}

func mediaFrames(length time.Duration) int {
	return max(1, int(length*sampleRate/time.Second/frameSamples))
}
