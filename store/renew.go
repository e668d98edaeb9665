package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/boltfile"
)

// renewed records the segments whose index was found damaged since the store was opened, and whether it is still to be rebuilt. Each is
// rebuilt once, in case the disk damages it again.
type renewed struct {
	sync.Mutex
	segments map[string]bool
}

// add records a segment, and reports whether it is new.
func (r *renewed) add(segment []byte) bool {
	r.Lock()
	defer r.Unlock()
	if _, ok := r.segments[string(segment)]; ok {
		return false
	}
	if r.segments == nil {
		r.segments = make(map[string]bool)
	}
	r.segments[string(segment)] = true
	return true
}

func (r *renewed) due(segment []byte) bool {
	r.Lock()
	defer r.Unlock()
	return r.segments[string(segment)]
}

func (r *renewed) done(segment []byte) {
	r.Lock()
	defer r.Unlock()
	if r.segments[string(segment)] {
		r.segments[string(segment)] = false
	}
}

// renew rebuilds the index of a segment in the background.
func (s *Store) renew(segment []byte) {
	if s.renewed.add(segment) {
		s.wakeIndex()
	}
}

// wakeIndex starts the search for missing indexes.
func (s *Store) wakeIndex() {
	select {
	case s.filled <- struct{}{}:
	default: // it starts soon anyway
	}
}

// CheckIndex reads the index of texts and returns at most 100 problems, which only make searches slower. Unless the store is read-only,
// damaged indexes are rebuilt in the background, by this process or a later one.
func (s *Store) CheckIndex(ctx context.Context) ([]string, error) {
	found := []string{}
	var damaged [][]byte
	until := "in the background"
	if s.opt.ReadOnly {
		until = "by a program that can write to the store"
	}
	err := s.alone(ctx, func() error {
		return s.View(ctx, func(tx *Tx) error {
			all := tx.b.Bucket(bucketSegments)
			return all.ForEach(func(name, _ []byte) error {
				if problem := indexProblem(all.Bucket(name)); problem != "" && len(found) < boltfile.MaxFindings {
					found = append(found, fmt.Sprintf("the search index of the events from %d on is damaged (%s): searches read all of these events until it is rebuilt, %s",
						un64(name), problem, until))
					damaged = append(damaged, bytes.Clone(name))
				}
				return ctx.Err()
			})
		})
	})
	if s.opt.ReadOnly {
		return found, err
	}
	for _, name := range damaged {
		err = errors.Join(err, s.dropShape(name))
	}
	return found, err
}

// dropShape ends the use of an index, so that it is rebuilt.
func (s *Store) dropShape(segment []byte) error {
	err := s.addTexts(segment, func(seg *bolt.Bucket) error {
		if texts := seg.Bucket(keyTexts); texts != nil {
			return texts.Delete(keyShape)
		}
		return nil
	})
	if errors.Is(err, errDropped) {
		return nil
	}
	s.wakeIndex()
	return err
}

// indexProblem returns what is wrong with the index of a segment, empty if nothing is, or if it isn't made yet.
func indexProblem(segment *bolt.Bucket) string {
	texts := segment.Bucket(keyTexts)
	if texts == nil {
		return ""
	}
	b := texts.Get(keyShape)
	shape, ok := shapeOf(texts)
	switch {
	case !ok && len(b) > 0 && b[0] == textVersion:
		return "its description"
	case !ok:
		return ""
	}
	bad := 0
	for n := range shape.pieces() {
		if shape.read(texts, n) == nil {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Sprintf("%d of %d parts", bad, shape.pieces())
	}
	return ""
}
