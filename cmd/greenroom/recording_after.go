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
		act: func(b app.Backend, ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
			return b.IgnoreRecording(ctx, app.IgnoreRequest{RecordingRef: ref, Undo: o.undo})
		},
		done: func(r app.Recording) string {
			if r.IgnoredAt.IsZero() {
				return recordingName(r) + " is included in --all again."
			}
			return recordingName(r) + " is excluded from --all."
		},
	}
	cmd := o.command(cobra.Command{
		Use: "ignore ID…", Short: "Exclude recordings from `download --all`",
		Long: "Exclude recordings, such as a broken one, from `recording download --all` and automatic downloads. To include one again, use\n" +
			"--undo or download it by its ID. Downloaded files stay.",
	})
	cmd.Flags().BoolVar(&o.undo, "undo", false, "include them again")
	return cmd
}

func (p *program) recordingSkip() *cobra.Command {
	o := &recordingActOptions{
		program: p, act: app.Backend.SkipCommand,
		done: func(r app.Recording) string {
			return fmt.Sprintf("on_download of %s: %s.", recordingName(r), commandWord(r))
		},
	}
	return o.command(cobra.Command{
		Use: "skip ID…", Short: "Stop on_download for recordings",
		Long: "Stop on_download for recordings: a running program is killed with all processes that it started; a waiting one doesn't run.",
	})
}

// commandWord is the state of on_download in a word.
func commandWord(r app.Recording) string {
	if r.Download == nil || r.Download.Command == nil {
		return "not requested"
	}
	return r.Download.Command.State
}

func (p *program) recordingRerun() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "rerun ID…", Short: "Run on_download again for downloaded recordings", Args: some("IDs of recordings"), RunE: p.do(p.rerunRecordings),
		ValidArgsFunction: p.recordings,
		Long: "Run on_download again for downloaded recordings and wait until it has finished. If another Greenroom owns the store, it does\n" +
			"the work. The status is 1 if a program fails; the screen or `greenroom listen` retries it.",
	}, "print the recording as a JSON object; several as an array")
}

func (p *program) rerunRecordings(ctx context.Context, args []string) error {
	return p.staying(ctx, func(ctx context.Context, b app.Backend) error {
		return p.each(args, func(id string) (app.Recording, error) { return rerun(ctx, b, id) }, func(r app.Recording) error {
			if c := r.Download.Command; c.State != app.CommandDone {
				return &app.Error{Text: fmt.Sprintf("on_download of %s: %s: %s", recordingName(r), c.State, c.Reason)}
			}
			if !p.json {
				p.words(plain.Text("on_download of " + recordingName(r) + " succeeded."))
			}
			return nil
		})
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
