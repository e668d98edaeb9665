package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"time"
)

// Media returns a faststart MP4 file with one audio track: silence in AAC-LC, stereo, 48 kHz, of the given length. The same
// length gives the same bytes.
func Media(length time.Duration) []byte {
	m := newMovie(length, 0)
	b := make([]byte, m.size())
	// Reading all of it can't fail.
	_, _ = m.ReadAt(b, 0)
	return b
}

// movie is a file like [Media]'s that is generated as it is read: a header, and one frame over and over.
type movie struct {
	head, frame []byte
	frames      int64
}

// newMovie returns a file with at least the given bytes per second of audio; the surplus is filling, which players skip.
func newMovie(length time.Duration, bytesPerSecond int64) movie {
	frame := silence
	if size := int(bytesPerSecond * frameSamples / sampleRate); size > len(silence) {
		frame = filled(min(size, frameMost))
	}
	n := mediaFrames(length)
	// The sample table points behind the header and the eight bytes that open mdat; its size doesn't depend on the offset.
	head := append(ftyp(), moov(n, len(frame), 0)...)
	head = append(ftyp(), moov(n, len(frame), uint32(len(head)+8))...)
	head = append(head, u32(uint32(8+n*len(frame)))...)
	return movie{head: append(head, "mdat"...), frame: frame, frames: int64(n)}
}

func (m movie) size() int64 { return int64(len(m.head)) + m.frames*int64(len(m.frame)) }

// ReadAt implements [io.ReaderAt].
func (m movie) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		switch in := at - int64(len(m.head)); {
		case at >= m.size():
			return n, io.EOF
		case in < 0:
			n += copy(p[n:], m.head[at:])
		default:
			n += copy(p[n:], m.frame[in%int64(len(m.frame)):])
		}
	}
	return n, nil
}

// etag identifies the content.
func (m movie) etag() string {
	h := sha256.New()
	h.Write(m.head)
	h.Write(m.frame)
	return `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
}

const (
	sampleRate   = 48000
	frameSamples = 1024
)

// silence is one AAC-LC frame of two silent channels.
var silence = []byte{0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80}

const (
	// silenceBits are the bits of the two channels; the frame's end mark follows.
	silenceBits = 62
	// frameMost is the longest frame of two channels that decoders must accept: 6144 bits for each.
	frameMost = 1536
)

// filled returns the frame of silence extended with fill elements (ISO/IEC 14496-3, 4.4.2.7), to the size or a few bytes less.
func filled(size int) []byte {
	var w bits
	for i := range silenceBits {
		w.put(uint32(silence[i/8]>>(7-i%8))&1, 1)
	}
	for {
		// An element with a long count has 15 bits before its content, the end mark 3.
		room := (size*8 - w.n - 3 - 15) / 8
		if room < 15 {
			break
		}
		n := min(room, 15+255-1)
		w.put(6, 3)
		w.put(15, 4)
		w.put(uint32(n-15+1), 8)
		for range n {
			w.put(0, 8)
		}
	}
	w.put(7, 3)
	return w.b
}

// bits writes bits one after the other, the highest first.
type bits struct {
	b []byte
	n int
}

func (w *bits) put(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

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

// u32 and u16 write numbers in big-endian order.
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

func moov(frames, frameSize int, offset uint32) []byte {
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
		box("stsz", u32(0, uint32(frameSize), uint32(frames))),
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

func mediaFrames(length time.Duration) int {
	return max(1, int(length*sampleRate/time.Second/frameSamples))
}
