package wire

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"time"

	"greenroom/internal/cursor"
)

// EventBody is the metadata of a request. Its encoding is binary, since targets and header values need not be text: every field
// in the order below, numbers as unsigned varints (the time as microseconds since 1970, never before), strings and the checksum
// as their length and their bytes, headers as the number of lines and each line's name and value. Anything after the last field
// is ignored.
type EventBody struct {
	ID string
	cursor.Position
	ReceivedAt time.Time
	Method     string
	Target     string
	Remote     string
	// Header lines, duplicates in their order; the order of different names is not kept.
	Header http.Header
	// Length of the body in bytes, and its SHA-256.
	Length int64
	SHA256 [32]byte
}

// maxLines limits the header lines of one request.
const maxLines = 4096

// Append appends the encoded event to b.
func (e EventBody) Append(b []byte) []byte {
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(e.ID)
	text(e.Hook)
	b = binary.AppendUvarint(b, e.Epoch)
	b = binary.AppendUvarint(b, e.Seq)
	b = binary.AppendUvarint(b, uint64(max(e.ReceivedAt.UnixMicro(), 0)))
	text(e.Method)
	text(e.Target)
	text(e.Remote)
	names, lines := make([]string, 0, len(e.Header)), 0
	for name, values := range e.Header {
		names = append(names, name)
		lines += len(values)
	}
	slices.Sort(names)
	b = binary.AppendUvarint(b, uint64(lines))
	for _, name := range names {
		for _, v := range e.Header[name] {
			text(name)
			text(v)
		}
	}
	b = binary.AppendUvarint(b, uint64(max(e.Length, 0)))
	text(string(e.SHA256[:]))
	return b
}

// DecodeEvent decodes the result of Append. The event shares no memory with b.
func DecodeEvent(b []byte) (EventBody, error) {
	d := decoder{rest: b}
	e := EventBody{
		ID: d.text(), Position: cursor.Position{Hook: d.text(), Epoch: d.number(), Seq: d.number()}, ReceivedAt: time.UnixMicro(int64(d.number())),
		Method: d.text(), Target: d.text(), Remote: d.text(), Header: http.Header{},
	}
	lines := d.number()
	if lines > maxLines {
		return EventBody{}, fmt.Errorf("wire: an event with %d header lines: %w", lines, ErrLarge)
	}
	for range lines {
		name, value := d.text(), d.text()
		if d.err != nil {
			break
		}
		e.Header[name] = append(e.Header[name], value)
	}
	length, sum := d.number(), d.text()
	switch {
	case d.err != nil:
		return EventBody{}, fmt.Errorf("wire: decode EVENT: %w", d.err)
	case length > 1<<40 || e.ReceivedAt.UnixMicro() < 0:
		return EventBody{}, fmt.Errorf("wire: decode EVENT: %w", ErrLarge)
	case len(sum) != len(e.SHA256):
		return EventBody{}, fmt.Errorf("wire: decode EVENT: a checksum of %d bytes", len(sum))
	}
	e.Length = int64(length)
	copy(e.SHA256[:], sum)
	return e, nil
}

// decoder reads fields until one is cut short.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) number() uint64 {
	if d.err != nil {
		return 0
	}
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.err = ErrShort
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() string {
	n := d.number()
	if d.err != nil {
		return ""
	}
	if n > uint64(len(d.rest)) {
		d.err = ErrShort
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}
