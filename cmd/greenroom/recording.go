package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

func (p *program) recordingCommand() *cobra.Command {
	return group("recording", "Recordings that the platforms made", p.recordingList(), p.recordingShow(), p.recordingStart(), p.recordingStop())
}

type recordingListOptions struct {
	*program
	query  app.RecordingQuery
	status string
	// offline leaves the platforms alone.
	offline, json bool
}

func (p *program) recordingList() *cobra.Command {
	o := &recordingListOptions{program: p}
	cmd := &cobra.Command{
		Use: "list", Short: "List recordings, newest first", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run),
		Long: "List recordings, newest first. The platforms are asked for what is new first; one that does not answer is named,\n" +
			"and what is known of it already is listed all the same.",
	}
	cmd.Flags().StringVar(&o.query.Meeting, "meeting", "", "of this meeting")
	cmd.Flags().StringVar(&o.status, "status", "", "recording, processing, ready or failed")
	cmd.Flags().IntVar(&o.query.Limit, "limit", 100, "at most so many")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "don't ask the platforms: list what is known")
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array")
	return cmd
}

func (o *recordingListOptions) run(ctx context.Context, _ []string) error {
	known := []app.RecordingStatus{app.RecordingRunning, app.RecordingProcessing, app.RecordingReady, app.RecordingFailed}
	if o.query.Status = app.RecordingStatus(o.status); o.status != "" && !slices.Contains(known, o.query.Status) {
		return usagef("--status can't be %q: use recording, processing, ready, failed", o.status)
	}
	if o.query.Limit < 1 {
		return usagef("--limit can't be %d", o.query.Limit)
	}
	o.query.Refresh = !o.offline
	return o.with(ctx, func(b app.Backend) error {
		recordings, err := b.Recordings(ctx, o.query)
		if err != nil {
			return err
		}
		if err := o.tellOfSilence(ctx, b); err != nil {
			return err
		}
		if o.json {
			for i := range recordings {
				recordings[i].Files = list(recordings[i].Files)
			}
			return o.printJSON(list(recordings))
		}
		if len(recordings) == 0 {
			o.words("No recordings.")
			return nil
		}
		t := newTable("ROOM", "STATE", "KIND", "STARTED", "LENGTH", "FILES", "SIZE", "ID")
		for _, r := range recordings {
			t.add(r.Room, string(r.Status), r.Kind, o.clock(r.StartedAt), recordingLength(r), fmt.Sprint(len(r.Files)), recordingSize(r), r.ID)
		}
		return o.printTable(t)
	})
}

// tellOfSilence names the accounts that could not be asked.
func (o *recordingListOptions) tellOfSilence(ctx context.Context, b app.Backend) error {
	if o.offline {
		return nil
	}
	s, err := b.Status(ctx, app.StatusQuery{})
	for _, p := range s.Pollers {
		if p.Name == "recordings" && p.Error != "" {
			o.words(plain.Text(p.Account + " could not be asked for what is new: " + p.Error))
		}
	}
	return err
}

func recordingLength(r app.Recording) string {
	if r.DurationS <= 0 {
		return ""
	}
	return length(time.Duration(r.DurationS * float64(time.Second)))
}

func recordingSize(r app.Recording) string {
	var n int64
	for _, f := range r.Files {
		n += f.Size
	}
	if n <= 0 {
		return ""
	}
	return humanize.IBytes(uint64(n))
}

type recordingShowOptions struct {
	*program
	json bool
}

func (p *program) recordingShow() *cobra.Command {
	o := &recordingShowOptions{program: p}
	cmd := &cobra.Command{Use: "show ID", Short: "Show a recording and its files", Args: exactly("ID"), RunE: p.do(o.run)}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object")
	return cmd
}

func (o *recordingShowOptions) run(ctx context.Context, args []string) error {
	return o.with(ctx, func(b app.Backend) error {
		all, err := b.Recordings(ctx, app.RecordingQuery{Limit: 1000})
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(r app.Recording) bool { return r.ID == args[0] })
		if i < 0 {
			return &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("no recording %q", args[0]), Hint: "see `greenroom recording list`"}
		}
		r := all[i]
		if o.json {
			r.Files = list(r.Files)
			return o.printJSON(r)
		}
		if err := o.facts("recording", r.ID, "room", r.Room, "meeting", r.Meeting, "account", fmt.Sprintf("%s (%s)", r.Account, r.Platform),
			"state", string(r.Status), "kind", r.Kind, "started", local(r.StartedAt), "length", recordingLength(r), "error", r.Error); err != nil || len(r.Files) == 0 {
			return err
		}
		if _, err := fmt.Fprintln(o.stdout); err != nil {
			return err
		}
		t := newTable("FILE", "KIND", "SIZE", "KEY")
		for _, f := range r.Files {
			size := ""
			if f.Size > 0 {
				size = humanize.IBytes(uint64(f.Size))
			}
			t.add(f.Name, f.Kind, size, f.Key)
		}
		return o.printTable(t)
	})
}
