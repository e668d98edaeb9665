package ipc

import (
	"sync"

	"greenroom/internal/app"
)

// queueLimit is how many changes can wait for one reader of a stream: most of a second at 5,000 changes a second.
const queueLimit = 4096

// queue holds the changes that wait for a reader. When it is full, one Missed replaces them all: the reader reads everything again,
// and the changes after that continue from there.
type queue struct {
	limit int
	// ready has an element when there are changes to take.
	ready chan struct{}

	mu     sync.Mutex
	items  []app.Change
	closed bool
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, ready: make(chan struct{}, 1)}
}

// put never blocks.
func (q *queue) put(c app.Change) {
	q.mu.Lock()
	if len(q.items) >= q.limit {
		clear(q.items)
		q.items = append(q.items[:0], app.Change{Kind: app.Missed})
	}
	q.items = append(q.items, c)
	q.mu.Unlock()
	q.signal()
}

// close ends the queue: no more changes come.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take returns all waiting changes, in order, and whether more may come. It reuses the slice that it returned last.
func (q *queue) take(used []app.Change) (batch []app.Change, more bool) {
	clear(used)
	q.mu.Lock()
	defer q.mu.Unlock()
	batch, q.items = q.items, used[:0]
	return batch, !q.closed
}
