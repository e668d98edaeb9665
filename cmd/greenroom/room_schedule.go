package main

import (
	"cmp"
	"context"
	"errors"
	"net/mail"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/booking"
	"greenroom/internal/plain"
)

type scheduleOptions struct {
	*program
	at, lasts, every, until, zone string
	edit, remove                  string
	expect                        []string
	list                          bool
	changed                       func(flag string) bool
}

func (p *program) roomSchedule() *cobra.Command {
	o := &scheduleOptions{program: p}
	cmd := &cobra.Command{
		Use: "schedule [ROOM]", Short: "Plan meetings in a room", Args: atMostOne("ROOM"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
		Long: "Plan a meeting in a room, once or repeatedly. The screen or `listen` creates each meeting ten minutes before it begins; `lead` in the configuration changes that. If neither is running then, the meeting is created as soon as one is, until the booking ends.\n\n" +
			"A repeated meeting keeps its local time when the clocks change. --until includes that day.\n\n" +
			"Without --at, --edit and --remove, the bookings of the room, or of all rooms, are listed.",
		Example: "greenroom room schedule all-hands --at '2026-12-01 10:00' --for 45m --every weekday --until 2026-12-23\n" +
			"greenroom room schedule board --at '2026-12-01 18:00' --every 'FREQ=MONTHLY;BYDAY=1TU' --time-zone Europe/Berlin\n" +
			"greenroom room schedule --edit 01KB4N --at '2026-12-01 11:00'",
	}
	o.changed = func(flag string) bool { return cmd.Flags().Changed(flag) }
	fl := cmd.Flags()
	fl.StringVar(&o.at, "at", "", "start of the first meeting, such as '2026-12-01 10:00'")
	fl.StringVar(&o.lasts, "for", "", "length, such as 45m or 1h30m (default 1h)")
	fl.StringVar(&o.every, "every", "", "repeat every day, weekday, week or month, or by an RRULE")
	fl.StringVar(&o.until, "until", "", "last day of the repetition, such as 2026-12-31")
	fl.StringVar(&o.zone, "time-zone", "", "time zone of the start, such as Europe/Berlin (default this machine's)")
	fl.StringArrayVar(&o.expect, "expect", nil, "expected participant, as 'Name <mail>'; may be repeated")
	fl.BoolVar(&o.list, "list", false, "list the bookings")
	fl.StringVar(&o.edit, "edit", "", "change the booking with this id")
	fl.StringVar(&o.remove, "remove", "", "remove the booking with this id")
	fl.BoolVarP(&p.yes, "yes", "y", false, "don't ask before removing")
	p.jsonFlag(cmd, "print JSON: a booking, or an array of them")
	allowEmpty(fl, "every", "until")
	_ = cmd.RegisterFlagCompletionFunc("edit", p.bookings)
	_ = cmd.RegisterFlagCompletionFunc("remove", p.bookings)
	words(cmd, "every", "day", "weekday", "week", "month")
	return cmd
}

func (o *scheduleOptions) run(ctx context.Context, args []string) error {
	room := ""
	if len(args) > 0 {
		room = args[0]
	}
	times := ""
	for _, flag := range []string{"at", "for", "every", "until", "time-zone", "expect"} {
		if o.changed(flag) && times == "" {
			times = flag
		}
	}
	switch {
	case o.edit != "" && o.remove != "", o.list && (o.edit != "" || o.remove != "" || o.at != ""):
		return usagef("use only one of --list, --edit, --remove and --at")
	case o.remove != "":
		if times != "" {
			return usagef("--remove can't be used with --%s", times)
		}
		return o.removes(ctx, app.BookingRef{Ref: o.remove, Room: room})
	case o.edit != "":
		if times == "" {
			return usagef("nothing to change: use a flag, such as --at '2026-12-01 11:00'")
		}
		return o.edits(ctx, app.BookingRef{Ref: o.edit, Room: room})
	case o.at != "":
		if room == "" {
			return usagef("name the room: greenroom room schedule ROOM --at '%s'", plain.Text(o.at))
		}
		return o.books(ctx, room)
	case times != "":
		return usagef("--%s needs --at, the start of the first meeting", times)
	}
	return o.lists(ctx, room)
}

// bookingError returns an error about a booking's text as an error about its flag.
func bookingError(err error) error {
	var e *booking.Error
	if !errors.As(err, &e) {
		return err
	}
	return usagef("--%s can't be %q: %s", strings.Replace(e.Field, "zone", "time-zone", 1), e.Value, e.Hint)
}

func (o *scheduleOptions) people() ([]app.Person, error) {
	var out []app.Person
	for _, text := range o.expect {
		if !strings.Contains(text, "@") {
			out = append(out, app.Person{Name: strings.TrimSpace(text)})
			continue
		}
		a, err := mail.ParseAddress(text)
		if err != nil {
			return nil, usagef("--expect can't be %q: write it like 'Ada Lovelace <ada@example.com>'", text)
		}
		out = append(out, app.Person{Name: a.Name, Mail: a.Address})
	}
	return out, nil
}

func (o *scheduleOptions) books(ctx context.Context, room string) error {
	zone, err := o.zoneOr(o.zone)
	if err != nil {
		return err
	}
	spec, err := booking.Text{At: o.at, For: o.lasts, Every: o.every, Until: o.until}.Spec(room, zone)
	if err != nil {
		return bookingError(err)
	}
	if spec.Expect, err = o.people(); err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		made, err := b.Book(ctx, spec)
		if err != nil {
			return err
		}
		return o.printBooking(made, "Planned")
	})
}

func (o *scheduleOptions) edits(ctx context.Context, ref app.BookingRef) error {
	patch := app.BookingPatch{BookingRef: ref}
	if err := booking.Last(o.until); err != nil {
		return bookingError(err)
	}
	if o.lasts != "" {
		length, err := booking.Length(o.lasts)
		if err != nil {
			return bookingError(err)
		}
		patch.For = &length
	}
	if o.changed("expect") {
		people, err := o.people()
		if err != nil {
			return err
		}
		patch.Expect = &people
	}
	if o.changed("every") {
		patch.Every = &o.every
	}
	if o.changed("until") {
		patch.Until = &o.until
	}
	if o.zone != "" {
		if _, err := o.zoneOr(o.zone); err != nil {
			return err
		}
		patch.TimeZone = &o.zone
	}
	return o.with(ctx, func(b app.Backend) error {
		if o.at != "" {
			zone := o.zone
			if zone == "" { // the booking's own
				bookings, err := b.Bookings(ctx, app.BookingQuery{Room: ref.Room})
				if err != nil {
					return err
				}
				zone = "UTC" // for a booking that doesn't exist, which the edit reports
				for _, had := range bookings {
					if strings.HasPrefix(had.ID, strings.ToLower(ref.Ref)) || strings.HasPrefix(had.ID, ref.Ref) {
						zone = had.TimeZone
					}
				}
			}
			at, in, err := booking.Start(o.at, zone)
			if err != nil {
				return bookingError(err)
			}
			patch.At = &at
			if in != zone || o.zone != "" {
				patch.TimeZone = &in
			}
		}
		changed, err := b.EditBooking(ctx, patch)
		if err != nil {
			return err
		}
		return o.printBooking(changed, "Changed")
	})
}

func (o *scheduleOptions) removes(ctx context.Context, ref app.BookingRef) error {
	if err := o.canAsk("--yes", o.yes); err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		if err := o.sure(ctx, "Remove booking "+ref.Ref+"?"); err != nil {
			return err
		}
		removed, err := b.RemoveBooking(ctx, ref)
		if err != nil {
			return err
		}
		defer o.undoable()
		if o.json {
			return o.printJSON(removed)
		}
		o.words("Removed the booking of ", plain.Text(removed.Room), ".")
		if removed.Meeting != "" && removed.Link != "" {
			o.words("Its meeting has already started. To end it: greenroom meeting end " + removed.Meeting)
		}
		return nil
	})
}

// printBooking prints a booking as JSON, or in a sentence.
func (o *scheduleOptions) printBooking(b app.Booking, verb string) error {
	o.notes(b.Notes)
	return o.result(b, "%s a meeting of %s: %s, %s. Its id is %s.", verb, b.Room, booking.Time(b), booking.Repetition(b), b.ID)
}

func (o *scheduleOptions) lists(ctx context.Context, room string) error {
	return o.reading(ctx, func(b app.Backend) error {
		bookings, err := b.Bookings(ctx, app.BookingQuery{Room: room})
		if err != nil {
			return err
		}
		none := "No bookings. Add one: greenroom room schedule " + plain.Word(cmp.Or(room, "ROOM")) + " --at '2026-12-01 10:00'"
		t := newTable("ID", "ROOM", "NEXT", "FIRST", "REPEATED", "NOTE").keep("ID").narrow("FIRST")
		return printList(o.program, bookings, none, t, func(v app.Booking) []string {
			next := "over"
			if !v.Next.IsZero() {
				next = v.Next.In(o.now().Location()).Format("Mon 2006-01-02 15:04")
			}
			return []string{v.ID, v.Room, next, booking.Time(v), booking.Repetition(v), cmp.Or(v.Error, v.Link)}
		})
	})
}
