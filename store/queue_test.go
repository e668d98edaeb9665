package store

import (
	"testing"
	"time"
)

// A batch waits for as many writes as came last, but not for more, and for a moment only.
func TestABatchWaitsForTheCrowd(t *testing.T) {
	for _, c := range []struct {
		name                  string
		patience              time.Duration
		waiting, later, crowd int
		least, most           int
	}{
		{"a single caller is not kept waiting", time.Hour, 0, 0, 0, 1, 1},
		{"all that wait are taken", time.Hour, 5, 0, 3, 6, 6},
		{"up to the limit", time.Hour, 12, 0, 3, 8, 8},
		{"those who come are waited for", time.Hour, 1, 3, 4, 4, 5},
		{"no more than the limit is", time.Hour, 1, 20, 30, 8, 8},
		{"those who don't come are not", 0, 1, 0, 4, 2, 2},
	} {
		s := &Store{queue: make(chan *write, 32), patience: c.patience, opt: Options{Batch: 8}}
		for range c.waiting {
			s.queue <- &write{}
		}
		go func() {
			for range c.later {
				s.queue <- &write{}
			}
		}()
		if n := len(s.gather([]*write{{}}, c.crowd)); n < c.least || n > c.most {
			t.Errorf("%s: %d, want %d to %d", c.name, n, c.least, c.most)
		}
	}
}
