package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/plain"
	"greenroom/internal/when"
)

// watchOptions are those of commands that follow events: tail and wait.
type watchOptions struct {
	*program
	eventFilter
	from, until, timeout string
	count                int
	changed              func(flag string) bool // of tail
}

func (o *watchOptions) add(cmd *cobra.Command) {
	o.eventFilter.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&o.from, "from", "now", "start at this sequence number instead of the next event")
	fl.StringVar(&o.timeout, "timeout", "", "stop after this time, such as 30s or 5m")
	o.jsonFlag(cmd, "print one JSON object per line")
}

func (p *program) eventTail() *cobra.Command {
	o := &watchOptions{program: p}
	cmd := &cobra.Command{
		Use: "tail", Short: "Follow events as they arrive", Args: exactly(), RunE: p.do(o.tail),
		Example: "greenroom event tail --json | jq .kind\ngreenroom event tail --filter room:standup --until kind:meeting.ended",
	}
	o.add(cmd)
	cmd.Flags().IntVar(&o.count, "count", 0, "stop after this many events")
	o.changed = cmd.Flags().Changed
	cmd.Flags().StringVar(&o.until, "until", "", "stop after the first event that this filter selects; it is printed only if --filter selects it too")
	return cmd
}

func (o *watchOptions) tail(ctx context.Context, _ []string) error {
	if o.count < 0 || o.count == 0 && o.changed("count") {
		return usagef("--count can't be %d: use 1 or more", o.count)
	}
	f, timedOut, err := o.watch(ctx, nil)
	switch {
	case errors.Is(err, errUnread):
		return nil
	case err != nil || !timedOut:
		return err
	case o.count > 0:
		return fmt.Errorf("%d of %d events arrived within %s", len(f.printed), o.count, o.timeout)
	case o.until != "":
		return fmt.Errorf("no event matched --until within %s", o.timeout)
	}
	return nil
}

// errTimeUp is why a context has ended: its --timeout.
var errTimeUp = errors.New("the time is up")

// watch follows events until the last one, a signal, the time limit, or the end of the output. late, which may be nil, is called when
// the time is up.
func (o *watchOptions) watch(ctx context.Context, late func(*follower)) (f *follower, timedOut bool, err error) {
	f = &follower{count: o.count, print: o.printEvent}
	if f.query, err = o.query(o.program); err != nil {
		return f, false, err
	}
	if f.until, err = o.filterOf(o.until); err != nil {
		return f, false, err
	}
	if f.from, err = fromWhen(o.from); err != nil {
		return f, false, err
	}
	open, end := untilClosed(ctx, o.stdout)
	defer end()
	until := open
	if o.timeout != "" {
		d, ok := when.Age(o.timeout)
		if !ok {
			return f, false, usagef("--timeout can't be %q: write it like 30s or 5m", o.timeout)
		}
		var cancel context.CancelFunc
		until, cancel = context.WithTimeoutCause(open, d, errTimeUp)
		defer cancel()
	}
	isLate := func() bool { return errors.Is(context.Cause(until), errTimeUp) && open.Err() == nil }
	err = o.withAccess(until, access{stay: true}, func(b app.Backend) error {
		if err := knownAccount(until, b, o.account); err != nil {
			return err
		}
		f.backend = b
		err := f.run(until)
		if err == nil && !f.met && isLate() && late != nil {
			late(f)
		}
		return err
	})
	switch {
	case f.met && err == nil:
		return f, false, nil
	case isLate() && (err == nil || errors.Is(err, context.DeadlineExceeded)):
		return f, true, nil
	case open.Err() == nil || err != nil && !errors.Is(err, context.Canceled):
		return f, false, err
	}
	if _, asked := context.Cause(ctx).(*signalled); asked {
		return f, false, ctx.Err()
	}
	return f, false, errUnread
}

// errUnread ends a command quietly whose output no one reads any more. It is the status of wait alone.
var errUnread = fmt.Errorf("standard output is closed: %w", context.Canceled)

// fromWhen reads --from: a number, or now, which is 0.
func fromWhen(s string) (uint64, error) {
	if strings.EqualFold(s, "now") {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, usagef("--from can't be %q: use now, or a number from `greenroom event list`", s)
	}
	return n, nil
}

// printEvent prints one line.
func (p *program) printEvent(d app.Delivery) error {
	if p.json {
		d.Headers, d.Body = nil, nil
		d.Body = export.RedactBody(d.Body)
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
