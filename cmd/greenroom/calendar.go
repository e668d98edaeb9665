package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/calendar/feed"
)

func (p *program) calendarCommand() *cobra.Command {
	return group("calendar", "Calendars: export bookings, subscribe to others",
		p.calendarExport(), p.calendarSubscribe(), p.calendarList(), p.calendarRemove())
}

type calendarExportOptions struct {
	*program
	to string
}

func (p *program) calendarExport() *cobra.Command {
	o := &calendarExportOptions{program: p}
	cmd := &cobra.Command{
		Use: "export [ROOM]", Short: "Print the bookings as a calendar (ICS)", Args: atMostOne("ROOM"), RunE: p.reads(o.run), ValidArgsFunction: p.rooms,
		Long: "Print the bookings of a room, or of all rooms, as a calendar file for other programs. Importing the file again " +
			"updates its events. Each event contains the guest link once there is one, but never a host link.",
		Example: "greenroom calendar export all-hands > all-hands.ics\ngreenroom calendar export --to ~/calendars/greenroom.ics",
	}
	cmd.Flags().StringVar(&o.to, "to", "", "write to this file instead of standard output")
	exclusive(p.jsonFlag(cmd, "print a JSON object with the calendar's text"), "to", "json")
	return cmd
}

func (o *calendarExportOptions) run(ctx context.Context, b app.Backend, args []string) error {
	e := app.CalendarExport{}
	if len(args) > 0 {
		e.Room = args[0]
	}
	out, err := b.ExportCalendar(ctx, e)
	if err != nil {
		return err
	}
	if out.Bookings == 0 {
		o.words("There are no bookings, so the calendar is empty. To add one: greenroom room schedule ROOM --at '2026-12-01 10:00'")
	}
	switch {
	case o.json:
		return o.printJSON(out)
	case o.to != "":
		return replaceFile(o.to, 0o600, func(f *os.File) error {
			_, err := f.WriteString(out.ICS)
			return err
		})
	}
	_, err = io.WriteString(o.stdout, out.ICS)
	return err
}

func (p *program) calendarSubscribe() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "subscribe NAME URL|FILE", Short: "Subscribe to a calendar", Args: exactly("NAME", "URL|FILE"), RunE: p.do(p.subscribeCalendar),
		Long: "Subscribe to a calendar (ICS) from Outlook, Google, Apple, Proton or another program, so that `upcoming` lists its events and their conference links. Greenroom reads it every 15 minutes and never writes to it. If it can't be read, the previously read events stay.\n\n" +
			"The address must be https or webcal, and public. For a private calendar, use its secret address, which is kept in the store.",
		Example: "greenroom calendar subscribe work https://calendar.google.com/calendar/ical/…/basic.ics\ngreenroom calendar subscribe team ~/calendars/team.ics",
	}, "print the calendar as a JSON object")
}

func (p *program) subscribeCalendar(ctx context.Context, args []string) error {
	u, err := feed.Address(args[1])
	if err != nil {
		return err
	}
	source := u.String()
	if u.Scheme == "file" {
		if source, err = filepath.Abs(u.Path); err != nil {
			return fmt.Errorf("find the calendar's file: %w", err)
		}
	}
	return p.with(ctx, func(b app.Backend) error {
		c, err := b.AddCalendar(ctx, app.CalendarSpec{Name: args[0], URL: source})
		if err != nil {
			return err
		}
		p.notes(c.Notes)
		return p.result(c, "Subscribed to %s: %s. To list them: greenroom upcoming", c.Name, english.Plural(c.Events, "event", "events"))
	})
}

func (p *program) calendarList() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "list", Short: "List the subscribed calendars", Aliases: []string{"ls"}, Args: exactly(), RunE: p.reads(p.listCalendars),
	}, "print a JSON array")
}

func (p *program) listCalendars(ctx context.Context, b app.Backend, _ []string) error {
	all, err := b.Calendars(ctx, app.CalendarQuery{})
	if err != nil {
		return err
	}
	t := newTable("NAME", "EVENTS", "READ", "FROM", "NOTE")
	return printList(p, all, "No calendars. Subscribe to one: greenroom calendar subscribe NAME URL|FILE", t, func(c app.Calendar) []string {
		notes := c.Notes
		if c.Error != "" {
			notes = append([]string{c.Error}, notes...)
		}
		return []string{c.Name, fmt.Sprint(c.Events), p.clock(c.LastRead), place(c.URL), strings.Join(notes, "; ")}
	})
}

// place returns the host of a calendar's address, which may itself be a secret, or the path of its file.
func place(source string) string {
	if u, err := feed.Address(source); err == nil && u.Scheme != "file" {
		return u.Host
	}
	return source
}

func (p *program) calendarRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove a " +
			"calendar", Aliases: []string{"rm"}, Args: exactly("NAME"), RunE: p.asks(p.removeCalendar), ValidArgsFunction: p.calendars,
	}
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the calendar as a JSON object")
}

func (p *program) removeCalendar(ctx context.Context, b app.Backend, args []string) error {
	if err := p.sure(ctx, "Remove calendar "+args[0]+"?"); err != nil {
		return err
	}
	c, err := b.RemoveCalendar(ctx, app.CalendarRef{Name: args[0]})
	if err != nil {
		return err
	}
	defer p.undoable()
	return p.result(c, "Removed calendar %s.", c.Name)
}

// calendars completes the first argument with the names of the subscribed calendars.
func (p *program) calendars(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completeNames(p, cmd, args, prefix, app.Backend.Calendars, func(c app.Calendar) string { return c.Name })
}
