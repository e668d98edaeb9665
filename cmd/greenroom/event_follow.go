package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"greenroom/internal/app"
	"greenroom/provider"
)

// errMet ends following: the last wanted event has arrived.
var errMet = errors.New("the last wanted event has arrived")

// follower prints every matching event, in order of arrival, until its context ends or the last wanted event is reached. Events that the
// stream dropped are read from the store.
type follower struct {
	backend app.Backend
	query   app.EventQuery
	// from is the first sequence number; 0 begins with the next event.
	from  uint64
	print func(app.Delivery) error
	// called is called for each notification; it may be nil.
	called func(app.Call)
	// idle is called when no further change waits, and when following ends before that; it may be nil.
	idle func() error
	// ready is called once no later event can be missed; it may be nil.
	ready func() error
	// count is the number of events to print, 0 for all. until is a filter: its first match ends following.
	count int
	until string

	// began is the number of the last event before the first one that is examined.
	began, last uint64
	printed     []uint64 // only with a count
	met         bool
}

func (f *follower) run(ctx context.Context) error {
	err := f.follow(ctx)
	if f.met = errors.Is(err, errMet); f.met {
		return nil
	}
	return ended(ctx, err)
}

func (f *follower) follow(ctx context.Context) error {
	changes, err := f.backend.Subscribe(ctx)
	if err != nil {
		return err
	}
	if f.from > 0 {
		f.began = f.from - 1
		f.last = f.began
		err = f.catchUp(ctx, 0)
	} else {
		f.began, err = f.newest(ctx)
		f.last = f.began
	}
	if err == nil && f.ready != nil {
		err = f.ready()
	}
	if err != nil {
		return err
	}
	for c := range changes {
		err := f.see(ctx, c)
		if f.idle != nil && (err != nil || len(changes) == 0) {
			err = cmp.Or(err, f.idle())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// see handles one change from the stream.
func (f *follower) see(ctx context.Context, c app.Change) error {
	d := c.Delivery
	switch {
	case c.Kind == app.Missed:
		return f.catchUp(ctx, 0)
	case c.Kind == app.CallChange && c.Call != nil && f.called != nil:
		f.called(*c.Call)
		return nil
	case c.Kind != app.DeliveryChange || d == nil || d.Seq <= f.last:
		return nil
	case d.Seq == f.last+1 && !f.narrow():
		return f.take(*d)
	}
	// The store matches; the stream only shows when to ask it.
	if err := f.catchUp(ctx, d.Seq); err != nil {
		return err
	}
	f.last = max(f.last, d.Seq) // earlier events were committed earlier, and were examined
	return nil
}

// take prints an event.
func (f *follower) take(d app.Delivery) error {
	if err := f.print(d); err != nil {
		return err
	}
	f.last = d.Seq
	if f.count == 0 {
		return nil
	}
	if f.printed = append(f.printed, d.Seq); len(f.printed) == f.count {
		return errMet
	}
	return nil
}

// newest returns the number of the newest event.
func (f *follower) newest(ctx context.Context) (uint64, error) {
	page, err := f.backend.Events(ctx, app.EventQuery{Limit: 1})
	if err != nil || len(page.Events) == 0 {
		return 0, err
	}
	return page.Events[0].Seq, nil
}

// narrow reports whether the query selects only some events.
func (f *follower) narrow() bool {
	q := f.query
	return q.Account != "" || q.Verdict != "" || q.Meeting != "" || q.Grep != "" || q.Filter != "" || len(q.Kinds) > 0 || f.until != ""
}

// catchUp prints the matching events after the last one, oldest first, up to a number; 0 means all.
func (f *follower) catchUp(ctx context.Context, upTo uint64) (err error) {
	final := false
	if f.until != "" {
		if upTo == 0 {
			if upTo, err = f.newest(ctx); err != nil || upTo <= f.last {
				return err
			}
		}
		err := f.pages(ctx, app.EventQuery{Filter: f.until, Before: upTo + 1, Limit: 1}, f.last, func(d app.Delivery) error {
			upTo, final = d.Seq, true
			return errMet
		})
		if err != nil && !final {
			return err
		}
	}
	q := f.query
	if q.Limit = 1000; upTo > 0 {
		q.Before = upTo + 1
	}
	if err := f.pages(ctx, q, f.last, f.take); err != nil {
		return err
	}
	if final {
		return errMet
	}
	return nil
}

// pages visits the events of a query after a number, oldest first. A meeting that doesn't exist yet has no events.
func (f *follower) pages(ctx context.Context, q app.EventQuery, after uint64, visit func(app.Delivery) error) error {
	q.Forward = true
	for {
		q.After = after
		page, err := f.backend.Events(ctx, q)
		if errors.Is(err, provider.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, d := range slices.Backward(page.Events) {
			if err := visit(d); err != nil {
				return err
			}
			after = d.Seq
		}
		if !page.More {
			return nil
		}
		after = max(after, page.Next)
	}
}

// ended returns nil for errors after the end of ctx, which ends following.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
