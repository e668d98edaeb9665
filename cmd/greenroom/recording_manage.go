package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// some accepts one argument or more.
func some(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return usagef("%s needs %s: see `%s --help`", cmd.CommandPath(), name, cmd.CommandPath())
	}
}

// recordingAct returns a command that acts on recordings. done describes a result in a sentence.
func (p *program) recordingAct(
	act func(app.Backend, context.Context, app.RecordingRef) (app.Recording, error), done func(app.Recording) string, cmd cobra.Command,
) *cobra.Command {
	cmd.Args, cmd.ValidArgsFunction = some("IDs of recordings"), p.recordings
	cmd.RunE = p.changes(func(ctx context.Context, b app.Backend, args []string) error {
		return p.each(args, func(id string) (app.Recording, error) { return act(b, ctx, app.RecordingRef{ID: id}) }, func(r app.Recording) error {
			if !p.json {
				p.words(plain.Text(done(r)))
			}
			return nil
		})
	})
	return p.jsonFlag(&cmd, "print the recording as a JSON object; several as an array")
}

// each acts on several recordings, reports each result with done, and prints them as JSON. An error does not stop it.
func (p *program) each(ids []string, act func(id string) (app.Recording, error), done func(app.Recording) error) error {
	var all []app.Recording
	var errs []error
	for _, id := range ids {
		r, err := act(id)
		if err == nil {
			all = append(all, r)
			err = done(r)
		}
		errs = append(errs, err)
	}
	if p.json && len(all) > 0 {
		errs = append(errs, p.printRecordings(all, len(ids) == 1))
	}
	return joined(errs...)
}

// joined joins errors. A single one stays as it is.
func joined(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// printRecordings prints one recording as an object, or several as an array.
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
func downloadNow(r app.Recording) string {
	name := recordingName(r)
	if r.Download == nil {
		return name + " is not being downloaded."
	}
	switch d := r.Download; d.State {
	case app.DownloadDone:
		return fmt.Sprintf("%s is downloaded: %s", name, d.Path)
	case app.DownloadPaused:
		return fmt.Sprintf("%s is paused at %s.", name, progressWords(app.Download{Bytes: d.Bytes, Total: d.Total}))
	default:
		return fmt.Sprintf("The download of %s: %s.", name, d.State)
	}
}

func (p *program) recordingDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete ID", Short: "Delete a recording on its platform", Args: exactly("ID"), RunE: p.asks(p.deleteRecording), ValidArgsFunction: p.recordings,
		Long: "Delete a recording on its platform. Downloaded files stay, and so do objects in your own bucket. Without --yes, this asks first.",
	}
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the recording as a JSON object")
}

func (p *program) deleteRecording(ctx context.Context, b app.Backend, args []string) error {
	r, err := b.Recording(ctx, app.RecordingRef{ID: args[0]})
	if err != nil {
		return err
	}
	what := "it is not downloaded"
	if d := r.Download; d != nil && d.State == app.DownloadDone {
		what = "the copy in " + d.Path + " stays"
	}
	question := fmt.Sprintf("Delete the recording of %s on %s? This can't be undone; %s.", recordingName(r), r.Platform, what)
	if err := p.sure(ctx, question); err != nil {
		return err
	}
	if r, err = b.DeleteRecording(ctx, r.Ref()); err != nil {
		return err
	}
	r.Files = list(r.Files)
	return p.result(r, "%s was deleted on %s.", recordingName(r), r.Platform)
}

func (p *program) recordingLimit() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "limit [RATE|off]", Short: "Show or change the bandwidth of running downloads", Args: atMostOne("RATE"), RunE: p.changes(p.limitDownloads),
		Long: "Show or change the bandwidth that all downloads share, in bytes per second: 5M, 800K, off. The change lasts until\n" +
			"the process that owns the store exits. To make it permanent, set limit_rate under [download].",
	}, "print a JSON object")
}

func (p *program) limitDownloads(ctx context.Context, b app.Backend, args []string) error {
	var l app.DownloadLimit
	if len(args) == 1 {
		limit, err := parseLimit(args[0])
		if err != nil {
			return usagef("RATE can't be %q: %w", args[0], err)
		}
		l = *limit
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
	if l.BytesPerSecond == 0 {
		return p.result(l, "Downloads have no bandwidth limit.")
	}
	return p.result(l, "Downloads share %s/s.", humanize.IBytes(uint64(l.BytesPerSecond)))
}
