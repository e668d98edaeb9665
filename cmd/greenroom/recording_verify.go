package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/recording/library"
)

type recordingVerifyOptions struct {
	*program
	json bool
}

func (p *program) recordingVerify() *cobra.Command {
	o := &recordingVerifyOptions{program: p}
	cmd := &cobra.Command{
		Use: "verify [ID…]", Short: "Check that downloaded files are still what was verified", RunE: p.do(o.run), ValidArgsFunction: p.recordings,
		Long: "Read the files of recordings that were downloaded, of all of them without IDs, and compare size and SHA-256 with\n" +
			"what was verified then. Each is ok, changed or missing; status 1 means that one isn't ok.",
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array")
	return cmd
}

// verified is what became of one file.
type verified struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Room    string `json:"room"`
	Path    string `json:"path"`
	// State is ok, changed, missing or unreadable, Detail what differs.
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (o *recordingVerifyOptions) run(ctx context.Context, args []string) error {
	var recordings []app.Recording
	err := o.with(ctx, func(b app.Backend) error {
		if len(args) == 0 {
			all, err := b.Recordings(ctx, app.RecordingQuery{Limit: allRecordings})
			for _, r := range all {
				if r.Download != nil && r.Download.State == app.DownloadDone {
					recordings = append(recordings, r)
				}
			}
			return err
		}
		for _, id := range args {
			r, err := b.Recording(ctx, app.RecordingRef{ID: id})
			if err != nil {
				return err
			}
			if r.Download == nil || r.Download.State != app.DownloadDone {
				return &app.Error{Text: fmt.Sprintf("recording %s was not downloaded", r.ID), Hint: "greenroom recording download " + plain.Word(r.ID)}
			}
			recordings = append(recordings, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Reading may take long; the store is let go meanwhile.
	found, bad := []verified{}, 0
	for _, r := range recordings {
		for _, f := range r.Download.Files {
			v := verify(ctx, r, f)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if v.State != "ok" {
				bad++
			}
			found = append(found, v)
		}
	}
	if err := o.tell(found); err != nil {
		return err
	}
	if bad > 0 {
		return &app.Error{
			Text: fmt.Sprintf("%d of %d files are not what was downloaded", bad, len(found)), Hint: "greenroom recording download --again ID fetches one anew",
		}
	}
	return nil
}

func verify(ctx context.Context, r app.Recording, f app.DownloadedFile) verified {
	v := verified{ID: r.ID, Account: r.Account, Room: r.Room, Path: f.Path, State: "ok"}
	var err error
	v.Size, v.SHA256, err = library.Sum(ctx, f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.State, v.Size, v.SHA256 = "missing", 0, ""
	case err != nil:
		v.State, v.Detail = "unreadable", err.Error()
	case v.Size != f.Size:
		v.State, v.Detail = "changed", fmt.Sprintf("%d bytes, not %d", v.Size, f.Size)
	case v.SHA256 != f.SHA256:
		v.State, v.Detail = "changed", "other content of the same size"
	}
	return v
}

func (o *recordingVerifyOptions) tell(found []verified) error {
	if o.json {
		return o.printJSON(found)
	}
	if len(found) == 0 {
		o.words("No recording was downloaded.")
		return nil
	}
	t := newTable("STATE", "ROOM", "SIZE", "FILE")
	for _, v := range found {
		state := v.State
		if v.Detail != "" {
			state += ": " + v.Detail
		}
		t.add(state, v.Room, humanize.IBytes(uint64(v.Size)), v.Path)
	}
	return o.printTable(t)
}
