package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

type recordingIgnoreOptions struct {
	recordingActOptions
	undo bool
}

func (p *program) recordingIgnore() *cobra.Command {
	o := &recordingIgnoreOptions{}
	o.recordingActOptions = recordingActOptions{
		program: p,
		act: func(b app.Backend) func(context.Context, app.RecordingRef) (app.Recording, error) {
			return func(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
				return b.IgnoreRecording(ctx, app.IgnoreRequest{RecordingRef: ref, Undo: o.undo})
			}
		},
		done: func(r app.Recording) string {
			if r.IgnoredAt.IsZero() {
				return recordingName(r) + " is downloaded with the others again."
			}
			return recordingName(r) + " is left out when all are downloaded."
		},
	}
	cmd := o.command(cobra.Command{
		Use: "ignore ID…", Short: "Leave recordings out when all are downloaded",
		Long: "Leave recordings out when all are downloaded, such as one that is broken. `greenroom recording download ID` fetches one all\n" +
			"the same, and ends that, as does --undo. What was downloaded stays.",
	})
	cmd.Flags().BoolVar(&o.undo, "undo", false, "take them in again")
	return cmd
}

func (p *program) recordingSkip() *cobra.Command {
	o := &recordingActOptions{program: p,
		act: func(b app.Backend) func(context.Context, app.RecordingRef) (app.Recording, error) {
			return b.SkipCommand
		},
		done: func(r app.Recording) string {
			return fmt.Sprintf("on_download of %s: %s.", recordingName(r), commandWord(r))
		},
	}
	return o.command(cobra.Command{
		Use: "skip ID…", Short: "End on_download for recordings",
		Long: "End on_download for recordings: a program that runs is killed with everything that it has started, and one that waits is not run.",
	})
}

// commandWord is the state of on_download in a word.
func commandWord(r app.Recording) string {
	if r.Download == nil || r.Download.Command == nil {
		return "never asked for"
	}
	return r.Download.Command.State
}

type recordingRerunOptions struct {
	*program
	json bool
}

func (p *program) recordingRerun() *cobra.Command {
	o := &recordingRerunOptions{program: p}
	cmd := &cobra.Command{
		Use: "rerun ID…", Short: "Run on_download again on recordings that are here", Args: some("IDs of recordings"), RunE: p.do(o.run),
		ValidArgsFunction: p.recordings,
		Long: "Run on_download again on recordings that are here, and wait until it has ended. Where another Greenroom has the store it\n" +
			"does the work. The status is 1 when a program fails; it is tried again by a Greenroom that stays open.",
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the recording as a JSON object; several as an array")
	return cmd
}

func (o *recordingRerunOptions) run(ctx context.Context, args []string) error {
	return o.staying(ctx, func(ctx context.Context, b app.Backend) error {
		var all []app.Recording
		var errs []error
		for _, id := range args {
			r, err := rerun(ctx, b, id)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			all = append(all, r)
			if c := r.Download.Command; c.State != app.CommandDone {
				errs = append(errs, &app.Error{Text: fmt.Sprintf("on_download of %s: %s: %s", recordingName(r), c.State, c.Reason)})
			} else if !o.json {
				o.words(plain.Text("on_download of " + recordingName(r) + " has ended well."))
			}
		}
		if o.json && len(all) > 0 {
			errs = append(errs, o.printRecordings(all, len(args) == 1))
		}
		return joined(errs)
	})
}

// rerun runs on_download on one recording, and returns once that has ended.
func rerun(ctx context.Context, b app.Backend, id string) (app.Recording, error) {
	changes, err := b.Subscribe(ctx)
	if err != nil {
		return app.Recording{}, err
	}
	r, err := b.RerunCommand(ctx, app.RecordingRef{ID: id})
	for err == nil && !(r.Download != nil && r.Download.Command != nil && r.Download.Command.Settled()) {
		if _, open := <-changes; !open {
			return r, context.Cause(ctx)
		}
		r, err = b.Recording(ctx, r.Ref())
	}
	return r, err
}
