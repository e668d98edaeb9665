package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// reader is an open tunnel.
type reader struct {
	Options
	client *sqs.Client
	place  place
	local  tunnel.Local
	log    *slog.Logger
	board  *tunnel.Board
	cancel context.CancelFunc
	done   chan struct{}

	mu sync.Mutex
	// trouble is the last error of each caller; unread are the messages that can't be read, by id.
	trouble map[string]string
	unread  map[string]unread
	// woke is closed and replaced when the machine has slept.
	woke chan struct{}
}

// unread is a message that can't be read, and when it should have come again if it is still there.
type unread struct {
	why   string
	until time.Time
}

// unreadTime is how long a message that can't be read is left alone.
const unreadTime = time.Minute

// Who does what, in reader.trouble, beside the polls.
const (
	finding = "find"
	storing = "store"
)

var _ tunnel.Tunnel = (*reader)(nil)

// Status implements [tunnel.Tunnel].
func (r *reader) Status() <-chan tunnel.Status { return r.board.Status() }

// Close implements [tunnel.Tunnel]. What was handed out and not stored is given back to the queue.
func (r *reader) Close() error {
	r.cancel()
	<-r.done
	return nil
}

func (r *reader) run(ctx context.Context) {
	defer close(r.done)
	defer r.board.Close("closed")
	r.woke = make(chan struct{})
	var group sync.WaitGroup
	defer group.Wait()
	goes := func(name string, f func()) {
		group.Add(1)
		r.local.Crash.Go(name, func() { defer group.Done(); f() })
	}
	goes("tunnel wake", func() {
		tunnel.Wake{Clock: r.Clock}.Watch(ctx, func(time.Duration) {
			r.mu.Lock()
			defer r.mu.Unlock()
			close(r.woke)
			r.woke = make(chan struct{})
		})
	})
	f, ok := r.find(ctx)
	if !ok {
		return
	}
	goes("sqs depth", func() { r.depth(ctx) })
	// A group with messages in flight is locked: several polls at a time don't disturb the order.
	for i := range (r.Window + batch - 1) / batch {
		goes("sqs poll", func() { r.poll(ctx, fmt.Sprintf("poll %d", i), f) })
	}
	<-ctx.Done()
}

// find asks the queue for what it is, until it answers.
func (r *reader) find(ctx context.Context) (facts, bool) {
	var pause tunnel.Backoff
	for {
		began := r.Clock.Now()
		f, err := r.describe(ctx)
		if ctx.Err() != nil {
			return facts{}, false
		}
		if err == nil {
			rtt := r.Clock.Since(began)
			r.board.Update(func(s *tunnel.Status) { s.Spool, s.RTT = f.waiting, rtt })
			r.say(finding, "")
			return f, true
		}
		r.say(finding, reason(r.place, err))
		if !r.rest(ctx, pause.Next(r.Clock.Now())) {
			return facts{}, false
		}
	}
}

func (r *reader) describe(ctx context.Context) (facts, error) {
	ctx, cancel := r.bound(ctx, slack)
	defer cancel()
	return describe(ctx, r.client, r.place)
}

// bound is a context for one call, which also ends when the machine wakes: what was under way then is dead.
func (r *reader) bound(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, d)
	r.mu.Lock()
	woke := r.woke
	r.mu.Unlock()
	stop := make(chan struct{})
	r.local.Crash.Go("sqs call", func() {
		select {
		case <-woke:
			cancel()
		case <-ctx.Done():
		}
		close(stop)
	})
	return ctx, func() { cancel(); <-stop }
}

// rest waits, less when the machine wakes, and says whether to continue.
func (r *reader) rest(ctx context.Context, d time.Duration) bool {
	r.mu.Lock()
	woke := r.woke
	r.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-woke:
	case <-r.Clock.After(d):
	}
	return ctx.Err() == nil
}

// depth keeps how much waits up to date.
func (r *reader) depth(ctx context.Context) {
	for r.rest(ctx, depthTime) {
		began := r.Clock.Now()
		f, err := r.describe(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.log.Debug("the number of waiting messages can't be read", "err", reason(r.place, err))
			continue
		}
		rtt := r.Clock.Since(began)
		r.board.Update(func(s *tunnel.Status) { s.Spool, s.RTT = f.waiting, rtt })
	}
}

// poll takes messages, stores them and deletes them, again and again.
func (r *reader) poll(ctx context.Context, name string, f facts) {
	var pause tunnel.Backoff
	for ctx.Err() == nil {
		messages, err := r.receive(ctx, f)
		if errors.Is(err, context.Canceled) {
			continue // the end, or the machine has slept
		}
		if err != nil {
			r.say(name, reason(r.place, err))
			if !r.rest(ctx, pause.Next(r.Clock.Now())) {
				return
			}
			continue
		}
		pause.Reset()
		r.say(name, "")
		r.handle(ctx, f, messages)
	}
}

// say shows what is wrong with one of the things that are being done, or, with an empty text, that nothing is.
func (r *reader) say(who, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble[who] != why && why != "" {
		r.log.Warn("the queue", "err", why)
	}
	r.trouble[who] = why
	r.show()
}

// show posts the state. The caller holds mu.
func (r *reader) show() {
	text := ""
	for _, why := range r.trouble {
		if why != "" {
			text = why
		}
	}
	if text == "" {
		for id, u := range r.unread {
			if r.Clock.Now().After(u.until) {
				delete(r.unread, id) // another reader has removed it
			}
		}
		if ids := slices.Sorted(maps.Keys(r.unread)); len(ids) > 0 {
			text = r.unread[ids[0]].why
			if n := len(ids); n > 1 {
				text = fmt.Sprintf("%d messages can't be read, for example: %s", n, text)
			}
		}
	}
	r.board.Update(func(s *tunnel.Status) {
		if s.State, s.Reason = tunnel.Live, text; text != "" {
			s.State = tunnel.Degraded
		}
	})
}

// unreadable notes a message that can't be read.
func (r *reader) unreadable(id, group string, err error) {
	r.log.Error("a message in the queue can't be read: it stays there", "id", id, "group", plain.Text(group), "err", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread[id] = unread{
		why: fmt.Sprintf("message %s of hook %s in the queue can't be read: it stays there, and the messages after it wait. If a "+
			"newer relay wrote it, update this program; otherwise remove it from the queue, or let the redrive policy move "+
			"it", plain.Text(id), plain.Text(group)),
		until: r.Clock.Now().Add(2*unreadTime + r.pollTime),
	}
	r.show()
}

// readable notes that a message was read after all.
func (r *reader) readable(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, was := r.unread[id]; was {
		delete(r.unread, id)
		r.show()
	}
}
