package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/plain"
)

// some takes at least one argument.
func some(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return usagef("%s needs %s: see `%s --help`", cmd.CommandPath(), name, cmd.CommandPath())
	}
}

type recordingActOptions struct {
	*program
	act  func(b app.Backend) func(context.Context, app.RecordingRef) (app.Recording, error)
	done func(app.Recording) string
	json bool
}

func (p *program) recordingPause() *cobra.Command {
	o := &recordingActOptions{program: p,
		act: func(b app.Backend) func(context.Context, app.RecordingRef) (app.Recording, error) {
			return b.PauseDownload
		},
		done: func(r app.Recording) string { return downloadNow(r, "is not being downloaded") },
	}
	return o.command(cobra.Command{
		Use: "pause ID…", Short: "Pause downloads; partial files are kept",
		Long: "Pause downloads. Partial files are kept; `greenroom recording download ID` resumes.",
	})
}

func (p *program) recordingCancel() *cobra.Command {
	o := &recordingActOptions{program: p,
		act: func(b app.Backend) func(context.Context, app.RecordingRef) (app.Recording, error) {
			return b.CancelDownload
		},
		done: func(r app.Recording) string { return downloadNow(r, "is not being downloaded") },
	}
	return o.command(cobra.Command{
		Use: "cancel ID…", Short: "Cancel downloads and delete partial files",
		Long: "Cancel unfinished downloads and delete their partial files. Complete files stay.",
	})
}

func (o *recordingActOptions) command(cmd cobra.Command) *cobra.Command {
	cmd.Args, cmd.RunE, cmd.ValidArgsFunction = some("IDs of recordings"), o.do(o.run), o.recordings
	cmd.Flags().BoolVar(&o.json, "json", false, "print the recording as a JSON object; several as an array")
	return &cmd
}

func (o *recordingActOptions) run(ctx context.Context, args []string) error {
	return o.with(ctx, func(b app.Backend) error {
		var all []app.Recording
		var errs []error
		for _, id := range args {
			r, err := o.act(b)(ctx, app.RecordingRef{ID: id})
			if err != nil {
				errs = append(errs, err)
				continue
			}
			all = append(all, r)
			if !o.json {
				o.words(plain.Text(o.done(r)))
			}
		}
		if o.json && len(all) > 0 {
			errs = append(errs, o.printRecordings(all, len(args) == 1))
		}
		return joined(errs)
	})
}

// joined is one error as it is, with its hint, or several.
func joined(errs []error) error {
	var some []error
	for _, err := range errs {
		if err != nil {
			some = append(some, err)
		}
	}
	if len(some) == 1 {
		return some[0]
	}
	return errors.Join(some...)
}

// printRecordings prints the one as an object, or several as an array.
func (p *program) printRecordings(all []app.Recording, one bool) error {
	for i := range all {
		all[i].Files = list(all[i].Files)
	}
	if one && len(all) == 1 {
		return p.printJSON(all[0])
	}
	return p.printJSON(list(all))
}

// downloadNow describes a recording's download in a sentence.
func downloadNow(r app.Recording, none string) string {
	name := recordingName(r)
	if r.Download == nil {
		return name + " " + none + "."
	}
	switch d := r.Download; d.State {
	case app.DownloadDone:
		return fmt.Sprintf("%s is here: %s", name, d.Path)
	case app.DownloadPaused:
		return fmt.Sprintf("%s is paused at %s.", name, progressWords(app.Download{Bytes: d.Bytes, Total: d.Total}))
	default:
		return fmt.Sprintf("The download of %s: %s.", name, d.State)
	}
}

type recordingDeleteOptions struct {
	*program
	yes, json bool
}

func (p *program) recordingDelete() *cobra.Command {
	o := &recordingDeleteOptions{program: p}
	cmd := &cobra.Command{
		Use: "delete ID", Short: "Delete a recording on its platform", Args: exactly("ID"), RunE: p.do(o.run), ValidArgsFunction: p.recordings,
		Long: "Delete a recording on its platform. Downloaded files stay, and so do objects in your own bucket. This asks first,\n" +
			"unless --yes.",
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the recording as a JSON object")
	return cmd
}

func (o *recordingDeleteOptions) run(ctx context.Context, args []string) error {
	if err := o.canAsk("--yes", o.yes); err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		r, err := b.Recording(ctx, app.RecordingRef{ID: args[0]})
		if err != nil {
			return err
		}
		what := "it is not downloaded"
		if d := r.Download; d != nil && d.State == app.DownloadDone {
			what = "the copy in " + d.Path + " stays"
		}
		question := fmt.Sprintf("Delete the recording of %s on %s? This can't be undone; %s.", recordingName(r), r.Platform, what)
		if err := o.confirm(ctx, question, "--yes", o.yes); err != nil {
			return err
		}
		if r, err = b.DeleteRecording(ctx, r.Ref()); err != nil {
			return err
		}
		if o.json {
			return o.printRecordings([]app.Recording{r}, true)
		}
		o.words(plain.Text(fmt.Sprintf("%s was deleted on %s.", recordingName(r), r.Platform)))
		return nil
	})
}

type recordingLimitOptions struct {
	*program
	json bool
}

func (p *program) recordingLimit() *cobra.Command {
	o := &recordingLimitOptions{program: p}
	cmd := &cobra.Command{
		Use: "limit [RATE|off]", Short: "Show or change the bandwidth of running downloads", Args: atMostOne("RATE"), RunE: p.do(o.run),
		Long: "Show or change the bandwidth that all downloads share, in bytes per second: 5M, 800K, off. The change lasts until\n" +
			"the process that owns the store exits. To make it permanent, set limit_rate under [download].",
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object")
	return cmd
}

func (o *recordingLimitOptions) run(ctx context.Context, args []string) error {
	return o.with(ctx, func(b app.Backend) error {
		var l app.DownloadLimit
		if len(args) == 1 {
			n, ok := config.ParseRate(args[0])
			if !ok {
				return usagef(`RATE can't be %q: write bytes per second like "5M", or "off"`, args[0])
			}
			l.BytesPerSecond = n
			if _, err := b.LimitDownloads(ctx, l); err != nil {
				return err
			}
		} else {
			s, err := b.Status(ctx, app.StatusQuery{})
			if err != nil {
				return err
			}
			l.BytesPerSecond = s.Downloads.Limit
		}
		switch {
		case o.json:
			return o.printJSON(l)
		case l.BytesPerSecond == 0:
			o.words("Downloads have no bandwidth limit.")
		default:
			o.words(fmt.Sprintf("Downloads share %s/s.", humanize.IBytes(uint64(l.BytesPerSecond))))
		}
		return nil
	})
}
