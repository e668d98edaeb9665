package page

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// entering is the most entries under way, and enteringRoom the most of one room, so that one room can't lock out the guests of others.
	// At most waiting, and waitingRoom of one room, wait for their turn.
	entering, enteringRoom = 64, 16
	waiting, waitingRoom   = 512, 128
)

// queue lets entries in, those of each room in their order. newQueue makes it.
type queue struct {
	all   *semaphore.Weighted
	mu    sync.Mutex
	rooms map[string]*line
	here  int
}

// line is the queue of one room.
type line struct {
	room *semaphore.Weighted
	here int
}

func newQueue() *queue {
	return &queue{all: semaphore.NewWeighted(entering), rooms: map[string]*line{}}
}

// enter waits for a place, and returns the function that leaves it, or nil if too many wait or ctx ends first.
func (q *queue) enter(ctx context.Context, room string) (leave func()) {
	q.mu.Lock()
	l := q.rooms[room]
	if l == nil {
		l = &line{room: semaphore.NewWeighted(enteringRoom)}
		q.rooms[room] = l
	}
	if l.here >= enteringRoom+waitingRoom || q.here >= entering+waiting {
		q.mu.Unlock()
		return nil
	}
	l.here++
	q.here++
	q.mu.Unlock()
	out := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.here--
		if l.here--; l.here == 0 {
			delete(q.rooms, room)
		}
	}
	if l.room.Acquire(ctx, 1) != nil {
		out()
		return nil
	}
	if q.all.Acquire(ctx, 1) != nil {
		l.room.Release(1)
		out()
		return nil
	}
	return func() {
		q.all.Release(1)
		l.room.Release(1)
		out()
	}
}
