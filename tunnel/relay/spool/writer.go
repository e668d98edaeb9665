package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/cursor"
)

const (
	queueLen   = 1024
	batchOps   = 256
	batchBytes = 4 << 20
	// lazyWait is how long removals may wait for another commit.
	lazyWait = 50 * time.Millisecond
	// lazyMost is how many requests one commit removes for a hook.
	lazyMost = 2048
	// retainEvery is how often ages are checked.
	retainEvery = time.Minute
)

// op is one write. apply returns an error of this op alone, and then has written nothing; errors of the file go to batch.fail, and undo
// the whole commit. settled runs with the commit's error, under the spool's lock.
type op struct {
	size    int
	apply   func(*batch) error
	settled func(error)
	done    chan error
}

// batch is one commit being built.
type batch struct {
	s      *Spool
	tx     *bolt.Tx
	states map[string]*state
	// fresh are the hooks with new requests; gaps are the dropped requests.
	fresh map[string]bool
	gaps  []Gap
	// after runs when the commit is durable, under the spool's lock.
	after []func()
	// wrote means that there are changes to commit.
	wrote bool
	err   error
}

// fail records the result of a write, and reports whether any write of the commit has failed.
func (b *batch) fail(err error) bool {
	b.wrote = true
	if err != nil && b.err == nil {
		b.err = err
	}
	return b.err != nil
}

// state returns the hook's state as of this commit, nil without such a hook.
func (b *batch) state(id string) *state {
	if st, ok := b.states[id]; ok {
		return st
	}
	b.s.mu.RLock()
	h := b.s.hooks[id]
	b.s.mu.RUnlock()
	if h == nil {
		return nil
	}
	st := h.state.clone()
	b.states[id] = &st
	return &st
}

// do passes an op to the writer and waits for its commit. If ctx ends first, the op may still be carried out.
func (s *Spool) do(ctx context.Context, o *op) error {
	o.done = make(chan error, 1)
	if err := s.enqueue(o); err != nil {
		return err
	}
	return s.wait(ctx, o)
}

func (s *Spool) enqueue(o *op) error {
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	select {
	case s.queue <- o:
		return nil
	default:
		return ErrBusy
	}
}

func (s *Spool) wait(ctx context.Context, o *op) error {
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		// The writer has ended; it may have answered just before.
		select {
		case err := <-o.done:
			return err
		default:
			return ErrClosed
		}
	}
}

// run is the writer: it collects waiting ops, commits them, and answers.
func (s *Spool) run() {
	defer close(s.closed)
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	var due <-chan time.Time
	retain := s.opt.Clock.NewTicker(retainEvery)
	defer retain.Stop()
	for {
		var ops []*op
		select {
		case o := <-s.queue:
			ops = append(ops, o)
		case <-s.lazy:
			if due == nil {
				timer.Reset(lazyWait)
				due = timer.C
			}
			continue
		case <-due:
		case <-retain.Chan():
			if !s.opt.Plain {
				ops = append(ops, s.retention())
			}
		case <-s.closing:
			for ops := s.collect(nil); len(ops) > 0; ops = s.collect(nil) {
				s.commit(ops)
			}
			s.commit(s.housekeeping(nil))
			return
		}
		timer.Stop()
		due = nil
		s.commit(s.housekeeping(s.collect(ops)))
	}
}

// collect adds waiting ops, up to the limits of a commit.
func (s *Spool) collect(ops []*op) []*op {
	bytes := 0
	for _, o := range ops {
		bytes += o.size
	}
	for len(ops) < batchOps && bytes < batchBytes {
		select {
		case o := <-s.queue:
			ops = append(ops, o)
			bytes += o.size
		default:
			return ops
		}
	}
	return ops
}

// housekeeping adds the removal of stored requests and of cancelled bodies.
func (s *Spool) housekeeping(ops []*op) []*op {
	s.mu.Lock()
	stored, aborts, old := s.stored, s.aborts, s.old
	s.stored, s.aborts, s.old = map[string]cursor.Position{}, nil, false
	s.mu.Unlock()
	if old {
		ops = append(ops, s.retention())
	}
	for _, p := range stored {
		ops = append(ops, &op{
			apply: func(b *batch) error { b.prune(p); return nil },
			settled: func(err error) {
				if err != nil {
					s.noteStored(p)
				}
			},
		})
	}
	if len(aborts) > 0 {
		ops = append(ops, &op{
			apply: func(b *batch) error { b.abort(aborts); return nil },
			settled: func(err error) {
				if err != nil {
					s.aborts = append(s.aborts, aborts...)
				}
			},
		})
	}
	return ops
}

// wake signals the writer that there is housekeeping.
func (s *Spool) wake() {
	select {
	case s.lazy <- struct{}{}:
	default:
	}
}

// commit writes a batch in one transaction and answers its callers.
func (s *Spool) commit(ops []*op) {
	if len(ops) == 0 {
		return
	}
	began := time.Now()
	results := make([]error, len(ops))
	b, err := s.write(ops, results)
	if err != nil {
		err = fmt.Errorf("spool: write: %w", err)
	}
	s.mu.Lock()
	was := s.failed
	s.failed = err
	if err == nil {
		for id, st := range b.states {
			if h := s.hooks[id]; h != nil && st != nil {
				h.state = *st
			}
		}
		for _, f := range b.after {
			f()
		}
	}
	for _, o := range ops {
		if o.settled != nil {
			o.settled(err)
		}
	}
	s.mu.Unlock()
	s.opt.OnCommit(time.Since(began), len(ops), err)
	if err == nil {
		for id := range b.fresh {
			s.opt.OnSpooled(id)
		}
		for _, g := range b.gaps {
			s.opt.OnGap(g)
		}
	} else if was == nil || was.Error() != err.Error() { // once per outage
		s.opt.Log.Error("the spool can't be written", "err", err)
	}
	for i, o := range ops {
		if o.done == nil {
			continue
		}
		if err != nil {
			results[i] = err
		}
		o.done <- results[i]
		close(o.done)
	}
}

func (s *Spool) write(ops []*op, results []error) (b *batch, err error) {
	if s.broken != nil {
		return nil, s.broken
	}
	if err := s.db.There(s.path); err != nil {
		return nil, err
	}
	id := 0
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
		switch {
		case err == nil:
		case errors.Is(err, ErrDamaged):
			s.broken = err
		case id != 0 && s.visible() >= id:
			err = fmt.Errorf("%w: %w", ErrBroken, err)
			s.broken = err
		}
	}()
	b = &batch{s: s, states: map[string]*state{}, fresh: map[string]bool{}}
	err = kind.Guard(s.path, func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			b.tx, id = tx, tx.ID()
			for i, o := range ops {
				if results[i] = o.apply(b); b.err != nil {
					return b.err
				}
			}
			return b.finish()
		})
	})
	switch {
	case errors.Is(err, errNothing):
		return b, nil
	case err != nil:
		return b, err
	}
	return b, s.db.There(s.path)
}

// visible returns the number of the last commit that readers see.
func (s *Spool) visible() (id int) {
	// Reading needs no disk; without a mapping nothing is visible.
	_ = s.view(func(tx *bolt.Tx) error { id = tx.ID(); return nil })
	return id
}

// errNothing ends a commit without changes.
var errNothing = errors.New("nothing to write")

// finish writes the states that changed.
func (b *batch) finish() error {
	if !b.wrote {
		return errNothing
	}
	states := b.tx.Bucket(bucketStates)
	for id, st := range b.states {
		if st == nil {
			continue // the hook was deleted
		}
		raw, err := json.Marshal(st)
		if err != nil {
			return err
		}
		if err := states.Put([]byte(id), raw); err != nil {
			return err
		}
	}
	// Readers may see the commit before its callers get their answers, and so may a client's STORED.
	b.s.mu.Lock()
	for id, st := range b.states {
		if h := b.s.hooks[id]; h != nil && st != nil {
			h.high = st.last().of(id)
		}
	}
	b.s.mu.Unlock()
	return b.tx.Bucket(bucketMeta).Put(keyRan, be64(uint64(b.s.age())))
}
