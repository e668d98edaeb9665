package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"greenroom/internal/app"
)

// Forwards read what was just stored from memory: reading the file would make the writer merge, which delays waiting webhooks. The
// tail has the last tailEvents deliveries, of at most tailBytes. A forward that is further behind reads feedEvents at once from the file.
const (
	tailEvents = 1024
	tailBytes  = 4 << 20
	feedEvents = 256
	feedBytes  = 1 << 20
)

// tail holds the latest deliveries, in the order of their numbers.
type tail struct {
	wanted atomic.Bool   // something reads it
	newest atomic.Uint64 // the number of the last delivery that is durable

	mu    sync.Mutex
	begun bool
	after uint64 // if it has begun, all deliveries beyond this one are in latest
	bytes int
	last  []*latest
}

// latest is a delivery that was just stored. Its blob is decoded at most once, however many forwards send it.
type latest struct {
	seq  uint64
	size int
	once sync.Once
	blob []byte       // nil when it is decoded
	d    app.Delivery // without headers and body until then
	err  error
}

func newLatest(d app.Delivery, blob []byte) *latest {
	return &latest{seq: d.Seq, size: len(blob), blob: blob, d: d}
}

func (l *latest) delivery() (app.Delivery, error) {
	l.once.Do(func() {
		l.d.Headers, l.d.Body, l.err = decodeBlob(l.blob)
		l.blob = nil
	})
	return l.d, l.err
}

// keep adds the deliveries of a commit that is durable. What was committed before the tail was wanted is in the file or waits for a merge.
func (t *tail) keep(batch []*write) {
	wanted := t.wanted.Load()
	var more []*latest
	for _, w := range batch {
		for _, it := range w.items {
			d := it.got.Delivery
			if d.Seq == 0 {
				continue
			}
			if t.newest.Store(d.Seq); wanted {
				d.Headers, d.Body = nil, nil
				more = append(more, newLatest(d, it.blob))
			}
		}
	}
	t.add(more)
}

// add adds deliveries.
func (t *tail) add(more []*latest) {
	if len(more) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	end := t.after
	if n := len(t.last); n > 0 {
		end = t.last[n-1].seq
	}
	if before := more[0].seq - 1; !t.begun || before > end { // a commit in between was not acknowledged, and is in the file
		t.begun, t.after, t.last, t.bytes = true, before, nil, 0
	}
	t.last = append(t.last, more...)
	for _, l := range more {
		t.bytes += l.size
	}
	drop := 0
	for ; len(t.last)-drop > tailEvents || t.bytes > tailBytes; drop++ {
		t.bytes -= t.last[drop].size
		t.after = max(t.after, t.last[drop].seq)
	}
	t.last = slices.Delete(t.last, 0, drop)
}

// begin begins the tail beyond what a read of the file found.
func (t *tail) begin(after uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.begun {
		t.begun, t.after = true, after
	}
}

// next returns the first delivery beyond after, nil if there is none. ok is false if only the file has it.
func (t *tail) next(after uint64) (l *latest, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.begun || after < t.after {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(t.last, after+1, func(l *latest, seq uint64) int {
		return cmp.Compare(l.seq, seq)
	})
	if i == len(t.last) {
		return nil, true
	}
	return t.last[i], true
}

// Feed reads the events of a forward one after another.
type Feed struct {
	s     *Store
	want  want
	after uint64 // all events up to this one were returned or aren't selected
	file  bool   // the next read is of the file

	read   []fed
	readTo uint64 // nothing up to it is left in the file but read
}

// fed is an event from the file, or its number and why it can't be read.
type fed struct {
	d   app.Delivery
	err error
}

// Feed returns the feed of a forward, which begins after its position.
func (s *Store) Feed(j ForwardJob) (*Feed, error) {
	w, err := j.wants(j.Position)
	s.tail.wanted.Store(true)
	return &Feed{s: s, want: w, after: j.Position}, err
}

// Back makes Next return what the file has beyond a position.
func (f *Feed) Back(position uint64) { f.after, f.file, f.read, f.readTo = position, true, nil, 0 }

// Next returns the next event, with its headers and body, or [ErrNotFound] while there is none. With [ErrUnreadable] it returns only
// the event's number. Headers and body must not be modified.
func (f *Feed) Next(ctx context.Context) (app.Delivery, error) {
	for {
		if len(f.read) > 0 {
			next := f.read[0]
			f.read, f.after = f.read[1:], next.d.Seq
			return next.d, next.err
		}
		f.after = max(f.after, f.readTo)
		l, ok := f.s.tail.next(f.after)
		if !ok || f.file {
			if err := f.fill(ctx); err != nil {
				return app.Delivery{}, err
			}
			if len(f.read) == 0 && f.readTo <= f.after {
				return app.Delivery{}, ErrNotFound
			}
			continue
		}
		if l == nil {
			return app.Delivery{}, ErrNotFound
		}
		d, err := l.delivery()
		f.after = l.seq
		switch {
		case err != nil:
			return app.Delivery{Seq: l.seq}, fmt.Errorf("%w: %v", ErrUnreadable, err)
		case f.want.inRange(d.Seq) && f.want.filter.MatchDelivery(&d):
			return d, nil
		}
	}
}

// errUnmerged means that the disk refuses what was acknowledged, which is only in the redo log.
var errUnmerged = errors.New("store: the disk refuses to write events, which can't be read until it does")

// fill reads many events at once from the file, since the writer merges for it.
func (f *Feed) fill(ctx context.Context) error {
	f.want.After = max(f.want.After, f.after)
	newest := f.s.tail.newest.Load()
	return f.s.View(ctx, func(tx *Tx) error {
		last := tx.LastSeq()
		if last < newest && last <= f.after {
			return errUnmerged
		}
		all, size, budget := true, 0, scanBudget
		tx.deliveries(&f.want, true, func(seq uint64, at iterator) bool {
			e := eventAt(at)
			d, err := decode[app.Delivery](e.row)
			if err == nil {
				matches := f.want.filter.Match(&e)
				if budget -= rowCost + len(e.row) + len(e.stored); e.err == nil && !matches {
					f.readTo, all = seq, budget > 0
					return all
				}
				if err = e.err; err == nil {
					d, err = tx.Delivery(seq)
				}
			}
			if err != nil { // a missing row is damage, too
				d, err = app.Delivery{Seq: seq}, fmt.Errorf("%w: %v", ErrUnreadable, err)
			}
			f.read, size = append(f.read, fed{d, err}), size+len(d.Body)
			f.readTo, all = seq, len(f.read) < feedEvents && size < feedBytes && budget > 0
			return all
		})
		if all {
			f.readTo = last
		}
		if all && last >= newest {
			f.s.tail.begin(last)
		}
		f.file = f.file && all && last < newest
		return nil
	})
}
