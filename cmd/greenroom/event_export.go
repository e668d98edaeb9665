package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/plain"
	"greenroom/internal/regular"
	"greenroom/provider"
)

type eventExportOptions struct {
	*program
	filter, out string
	form        export.Form
	secrets     bool
}

func (p *program) eventExport() *cobra.Command {
	o := &eventExportOptions{program: p}
	cmd := &cobra.Command{
		Use: "export [SEQ…]", Short: "Write events as JSON, HAR, curl commands or Go code", Args: cobra.ArbitraryArgs, RunE: p.do(o.run),
		Long: "Write events in order of arrival, with every byte of their requests. Signatures, Authorization headers and known secrets are\n" +
			"redacted unless --with-secrets is given; then only you can read the file.",
		Example: "greenroom event export --filter 'room:standup since:1d' --as har --out standup.har\n" +
			"greenroom event export 17 18 --as go --out fixtures.go",
	}
	fl := cmd.Flags()
	fl.StringVarP(&o.filter, "filter", "f", "", "only events that this filter selects (docs/filter.md)")
	choice(cmd, &o.form, "as", string(export.NDJSON), "output format: ndjson, har, curl or go", export.Forms()...)
	fl.StringVar(&o.out, "out", "", "write to this file instead of standard output")
	fl.BoolVar(&o.secrets, "with-secrets", false, "keep signatures, Authorization headers and known secrets")
	return cmd
}

func (o *eventExportOptions) run(ctx context.Context, args []string) error {
	if len(args) > 0 && o.filter != "" {
		return usagef("use either SEQ… or --filter, not both")
	}
	seqs, err := seqsOf(args)
	if err != nil {
		return err
	}
	text, err := o.filterOf(o.filter)
	if err != nil {
		return err
	}
	return o.reading(ctx, func(b app.Backend) error {
		if len(seqs) == 0 {
			if seqs, err = allOf(ctx, b, text); err != nil {
				return err
			}
		}
		opt := export.Options{Form: o.form, Version: o.version}
		if opt.Base, err = listenerURL(ctx, b); err != nil {
			return err
		}
		return o.written(func(w io.Writer, save export.Saver) error {
			opt.Save = save
			return o.write(ctx, b, export.NewWriter(w, opt), seqs)
		})
	})
}

// allOf lists the events that a filter selects, in order of arrival.
func allOf(ctx context.Context, b app.Backend, filter string) (seqs []uint64, err error) {
	f := follower{backend: b}
	last, err := f.newest(ctx)
	if err != nil {
		return nil, err
	}
	err = f.pages(ctx, app.EventQuery{Filter: filter, Before: last + 1, Limit: 1000}, 0, func(d app.Delivery) error {
		seqs = append(seqs, d.Seq)
		return nil
	})
	return seqs, err
}

func (o *eventExportOptions) write(ctx context.Context, b app.Backend, w *export.Writer, seqs []uint64) error {
	signatures := fromDrivers(func(d provider.Driver) []string { return d.SignatureHeaders })
	for _, seq := range seqs {
		d, err := wholeEvent(ctx, b, seq)
		if err != nil {
			return err
		}
		if !o.secrets {
			d = export.Redact(d, signatures)
		}
		if err := w.Write(d); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if o.out != "" {
		o.words(plain.Text(fmt.Sprintf("Wrote %s to %s.", english.Plural(len(seqs), "event", "events"), o.out)))
	}
	return nil
}

// written calls f with standard output, or with a file that appears when it is complete.
func (o *eventExportOptions) written(f func(io.Writer, export.Saver) error) error {
	if o.out == "" {
		return f(o.stdout, saveHere)
	}
	mode := fs.FileMode(0o644)
	if o.secrets {
		mode = 0o600
	}
	return replaceFile(o.out, mode, func(file *os.File) error {
		if o.form == export.CURL {
			if _, err := io.WriteString(file, "cd -- \"$(dirname -- \"$0\")\" || exit # the bodies are here\n\n"); err != nil {
				return err
			}
		}
		// The script finds its bodies beside itself, from whichever folder it is run.
		return f(file, func(name string, content []byte) (string, error) {
			name, err := saveHere(filepath.Join(filepath.Dir(o.out), name), content)
			return filepath.Base(name), err
		})
	})
}

// replaceFile is [regular.Replace], with an error for the user. Errors of write are returned as they are.
func replaceFile(path string, mode fs.FileMode, write func(*os.File) error) error {
	var unwritten error
	err := regular.Replace(path, mode, func(f *os.File) error {
		unwritten = write(f)
		return unwritten
	})
	if unwritten != nil {
		return err
	}
	if dir := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) {
		return &app.Error{Text: fmt.Sprintf("%s can't be written: there is no folder %s", plain.Text(path), plain.Text(dir)), Hint: "create it first", Err: err}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
