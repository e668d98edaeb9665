package sqs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"greenroom/internal/plain"
	"greenroom/internal/unreached"
	"greenroom/tunnel"
)

// reader is an open tunnel. Close returns delivered messages that are not stored to the queue.
type reader struct {
	tunnel.Running
	Options
	client *sqs.Client
	place  place
	local  tunnel.Local

	mu sync.Mutex
	// trouble is the last error of each task; unread are the messages that can't be read, by id.
	trouble map[string]string
	unread  map[string]unread
	// woke is closed and replaced when the machine has slept.
	woke chan struct{}
}

// unread is a message that can't be read. By until it has come again, if it is still in the queue.
type unread struct {
	why   string
	until time.Time
}

// unreadTime is how long a message that can't be read is left alone.
const unreadTime = time.Minute

// The tasks in reader.trouble, besides the polls.
const (
	finding = "find"
	storing = "store"
)

var _ tunnel.Tunnel = (*reader)(nil)

func (r *reader) run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	start := func(name string, f func()) { r.Crash.GoIn(&group, name, f) }
	start("tunnel wake", func() {
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
	start("sqs depth", func() { r.depth(ctx) })
	// SQS locks a group while its messages are under way, so several polls keep the order.
	for i := range (r.Window + batch - 1) / batch {
		start("sqs poll", func() { r.poll(ctx, fmt.Sprintf("poll %d", i), f) })
	}
	<-ctx.Done()
}

// find describes the queue, until that succeeds. It returns false if ctx ends.
func (r *reader) find(ctx context.Context) (facts, bool) {
	var pause tunnel.Backoff
	for {
		f, err := r.describe(ctx)
		switch {
		case ctx.Err() != nil:
			return facts{}, false
		case err == nil:
			r.report(finding, "")
			return f, true
		}
		r.report(finding, reason(r.place, err), err)
		if !r.rest(ctx, pause.Next(r.Clock.Now())) {
			return facts{}, false
		}
	}
}

// describe gets the queue's attributes, and shows how many messages wait.
func (r *reader) describe(ctx context.Context) (facts, error) {
	ctx, cancel := r.bound(ctx, slack)
	defer cancel()
	began := r.Clock.Now()
	f, err := describe(ctx, r.client, r.place)
	if err == nil {
		rtt := r.Clock.Since(began)
		r.Update(func(s *tunnel.Status) { s.Spool, s.RTT = f.waiting, rtt })
	}
	return f, err
}

// bound returns a context for one call, which also ends when the machine wakes up: calls from before are dead.
func (r *reader) bound(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, d)
	r.mu.Lock()
	woke := r.woke
	r.mu.Unlock()
	stop := make(chan struct{})
	r.Crash.Go("sqs call", func() {
		select {
		case <-woke:
			cancel()
		case <-ctx.Done():
		}
		close(stop)
	})
	return ctx, func() { cancel(); <-stop }
}

// rest waits, until the machine wakes up at the latest, and reports whether ctx still runs.
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

// depth keeps the number of waiting messages up to date.
func (r *reader) depth(ctx context.Context) {
	for r.rest(ctx, depthTime) {
		if _, err := r.describe(ctx); err != nil && ctx.Err() == nil {
			r.Log.Debug("the number of waiting messages can't be read", "err", err)
		}
	}
}

// poll receives and handles messages until ctx ends.
func (r *reader) poll(ctx context.Context, name string, f facts) {
	var pause tunnel.Backoff
	for ctx.Err() == nil {
		messages, err := r.receive(ctx, f)
		if errors.Is(err, context.Canceled) {
			continue // the tunnel closes, or the machine has slept
		}
		if err != nil {
			r.report(name, reason(r.place, err), err)
			if !r.rest(ctx, pause.Next(r.Clock.Now())) {
				return
			}
			continue
		}
		pause.Reset()
		r.report(name, "")
		r.handle(ctx, f, messages)
	}
}

// report sets and shows a task's problem, "" for none. cause is logged with it.
func (r *reader) report(task, why string, cause ...error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble[task] != why && why != "" {
		r.Log.Warn("the queue", "err", why, unreached.Log(errors.Join(cause...)))
	}
	r.trouble[task] = why
	r.show()
}

// show updates the status. The caller holds mu.
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
	r.Update(func(s *tunnel.Status) {
		if s.State, s.Reason = tunnel.Live, text; text != "" {
			s.State = tunnel.Degraded
		}
	})
}

// unreadable records a message that can't be read.
func (r *reader) unreadable(id, group string, err error) {
	r.Log.Error("a message in the queue can't be read: it stays there", "id", id, "group", plain.Text(group), "err", err)
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

// readable records that a message was read after all.
func (r *reader) readable(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, was := r.unread[id]; was {
		delete(r.unread, id)
		r.show()
	}
}
