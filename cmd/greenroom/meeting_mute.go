package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/provider"
)

type meetingMuteOptions struct {
	*program
	audio, video, off bool
}

func (p *program) meetingMute() *cobra.Command {
	o := &meetingMuteOptions{program: p}
	cmd := &cobra.Command{
		Use: "mute MEETING PERSON", Short: "Mute a participant", Args: exactly("MEETING", "PERSON"), RunE: p.changes(o.run), ValidArgsFunction: p.people,
		Long: "Mute a participant's audio, video or, without a flag, both. PERSON is a session from `meeting show --json`, or a " +
			"name that only one participant has. They can unmute at any time. --off unmutes, if the platform allows it. " +
			"If the platform can't mute one person, the command gives the reason and exits with status 4.",
		Example: "greenroom meeting mute all-hands 'Mallory' --audio",
	}
	cmd.Flags().BoolVar(&o.audio, "audio", false, "mute the audio")
	cmd.Flags().BoolVar(&o.video, "video", false, "stop the video")
	cmd.Flags().BoolVar(&o.off, "off", false, "unmute")
	return p.jsonFlag(cmd, "print a JSON object: meeting, session, tracks")
}

func (o *meetingMuteOptions) run(ctx context.Context, b app.Backend, args []string) error {
	if !o.audio && !o.video {
		o.audio, o.video = true, true
	}
	m, who, err := participant(ctx, b, args[0], args[1], provider.AbilityMute)
	if err != nil {
		return err
	}
	done, err := b.Mute(ctx, app.Muting{Meeting: m.ID, Session: who.Session, Audio: o.audio, Video: o.video, Off: o.off})
	if err != nil {
		return err
	}
	return o.result(done, "%s", muted(nameOf(who), o.audio, o.video, o.off, done.Tracks))
}

// muted describes the result of muting in a sentence.
func muted(name string, audio, video, off bool, tracks int) string {
	var kinds []string
	if audio {
		kinds = append(kinds, "audio")
	}
	if video {
		kinds = append(kinds, "video")
	}
	what, done := strings.Join(kinds, " and "), "Muted"
	if off {
		done = "Unmuted"
	}
	if tracks == 0 {
		return fmt.Sprintf("Nothing changed: %s sends no %s, or it was %s already.", name, what, strings.ToLower(done))
	}
	return fmt.Sprintf("%s the %s of %s.", done, what, name)
}
