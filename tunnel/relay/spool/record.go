package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel/wire"
)

// key is a request's key within its hook. Keys are ordered like [cursor.Position].
func key(epoch, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, epoch), seq)
}

func positionOf(hook string, key []byte) cursor.Position {
	p := cursor.Position{Hook: hook}
	if len(key) == 16 {
		p.Epoch, p.Seq = binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])
	}
	return p
}

// record is a request in the file: the version of its layout, the age of the spool at its arrival, the number of its body among
// the pieces or 0 if it is here, its metadata in wire form, and then the body.
type record struct {
	age   time.Duration
	body  uint64
	event []byte // wire.EventBody
	small []byte
}

// recordVersion is the layout that this version writes.
const recordVersion = 1

// errRecord is returned for a record that isn't one.
var errRecord = errors.New("spool: a damaged record")

func appendRecord(b []byte, r record) []byte {
	b = append(b, recordVersion)
	b = binary.AppendUvarint(b, uint64(max(r.age, 0)))
	b = binary.AppendUvarint(b, r.body)
	b = binary.AppendUvarint(b, uint64(len(r.event)))
	b = append(b, r.event...)
	return append(b, r.small...)
}

// parseRecord reads a record, whose slices share memory with b.
func parseRecord(b []byte) (record, error) {
	if len(b) == 0 || b[0] != recordVersion {
		return record{}, errRecord
	}
	var r record
	b = b[1:]
	var numbers [3]uint64
	for i := range numbers {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return record{}, errRecord
		}
		numbers[i], b = n, b[size:]
	}
	if numbers[2] > uint64(len(b)) {
		return record{}, errRecord
	}
	r.age, r.body = time.Duration(numbers[0]), numbers[1]
	r.event, r.small = b[:numbers[2]], b[numbers[2]:]
	return r, nil
}

// decode reads the metadata.
func (r record) decode() (wire.EventBody, error) {
	e, err := wire.DecodeEvent(r.event)
	if err != nil {
		return e, fmt.Errorf("%w: %w", errRecord, err)
	}
	return e, nil
}

// moved returns the record with other numbers.
func (r record) moved(to mark) (record, error) {
	e, err := r.decode()
	if err != nil {
		return record{}, err
	}
	e.Epoch, e.Seq = to.Epoch, to.Seq
	r.event = e.Append(nil)
	return r, nil
}

// weight returns what a request counts in its hook's share.
func weight(event []byte, length int64) int64 { return int64(len(event)) + length }
