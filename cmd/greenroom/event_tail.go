package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

type eventTailOptions struct {
	*program
	eventFilter
	from uint64
	json bool
}

func (p *program) eventTail() *cobra.Command {
	o := &eventTailOptions{program: p}
	cmd := &cobra.Command{
		Use: "tail", Short: "Follow events as they arrive", Args: exactly(), RunE: p.do(o.run),
		Example: "greenroom event tail --json | jq .kind",
	}
	o.add(cmd)
	cmd.Flags().Uint64Var(&o.from, "from", 0, "begin with this sequence number, not with the next event")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object per line")
	return cmd
}

func (o *eventTailOptions) run(ctx context.Context, _ []string) error {
	q, err := o.query()
	if err != nil {
		return err
	}
	until, end := untilClosed(ctx, o.stdout)
	defer end()
	err = o.withAccess(until, access{stay: true}, func(b app.Backend) error {
		if err := knownAccount(until, b, o.account); err != nil {
			return err
		}
		f := follower{backend: b, query: q, from: o.from, print: func(d app.Delivery) error { return o.printEvent(d, o.json) }}
		return f.run(until)
	})
	if until.Err() == nil || err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if _, asked := context.Cause(ctx).(*signalled); asked {
		return ctx.Err()
	}
	return nil // no one reads any more
}

// printEvent prints one line.
func (p *program) printEvent(d app.Delivery, asJSON bool) error {
	if asJSON {
		d.Headers, d.Body = nil, nil
		return p.printJSON(d)
	}
	row := p.eventRow(d)
	for i := range row {
		row[i] = plain.Text(row[i])
		if p.width > 0 && i < len(row)-1 {
			row[i] = ansi.Truncate(row[i], max(p.width/5, leastWidth), "…") // a long name pushes nothing out of sight
		}
	}
	_, err := fmt.Fprintln(p.stdout, strings.Join(slices.DeleteFunc(row, func(s string) bool { return s == "" }), "  "))
	return err
}

// follower prints every event that matches, in order of arrival, until its context ends. Nothing is left out: what the
// stream had to drop is read from the store.
type follower struct {
	backend app.Backend
	query   app.EventQuery
	// from is the first sequence number; 0 means what comes next.
	from  uint64
	print func(app.Delivery) error
	// ready is called once nothing that arrives from then on is missed; it may be nil.
	ready func() error

	last uint64
}

func (f *follower) run(ctx context.Context) error {
	changes, err := f.backend.Subscribe(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	if f.from > 0 {
		f.last = f.from - 1
		err = f.catchUp(ctx)
	} else {
		err = f.skip(ctx)
	}
	if err == nil && f.ready != nil {
		err = f.ready()
	}
	if err != nil {
		return ended(ctx, err)
	}
	for c := range changes {
		if err := f.see(ctx, c); err != nil {
			return ended(ctx, err)
		}
	}
	return nil
}

// see handles one change from the stream.
func (f *follower) see(ctx context.Context, c app.Change) error {
	d := c.Delivery
	switch {
	case c.Kind == app.Missed:
		return f.catchUp(ctx)
	case c.Kind != app.DeliveryChange || d == nil || d.Seq <= f.last:
		return nil
	case d.Seq == f.last+1 && !f.narrow():
		f.last = d.Seq
		return f.print(*d)
	}
	// The store knows how to match; the stream shows when to ask it.
	if err := f.catchUp(ctx); err != nil {
		return err
	}
	f.last = max(f.last, d.Seq) // what came before it was committed before it, and was looked at
	return nil
}

// skip makes the newest event the last one.
func (f *follower) skip(ctx context.Context) error {
	page, err := f.backend.Events(ctx, app.EventQuery{Limit: 1})
	if err == nil && len(page.Events) > 0 {
		f.last = page.Events[0].Seq
	}
	return err
}

// narrow reports whether the query selects at all.
func (f *follower) narrow() bool {
	q := f.query
	return q.Account != "" || q.Verdict != "" || q.Meeting != "" || q.Grep != "" || len(q.Kinds) > 0
}

// catchUp prints what matches beyond the last one, oldest first.
func (f *follower) catchUp(ctx context.Context) error {
	q := f.query
	q.Limit, q.Forward = 1000, true
	for {
		q.After = f.last
		page, err := f.backend.Events(ctx, q)
		if errors.Is(err, provider.NotFound) {
			return nil // the meeting that is asked for is not there yet
		}
		if err != nil {
			return err
		}
		for _, d := range slices.Backward(page.Events) {
			if err := f.print(d); err != nil {
				return err
			}
			f.last = d.Seq
		}
		if !page.More {
			return nil
		}
		f.last = max(f.last, page.Next)
	}
}

// ended makes nothing of an error that only says that ctx ended, which is how following ends.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
