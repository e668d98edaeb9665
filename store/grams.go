package store

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	bolt "go.etcd.io/bbolt"

	"greenroom/internal/filter"
	"greenroom/internal/latin"
)

// A closed segment has an index of its texts, so that a search reads few of them. For each block of columns it has a Bloom filter over
// the grams of the block's events: all sequences of four bytes in their names, headers and bodies, folded as searches fold them. Shorter
// grams would occur in every block, since ids of hexadecimal digits have few different ones.
//
// The filters of a segment are stored across: a row has one bit of every block's filter. A search of a text intersects the rows of its
// grams, and so reads a few kilobytes a segment. Rows are stored in pieces with a checksum each. What is damaged or missing excludes no
// block.
//
//	texts  "shape" -> textShape; piece number -> checksum, rows
const (
	gramSize = 4
	// gramShare is the size of the index: a part of the size of the segment.
	gramShare = 0.05
	// pieceSize fills a page with two pieces and their keys.
	pieceSize = (8192-16)/2 - 16 - 4
	// textVersion changes when the index has another form.
	textVersion = 2
)

var (
	keyTexts = []byte("texts")
	keyShape = []byte("shape")
)

// textShape describes the index of a segment. It is written last.
type textShape struct {
	blocks, rows uint32
	// accounts are the accounts of all events, which make their column exact; nil if they are many.
	accounts []filter.Name
}

// mostAccounts limits the accounts in a shape.
const mostAccounts = 16

func (s textShape) stride() int { return int(s.blocks+7) / 8 }

// inPiece is how many rows a piece has.
func (s textShape) inPiece() int { return max((pieceSize-4)/s.stride()&^7, 8) }

func (s textShape) pieces() int { return (int(s.rows) + s.inPiece() - 1) / s.inPiece() }

func (s textShape) encode() []byte {
	b := binary.BigEndian.AppendUint32([]byte{textVersion}, s.blocks)
	b = binary.BigEndian.AppendUint32(b, s.rows)
	for _, name := range s.accounts {
		b = append(binary.AppendUvarint(b, uint64(len(name.Text))), name.Text...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// shapeOf returns the shape of a segment's index, false if there is none that can be used.
func shapeOf(texts *bolt.Bucket) (s textShape, ok bool) {
	if texts == nil {
		return s, false
	}
	b := texts.Get(keyShape)
	end := len(b) - 4
	if end < 9 || b[0] != textVersion || crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return s, false
	}
	s = textShape{blocks: binary.BigEndian.Uint32(b[1:]), rows: binary.BigEndian.Uint32(b[5:])}
	for b = b[9:end]; len(b) > 0; {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return s, false
		}
		s.accounts = append(s.accounts, filter.NameOf(string(b[w:w+int(n)])))
		b = b[w+int(n):]
	}
	return s, true
}

// row returns the row of a gram.
func (s textShape) row(gram uint32) int {
	return int(uint64(gram*0x9E3779B1) * uint64(s.rows) >> 32)
}

// sum is the checksum of a piece.
func (s textShape) sum(piece int, rows []byte) uint32 {
	return crc32.Update(s.blocks^s.rows<<8^uint32(piece)<<16, castagnoli, rows)
}

func pieceKey(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// holds returns the blocks in which a folded text may occur, nil for all.
func (s textShape) holds(texts *bolt.Bucket) func(text string) filter.Set {
	return func(text string) (out filter.Set) {
		for i := 0; i+gramSize <= len(text); i++ {
			row := s.row(binary.BigEndian.Uint32([]byte(text[i : i+gramSize])))
			n := row / s.inPiece()
			piece := texts.Get(pieceKey(n))
			from := 4 + row%s.inPiece()*s.stride()
			if len(piece) < from+s.stride() || binary.BigEndian.Uint32(piece) != s.sum(n, piece[4:]) {
				continue
			}
			bits := piece[from : from+s.stride()]
			if out == nil {
				out = bytes.Clone(bits)
				continue
			}
			some := byte(0)
			for j := range out {
				out[j] &= bits[j]
				some |= out[j]
			}
			if some == 0 {
				break
			}
		}
		return out
	}
}

// textIndex is the index of a segment while it is made.
type textIndex struct {
	textShape
	filters [][]byte // of each block
	names   map[uint32]string
	// columns are blocks of earlier versions as this one writes them.
	columns map[uint64][]byte
}

// newTextIndex begins the index of a segment with a number of blocks and bytes.
func newTextIndex(blocks, size uint64) *textIndex {
	rows := uint32(max(float64(size)*gramShare/float64(blocks), 8)) * 8
	return &textIndex{textShape: textShape{blocks: uint32(blocks), rows: rows}, filters: make([][]byte, blocks), names: map[uint32]string{}, columns: map[uint64][]byte{}}
}

// piece returns a piece for storage.
func (x *textIndex) piece(n int) []byte {
	first, stride := n*x.inPiece(), x.stride()
	last := min(first+x.inPiece(), int(x.rows))
	out := make([]byte, 4+(last-first)*stride)
	for column := range stride {
		eight := x.filters[column*8 : min(column*8+8, len(x.filters))]
		for row := first; row < last; row += 8 {
			var bits uint64
			for i, f := range eight {
				if f == nil {
					bits |= 0xff << (8 * i)
				} else {
					bits |= uint64(f[row/8]) << (8 * i)
				}
			}
			bits = transposed(bits)
			for i := range 8 {
				out[4+(row-first+i)*stride+column] = byte(bits >> (8 * i))
			}
		}
	}
	binary.BigEndian.PutUint32(out, x.sum(n, out[4:]))
	return out
}

// transposed exchanges rows and columns of eight times eight bits.
func transposed(b uint64) uint64 {
	t := (b ^ b>>7) & 0x00aa00aa00aa00aa
	b ^= t ^ t<<7
	t = (b ^ b>>14) & 0x0000cccc0000cccc
	b ^= t ^ t<<14
	t = (b ^ b>>28) & 0x00000000f0f0f0f0
	return b ^ t ^ t<<28
}

// grams adds texts to the filter of a block.
type grams struct {
	textShape
	filter []byte
	last   uint32
	n      int
}

func (x *textIndex) grams() *grams {
	return &grams{textShape: x.textShape, filter: make([]byte, (x.rows+7)/8)}
}

// lower are the bytes of ASCII in lower case.
var lower = func() (t [256]byte) {
	for i := range t {
		if t[i] = byte(i); 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

// folded adds the bytes of a text. ASCII letters may be in upper case.
func (g *grams) folded(text string) {
	last, n := g.last, g.n
	for i := range len(text) {
		last = last<<8 | uint32(lower[text[i]])
		if n++; n >= gramSize {
			row := g.row(last)
			g.filter[row/8] |= 1 << (row % 8)
		}
	}
	g.last, g.n = last, n
}

// add adds a text. Only what is beyond ASCII needs [latin.Fold]: an accent after a letter doesn't change what the letter is folded to.
func (g *grams) add(text string) {
	g.n = 0
	for at := 0; at < len(text); {
		end := at
		for end < len(text) && text[end] < utf8.RuneSelf {
			end++
		}
		g.folded(text[at:end])
		for at = end; end < len(text) && text[end] >= utf8.RuneSelf; {
			end++
		}
		g.folded(latin.Fold(text[at:end]))
		at = end
	}
}

// note adds an account.
func (x *textIndex) note(account string) {
	name := filter.NameOf(account)
	if was, ok := x.names[name.Hash]; ok && was != account || len(x.names) > mostAccounts {
		x.names = nil // two with one hash, or too many
	} else if !ok && x.names != nil {
		x.names[name.Hash] = account
	}
}

// event adds all that searches read of an event.
func (g *grams) event(e *rawEvent) error {
	gjson.ParseBytes(e.row).ForEach(func(name, value gjson.Result) bool {
		if name.Str == "target_base64" {
			g.add(e.Text(filter.Target))
		} else if value.Type == gjson.String && slices.Contains(rowNames[:], name.Str) {
			g.add(value.Str)
		}
		return true
	})
	raw, body := splitBlob(e.whole())
	if e.err == nil && raw == nil {
		_, _, e.err = decodeBlob(e.whole())
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		g.add(string(raw))
	} else {
		for name, values := range e.Header() {
			g.add(`"` + name + `"`) // as in JSON
			for _, v := range values {
				g.add(v)
			}
		}
	}
	g.add(string(body))
	if bytes.IndexByte(body, '\\') >= 0 {
		g.add(unescaped(body))
	}
	return e.err
}

// unescaped resolves the escapes in JSON, within strings and without. What isn't an escape stays.
func unescaped(b []byte) string {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		at := bytes.IndexByte(b, '\\')
		if at < 0 || at+1 == len(b) {
			break
		}
		out = append(out, b[:at]...)
		escape := b[at+1]
		b = b[at+2:]
		if i := bytes.IndexByte([]byte("bfnrt"), escape); i >= 0 {
			escape = "\b\f\n\r\t"[i]
		}
		r, ok := hexRune(b)
		if escape != 'u' || !ok {
			out = append(out, escape)
			continue
		}
		b = b[4:]
		if utf16.IsSurrogate(r) && len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
			if low, ok := hexRune(b[2:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				r, b = utf16.DecodeRune(r, low), b[6:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(append(out, b...))
}

// hexRune reads four hexadecimal digits.
func hexRune(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil
}
