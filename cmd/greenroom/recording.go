package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/recording/bucket"
)

func (p *program) recordingCommand() *cobra.Command {
	return group("recording", "Recordings: list, download and manage", p.recordingList(), p.recordingShow(),
		p.recordingSwitch(app.Backend.StartRecording, cobra.Command{
			Use: "start MEETING", Short: "Start recording a meeting that has participants",
			Long: "Start recording a meeting that has participants, regardless of the room's trigger. A running recording continues. " +
				"If only the platform can start recordings, the command gives the reason and exits with status 4.",
		}),
		p.recordingSwitch(app.Backend.StopRecording, cobra.Command{
			Use: "stop MEETING", Short: "Stop recording a meeting",
			Long: "Stop recording a meeting. It stays off until everyone has left and someone joins again.",
		}),
		p.recordingDownload(),
		p.recordingAct(app.Backend.PauseDownload, downloadNow, cobra.Command{
			Use: "pause ID…", Short: "Pause downloads; partial files are kept",
			Long: "Pause downloads. Partial files are kept; `greenroom recording download ID` resumes.",
		}),
		p.recordingAct(app.Backend.CancelDownload, downloadNow, cobra.Command{
			Use: "cancel ID…", Short: "Cancel downloads and delete partial files",
			Long: "Cancel unfinished downloads and delete their partial files. Complete files stay.",
		}),
		p.recordingIgnore(), p.recordingRerun(),
		p.recordingAct(app.Backend.SkipCommand, commandNow, cobra.Command{
			Use: "skip ID…", Short: "Stop on_download for recordings",
			Long: "Stop on_download for recordings: a running program is killed with all processes that it started; a waiting one doesn't run.",
		}),
		p.recordingLimit(), p.recordingVerify(), p.recordingDelete())
}

type recordingListOptions struct {
	*program
	query   app.RecordingQuery
	offline bool
}

func (p *program) recordingList() *cobra.Command {
	o := &recordingListOptions{program: p}
	cmd := &cobra.Command{
		Use: "list", Short: "List recordings, newest first", Aliases: []string{"ls"}, Args: exactly(), RunE: p.changes(o.run),
		Long: "List recordings, newest first. The platforms are asked for new recordings first. A platform that doesn't respond is\n" +
			"reported, and its known recordings are listed.",
	}
	cmd.Flags().StringVar(&o.query.Meeting, "meeting", "", "only recordings of this meeting")
	choice(cmd, &o.query.Status, "status", "", "only recordings with this status: recording, processing, ready or failed",
		app.RecordingRunning, app.RecordingProcessing, app.RecordingReady, app.RecordingFailed)
	atMost(cmd.Flags(), &o.query.Limit, "recordings")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "list known recordings without asking the platforms")
	cmd.Flags().BoolVar(&o.query.Sweep, "sweep", false, "search the accounts' buckets first")
	return p.jsonFlag(cmd, "print a JSON array")
}

func (o *recordingListOptions) run(ctx context.Context, b app.Backend, _ []string) error {
	o.query.Refresh = !o.offline
	recordings, err := b.Recordings(ctx, o.query)
	if err != nil {
		return err
	}
	if err := tellOfSilence(ctx, o.program, b, o.query); err != nil {
		return err
	}
	if err := o.cut(len(recordings), o.query.Limit, "recordings", func() (int, error) {
		n, err := b.Counts(ctx, app.CountQuery{Recordings: &o.query})
		return n.Recordings, err
	}); err != nil {
		return err
	}
	for i := range recordings {
		recordings[i].Files = list(recordings[i].Files)
	}
	t := newTable("ROOM", "STATE", "DOWNLOAD", "KIND", "STARTED", "LENGTH", "FILES", "SIZE", "ID")
	return printList(o.program, recordings, "No recordings.", t, func(r app.Recording) []string {
		return []string{r.Room, recordingState(r), downloadState(r), r.Kind, o.clock(r.StartedAt), recordingLength(r), fmt.Sprint(len(r.Files)),
			recordingSize(r), r.ID}
	})
}

// tellOfSilence prints which accounts did not answer, and which buckets could not be searched.
func tellOfSilence(ctx context.Context, o *program, b app.Backend, asked app.RecordingQuery) error {
	if !asked.Refresh && !asked.Sweep {
		return nil
	}
	s, err := b.Status(ctx, app.StatusQuery{})
	for _, p := range s.Pollers {
		switch {
		case p.Error == "" && asked.Refresh && p.Behind:
			o.words(plain.Text(p.Account + " has older recordings that are not listed yet: the next list, the screen or `greenroom listen` reads them"))
		case p.Error == "":
		case asked.Refresh && p.Name == "recordings":
			o.words(plain.Text(p.Account + " could not be asked for new recordings: " + p.Error))
		case asked.Sweep && p.Name == bucket.SweepReader:
			o.words(plain.Text("the bucket of " + p.Account + " could not be searched: " + p.Error))
		}
	}
	return err
}

// recordingState returns the recording's state on the platform.
func recordingState(r app.Recording) string {
	if !r.DeletedAt.IsZero() {
		return "deleted"
	}
	return string(r.Status)
}

// downloadState returns the download's state in a word or two.
func downloadState(r app.Recording) string {
	d := r.Download
	switch {
	case !r.IgnoredAt.IsZero() && (d == nil || d.State != app.DownloadDone):
		return "ignored"
	case d == nil:
		return ""
	case d.State.Active() && d.Total > 0 && d.Bytes > 0:
		return fmt.Sprintf("%s %d %%", d.State, min(d.Bytes, d.Total)*100/d.Total)
	}
	return d.Word()
}

func recordingLength(r app.Recording) string {
	if r.DurationS <= 0 {
		return ""
	}
	return length(r.Length())
}

func recordingSize(r app.Recording) string {
	n := r.Size()
	if d := r.Download; n <= 0 && d != nil {
		n = d.Total
	}
	if n <= 0 {
		return ""
	}
	return humanize.IBytes(uint64(n))
}

func (p *program) recordingShow() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "show ID", Short: "Show a recording and its files", Args: exactly("ID"), RunE: p.changes(p.showRecording),
	}, "print a JSON object")
}

func (p *program) showRecording(ctx context.Context, b app.Backend, args []string) error {
	r, err := b.Recording(ctx, app.RecordingRef{ID: args[0]})
	if err != nil {
		return err
	}
	if p.json {
		r.Files = list(r.Files)
		return p.printJSON(r)
	}
	if err := p.facts("recording", r.ID, "room", r.Room, "meeting", r.Meeting, "account", fmt.Sprintf("%s (%s)", r.Account, r.Platform),
		"state", recordingState(r), "kind", r.Kind, "started", local(r.StartedAt), "length", recordingLength(r), "deleted", local(r.DeletedAt), "ignored", local(r.IgnoredAt),
		"error", r.Error); err != nil {
		return err
	}
	if err := p.showDownload(r); err != nil || len(r.Files) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(p.stdout); err != nil {
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
	return p.printTable(t)
}

// showDownload prints the download of a recording.
func (p *program) showDownload(r app.Recording) error {
	d := r.Download
	if d == nil {
		return nil
	}
	how := d.Word()
	if d.State.Active() || d.State == app.DownloadPaused {
		how += ", " + strings.TrimSpace(progressWords(app.Download{Bytes: d.Bytes, Total: d.Total, Rate: d.Rate, ETAS: d.ETAS}))
	}
	pairs := []string{"download", how, "verified", local(d.VerifiedAt), "found", d.FindingDetail(), "reason", d.Reason, "to do", d.Hint,
		"tried again", local(d.RetryAt), "path", d.Path, "note", d.Note,
		"fetched", local(d.FetchedAt), "kept", d.Kept}
	for _, f := range d.Files {
		pairs = append(pairs, "sha256", f.SHA256+"  "+filepath.Base(f.Path)+" ("+f.Media+")")
	}
	for _, e := range d.Earlier {
		pairs = append(pairs, "also here", e.Path)
	}
	if c := d.Command; c != nil {
		after := c.State
		if c.Reason != "" {
			after += ": " + c.Reason
		}
		pairs = append(pairs, "on_download", after)
	}
	return p.facts(pairs...)
}
