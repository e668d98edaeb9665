package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/attendance"
)

type attendanceOptions struct {
	*program
	csv, md bool
}

func (p *program) meetingAttendance() *cobra.Command {
	o := &attendanceOptions{program: p}
	cmd := &cobra.Command{
		Use: "attendance MEETING", Short: "List who came, when, and for how long", Args: exactly("MEETING"), RunE: p.reads(o.run),
		ValidArgsFunction: p.rooms,
		Long: "List who came, when, and for how long: one line per person, with rejoins merged.\n\n" +
			"People with the same user id, or without an id but with the same name, count as one person.",
		Example: "  greenroom meeting attendance standup\n  greenroom meeting attendance standup --csv > standup.csv",
	}
	cmd.Flags().BoolVar(&o.csv, "csv", false, "print CSV for spreadsheets, with times in UTC")
	cmd.Flags().BoolVar(&o.md, "md", false, "print a Markdown table")
	exclusive(p.jsonFlag(cmd, "print a JSON array"), "csv", "md", "json")
	return cmd
}

func (o *attendanceOptions) run(ctx context.Context, b app.Backend, args []string) error {
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: args[0]})
	if err != nil {
		return err
	}
	expected, err := b.Expected(ctx, app.MeetingRef{Ref: m.ID})
	if err != nil {
		return err
	}
	rows := attendance.Of(m, expected, o.now())
	switch {
	case o.json:
		return o.printJSON(rows)
	case o.csv:
		return attendance.CSV(o.stdout, rows)
	case o.md:
		return attendance.Markdown(o.stdout, m.Room+", "+local(m.StartsAt), rows, o.now().Location())
	case len(rows) == 0:
		o.words("No one came to " + m.Room + ".")
		return nil
	}
	t := newTable("NAME", "FIRST IN", "LAST OUT", "MINUTES", "JOINED", "CONSENT")
	for _, r := range rows {
		name := r.Name
		if r.Owner {
			name += " (host)"
		}
		if !r.Came {
			t.add(name, "never came", "", "", "", r.Consent)
			continue
		}
		last := "still here"
		if !r.LastOut.IsZero() {
			last = o.clock(r.LastOut)
		}
		t.add(name, o.clock(r.FirstIn), last, strconv.Itoa(r.Minutes), strconv.Itoa(r.Joins), r.Consent)
	}
	return o.printTable(t)
}
