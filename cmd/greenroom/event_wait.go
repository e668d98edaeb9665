package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

func (p *program) eventWait() *cobra.Command {
	o := &watchOptions{program: p}
	cmd := &cobra.Command{
		Use: "wait", Short: "Wait for an event in a script", Args: exactly(), RunE: p.do(o.wait),
		Long: "Wait for events that match, print them, and exit with status 0. On a timeout the status is 1, and the other events " +
			"that arrived are listed on standard error.",
		Example: "greenroom event wait --filter 'kind:joined participant:ada' --timeout 30s\n" +
			"greenroom event wait --filter kind:recording.ready --from 1 --json | jq .seq",
	}
	o.add(cmd)
	number(cmd.Flags(), &o.count, "count", "1", 1, math.MaxInt, "number of events to wait for")
	return cmd
}

func (o *watchOptions) wait(ctx context.Context, _ []string) error {
	f, timedOut, err := o.watch(ctx, func(f *follower) { o.instead(ctx, f) })
	switch {
	case errors.Is(err, errUnread):
		return context.Canceled // the status is 1
	case err != nil:
		return err
	case timedOut && o.count == 1:
		return fmt.Errorf("no event matched within %s", o.timeout)
	case timedOut:
		return fmt.Errorf("%d of %d events arrived within %s", len(f.printed), o.count, o.timeout)
	}
	return nil
}

// The limits of the list of other events.
const (
	insteadRows = 20
	insteadTime = 2 * time.Second
)

// instead lists the events that arrived and didn't match.
func (o *watchOptions) instead(ctx context.Context, f *follower) {
	ctx, cancel := context.WithTimeout(ctx, insteadTime)
	defer cancel()
	page, err := f.backend.Events(ctx, app.EventQuery{After: f.began, Before: ^uint64(0), Limit: insteadRows + len(f.printed) + 1})
	if err != nil {
		o.words(plain.Text(fmt.Sprintf("The other events can't be read: %v", err)))
		return
	}
	others := slices.DeleteFunc(page.Events, func(d app.Delivery) bool { return slices.Contains(f.printed, d.Seq) })
	switch n := len(others); {
	case n == 0 && len(f.printed) == 0:
		o.words("No other events arrived.")
		return
	case n == 0:
		return
	case n > insteadRows || page.More:
		others = others[:min(n, insteadRows)]
		o.words(fmt.Sprintf("The latest %d of the other events:", len(others)))
	default:
		o.words("The other events:")
	}
	quiet := *o.program
	quiet.stdout, quiet.json = o.stderr, false
	for _, d := range slices.Backward(others) {
		_ = quiet.printEvent(d) // standard error is the only place where this could be reported
	}
}
