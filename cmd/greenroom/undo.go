package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

type undoOptions struct {
	*program
	json bool
}

func (p *program) undoCommand() *cobra.Command {
	o := &undoOptions{program: p}
	cmd := &cobra.Command{
		Use: "undo", Short: "Bring back what was deleted last", Args: exactly(), RunE: p.do(o.run),
		Long: "Bring back the room, booking or calendar that was deleted here last, with its id, settings, meetings and bookings. It works " +
			"for a minute after the deletion; used again, it brings back the one before. A name that is in use gets a suffix. Deletions on a " +
			"platform, such as those of recordings, can't be undone. A lasting room is made again, with the same link where the platform accepts our name.",
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print what came back as a JSON object")
	return cmd
}

func (o *undoOptions) run(ctx context.Context, _ []string) error {
	return o.with(ctx, func(b app.Backend) error {
		u, err := b.Undo(ctx, app.UndoRequest{})
		if err != nil {
			return err
		}
		for _, n := range u.Notes {
			o.words(plain.Text(n))
		}
		if o.json {
			return o.printJSON(u)
		}
		switch u.Kind {
		case app.DeletedBooking:
			o.words(fmt.Sprintf("The booking of %s is back. Its id is %s.", plain.Text(u.Name), u.ID))
		default:
			o.words(fmt.Sprintf("The %s %s is back.", u.Kind, plain.Word(u.Name)))
		}
		if u.Room != nil {
			return o.facts("guest", u.Room.GuestURL)
		}
		return nil
	})
}

// undoable prints how to undo a deletion.
func (p *program) undoable() { p.words("To bring it back within a minute: greenroom undo") }
