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
		Use: "undo", Short: "Bring back what was deleted last", Args: exactly(), RunE: p.changes(p.undo),
		Long: "Bring back the room, booking or calendar that was deleted here last, with its id, settings, meetings and bookings. It works " +
			"for a minute after the deletion; used again, it brings back the one before. A name that is in use gets a suffix. Deletions on a " +
			"platform, such as those of recordings, can't be undone. A lasting room is made again, with the same link where the platform accepts our name.",
	}, "print what came back as a JSON object")
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
func (p *program) undoable() { p.words("To bring it back within a minute: greenroom undo") }
