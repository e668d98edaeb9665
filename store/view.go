package store

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"greenroom/internal/boltfile"
)

// View runs f in a read transaction. f must not keep it: copy out, and return soon.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	s.merged(ctx, false)
	return s.view(ctx, f)
}

// ViewLater is View for readers that can wait for the next merge, at most two seconds: it costs the writer nothing.
func (s *Store) ViewLater(ctx context.Context, f func(*Tx) error) error {
	s.merged(ctx, true)
	return s.view(ctx, f)
}

// ViewIdly is ViewLater while so much is written that merges are rare, and View otherwise.
func (s *Store) ViewIdly(ctx context.Context, f func(*Tx) error) error {
	s.merged(ctx, s.busy.Load())
	return s.view(ctx, f)
}

func (s *Store) view(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.look(func(b *bolt.Tx) error { return f(&Tx{b: b, store: s}) })
}

// look is View without unmerged changes.
func (s *Store) look(f func(*bolt.Tx) error) error {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if p := s.problem(); boltfile.Stuck(p) {
		return p
	}
	err := kind.Guard(s.opt.Path, func() error { return s.db.View(f) })
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return s.noted(err)
}

// noted returns the error of a read. Damage becomes the store's problem.
func (s *Store) noted(err error) error {
	if errors.Is(err, ErrDamaged) {
		s.found.Store(&err)
	}
	return err
}

// Read returns what f reads in a read transaction; see [Store.View].
func Read[T any](ctx context.Context, s *Store, f func(*Tx) (T, error)) (out T, err error) {
	err = s.View(ctx, func(tx *Tx) (err error) { out, err = f(tx); return err })
	return out, err
}

// Found returns a value that was read, and whether it exists: [ErrNotFound] is no error.
func Found[T any](v T, err error) (T, bool, error) {
	if errors.Is(err, ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}

// Stats has the size of the file in bytes, how much of that is free for reuse, and how many deliveries it holds.
type Stats struct {
	Bytes, FreeBytes int64
	Deliveries       uint64
	Schema           int
	// Dropped is how many rejected deliveries were answered but not recorded, since there were too many at once.
	Dropped uint64
	// Commits counts transactions written since Open.
	Commits uint64
	// Problem is why nothing can be written or what is damaged, empty when all is well.
	Problem string
}

// Commits counts transactions written since Open. It costs nothing: while it stays the same, so does all that is read.
func (s *Store) Commits() uint64 { return s.commits.Load() }

// Stats reads the store's figures in time that doesn't depend on what is stored.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	out := Stats{Dropped: s.dropped.Load(), Commits: s.commits.Load()}
	var gone error
	err := s.View(ctx, func(tx *Tx) error {
		gone = s.db.There(s.opt.Path)
		out.Bytes = tx.b.Size()
		out.FreeBytes = int64(s.db.Stats().FreePageN) * int64(s.db.Info().PageSize)
		out.Schema = schemaOf(tx.b)
		out.Deliveries = rowsIn(tx.b)
		return nil
	})
	problem := s.problem()
	switch {
	case problem == nil && s.opt.ReadOnly:
		problem = fmt.Errorf("%w: %s", ErrReadOnly, s.opt.Path)
	case problem == nil:
		problem = gone
	}
	if problem != nil {
		out.Problem = problem.Error()
	}
	return out, err
}
