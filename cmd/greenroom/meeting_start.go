package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/when"
)

type meetingStartOptions struct {
	*program
	app.StartMeeting
}

func (p *program) meetingStart() *cobra.Command {
	o := &meetingStartOptions{program: p}
	cmd := &cobra.Command{
		Use: "start ROOM", Short: "Start a meeting in a room and print its " +
			"links", Args: exactly("ROOM"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
		Long: "Start a meeting in a room and print its guest link and host link. Anyone with the host link joins as host. If the " +
			"room already has an open or live meeting, its links are printed instead, unless --new is given. Starting opens nothing, " +
			"so it doesn't ask for consent: the output says whether the meeting is recorded, and `meeting join` asks. --consent gives it in " +
			"advance.",
		Example: "greenroom meeting start all-hands --for 1h\ngreenroom meeting start all-hands --until 17:30 --json",
	}
	parsed(cmd.Flags(), &o.For, "for", "", like(func(s string) (time.Duration, bool) {
		d, ok := when.Age(s)
		return d, ok && d > 0
	}, "write it like 45m, 1h30m or 2d"), "length of the meeting, such as 45m, 1h30m, 2d")
	parsed(cmd.Flags(), &o.Until, "until", "", p.future, "end of the meeting, such as 17:30 or 2026-01-31T17:30:00Z")
	cmd.Flags().BoolVar(&o.New, "new", false, "start another meeting even if one is open")
	cmd.Flags().BoolVar(&o.Consent, "consent", false, "consent to be recorded; joining from here won't ask again")
	exclusive(cmd, "for", "until")
	return p.jsonFlag(cmd, "print the meeting as a JSON object")
}

// future parses a moment that has not passed.
func (p *program) future(s string) (app.Time, error) {
	t, ok := when.Moment(s, p.now(), true)
	switch {
	case !ok:
		return app.Time{}, hint("write it like 17:30, or 2026-01-31T17:30:00Z")
	case !t.After(p.now()):
		return app.Time{}, hint(t.Format(time.RFC3339) + " is in the past")
	}
	return app.At(t), nil
}

func (o *meetingStartOptions) run(ctx context.Context, args []string) error {
	o.Room = args[0]
	return o.with(ctx, func(b app.Backend) error {
		m, err := b.StartMeeting(ctx, o.StartMeeting)
		if err != nil {
			return err
		}
		o.notes(m.Notes)
		if o.json {
			return o.printJSON(m)
		}
		verb, until := "Started", ""
		if m.Reused {
			verb = "Already open:"
		}
		if !m.EndsAt.IsZero() { // an adopted room has no end
			until = ", until " + o.clock(m.EndsAt)
		}
		o.words(fmt.Sprintf("%s %s on %s%s.", verb, plain.Text(m.Room), plain.Text(m.Account), until))
		if isRecorded(m.Meeting) {
			o.words("This meeting is recorded: inform the people you invite.")
		}
		return o.facts("guest", m.GuestURL, "host", m.HostURL)
	})
}
