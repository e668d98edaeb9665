package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/plain"
	"greenroom/internal/regular"
	"greenroom/provider"
)

// The limits of one commit.
const (
	importEvents = 200
	importBytes  = 1 << 20
)

type eventImportOptions struct {
	*program
	account string
}

func (p *program) eventImport() *cobra.Command {
	o := &eventImportOptions{program: p}
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Import events from a file of JSON lines or HAR", Args: exactly("FILE"), RunE: p.do(o.run),
		Long: "Import events that `greenroom event export` wrote as ndjson or HAR, or HAR from another program; - is standard input. They keep\n" +
			"their order, times, bytes and verdicts. They don't affect meetings, and is:imported finds them. Events that were " +
			"imported before are skipped.",
	}
	cmd.Flags().StringVar(&o.account, "account", "", "account under which the events are listed (default: the one in the file, or imported)")
	return p.jsonFlag(cmd, "print a JSON object with the counts")
}

func (o *eventImportOptions) run(ctx context.Context, args []string) error {
	in := o.stdin
	if args[0] != "-" {
		f, err := regular.Open(args[0])
		if err != nil {
			return fmt.Errorf("read the events: %w", err)
		}
		defer f.Close()
		in = f
	}
	return o.with(ctx, func(b app.Backend) error {
		var total app.ImportedBatch
		err := o.read(ctx, b, in, &total)
		if o.json {
			return errors.Join(err, o.printJSON(total))
		}
		text := fmt.Sprintf("Imported %d events", total.Stored)
		if total.Known > 0 {
			text += fmt.Sprintf("; %d had already been imported", total.Known)
		}
		o.words(text + ".")
		return err
	})
}

// read stores the events of a file in batches, and counts them.
func (o *eventImportOptions) read(ctx context.Context, b app.Backend, in io.Reader, total *app.ImportedBatch) error {
	var batch app.ImportBatch
	size := 0
	flush := func() error {
		if len(batch.Events) == 0 {
			return ctx.Err()
		}
		got, err := b.Import(ctx, batch)
		total.Stored, total.Known = total.Stored+got.Stored, total.Known+got.Known
		batch, size = app.ImportBatch{}, 0
		return err
	}
	var stored error
	err := export.Read(in, func(d app.Delivery) error {
		switch {
		case o.account != "":
			d.Account = o.account
		case d.Account == "":
			d.Account = "imported"
		}
		batch.Events = append(batch.Events, d)
		if size += len(d.Body); len(batch.Events) >= importEvents || size >= importBytes {
			stored = flush()
		}
		return stored
	})
	if stored != nil {
		return stored
	}
	if err != nil { // the events before it are valid
		err = &app.Error{Kind: provider.Invalid, Text: plain.Text(err.Error())}
	}
	return errors.Join(flush(), err)
}
