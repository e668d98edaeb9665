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
	lasts, until string
	new, consent bool
}

func (p *program) meetingStart() *cobra.Command {
	o := &meetingStartOptions{program: p}
	cmd := &cobra.Command{
		Use: "start ROOM", Short: "Start a meeting in a room and print its " +
			"links", Args: exactly("ROOM"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
		Long: "Start a meeting in a room and print its guest link and host link. Anyone with the host link joins as host. If the " +
			"room already has an open or live meeting, its links are printed instead, unless --new is given. Starting opens nothing, " +
			"so consent isn't asked: the output notes if the meeting is recorded, and `meeting join` asks. --consent gives it in " +
			"advance.",
		Example: "greenroom meeting start all-hands --for 1h\ngreenroom meeting start all-hands --until 17:30 --json",
	}
	cmd.Flags().StringVar(&o.lasts, "for", "", "length of the meeting, such as 45m, 1h30m, 2d")
	cmd.Flags().StringVar(&o.until, "until", "", "end of the meeting, such as 17:30 or 2026-01-31T17:30:00Z")
	cmd.Flags().BoolVar(&o.new, "new", false, "start another meeting even if one is open")
	cmd.Flags().BoolVar(&o.consent, "consent", false, "consent to be recorded; joining from here won't ask again")
	return p.jsonFlag(cmd, "print the meeting as a JSON object")
}

func (o *meetingStartOptions) run(ctx context.Context, args []string) error {
	request := app.StartMeeting{Room: args[0], New: o.new, Consent: o.consent}
	switch {
	case o.lasts != "" && o.until != "":
		return usagef("use either --for or --until, not both")
	case o.lasts != "":
		d, ok := when.Age(o.lasts)
		if !ok || d <= 0 {
			return usagef("--for can't be %q: write it like 45m, 1h30m or 2d", o.lasts)
		}
		request.For = d
	case o.until != "":
		t, ok := when.Moment(o.until, o.now(), true)
		if !ok {
			return usagef("--until can't be %q: write it like 17:30, or 2026-01-31T17:30:00Z", o.until)
		}
		if !t.After(o.now()) {
			return usagef("--until is in the past: %s", t.Format(time.RFC3339))
		}
		request.Until = app.At(t)
	}
	return o.with(ctx, func(b app.Backend) error {
		m, err := b.StartMeeting(ctx, request)
		if err != nil {
			return err
		}
		o.notes(m.Notes)
		if o.json {
			return o.printJSON(m)
		}
		verb := "Started"
		if m.Reused {
			verb = "Already open:"
		}
		until := "." // an adopted room has no end
		if !m.EndsAt.IsZero() {
			until = ", until " + o.clock(m.EndsAt) + "."
		}
		o.words(fmt.Sprintf("%s %s on %s%s", verb, plain.Text(m.Room), plain.Text(m.Account), until))
		if isRecorded(m.Meeting) {
			o.words("This meeting is recorded: inform the people you invite.")
		}
		return o.facts("guest", m.GuestURL, "host", m.HostURL)
	})
}
