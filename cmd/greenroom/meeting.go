package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/plain"
)

func (p *program) meetingCommand() *cobra.Command {
	c := group("meeting", "Meetings: what happens in rooms",
		p.meetingList(), p.meetingStart(), p.meetingShow(), p.meetingEnd(), p.meetingEject(), p.meetingMute(), p.meetingJoin(), p.meetingLink(), p.meetingAttendance())
	c.Long = "A meeting takes place in a room. MEETING is an id, a platform's room name, or a room's name, which selects its\n" +
		"live meeting, or its latest one if none is live."
	return c
}

type meetingListOptions struct {
	*program
	query app.MeetingQuery
}

func (p *program) meetingList() *cobra.Command {
	o := &meetingListOptions{program: p}
	cmd := &cobra.Command{Use: "list", Short: "List meetings, newest first", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run)}
	cmd.Flags().StringVar(&o.query.Room, "room", "", "only meetings of this room")
	cmd.Flags().StringVar(&o.query.Account, "account", "", "only meetings of this account")
	choice(cmd, &o.query.Status, "status", "", "only meetings with this status: open, live or ended", app.Open, app.Live, app.Ended)
	cmd.Flags().StringVar(&o.query.Filter, "filter", "", "only meetings that match, such as 'ada is:ended date:yesterday'")
	atMost(cmd.Flags(), &o.query.Limit, "meetings")
	cmd.Long = "List meetings: live ones, then open ones, then ended ones, each newest first.\n\n" +
		"A filter consists of words, which also match people, and terms: room:, person:, account:, is:live, open, ended, waiting, failing or adopted, date:2026-11-28, today or yesterday, since:2d, until:2026-11-28. Combine them with `or`, `-` and parentheses."
	return p.jsonFlag(cmd, "print a JSON array")
}

func (o *meetingListOptions) run(ctx context.Context, _ []string) error {
	if _, err := filter.Parse(o.query.Filter, filter.Options{Now: o.now(), Of: filter.Rooms}); err != nil {
		return usagef("%w", err)
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
		none := "No meetings. Start one: greenroom meeting start ROOM"
		if o.query.Filter != "" {
			none = "No meeting matches the filter."
		}
		t := newTable("ROOM", "ACCOUNT", "STATE", "HERE", "PEAK", "OPENED", "PLATFORM ROOM", "ID").keep("ID", "OPENED").narrow("PLATFORM ROOM", "PEAK", "ACCOUNT")
		return printList(o.program, meetings, none, t, func(m app.Meeting) []string {
			return []string{m.Room, m.Account, string(m.Status), fmt.Sprint(m.Here), fmt.Sprint(m.Peak), o.clock(m.StartsAt), m.PlatformRoom, m.ID}
		})
	})
}

func (p *program) meetingEnd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "end MEETING", Short: "Remove everyone and end a meeting", Args: exactly("MEETING"), RunE: p.asks(p.endMeeting), ValidArgsFunction: p.rooms,
	}
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the meeting as a JSON object")
}

// endQuestion returns the question before a meeting is ended. A lasting room stays, and on some platforms people stay in it.
func endQuestion(m app.Meeting, after app.AfterEnd) string {
	q := fmt.Sprintf("End %s with %s in it?", m.Room, english.Plural(m.Here, "person", "people"))
	if m.Here == 0 {
		q = fmt.Sprintf("End %s? No one is in it.", m.Room)
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

func (p *program) endMeeting(ctx context.Context, b app.Backend, args []string) error {
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: args[0]})
	if err != nil {
		return err
	}
	var account app.AccountStatus
	if m.KeepsRoom() && !p.yes {
		if account, err = accountStatus(ctx, b, m.Account); err != nil {
			return err
		}
	}
	if err := p.sure(ctx, endQuestion(m.Meeting, account.AfterEnd)); err != nil {
		return err
	}
	ended, err := b.EndMeeting(ctx, app.MeetingRef{Ref: m.ID})
	if err != nil {
		return err
	}
	if m.Status == app.Ended {
		return p.result(ended, "The meeting of %s had already ended.", ended.Room)
	}
	lasted := ""
	if !ended.StartedAt.IsZero() && !ended.EndedAt.IsZero() {
		lasted = fmt.Sprintf(" after %s, peak %d", length(ended.EndedAt.Sub(ended.StartedAt.Time).Round(time.Second)), ended.Peak)
	}
	return p.result(ended, "Ended the meeting of %s%s.", ended.Room, lasted)
}
