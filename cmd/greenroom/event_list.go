package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/when"
)

type eventListOptions struct {
	*program
	eventFilter
	limit int
}

func (p *program) eventList() *cobra.Command {
	o := &eventListOptions{program: p}
	cmd := &cobra.Command{
		Use: "list", Short: "List events, newest first", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run),
		Example: "greenroom event list --filter '(is:duplicate or status:>=400) since:2h'\ngreenroom event list --kind participant.joined --since 2h\ngreenroom event list --verdict rejected --json",
	}
	o.add(cmd)
	parsed(cmd.Flags(), &o.Since, "since", "", p.since, "only events since this age or time, such as 2h, 7d, 09:00 or 2026-01-31T09:00:00Z")
	atMost(cmd.Flags(), &o.limit, "events")
	return p.jsonFlag(cmd, "print a JSON array, without headers and bodies")
}

// since parses an age or a moment.
func (p *program) since(s string) (app.Time, error) {
	if age, ok := when.Age(s); ok {
		return app.At(p.now().Add(-age)), nil
	}
	if t, ok := when.Moment(s, p.now(), false); ok {
		return app.At(t), nil
	}
	return app.Time{}, hint("write it like 2h, 7d, 09:00 or 2026-01-31T09:00:00Z")
}

func (o *eventListOptions) run(ctx context.Context, _ []string) error {
	q, err := o.query(o.program)
	if err != nil {
		return err
	}
	return o.reading(ctx, func(b app.Backend) error {
		events, more, err := newest(ctx, b, q, o.limit)
		if err == nil && len(events) == 0 {
			err = knownAccount(ctx, b, o.Account)
		}
		if err != nil {
			return err
		}
		if q.Grep == "" && q.Filter == "" {
			err = o.cut(len(events), o.limit, "events", func() (int, error) {
				n, err := b.Counts(ctx, app.CountQuery{Events: &q})
				return n.Events, err
			})
		} else if more {
			o.words(fmt.Sprintf("These are the newest %d events that match. There may be more: use --limit", len(events)))
		}
		if err != nil {
			return err
		}
		t := newTable("SEQ", "TIME", "ACCOUNT", "VERDICT", "STATUS", "KIND", "ROOM", "WHO", "").keep("SEQ", "TIME", "VERDICT", "STATUS").narrow("ACCOUNT", "STATUS")
		return printList(o.program, events, "No events.", t, o.eventRow)
	})
}

// newest reads pages until there are limit events or no more, and reports whether there may be more. A page may be short because the
// scan is bounded.
func newest(ctx context.Context, b app.Backend, q app.EventQuery, limit int) (out []app.Delivery, more bool, err error) {
	for {
		q.Limit = min(limit-len(out), 1000)
		page, err := b.Events(ctx, q)
		if err != nil {
			return nil, false, err
		}
		out = append(out, page.Events...)
		if !page.More || len(out) >= limit {
			return out, page.More, nil
		}
		q.Before = page.Next
	}
}

// knownAccount refuses the name of an account that is neither configured nor has events: it is misspelt. Accounts that were configured
// once keep their events.
func knownAccount(ctx context.Context, b app.Backend, name string) error {
	if name == "" {
		return nil
	}
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return err
	}
	var names []string
	for _, a := range s.Accounts {
		if a.Name == name {
			return nil
		}
		names = append(names, a.Name)
	}
	events, _, err := newest(ctx, b, app.EventQuery{Account: name}, 1)
	if err != nil || len(events) > 0 {
		return err
	}
	catches, err := b.Catches(ctx, app.CatchQuery{})
	if err != nil || slices.ContainsFunc(catches, func(c app.Catch) bool { return app.CatchAccount(c.Name) == name }) {
		return err
	}
	hint := "none is configured: " + howToConfigure()
	if len(names) > 0 {
		hint = "configured: " + strings.Join(names, ", ")
	}
	return &app.Error{Kind: app.NotConfigured, Text: fmt.Sprintf("account %q is not configured, and has no events", name), Hint: hint}
}
