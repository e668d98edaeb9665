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
	"greenroom/internal/plain"
)

func (p *program) calendarCommand() *cobra.Command {
	return group("calendar", "Calendars: export bookings, subscribe to others",
		p.calendarExport(), p.calendarSubscribe(), p.calendarList(), p.calendarRemove())
}

type calendarExportOptions struct {
	*program
	to   string
	json bool
}

func (p *program) calendarExport() *cobra.Command {
	o := &calendarExportOptions{program: p}
	cmd := &cobra.Command{
		Use: "export [ROOM]", Short: "Print the bookings as a calendar (ICS)", Args: atMostOne("ROOM"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
		Long: "Print the bookings of a room, or of all rooms, as a calendar that other programs import. An event keeps its identity: " +
			"importing again updates it. It contains the guest link as soon as there is one, and never a host link.",
		Example: "greenroom calendar export all-hands > all-hands.ics\ngreenroom calendar export --to ~/calendars/greenroom.ics",
	}
	cmd.Flags().StringVar(&o.to, "to", "", "write to this file instead of standard output")
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object with the calendar's text")
	return cmd
}

func (o *calendarExportOptions) run(ctx context.Context, args []string) error {
	if o.to != "" && o.json {
		return usagef("--to and --json exclude each other")
	}
	return o.reading(ctx, func(b app.Backend) error {
		e := app.CalendarExport{}
		if len(args) > 0 {
			e.Room = args[0]
		}
		out, err := b.ExportCalendar(ctx, e)
		if err != nil {
			return err
		}
		if out.Bookings == 0 {
			o.words("No bookings: the calendar is empty. Make one: greenroom room schedule ROOM --at '2026-12-01 10:00'")
		}
		switch {
		case o.json:
			return o.printJSON(out)
		case o.to != "":
			return replaceFile(o.to, out.ICS)
		}
		_, err = io.WriteString(o.stdout, out.ICS)
		return err
	})
}

// replaceFile writes a file as a whole: a program that reads it meanwhile sees the earlier one.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".greenroom-*")
	if err != nil {
		return fmt.Errorf("write the calendar: %w", err)
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write the calendar: %w", err)
	}
	return nil
}

type calendarSubscribeOptions struct {
	*program
	json bool
}

func (p *program) calendarSubscribe() *cobra.Command {
	o := &calendarSubscribeOptions{program: p}
	cmd := &cobra.Command{
		Use: "subscribe NAME URL|FILE", Short: "Subscribe to a calendar", Args: exactly("NAME", "URL|FILE"), RunE: p.do(o.run),
		Long: "Read a calendar (ICS) of Outlook, Google, Apple, Proton or another program, so that `upcoming` lists its events and their " +
			"conference links. Greenroom reads it every 15 minutes and never writes to it. If it can't be read, the last events stay.\n\n" +
			"The address must be https or webcal, and not in a private network. For a private calendar use its secret address; it is " +
			"kept in the store.",
		Example: "greenroom calendar subscribe work https://calendar.google.com/calendar/ical/…/basic.ics\ngreenroom calendar subscribe team ~/calendars/team.ics",
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the calendar as a JSON object")
	return cmd
}

func (o *calendarSubscribeOptions) run(ctx context.Context, args []string) error {
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
	return o.with(ctx, func(b app.Backend) error {
		c, err := b.AddCalendar(ctx, app.CalendarSpec{Name: args[0], URL: source})
		if err != nil {
			return err
		}
		for _, n := range c.Notes {
			o.words(plain.Text(n))
		}
		if o.json {
			return o.printJSON(c)
		}
		o.words(fmt.Sprintf("Subscribed to %s: %s. To list them: greenroom upcoming", plain.Text(c.Name), english.Plural(c.Events, "event", "events")))
		return nil
	})
}

type calendarListOptions struct {
	*program
	json bool
}

func (p *program) calendarList() *cobra.Command {
	o := &calendarListOptions{program: p}
	cmd := &cobra.Command{Use: "list", Short: "List the subscribed calendars", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run)}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array")
	return cmd
}

func (o *calendarListOptions) run(ctx context.Context, _ []string) error {
	return o.reading(ctx, func(b app.Backend) error {
		all, err := b.Calendars(ctx, app.CalendarQuery{})
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(list(all))
		}
		if len(all) == 0 {
			o.words("No calendars. Subscribe to one: greenroom calendar subscribe NAME URL|FILE")
			return nil
		}
		t := newTable("NAME", "EVENTS", "READ", "FROM", "NOTE")
		for _, c := range all {
			t.add(c.Name, fmt.Sprint(c.Events), o.clock(c.LastRead), place(c.URL), strings.Join(append(noneEmptyOf(c.Error), c.Notes...), "; "))
		}
		return o.printTable(t)
	})
}

func noneEmptyOf(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// place is where a calendar is, without what makes its address a key.
func place(source string) string {
	if u, err := feed.Address(source); err == nil && u.Scheme != "file" {
		return u.Host
	}
	return source
}

type calendarRemoveOptions struct {
	*program
	yes, json bool
}

func (p *program) calendarRemove() *cobra.Command {
	o := &calendarRemoveOptions{program: p}
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "End a subscription", Aliases: []string{"rm"}, Args: exactly("NAME"), RunE: p.do(o.run), ValidArgsFunction: p.calendars,
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the calendar as a JSON object")
	return cmd
}

func (o *calendarRemoveOptions) run(ctx context.Context, args []string) error {
	if err := o.canAsk("--yes", o.yes); err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		if err := o.confirm(ctx, "Remove calendar "+args[0]+"?", "--yes", o.yes); err != nil {
			return err
		}
		c, err := b.RemoveCalendar(ctx, app.CalendarRef{Name: args[0]})
		if err != nil {
			return err
		}
		defer o.undoable()
		if o.json {
			return o.printJSON(c)
		}
		o.words("Removed calendar ", plain.Text(c.Name), ".")
		return nil
	})
}

// calendars completes the first argument with the names of the subscribed calendars.
func (p *program) calendars(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	err := p.quietly(cmd.Context(), func(ctx context.Context, b app.Backend) error {
		all, err := b.Calendars(ctx, app.CalendarQuery{})
		for _, c := range all {
			if strings.HasPrefix(c.Name, prefix) && plain.Word(c.Name) == c.Name {
				names = append(names, c.Name)
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
