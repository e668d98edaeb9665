package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/when"
	"greenroom/provider"
)

func (p *program) eventCommand() *cobra.Command {
	return group("event", "Inspect webhooks as they arrived, with their verdicts", p.eventList(), p.eventTail(), p.eventShow())
}

// eventFilter selects events, for listing and for following.
type eventFilter struct {
	account, verdict, meeting, grep string
	kinds                           []string
}

func (f *eventFilter) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.account, "account", "", "only events of this account")
	fl.StringSliceVar(&f.kinds, "kind", nil, "only events of this kind, such as participant.joined; may be repeated")
	fl.StringVar(&f.verdict, "verdict", "", "only events with this verdict: verified, rejected or unverified")
	fl.StringVar(&f.meeting, "meeting", "", "only events about this meeting")
	fl.StringVar(&f.grep, "grep", "", "only events with this text in them")
	words(cmd, "kind", provider.EventKinds()...)
	words(cmd, "verdict", provider.Verified, provider.Rejected, provider.Unverified)
}

// query checks the filter and makes a query of it.
func (f *eventFilter) query() (app.EventQuery, error) {
	q := app.EventQuery{Account: f.account, Verdict: provider.Verdict(f.verdict), Meeting: f.meeting, Grep: f.grep}
	if f.verdict != "" && !slices.Contains([]provider.Verdict{provider.Verified, provider.Rejected, provider.Unverified}, q.Verdict) {
		return q, usagef("--verdict can't be %q: use verified, rejected, unverified", f.verdict)
	}
	known := provider.EventKinds()
	for _, k := range f.kinds {
		if !slices.Contains(known, provider.EventKind(k)) {
			words := make([]string, 0, len(known))
			for _, w := range known {
				words = append(words, string(w))
			}
			return q, usagef("--kind can't be %q: use %s", k, strings.Join(words, ", "))
		}
		q.Kinds = append(q.Kinds, provider.EventKind(k))
	}
	return q, nil
}

type eventListOptions struct {
	*program
	eventFilter
	since string
	limit int
	json  bool
}

func (p *program) eventList() *cobra.Command {
	o := &eventListOptions{program: p}
	cmd := &cobra.Command{
		Use: "list", Short: "List events, newest first", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run),
		Example: "greenroom event list --kind participant.joined --since 2h\ngreenroom event list --verdict rejected --json",
	}
	o.add(cmd)
	cmd.Flags().StringVar(&o.since, "since", "", "only events since this age or time, such as 2h, 7d, 09:00 or 2026-01-31T09:00:00Z")
	cmd.Flags().IntVar(&o.limit, "limit", 100, "largest number of events")
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array, without headers and bodies")
	return cmd
}

// sinceWhen reads a --since: an age, or a moment. Nothing is the zero time.
func sinceWhen(s string, now time.Time) (app.Time, error) {
	if s == "" {
		return app.Time{}, nil
	}
	if age, ok := when.Age(s); ok {
		return app.At(now.Add(-age)), nil
	}
	if t, ok := when.Moment(s, now, false); ok {
		return app.At(t), nil
	}
	return app.Time{}, usagef("--since can't be %q: write it like 2h, 7d, 09:00 or 2026-01-31T09:00:00Z", s)
}

func (o *eventListOptions) run(ctx context.Context, _ []string) error {
	q, err := o.query()
	if err != nil {
		return err
	}
	if o.limit < 1 {
		return usagef("--limit can't be %d", o.limit)
	}
	if q.Since, err = sinceWhen(o.since, o.now()); err != nil {
		return err
	}
	return o.reading(ctx, func(b app.Backend) error {
		events, more, err := newest(ctx, b, q, o.limit)
		if err == nil && len(events) == 0 {
			err = knownAccount(ctx, b, o.account)
		}
		if err != nil {
			return err
		}
		if q.Grep == "" {
			err = o.cut(len(events), o.limit, "events", func() (int, error) {
				n, err := b.Counts(ctx, app.CountQuery{Events: &q})
				return n.Events, err
			})
		} else if more {
			o.words(fmt.Sprintf("The newest %d events with %q; there may be more: --limit", len(events), plain.Text(q.Grep)))
		}
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(list(events))
		}
		if len(events) == 0 {
			o.words("No events.")
			return nil
		}
		t := newTable("SEQ", "TIME", "ACCOUNT", "VERDICT", "STATUS", "KIND", "ROOM", "WHO", "").keep("SEQ", "TIME", "VERDICT", "STATUS").narrow("ACCOUNT", "STATUS")
		for _, d := range events {
			t.add(o.eventRow(d)...)
		}
		return o.printTable(t)
	})
}

// newest reads pages until there are limit events or no more, and reports whether there may be more. A page may be short because
// the scan's budget ran out.
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

// knownAccount refuses an account that is neither configured nor has any event: a filter by it is a slip of the pen. Those
// that were configured once keep their events.
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
	hint := "none is configured: " + howToConfigure()
	if len(names) > 0 {
		hint = "configured: " + strings.Join(names, ", ")
	}
	return &app.Error{Kind: app.NotConfigured, Text: fmt.Sprintf("account %q is not configured, and has no events", name), Hint: hint}
}

func (p *program) eventRow(d app.Delivery) []string {
	kind := string(d.Kind)
	if d.Kind == provider.KindUnknown && d.Type != "" {
		kind = d.Type
	}
	return []string{
		fmt.Sprint(d.Seq), p.clock(d.At), d.Account, string(d.Verdict), fmt.Sprint(d.Status), kind, d.Room, d.Participant, remark(d),
	}
}

// remark is an event's peculiarity.
func remark(d app.Delivery) string {
	switch {
	case d.DuplicateOf > 0:
		return fmt.Sprintf("repeats %d", d.DuplicateOf)
	case d.Unapplied != "":
		return "no effect: " + d.Unapplied
	}
	return d.Reason
}

type eventShowOptions struct {
	*program
	json bool
}

func (p *program) eventShow() *cobra.Command {
	o := &eventShowOptions{program: p}
	cmd := &cobra.Command{Use: "show SEQ", Short: "Show an event exactly as it arrived", Args: exactly("SEQ"), RunE: p.do(o.run)}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object with headers and body")
	return cmd
}

func (o *eventShowOptions) run(ctx context.Context, args []string) error {
	seq, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil || seq == 0 {
		return usagef("SEQ is a number from `greenroom event list`, not %q", args[0])
	}
	return o.reading(ctx, func(b app.Backend) error {
		d, err := b.Event(ctx, app.EventRef{Seq: seq})
		if err != nil {
			return err
		}
		if d.Headers == nil {
			d.Headers = http.Header{} // distinguishes a whole event from a row of a list
		}
		if o.json {
			return o.printJSON(d)
		}
		return o.print(d)
	})
}

func (o *eventShowOptions) print(d app.Delivery) error {
	repeats := ""
	if d.DuplicateOf > 0 {
		repeats = fmt.Sprint(d.DuplicateOf)
	}
	if err := o.facts("event", fmt.Sprint(d.Seq), "at", local(d.At), "account", d.Account, "verdict", string(d.Verdict), "reason", d.Reason,
		"answered", fmt.Sprint(d.Status), "kind", string(d.Kind), "type", d.Type, "room", d.Room, "meeting", d.Meeting,
		"who", d.Participant, "session", d.Session, "repeats", repeats, "no effect", d.Unapplied, "size", humanize.IBytes(uint64(max(d.Size, 0)))); err != nil {
		return err
	}
	var s strings.Builder
	s.WriteString("\n" + plain.Text(d.Method+" "+d.Target) + "\n")
	names := make([]string, 0, len(d.Headers))
	for n := range d.Headers {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range d.Headers[n] {
			s.WriteString(plain.Text(n+": "+v) + "\n")
		}
	}
	if len(d.Body) > 0 {
		s.WriteString("\n" + plain.Lines(string(d.Body)) + "\n")
	}
	_, err := fmt.Fprint(o.stdout, s.String())
	return err
}
