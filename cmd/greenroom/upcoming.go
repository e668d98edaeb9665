package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

type upcomingOptions struct {
	*program
	days    int
	offline bool
}

func (p *program) upcomingCommand() *cobra.Command {
	o := &upcomingOptions{program: p}
	cmd := &cobra.Command{
		Use: "upcoming", Short: "List bookings, calendar events and live meetings", Args: exactly(), RunE: p.changes(o.run),
		Long: "List bookings, events of subscribed calendars, and live meetings together, in order of time. Overlaps are marked, " +
			"except for all-day events.",
		Example: "greenroom upcoming --days 1",
	}
	number(cmd.Flags(), &o.days, "days", "7", 1, 366, "number of days ahead")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "don't read the calendars first")
	return p.jsonFlag(cmd, "print a JSON array")
}

// coming returns the upcoming items, and prints the notes.
func (p *program) coming(ctx context.Context, b app.Backend, days int, offline bool) ([]app.UpcomingItem, error) {
	zone, ok := localZone(p.getenv, p.now())
	if !ok {
		zone = "UTC"
	}
	u, err := b.Upcoming(ctx, app.UpcomingQuery{Days: days, TimeZone: zone, Offline: offline})
	p.notes(u.Notes)
	return u.Items, err
}

func (o *upcomingOptions) run(ctx context.Context, b app.Backend, _ []string) error {
	items, err := o.coming(ctx, b, o.days, o.offline)
	if err != nil {
		return err
	}
	const none = "Nothing is planned. Plan a meeting: greenroom room schedule ROOM --at '2026-12-01 10:00'"
	t := newTable("DAY", "TIME", "WHAT", "FROM", "STATE", "LINK").narrow("FROM")
	day := ""
	return printList(o.program, items, none, t, func(i app.UpcomingItem) []string {
		shown := i.At.In(o.now().Location()).Format("Mon 2006-01-02")
		label := shown
		if shown == day {
			label = ""
		}
		day = shown
		return []string{label, o.span(i), i.Title, cmp.Or(i.Calendar, string(i.Source)), state(i), i.URL}
	})
}

// span returns the time of day of an item.
func (o *upcomingOptions) span(i app.UpcomingItem) string {
	loc := o.now().Location()
	switch {
	case i.AllDay:
		return "all day"
	case i.EndsAt.IsZero():
		return i.At.In(loc).Format("15:04")
	}
	return i.At.In(loc).Format("15:04") + "–" + i.EndsAt.In(loc).Format("15:04")
}

func state(i app.UpcomingItem) string {
	var words []string
	if i.Status != "" {
		words = append(words, string(i.Status))
	}
	if i.Here > 0 {
		words = append(words, fmt.Sprintf("%d here", i.Here))
	}
	if n := len(i.Conflicts); n > 0 {
		words = append(words, "conflicts with "+i.Conflicts[0])
		if n > 1 {
			words = append(words, fmt.Sprintf("and %d more", n-1))
		}
	}
	return strings.Join(words, ", ")
}

type nextOptions struct {
	*program
	host, print, consent bool
}

func (p *program) nextCommand() *cobra.Command {
	o := &nextOptions{program: p}
	cmd := &cobra.Command{
		Use: "next", Short: "Join the current meeting, or the next one", Args: exactly(), RunE: p.do(o.run),
		Long: "Open the current meeting in the browser, or the next one within a week: a live meeting, a booking, or a " +
			"calendar event with a conference link. If a booking is about to begin and its meeting doesn't exist yet, the meeting is " +
			"created. A recorded meeting asks for consent first, as `meeting join` does.",
		Example: "greenroom next\ngreenroom next --print",
	}
	cmd.Flags().BoolVar(&o.host, "host", false, "join as the host, if the meeting is yours")
	cmd.Flags().BoolVar(&o.print, "print", false, "print the link instead of opening it")
	cmd.Flags().BoolVar(&o.consent, "consent", false, "consent to be recorded")
	return p.jsonFlag(cmd, "print the next meeting as a JSON object, and open nothing")
}

func (o *nextOptions) run(ctx context.Context, _ []string) error {
	if o.print && o.host {
		return usagef("--print prints the guest link: for the host link, use `greenroom meeting link --host`")
	}
	return o.with(ctx, func(b app.Backend) error {
		items, err := o.coming(ctx, b, 7, false)
		if err != nil {
			return err
		}
		i := nextOf(items, o.now())
		if i == nil {
			return &app.Error{
				Kind: provider.NotFound, Text: "there is no meeting with a link within a week", Hint: "plan a meeting: greenroom " +
					"room schedule ROOM --at '2026-12-01 10:00'",
			}
		}
		if o.json {
			return o.printJSON(i)
		}
		if i.Meeting == "" && i.Booking != "" {
			if o.print && i.URL != "" { // a lasting link
				return o.open(i)
			}
			if i.At.Sub(o.now()) > app.DefaultLead {
				return &app.Error{
					Kind: provider.NotFound, Text: fmt.Sprintf("the next meeting is %s, at %s", i.Title, o.clock(i.At)),
					Hint: "its link is created shortly before. To start it now: greenroom meeting start " + plain.Word(i.Room),
				}
			}
			m, err := b.StartMeeting(ctx, app.StartMeeting{Room: i.Room, Until: i.EndsAt})
			if err != nil {
				return err
			}
			i.Meeting = m.ID
		}
		if i.Meeting != "" {
			join := &meetingJoinOptions{program: o.program, host: o.host, print: o.print, consent: o.consent}
			return join.join(ctx, b, i.Meeting)
		}
		return o.open(i)
	})
}

// open opens the conference of a calendar's event.
func (o *nextOptions) open(i *app.UpcomingItem) error {
	if o.print {
		_, err := fmt.Fprintln(o.stdout, plain.Text(i.URL))
		return err
	}
	return o.openLink(i.URL, i.Title, "next --print")
}

// nextOf chooses the item to join: a live meeting, else the one that runs now and began last, else the one that begins first. All-day events,
// ended meetings and events without a link are left out.
func nextOf(items []app.UpcomingItem, now time.Time) *app.UpcomingItem {
	var running, coming *app.UpcomingItem
	for n := range items {
		i := &items[n]
		switch {
		case i.AllDay || i.Status == app.Ended || i.Source == app.FromCalendar && i.URL == "":
		case i.At.After(now):
			coming = cmp.Or(coming, i)
		case running == nil || running.Status != app.Live:
			running = i
		}
	}
	return cmp.Or(running, coming)
}
