package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/when"
)

// watchOptions are the options of tail and wait, which follow events.
type watchOptions struct {
	*program
	eventFilter
	from    uint64 // 0 for the next event
	until   string
	timeout string
	limit   time.Duration // the timeout
	count   int
}

func (o *watchOptions) add(cmd *cobra.Command) {
	o.eventFilter.add(cmd)
	fl := cmd.Flags()
	parsed(fl, &o.from, "from", "now", parseFrom, "start at this sequence number instead of the next event")
	parsed(fl, &o.limit, "timeout", "", like(func(s string) (time.Duration, bool) {
		o.timeout = s
		return when.Age(s)
	}, "write it like 30s or 5m"), "stop after this time, such as 30s or 5m")
	o.jsonFlag(cmd, "print one JSON object per line")
}

func (p *program) eventTail() *cobra.Command {
	o := &watchOptions{program: p}
	cmd := &cobra.Command{
		Use: "tail", Short: "Follow events as they arrive", Args: exactly(), RunE: p.do(o.tail),
		Example: "greenroom event tail --json | jq .kind\ngreenroom event tail --filter room:standup --until kind:meeting.ended",
	}
	o.add(cmd)
	number(cmd.Flags(), &o.count, "count", "", 1, math.MaxInt, "stop after this many events")
	cmd.Flags().StringVar(&o.until, "until", "", "stop after the first event that this filter selects; it is printed only if --filter selects it too")
	return cmd
}

func (o *watchOptions) tail(ctx context.Context, _ []string) error {
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

// errTimeUp is the cause of a context that ended by --timeout.
var errTimeUp = errors.New("the time is up")

// watch follows events until the last one, a signal, the time limit, or the end of the output. late, which may be nil, is called when
// the time is up.
func (o *watchOptions) watch(ctx context.Context, late func(*follower)) (f *follower, timedOut bool, err error) {
	f = &follower{count: o.count, print: o.printEvent, from: o.from}
	if f.query, err = o.query(o.program); err != nil {
		return f, false, err
	}
	if f.until, err = o.filterOf(o.until); err != nil {
		return f, false, err
	}
	open, end := untilClosed(ctx, o.stdout)
	defer end()
	until := open
	if o.timeout != "" {
		var cancel context.CancelFunc
		until, cancel = context.WithTimeoutCause(open, o.limit, errTimeUp)
		defer cancel()
	}
	isLate := func() bool { return errors.Is(context.Cause(until), errTimeUp) && open.Err() == nil }
	err = o.withAccess(until, access{stay: true}, func(b app.Backend) error {
		if err := knownAccount(until, b, o.Account); err != nil {
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

// errUnread ends a command whose output is closed. It is no error, except for wait.
var errUnread = fmt.Errorf("standard output is closed: %w", context.Canceled)

// parseFrom parses a number, or now, which is 0.
func parseFrom(s string) (uint64, error) {
	if strings.EqualFold(s, "now") {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, hint("use now, or a number from `greenroom event list`")
	}
	return n, nil
}

// printEvent prints one line.
func (p *program) printEvent(d app.Delivery) error {
	if p.json {
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
