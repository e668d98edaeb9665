package store

import (
	"encoding/binary"

	"greenroom/internal/filter"
)

// textIndex is the index of a segment while it is made.
type textIndex struct {
	textShape
	filters [][]byte // of each block
	names   map[uint32]string
	// columns are blocks of earlier versions as this one writes them.
	columns map[uint64][]byte
}

// newTextIndex begins the index of a segment with a number of blocks and bytes.
func newTextIndex(segment []byte, blocks, size uint64) *textIndex {
	rows := uint32(max(float64(size)*gramShare/float64(blocks), 8)) * 8
	return &textIndex{textShape: textShape{blocks: uint32(blocks), rows: rows, salt: saltOf(segment)}, filters: make([][]byte, blocks), names: map[uint32]string{}, columns: map[uint64][]byte{}}
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

// note adds an account.
func (x *textIndex) note(account string) {
	name := filter.NameOf(account)
	if was, ok := x.names[name.Hash]; ok && was != account || len(x.names) > mostAccounts {
		x.names = nil // two with one hash, or too many
	} else if !ok && x.names != nil {
		x.names[name.Hash] = account
	}
}
