package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/plain"
)

func (p *program) meetingCommand() *cobra.Command {
	c := group("meeting", "Meetings: what happens in rooms",
		p.meetingList(), p.meetingStart(), p.meetingShow(), p.meetingEnd(), p.meetingEject(), p.meetingMute(), p.meetingJoin(), p.meetingLink(), p.meetingAttendance())
	c.Long = "A meeting takes place in a room. MEETING is an id, a platform's room name, or a room's name, which means its\n" +
		"live meeting, else its latest."
	return c
}

type meetingListOptions struct {
	*program
	query  app.MeetingQuery
	status string
	json   bool
}

func (p *program) meetingList() *cobra.Command {
	o := &meetingListOptions{program: p}
	cmd := &cobra.Command{Use: "list", Short: "List meetings, newest first", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run)}
	cmd.Flags().StringVar(&o.query.Room, "room", "", "only meetings of this room")
	cmd.Flags().StringVar(&o.query.Account, "account", "", "only meetings of this account")
	cmd.Flags().StringVar(&o.status, "status", "", "only meetings with this status: open, live or ended")
	words(cmd, "status", app.Open, app.Live, app.Ended)
	cmd.Flags().StringVar(&o.query.Filter, "filter", "", "only meetings that match, such as 'ada is:ended date:yesterday'")
	cmd.Flags().IntVar(&o.query.Limit, "limit", 100, "maximum number of meetings")
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array")
	cmd.Long = "List meetings: live ones, then open ones, then ended ones, each newest first.\n\n" +
		"A filter has words, which also match people, and terms: room:, person:, account:, is:live, open, ended, waiting, failing or " +
		"adopted, date:2026-11-28, today or yesterday, since:2d, until:2026-11-28. `or`, `-` and parentheses combine them."
	return cmd
}

func (o *meetingListOptions) run(ctx context.Context, _ []string) error {
	o.query.Status = app.MeetingStatus(o.status)
	if o.status != "" && !slices.Contains([]app.MeetingStatus{app.Open, app.Live, app.Ended}, o.query.Status) {
		return usagef("--status can't be %q: use open, live, ended", o.status)
	}
	if o.query.Limit < 1 {
		return usagef("--limit can't be %d", o.query.Limit)
	}
	if _, err := filter.Parse(o.query.Filter, filter.Options{Now: o.now(), Of: filter.Rooms}); err != nil {
		return usagef("%s", err)
	}
	o.query.TimeZone, _ = localZone(o.getenv, o.now()) // else days are those of UTC
	return o.reading(ctx, func(b app.Backend) error {
		meetings, err := b.Meetings(ctx, o.query)
		if err == nil {
			err = o.cut(len(meetings), o.query.Limit, "meetings", func() (int, error) {
				n, err := b.Counts(ctx, app.CountQuery{Meetings: &o.query})
				return n.Meetings, err
			})
		}
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(list(meetings))
		}
		if len(meetings) == 0 && o.query.Filter != "" {
			o.words("No meeting matches the filter.")
			return nil
		}
		if len(meetings) == 0 {
			o.words("No meetings. Start one: greenroom meeting start ROOM")
			return nil
		}
		t := newTable("ROOM", "ACCOUNT", "STATE", "HERE", "PEAK", "OPENED", "PLATFORM ROOM", "ID").keep("ID", "OPENED").narrow("PLATFORM ROOM", "PEAK", "ACCOUNT")
		for _, m := range meetings {
			t.add(m.Room, m.Account, string(m.Status), fmt.Sprint(m.Here), fmt.Sprint(m.Peak), o.clock(m.StartsAt), m.PlatformRoom, m.ID)
		}
		return o.printTable(t)
	})
}

type meetingEndOptions struct {
	*program
	json, yes bool
}

func (p *program) meetingEnd() *cobra.Command {
	o := &meetingEndOptions{program: p}
	cmd := &cobra.Command{Use: "end MEETING", Short: "Remove everyone and end a meeting", Args: exactly("MEETING"), RunE: p.do(o.run), ValidArgsFunction: p.rooms}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the meeting as a JSON object")
	return cmd
}

// endQuestion asks before a meeting is ended. A lasting room stays, and some platforms leave the people in it.
func endQuestion(m app.Meeting, after app.AfterEnd) string {
	q := fmt.Sprintf("End %s with %d here?", m.Room, m.Here)
	if m.Here == 0 {
		q = fmt.Sprintf("End %s? No one is here.", m.Room)
	}
	platform := plain.Text(m.Platform.Title())
	switch {
	case m.KeepsRoom() && after == app.PeopleStay && m.Here > 0:
		return "The room stays on " + platform + " with the people in it, since " + platform + " has no way to remove them. " + q
	case m.KeepsRoom() && after != "":
		return "The room stays on " + platform + ", and its links keep working. " + q
	}
	return q
}

func (o *meetingEndOptions) run(ctx context.Context, args []string) error {
	if err := o.canAsk("--yes", o.yes); err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		m, err := b.Meeting(ctx, app.MeetingRef{Ref: args[0]})
		if err != nil {
			return err
		}
		var account app.AccountStatus
		if m.KeepsRoom() && !o.yes {
			if account, err = accountStatus(ctx, b, m.Account); err != nil {
				return err
			}
		}
		if err := o.confirm(ctx, endQuestion(m.Meeting, account.AfterEnd), "--yes", o.yes); err != nil {
			return err
		}
		ended, err := b.EndMeeting(ctx, app.MeetingRef{Ref: m.ID})
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(ended)
		}
		if m.Status == app.Ended {
			o.words("The meeting of ", plain.Text(ended.Room), " had ended already.")
			return nil
		}
		lasted := ""
		if !ended.StartedAt.IsZero() && !ended.EndedAt.IsZero() {
			lasted = fmt.Sprintf(" after %s, peak %d", length(ended.EndedAt.Sub(ended.StartedAt.Time).Round(time.Second)), ended.Peak)
		}
		o.words("Ended the meeting of ", plain.Text(ended.Room), lasted, ".")
		return nil
	})
}
