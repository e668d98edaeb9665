package spool

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/cursor"
)

// Event is a request read from the spool.
type Event struct {
	cursor.Position
	ID string
	// Raw is its metadata in wire form.
	Raw []byte
	// Length of its body in bytes.
	Length int64

	small []byte
	body  uint64
}

// Next reads the first request of a hook after a position. ok is false if there is none.
func (s *Spool) Next(behind cursor.Position) (e Event, ok bool, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		events := tx.Bucket(bucketEvents).Bucket([]byte(behind.Hook))
		if events == nil {
			return nil
		}
		k, v := events.Cursor().Seek(key(behind.Epoch, behind.Seq+1))
		if k == nil {
			return nil
		}
		r, err := parseRecord(v)
		if err != nil {
			p := positionOf("", k)
			return fmt.Errorf("%w at %d/%d of a hook", err, p.Epoch, p.Seq)
		}
		meta, err := r.decode()
		if err != nil {
			return err
		}
		ok = true
		e = Event{
			Position: positionOf(behind.Hook, k), ID: meta.ID, Length: meta.Length, body: r.body,
			Raw: append([]byte(nil), r.event...), small: append([]byte(nil), r.small...),
		}
		return nil
	})
	return e, ok, err
}

// Read appends at most n bytes of a request's body to b, from an offset within it. It may return less, but at least one byte.
// [ErrNotFound] means that the request is gone: stored by its client, or dropped.
func (s *Spool) Read(e Event, offset int64, b []byte, n int) ([]byte, error) {
	if e.body == 0 {
		if offset >= int64(len(e.small)) {
			return b, ErrNotFound
		}
		part := e.small[offset:]
		return append(b, part[:min(n, len(part))]...), nil
	}
	err := s.view(func(tx *bolt.Tx) error {
		piece := tx.Bucket(bucketPieces).Get(pieceKey(e.body, uint32(offset/PieceSize)))
		within := int(offset % PieceSize)
		if within >= len(piece) {
			return ErrNotFound
		}
		piece = piece[within:]
		b = append(b, piece[:min(n, len(piece))]...)
		return nil
	})
	return b, err
}
