package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

func (p *program) recordingIgnore() *cobra.Command {
	undo := false
	cmd := p.recordingAct(func(b app.Backend, ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
		return b.IgnoreRecording(ctx, app.IgnoreRequest{RecordingRef: ref, Undo: undo})
	}, func(r app.Recording) string {
		if r.IgnoredAt.IsZero() {
			return recordingName(r) + " is included in --all again."
		}
		return recordingName(r) + " is excluded from --all."
	}, cobra.Command{
		Use: "ignore ID…", Short: "Exclude recordings from `download --all`",
		Long: "Exclude recordings, such as a broken one, from `recording download --all` and automatic downloads. To include one again, use\n" +
			"--undo or download it by its ID. Downloaded files stay.",
	})
	cmd.Flags().BoolVar(&undo, "undo", false, "include them again")
	return cmd
}

// commandNow describes on_download of a recording in a sentence.
func commandNow(r app.Recording) string {
	state := "not requested"
	if r.Download != nil && r.Download.Command != nil {
		state = r.Download.Command.State
	}
	return fmt.Sprintf("on_download of %s: %s.", recordingName(r), state)
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

// rerun runs on_download on a recording, and returns when it has ended.
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
