package spool

import (
	"context"
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

// FailVisibly writes something, of which the disk reports an error after readers see it, as a failed sync does.
func (s *Spool) FailVisibly(ctx context.Context) error {
	return s.do(ctx, &op{apply: func(b *batch) error {
		b.wrote = true
		b.tx.OnCommit(func() { panic("input/output error") })
		return nil
	}})
}
