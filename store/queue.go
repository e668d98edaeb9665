package store

import (
	"context"
	"fmt"
	"time"
)

// gatherFor is how long a batch waits for more writes.
const gatherFor = 300 * time.Microsecond

func (s *Store) enqueue(ctx context.Context, queue chan *write, w *write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.opt.ReadOnly {
		return fmt.Errorf("%w: %s", ErrReadOnly, s.opt.Path)
	}
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	select {
	case queue <- w:
	default:
		return ErrBusy
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		if w.withdraw() {
			return ctx.Err()
		}
	case <-s.closed:
	}
	// It has begun: the effect's results belong to the caller again only after it has ended.
	select {
	case err := <-w.done:
		return err
	case <-s.closed:
		// The writer has ended; it may have answered just before.
		select {
		case err := <-w.done:
			return err
		default:
			return ErrClosed
		}
	}
}

func (s *Store) take(queue chan *write, batch []*write, most int) []*write {
	for len(batch) < most {
		select {
		case w := <-queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// gather adds to a batch what waits in the queue, up to the limit. It waits up to gatherFor until the batch has crowd writes: half of
// those that were in the last commit or came during it. Senders that wait for their answers send again one after another: without the
// wait, the first of them would get a commit alone, for which all others wait.
func (s *Store) gather(batch []*write, crowd int) []*write {
	batch = s.take(s.queue, batch, s.opt.Batch)
	if len(batch) == 0 || len(batch) >= crowd {
		return batch
	}
	if s.gathering == nil {
		s.gathering = time.NewTimer(s.patience)
	} else {
		s.gathering.Reset(s.patience)
	}
	defer s.gathering.Stop()
	for len(batch) < min(crowd, s.opt.Batch) {
		select {
		case w := <-s.queue:
			batch = append(batch, w)
		case <-s.gathering.C:
			return batch
		}
	}
	return batch
}

func (s *Store) drain(slow []*write) {
	for {
		batch := s.take(s.queue, slow, s.opt.Batch)
		batch = s.take(s.soon, batch, s.opt.Batch)
		batch = s.take(s.slow, batch, s.opt.Batch)
		slow = nil
		if len(batch) == 0 {
			return
		}
		s.commit(batch)
	}
}
