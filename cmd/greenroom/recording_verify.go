package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/recording/library"
)

type recordingVerifyOptions struct {
	*program
	offline bool
}

func (p *program) recordingVerify() *cobra.Command {
	o := &recordingVerifyOptions{program: p}
	cmd := &cobra.Command{
		Use: "verify [ID…]", Short: "Check downloaded files for damage", RunE: p.do(o.run), ValidArgsFunction: p.recordings,
		Long: "Read the files of the given recordings, or of all, and compare size and SHA-256 with those recorded at the download.\n" +
			"Each file is ok, changed, missing or unreadable; status 1 means that a file isn't ok. Files downloaded by earlier " +
			"versions are searched for holes: long runs of zeros. If the platform or the bucket still has the recording, the " +
			"holes are compared with it, and the file is ok or broken; otherwise it is suspect.\n" +
			"The results are stored: `recording list` and the screen show them, and `recording download --all` fetches bad files again.",
	}
	p.jsonFlag(cmd, "print a JSON array")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "don't contact the sources; files with holes are then suspect")
	return cmd
}

// verified is the result for one file.
type verified struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Room    string `json:"room"`
	Path    string `json:"path"`
	// State is ok or the finding, Detail the difference.
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (o *recordingVerifyOptions) run(ctx context.Context, args []string) error {
	lib, err := o.library(ctx)
	if err != nil {
		return err
	}
	recordings, err := o.choose(ctx, args)
	if err != nil {
		return err
	}
	// Reading may take long: the store is closed meanwhile.
	found, bad := []verified{}, 0
	var unnoted []error
	for _, r := range recordings {
		v := app.Verification{RecordingRef: r.Ref()}
		for _, f := range filesHere(r) {
			now, scanned := lib.Verify(ctx, r, f)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if now.Finding != "" {
				bad++
			}
			v.Files = append(v.Files, now)
			found = append(found, verified{
				ID: r.ID, Account: r.Account, Room: r.Room, Path: f.Path, State: cmp.Or(now.Finding, "ok"), Detail: now.Detail,
				Size: scanned.Size, SHA256: scanned.SHA256,
			})
		}
		unnoted = append(unnoted, o.with(ctx, func(b app.Backend) error {
			_, err := b.NoteVerification(ctx, v)
			return err
		}))
	}
	if err := o.tell(found); err != nil {
		return err
	}
	if err := joined(unnoted...); err != nil {
		return fmt.Errorf("the results could not be stored: %w", err)
	}
	if bad > 0 {
		return &app.Error{
			Text: fmt.Sprintf("%d of %d files are damaged or missing", bad, len(found)), Hint: "to replace one: greenroom " +
				"recording download --again ID",
		}
	}
	return nil
}

// library returns the reader of files and their sources.
func (o *recordingVerifyOptions) library(ctx context.Context) (*library.Library, error) {
	c, err := o.config(ctx, "")
	if err != nil {
		return nil, err
	}
	if o.offline {
		return library.New(library.Options{}), nil
	}
	accounts, err := openAccounts(c)
	if err != nil {
		return nil, err
	}
	return newLibrary(c, accounts, nil, nil)
}

// choose finds the recordings to verify, which have files here.
func (o *recordingVerifyOptions) choose(ctx context.Context, args []string) (recordings []app.Recording, err error) {
	err = o.with(ctx, func(b app.Backend) error {
		if len(args) == 0 {
			all, err := b.Recordings(ctx, app.RecordingQuery{Limit: allRecordings})
			for _, r := range all {
				if len(filesHere(r)) > 0 {
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
			if len(filesHere(r)) == 0 {
				return &app.Error{Text: fmt.Sprintf("recording %s was not downloaded", r.ID), Hint: "greenroom recording download " + plain.Word(r.ID)}
			}
			recordings = append(recordings, r)
		}
		return nil
	})
	return recordings, err
}

// filesHere returns the downloaded files of a recording, including those of earlier downloads.
func filesHere(r app.Recording) (files []app.DownloadedFile) {
	d := r.Download
	if d == nil {
		return nil
	}
	if d.State == app.DownloadDone {
		files = append(files, d.Files...)
	}
	for _, e := range d.Earlier {
		files = append(files, e.Files...)
	}
	return files
}

func (o *recordingVerifyOptions) tell(found []verified) error {
	return printList(o.program, found, "No recording was downloaded.", newTable("STATE", "ROOM", "SIZE", "FILE"), func(v verified) []string {
		state := v.State
		if v.Detail != "" {
			state += ": " + v.Detail
		}
		return []string{state, v.Room, humanize.IBytes(uint64(v.Size)), v.Path}
	})
}
