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

// Held is how many bytes of a hook's share wait, and how many are set aside for what is being written.
func (s *Spool) Held(id string) (waiting, reserved int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.hooks[id].state.Bytes, s.hooks[id].reserved
}

// Memory returns the bytes of bodies in uploads, and the number of their tokens.
func (s *Spool) Memory() (bytes, tokens int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.memory.all, len(s.memory.byToken)
}

// Commits is the number of the last commit that wrote something.
func (s *Spool) Commits(t testing.TB) (id int) {
	t.Helper()
	if err := s.view(func(tx *bolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

// LazyMost is how many requests one commit removes for a hook, HeadRoom what is set aside for a record until it is known.
const (
	LazyMost = lazyMost
	HeadRoom = headRoom
)

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

// DuringACommit runs f while something is committed, and returns what the commit ended with.
func (s *Spool) DuringACommit(ctx context.Context, f func()) error {
	return s.do(ctx, &op{apply: func(b *batch) error {
		f()
		b.fail(b.tx.Bucket(bucketMeta).Put([]byte("test"), nil))
		return nil
	}})
}
