package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

type recordingDownloadOptions struct {
	*program
	request        app.DownloadRequest
	all            bool
	since          app.Time
	maxWait        time.Duration
	offline, sweep bool
	limit          *app.DownloadLimit // nil leaves the limit as it is
}

func (p *program) recordingDownload() *cobra.Command {
	o := &recordingDownloadOptions{program: p}
	cmd := &cobra.Command{
		Use: "download ID…", Short: "Download recordings and verify them", Aliases: []string{"get", "resume"}, RunE: p.do(o.run),
		Long: "Download recordings completely and verify them. Interrupted downloads are resumed, and files that are already " +
			"downloaded are reported. If another Greenroom owns the store, it does the downloading and this command shows the progress. Ctrl-C pauses the " +
			"downloads requested here. File paths go to standard output. Status 1 means that a download failed; the others " +
			"are complete.",
		Example: "greenroom recording download 7f3c1e9b-…\ngreenroom recording download --all --since 7d --to ~/Videos\n" +
			"greenroom recording download --all --max-wait 50m    # from cron, once an hour",
		Args: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == o.all {
				return nil
			}
			return usagef("%s needs the IDs of recordings, or --all: see `%s --help`", cmd.CommandPath(), cmd.CommandPath())
		},
		ValidArgsFunction: p.recordings,
	}
	f := cmd.Flags()
	f.StringVar(&o.request.To, "to", "", "save the files in this folder instead of the configured one")
	f.BoolVar(&o.request.AudioOnly, "audio-only", false, "download only the audio, if a recording has separate audio tracks")
	parsed(f, &o.limit, "limit-rate", "", parseLimit, `maximum bytes per second, such as "5M"`)
	f.BoolVar(&o.all, "all", false, "download every ready recording that isn't downloaded yet, except cancelled and ignored ones")
	f.DurationVar(&o.maxWait, "max-wait", 0, `stop after this time, such as "50m"; unfinished downloads stay queued, and the status is 1`)
	parsed(f, &o.since, "since", "", p.since, `with --all: only recordings that began since this age or time, such as "7d"`)
	f.BoolVar(&o.request.Wait, "wait", false, "wait for recordings that are still running or being processed")
	f.BoolVar(&o.request.Again, "again", false, "download again even if the files exist")
	f.BoolVar(&o.request.DeleteAfter, "delete-after", false, "delete each recording on its platform once it is downloaded and verified")
	f.BoolVar(&o.sweep, "sweep", false, "search the accounts' buckets first")
	f.BoolVar(&o.offline, "offline", false, "don't ask the platforms for new recordings")
	return p.jsonFlag(cmd, "print the recording as a JSON object; several, or --all, as an array")
}

// parseLimit parses a bandwidth.
func parseLimit(s string) (*app.DownloadLimit, error) {
	n, ok := config.ParseRate(s)
	if !ok {
		return nil, hint(`write bytes per second, such as "5M", or "off"`)
	}
	return &app.DownloadLimit{BytesPerSecond: n}, nil
}

func (o *recordingDownloadOptions) run(ctx context.Context, args []string) error {
	switch {
	case o.maxWait < 0:
		return usagef("--max-wait can't be %s", o.maxWait)
	case !o.since.IsZero() && !o.all:
		return usagef("use --since only with --all")
	case o.request.To != "":
		o.request.To = config.Absolute(o.request.To)
	}
	return o.staying(ctx, func(ctx context.Context, b app.Backend) error { return o.fetch(ctx, b, args) })
}

// staying calls f with the store, for hours if necessary: like the screen, this program serves the store to others meanwhile.
func (p *program) staying(ctx context.Context, f func(ctx context.Context, b app.Backend) error) error {
	c, err := p.config(ctx, "")
	if err != nil {
		return err
	}
	logs, err := openLog(c.DataDir)
	if err != nil {
		return folderError(c, err)
	}
	defer logs.Close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	log := newLog(logs, slog.LevelInfo)
	defer catchLibraries(log)()
	a := access{stay: true, log: log, crash: crashGroup(log, func(r crash.Report) { fail(r) })}
	return p.withAccess(ctx, a, func(b app.Backend) error { return f(ctx, b) })
}

func (o *recordingDownloadOptions) fetch(ctx context.Context, b app.Backend, args []string) error {
	asked, err := o.choose(ctx, b, args)
	if err != nil {
		return err
	}
	if o.limit != nil {
		restore, err := o.limitRate(ctx, b)
		if err != nil {
			return err
		}
		defer restore()
	}
	f := newFetchFollower(o.program, b)
	f.maxWait = o.maxWait
	got, err := f.run(ctx, asked, o.request)
	if err != nil {
		return err
	}
	if o.json {
		return errors.Join(o.printRecordings(got, !o.all && len(args) == 1), failures(got))
	}
	for _, r := range got {
		if d := r.Download; d != nil && d.State == app.DownloadDone {
			if _, err := fmt.Fprintln(o.stdout, plain.Text(d.Path)); err != nil {
				return err
			}
		}
	}
	if len(got) == 0 {
		o.words("There is nothing to download.")
	}
	return failures(got)
}

// choose finds the recordings to download. If one doesn't exist, none is downloaded.
func (o *recordingDownloadOptions) choose(ctx context.Context, b app.Backend, args []string) ([]app.Recording, error) {
	if q := (app.RecordingQuery{Refresh: !o.offline, Sweep: o.sweep, Limit: 1}); q.Refresh || q.Sweep {
		if _, err := b.Recordings(ctx, q); err != nil {
			return nil, err
		}
		if err := tellOfSilence(ctx, o.program, b, q); err != nil {
			return nil, err
		}
	}
	var out []app.Recording
	if !o.all {
		seen := map[app.RecordingRef]bool{}
		for _, id := range args {
			r, err := b.Recording(ctx, app.RecordingRef{ID: id, Known: o.offline})
			if err != nil {
				return nil, err
			}
			if !seen[r.Ref()] {
				seen[r.Ref()] = true
				out = append(out, r)
			}
		}
		return out, nil
	}
	all, err := b.Recordings(ctx, app.RecordingQuery{Since: o.since, Limit: allRecordings})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		unready := r.Status == app.RecordingRunning || r.Status == app.RecordingProcessing
		d := r.Download
		here := d != nil && d.State == app.DownloadDone && d.Finding() == "" && !o.request.Again
		unwanted := d != nil && d.State == app.DownloadCancelled || !r.IgnoredAt.IsZero()
		if !here && !unwanted && r.DeletedAt.IsZero() && (r.Status == app.RecordingReady || unready && o.request.Wait) {
			out = append(out, r)
		}
	}
	return out, nil
}

// allRecordings is a limit that no account reaches.
const allRecordings = 1_000_000

// limitRate changes the bandwidth of the process that downloads, while this command runs.
func (o *recordingDownloadOptions) limitRate(ctx context.Context, b app.Backend) (restore func(), err error) {
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return nil, err
	}
	if _, err := b.LimitDownloads(ctx, *o.limit); err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pauseTime)
		defer cancel()
		// The owner may have gone, and its limit with it.
		_, _ = b.LimitDownloads(ctx, app.DownloadLimit{BytesPerSecond: s.Downloads.Limit})
	}, nil
}

// failures returns an error about the recordings that were not downloaded, or nil.
func failures(got []app.Recording) error {
	var bad []string
	var hint string
	open := 0 // still queued
	for _, r := range got {
		d := r.Download
		switch {
		case d != nil && d.State == app.DownloadDone:
			continue
		case d != nil && (d.State.Active() || d.State == app.DownloadPaused && !d.RetryAt.IsZero()):
			open++
			continue
		}
		why := "was not downloaded"
		if d != nil {
			why = string(d.State)
			if d.Reason != "" {
				why += ": " + d.Reason
			}
			hint = d.Hint
		}
		bad = append(bad, fmt.Sprintf("%s (%s) %s", r.ID, r.Room, why))
	}
	if open > 0 {
		bad = append(bad, fmt.Sprintf("%d still queued", open))
	}
	switch len(bad) {
	case 0:
		return nil
	case 1:
		return &app.Error{Text: bad[0], Hint: hint}
	}
	return &app.Error{
		Text: fmt.Sprintf("%d of %d downloads failed:\n  %s", len(bad)-min(open, 1)+open, len(got), strings.Join(bad, "\n  ")),
		Hint: "partial files are kept: run the command again to resume; `greenroom recording ignore ID` skips one",
	}
}

// recordings completes the ids of recordings.
func (p *program) recordings(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.complete(cmd, func(ctx context.Context, b app.Backend) (ids []cobra.Completion, err error) {
		list, err := b.Recordings(ctx, app.RecordingQuery{Prefix: prefix, Limit: 100})
		for _, r := range list {
			if plain.Word(r.ID) == r.ID {
				ids = append(ids, cobra.CompletionWithDesc(r.ID, plain.Text(r.Room+" "+local(r.StartedAt))))
			}
		}
		return ids, err
	})
}
