package store

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/filter"
)

// A closed segment has an index of its texts, so that a search reads few of them. For each block of columns it has a Bloom filter over
// the grams of the block's events; see [salt.grams].
//
// The filters of a segment are stored across: a row has one bit of every block's filter. A search of a text intersects the rows of its
// grams, and so reads a few kilobytes a segment. Rows are stored in pieces with a checksum each. What is damaged or missing excludes no
// block, and is rebuilt.
//
//	texts  "shape" -> textShape; piece number -> checksum, rows
const (
	// gramShare is the size of the index: a part of the size of the segment.
	gramShare = 0.08
	// pieceSize fills a page with two pieces and their keys.
	pieceSize = (8192-16)/2 - 16 - 4
	// textVersion changes when the index has another form.
	textVersion = 3
)

var (
	keyTexts = []byte("texts")
	keyShape = []byte("shape")
)

// textShape describes the index of a segment. It is written last.
type textShape struct {
	blocks, rows uint32
	salt         salt
	// accounts are the accounts of all events, which make their column exact; nil if they are many.
	accounts []filter.Name
}

const (
	// shapeSize is the size of a shape without accounts and checksum.
	shapeSize = 1 + 4 + 4 + 8
	// mostAccounts limits the accounts in a shape.
	mostAccounts = 16
)

func (s textShape) stride() int { return int(s.blocks+7) / 8 }

// inPiece is how many rows a piece has.
func (s textShape) inPiece() int { return max((pieceSize-4)/s.stride()&^7, 8) }

func (s textShape) pieces() int { return (int(s.rows) + s.inPiece() - 1) / s.inPiece() }

func (s textShape) encode() []byte {
	b := binary.BigEndian.AppendUint32([]byte{textVersion}, s.blocks)
	b = binary.BigEndian.AppendUint32(b, s.rows)
	b = binary.BigEndian.AppendUint64(b, uint64(s.salt))
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
	if end < shapeSize || b[0] != textVersion || crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return s, false
	}
	s = textShape{blocks: binary.BigEndian.Uint32(b[1:]), rows: binary.BigEndian.Uint32(b[5:]), salt: salt(binary.BigEndian.Uint64(b[9:]))}
	for b = b[shapeSize:end]; len(b) > 0; {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return s, false
		}
		s.accounts = append(s.accounts, filter.NameOf(string(b[w:w+int(n)])))
		b = b[w+int(n):]
	}
	return s, true
}

// row returns the row of one of a gram's bits.
func (s textShape) row(b gramBit) int { return int(uint64(b) * uint64(s.rows) >> 32) }

// sum is the checksum of a piece.
func (s textShape) sum(piece int, rows []byte) uint32 {
	return crc32.Update(s.blocks^s.rows<<8^uint32(piece)<<16, castagnoli, rows)
}

func pieceKey(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// read returns the rows of a piece, nil if it is damaged or missing.
func (s textShape) read(texts *bolt.Bucket, n int) []byte {
	piece, size := texts.Get(pieceKey(n)), min(s.inPiece(), int(s.rows)-n*s.inPiece())*s.stride()
	if len(piece) != 4+size || binary.BigEndian.Uint32(piece) != s.sum(n, piece[4:]) {
		return nil
	}
	return piece[4:]
}

// holds returns the blocks in which a folded text may occur, nil for all. It calls damaged for a piece that can't be read.
func (s textShape) holds(texts *bolt.Bucket, damaged func()) func(text string) filter.Set {
	return func(text string) (out filter.Set) {
		s.salt.grams(text, func(b gramBit) bool {
			row := s.row(b)
			piece := s.read(texts, row/s.inPiece())
			if piece == nil {
				damaged()
				return true
			}
			bits := piece[row%s.inPiece()*s.stride():][:s.stride()]
			if out == nil {
				out = bytes.Clone(bits)
				return true
			}
			some := byte(0)
			for j := range out {
				out[j] &= bits[j]
				some |= out[j]
			}
			return some != 0
		})
		return out
	}
}
