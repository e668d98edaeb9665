package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

func (p *program) recordingSwitch(
	turn func(app.Backend, context.Context, app.RecordingSwitch) (app.Meeting, error), cmd cobra.Command,
) *cobra.Command {
	cmd.Args, cmd.ValidArgsFunction = exactly("MEETING"), p.rooms
	cmd.RunE = p.changes(func(ctx context.Context, b app.Backend, args []string) error {
		m, err := turn(b, ctx, app.RecordingSwitch{Meeting: args[0]})
		if err != nil {
			return err
		}
		return p.result(m, "%s", recordingNow(m))
	})
	return p.jsonFlag(&cmd, "print the meeting as a JSON object")
}

// recordingNow describes the state of a meeting's recording in a sentence.
func recordingNow(m app.Meeting) string {
	switch m.Recording {
	case app.IsRecording:
		return fmt.Sprintf("%s is being recorded.", m.Room)
	case app.StartingRecording:
		return fmt.Sprintf("The platform was asked to record %s. `greenroom meeting show %s` shows when the recording "+
			"runs.", m.Room, plain.Word(m.Room))
	}
	return fmt.Sprintf("%s is not being recorded.", m.Room)
}
