package store

import (
	"bytes"
	"context"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/filter"
)

// The index of texts is made in the background, a segment at a time, after no deliveries are added to the segment any more.
const (
	// indexAfter is how long after the store is opened, and after a segment is full.
	indexAfter = 2 * time.Second
	// indexEvery is how often segments without an index are looked for.
	indexEvery = time.Minute
	// indexStep limits the bytes that are read at once, and pieceStep the pieces that are added to one commit.
	indexStep = 512 << 10
	pieceStep = 64
	// indexRest is how long to rest between two steps, as a multiple of their time; see restWhileBusy for the others.
	indexRest   = 3
	restAtLeast = 20 * time.Millisecond
	restQuiet   = 100 * time.Millisecond
	restAtMost  = time.Second
)

var (
	errIndexed = errors.New("store: all segments have an index")
	errDropped = errors.New("store: the segment was dropped")
)

// index makes the missing indexes until the store is closed. Without them searches are slower, so what fails is tried again later.
func (s *Store) index() {
	defer close(s.indexed)
	timer := time.NewTimer(s.opt.indexAfter)
	defer timer.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-s.filled:
			timer.Reset(s.opt.indexAfter)
			continue
		case <-timer.C:
		}
		tried := make(map[string]bool)
		for err := error(nil); err == nil; {
			err = s.indexNext(tried, s.restLong)
		}
		timer.Reset(indexEvery)
	}
}

// indexNext makes the index of the newest segment that lacks one, or whose index is damaged, and that it hasn't tried, or returns errIndexed.
// A new index can be seen only after the next merge. rest waits between steps, and returns false if the store is closed meanwhile.
func (s *Store) indexNext(tried map[string]bool, rest func(time.Duration) bool) error {
	var name []byte
	err := s.look(func(b *bolt.Tx) error {
		all := b.Bucket(bucketSegments)
		c := all.Cursor()
		c.Last() // it is open
		for k, _ := c.Prev(); k != nil; k, _ = c.Prev() {
			if _, ok := shapeOf(all.Bucket(k).Bucket(keyTexts)); (!ok || s.renewed.due(k)) && !tried[string(k)] {
				name = bytes.Clone(k)
				return nil
			}
		}
		return errIndexed
	})
	if err != nil {
		return err
	}
	tried[string(name)] = true
	x, err := s.readTexts(name, rest)
	if err == nil {
		err = s.writeTexts(name, x, rest)
	}
	if err == nil {
		s.renewed.done(name)
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, errDropped) {
		return nil
	}
	return err
}

// readTexts reads a segment in steps.
func (s *Store) readTexts(name []byte, rest func(time.Duration) bool) (x *textIndex, err error) {
	for next, done := uint64(0), false; !done; {
		began := time.Now()
		if err := s.look(func(b *bolt.Tx) error {
			seg := b.Bucket(bucketSegments).Bucket(name)
			if seg == nil {
				return errDropped
			}
			it := segmentIterator{w: &want{}}
			it.enter(seg)
			if x == nil {
				last, _ := it.blocks.Last()
				x = newTextIndex(name, un64(last)+1, statOf(seg).bytes)
			}
			for read := 0; read < indexStep; {
				k, block := it.blocks.Seek(be64(next))
				if done = k == nil; done {
					return nil
				}
				next = un64(k) + 1
				read += x.add(&it, un64(k), block)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		if !rest(indexRest * time.Since(began)) {
			return nil, ErrClosed
		}
	}
	return x, nil
}

// add adds a block of a segment, and returns how many bytes it has. A block with a damaged event can't be excluded.
func (x *textIndex) add(it *segmentIterator, n uint64, block []byte) (size int) {
	g, whole, current := x.grams(), n < uint64(len(x.filters)), true
	for i := range len(block) / it.size {
		it.at(block, i, &it.cols)
		e := eventAt(it)
		whole = g.event(&e) == nil && whole
		x.note(e.Text(filter.Account))
		size += len(e.row) + len(e.stored)
		current = current && it.cols.Folded
	}
	if whole {
		x.filters[n] = g.filter
	}
	if !current && it.size == columnSize {
		x.columns[n] = columnsAgain(it, block)
	}
	return size
}

// columnsAgain makes a block of columns again from its rows, which must be readable.
func columnsAgain(it *segmentIterator, block []byte) (out []byte) {
	for i := range len(block) / it.size {
		it.at(block, i, &it.cols)
		d, err := decode[app.Delivery](it.row())
		if err != nil || d.Seq != it.cols.Seq {
			return block
		}
		c := filter.ColumnsOf(&d)
		out = appendColumns(out, &c)
	}
	return out
}

// writeTexts stores an index in steps, as part of commits for other reasons. It isn't in the redo log: what gets lost with a process, or
// on a full disk, is noticed before the shape is written.
func (s *Store) writeTexts(name []byte, x *textIndex, rest func(time.Duration) bool) error {
	x.accounts = nil
	for _, account := range x.names {
		x.accounts = append(x.accounts, filter.NameOf(account))
	}
	for n := 0; n <= x.pieces(); n += pieceStep {
		began := time.Now()
		var pieces [][]byte
		for i := n; i < min(n+pieceStep, x.pieces()); i++ {
			pieces = append(pieces, x.piece(i))
		}
		if err := s.addTexts(name, func(seg *bolt.Bucket) error { return x.put(seg, n, pieces) }); err != nil {
			return err
		}
		if !rest(indexRest*time.Since(began) + mergeAfter) {
			return ErrClosed
		}
	}
	return nil
}

// addTexts changes a segment in the next commit. It waits while the store has too much to write.
func (s *Store) addTexts(name []byte, f func(seg *bolt.Bucket) error) error {
	for {
		err := s.Update(context.Background(), func(tx *Tx) error {
			seg := tx.b.Bucket(bucketSegments).Bucket(name)
			if seg == nil {
				return errDropped
			}
			return f(seg)
		})
		if !errors.Is(err, ErrBusy) || !s.rest(slowWait) {
			return err
		}
	}
}

// put stores pieces from the number n on, and the shape after the last.
func (x *textIndex) put(seg *bolt.Bucket, n int, pieces [][]byte) error {
	if n == 0 && seg.Bucket(keyTexts) != nil { // of an earlier attempt or version
		if err := seg.DeleteBucket(keyTexts); err != nil {
			return err
		}
	}
	texts, err := seg.CreateBucketIfNotExists(keyTexts)
	if err != nil {
		return err
	}
	texts.FillPercent = fill
	if n == 0 {
		for block, columns := range x.columns {
			if err := seg.Bucket(keyColumns).Put(be64(block), columns); err != nil {
				return err
			}
		}
	}
	for i, piece := range pieces {
		if err := texts.Put(pieceKey(n+i), piece); err != nil {
			return err
		}
	}
	if n+pieceStep <= x.pieces() {
		return nil
	}
	for i := range x.pieces() {
		if texts.Get(pieceKey(i)) == nil {
			return errors.New("store: a piece of the index was lost")
		}
	}
	return texts.Put(keyShape, x.encode())
}

// restLong rests for a time, and longer while the store is busy.
func (s *Store) restLong(d time.Duration) bool { return restWhileBusy(d, s.commits.Load, s.rest) }

// restWhileBusy rests for a time of at least restAtLeast, and until nothing was committed for restQuiet: webhooks go first. A store that is
// always busy waits at most restAtMost.
func restWhileBusy(d time.Duration, commits func() uint64, rest func(time.Duration) bool) bool {
	before := commits()
	if !rest(max(d, restAtLeast)) {
		return false
	}
	for waited := time.Duration(0); commits() != before && waited < restAtMost; waited += restQuiet {
		before = commits()
		if !rest(restQuiet) {
			return false
		}
	}
	return true
}

// rest waits, and reports whether the store is still open.
func (s *Store) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closing:
		return false
	}
}
