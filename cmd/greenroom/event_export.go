package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/plain"
	"greenroom/internal/web"
)

type eventExportOptions struct {
	*program
	filter, as, out string
	secrets         bool
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
	fl.StringVar(&o.as, "as", string(export.NDJSON), "output format: ndjson, har, curl or go")
	fl.StringVar(&o.out, "out", "", "write to this file instead of standard output")
	fl.BoolVar(&o.secrets, "with-secrets", false, "keep signatures, Authorization headers and known secrets")
	words(cmd, "as", export.Forms()...)
	return cmd
}

func (o *eventExportOptions) run(ctx context.Context, args []string) error {
	form := export.Form(o.as)
	if !slices.Contains(export.Forms(), form) {
		return usagef("--as can't be %q: use ndjson, har, curl or go", o.as)
	}
	if len(args) > 0 && o.filter != "" {
		return usagef("use either SEQ… or --filter, not both")
	}
	var seqs []uint64
	for _, a := range args {
		n, err := seqOf(a)
		if err != nil {
			return err
		}
		seqs = append(seqs, n)
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
		s, err := b.Status(ctx, app.StatusQuery{})
		if err != nil {
			return err
		}
		opt := export.Options{Form: form, Base: s.Listener.URL, Version: o.version}
		if opt.Base == "" {
			opt.Base = "http://" + web.DefaultAddr
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
	var signatures []string
	for _, d := range drivers() {
		signatures = append(signatures, d.SignatureHeaders...)
	}
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

// written calls f with standard output, or with a file that gets its name when it is complete.
func (o *eventExportOptions) written(f func(io.Writer, export.Saver) error) (err error) {
	if o.out == "" {
		return f(o.stdout, saveHere)
	}
	dir := filepath.Dir(o.out)
	file, err := os.CreateTemp(dir, ".greenroom-export-*") // for its owner alone
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &app.Error{Text: fmt.Sprintf("%s can't be written: there is no folder %s", plain.Text(o.out), plain.Text(dir)), Hint: "create it first", Err: err}
	case err != nil:
		return fmt.Errorf("write %s: %w", o.out, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(file.Name())))
		}
	}()
	// A script finds its bodies beside itself, from whatever folder it is run.
	save := func(name string, content []byte) (string, error) {
		name, err := saveHere(filepath.Join(dir, name), content)
		return filepath.Base(name), err
	}
	if o.as == "curl" {
		if _, err := fmt.Fprint(file, "cd -- \"$(dirname -- \"$0\")\" || exit # the bodies are here\n\n"); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", o.out, err), file.Close())
		}
	}
	if err := errors.Join(f(file, save), file.Sync(), file.Close()); err != nil {
		return err
	}
	if !o.secrets {
		if err := os.Chmod(file.Name(), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", o.out, err)
		}
	}
	if err := os.Rename(file.Name(), o.out); err != nil {
		return fmt.Errorf("write %s: %w", o.out, err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
