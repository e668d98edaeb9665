package spool

import (
	"testing"

	bolt "go.etcd.io/bbolt"
)

// Pieces counts the pieces of bodies in the file, and sees that none is without its place.
func (s *Spool) Pieces(t testing.TB) (n int) {
	t.Helper()
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketPieces).ForEach(func(_, _ []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ParseRecord and AppendRecord are for fuzzing.
var (
	ParseRecord  = parseRecord
	AppendRecord = appendRecord
)
