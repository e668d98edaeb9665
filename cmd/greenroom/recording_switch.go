package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

type recordingSwitchOptions struct {
	*program
	on, json bool
}

func (p *program) recordingStart() *cobra.Command {
	o := &recordingSwitchOptions{program: p, on: true}
	return o.command(cobra.Command{
		Use: "start MEETING", Short: "Start recording a meeting that has participants",
		Long: "Start recording a meeting that has participants, whatever its room's trigger. A running recording continues. If only " +
			"the platform itself can start recordings, the command gives the reason and exits with status 4.",
	})
}

func (p *program) recordingStop() *cobra.Command {
	o := &recordingSwitchOptions{program: p}
	return o.command(cobra.Command{
		Use: "stop MEETING", Short: "Stop recording a meeting",
		Long: "Stop recording a meeting. It stays off until everyone has left and someone joins again.",
	})
}

func (o *recordingSwitchOptions) command(cmd cobra.Command) *cobra.Command {
	cmd.Args, cmd.RunE, cmd.ValidArgsFunction = exactly("MEETING"), o.do(o.run), o.rooms
	cmd.Flags().BoolVar(&o.json, "json", false, "print the meeting as a JSON object")
	return &cmd
}

func (o *recordingSwitchOptions) run(ctx context.Context, args []string) error {
	return o.with(ctx, func(b app.Backend) error {
		turn := b.StopRecording
		if o.on {
			turn = b.StartRecording
		}
		m, err := turn(ctx, app.RecordingSwitch{Meeting: args[0]})
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(m)
		}
		o.words(plain.Text(recordingNow(m)))
		return nil
	})
}

// recordingNow says in a sentence what a meeting's recording does.
func recordingNow(m app.Meeting) string {
	switch m.Recording {
	case app.IsRecording:
		return fmt.Sprintf("%s is being recorded.", m.Room)
	case app.StartingRecording:
		return fmt.Sprintf("The platform was asked to record %s; `greenroom meeting show %s` shows when it does.", m.Room, plain.Word(m.Room))
	}
	return fmt.Sprintf("%s is not being recorded.", m.Room)
}
