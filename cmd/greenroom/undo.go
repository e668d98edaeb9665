package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

func (p *program) undoCommand() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "undo", Short: "Restore the last deleted item", Args: exactly(), RunE: p.changes(p.undo),
		Long: "Restore the last deleted room, booking, calendar, forward or catch: a room with its id, settings, meetings and " +
			"bookings, a forward at its position, a catch with its address and events. It works for a minute after the deletion. Run it again to restore the deletion before that. A name that is in use gets a suffix. " +
			"Deletions on a platform, such as those of recordings, can't be undone. A lasting room is created again, with the " +
			"same link if the platform lets Greenroom choose the name.",
	}, "print the restored object as JSON")
}

func (p *program) undo(ctx context.Context, b app.Backend, _ []string) error {
	u, err := b.Undo(ctx, app.UndoRequest{})
	if err != nil {
		return err
	}
	p.notes(u.Notes)
	if p.json {
		return p.printJSON(u)
	}
	if u.Kind == app.DeletedBooking {
		p.words(fmt.Sprintf("The booking of %s is back. Its id is %s.", plain.Text(u.Name), u.ID))
	} else {
		p.words(fmt.Sprintf("The %s %s is back.", u.Kind, plain.Word(u.Name)))
	}
	if u.Room != nil {
		return p.facts("guest", u.Room.GuestURL)
	}
	return nil
}

// undoable prints how to undo a deletion.
func (p *program) undoable() { p.words("To undo this within a minute: greenroom undo") }
