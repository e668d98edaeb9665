package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/ipc/lock"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/store"
)

func (p *program) storeCommand() *cobra.Command {
	return group("store", "The store's file: make it smaller, check it, copy it, put a copy back",
		p.storeCompact(), p.storeCheck(), p.storeBackup(), p.storeRestore())
}

type maintainOptions struct {
	*program
	op   app.MaintenanceOp
	json bool
}

func (p *program) maintainCommand(op app.MaintenanceOp, cmd cobra.Command) *cobra.Command {
	o := &maintainOptions{program: p, op: op}
	cmd.RunE = p.do(o.run)
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object")
	return &cmd
}

func (p *program) storeCompact() *cobra.Command {
	return p.maintainCommand(app.CompactStore, cobra.Command{
		Use: "compact", Short: "Write the file anew without its free pages; it never shrinks by itself", Args: exactly(),
	})
}

func (p *program) storeCheck() *cobra.Command {
	return p.maintainCommand(app.CheckStore, cobra.Command{
		Use: "check", Short: "Read everything, and list what is wrong", Args: exactly(),
	})
}

func (p *program) storeBackup() *cobra.Command {
	return p.maintainCommand(app.BackupStore, cobra.Command{
		Use: "backup FILE", Short: "Copy the store into a new file, while it is in use", Args: exactly("FILE"),
	})
}

// errDamaged makes check's exit status tell what its lines say.
var errDamaged = errors.New("the store is damaged: put a backup back with `greenroom store restore FILE`")

func (o *maintainOptions) run(ctx context.Context, args []string) error {
	m := app.Maintenance{Op: o.op}
	if len(args) > 0 {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return fmt.Errorf("find %s: %w", args[0], err)
		}
		m.Path = path
	}
	return o.with(ctx, func(b app.Backend) error {
		done, err := b.Maintain(ctx, m)
		if err != nil {
			return err
		}
		if o.json {
			done.Findings = list(done.Findings)
			err = o.printJSON(done)
		} else {
			err = o.tell(done)
		}
		if err == nil && len(done.Findings) > 0 {
			err = errDamaged
		}
		return err
	})
}

func (o *maintainOptions) tell(m app.Maintained) error {
	size := func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
	switch m.Op {
	case app.CompactStore:
		o.words(fmt.Sprintf("Compacted %s from %s to %s.", plain.Text(m.Path), size(m.Before), size(m.After)))
	case app.BackupStore:
		o.words(fmt.Sprintf("Copied the store to %s, %s.", plain.Text(m.Path), size(m.After)))
	case app.CheckStore:
		for _, f := range m.Findings {
			if _, err := fmt.Fprintln(o.stdout, plain.Text(f)); err != nil {
				return err
			}
		}
		if len(m.Findings) == 0 {
			o.words(fmt.Sprintf("%s is whole, %s.", plain.Text(m.Path), size(m.Before)))
		}
	}
	return nil
}

// lockTime is how long restore waits for commands that come and go.
const lockTime = 2 * time.Second

type restoreOptions struct {
	*program
	yes bool
}

func (p *program) storeRestore() *cobra.Command {
	o := &restoreOptions{program: p}
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of the store; what was there is kept beside it", Args: exactly("FILE"), RunE: p.do(o.run),
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "don't ask")
	return cmd
}

func (o *restoreOptions) run(ctx context.Context, args []string) (err error) {
	if err := o.canAsk("--yes", o.yes); err != nil {
		return err
	}
	if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
		return &app.Error{Kind: provider.NotFound, Text: "there is no file " + args[0], Err: err}
	}
	c, err := o.configWithout(ctx)
	if err != nil {
		return err
	}
	path := storePath(c)
	if err := o.confirm(ctx, "Put "+args[0]+" in the place of "+path+"?", "--yes", o.yes); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	held, err := lock.Acquire(waiting, c.DataDir)
	if errors.Is(err, lock.ErrHeld) {
		return &app.Error{Kind: provider.Conflict, Text: "the store is in use", Hint: "quit the screens and listeners that use it, and try again", Err: err}
	}
	if err != nil {
		return folderError(c, err)
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	kept, err := store.Restore(ctx, path, args[0])
	if err != nil {
		return err
	}
	o.words("Restored ", plain.Text(path), ".")
	if kept != "" {
		o.words("What was there is kept in ", plain.Text(kept), ".")
	}
	return nil
}
