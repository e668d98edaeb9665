package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	return group("store", "Maintain the store: compact, check, back up, restore",
		p.maintains(app.CompactStore, cobra.Command{Use: "compact", Short: "Rewrite the store to reclaim space", Args: exactly()}),
		p.maintains(app.CheckStore, cobra.Command{Use: "check", Short: "Check the whole store for damage", Args: exactly()}),
		p.maintains(app.BackupStore, cobra.Command{
			Use: "backup FILE", Short: "Copy the store into a new file, while it is in use", Args: exactly("FILE"),
			Long: "Copy the store into a new file, while it is in use. The copy is verified before it gets its name. With - as FILE it is\n" +
				"written to standard output, using a file in the temporary folder.",
			Example: "greenroom store backup ~/backups/greenroom-$(date +%F).db\n" +
				"greenroom store backup - | ssh host 'cat > greenroom.db'",
		}),
		p.storeRestore())
}

// maintains returns a command for an operation on the store.
func (p *program) maintains(op app.MaintenanceOp, cmd cobra.Command) *cobra.Command {
	cmd.RunE = p.do(func(ctx context.Context, args []string) error { return p.maintain(ctx, op, args) })
	return p.jsonFlag(&cmd, "print a JSON object")
}

// errDamaged is the error of check if it finds damage.
var errDamaged = errors.New("the store is damaged: restore a backup with `greenroom store restore FILE`")

func (p *program) maintain(ctx context.Context, op app.MaintenanceOp, args []string) error {
	m := app.Maintenance{Op: op}
	if len(args) > 0 && args[0] == "-" {
		return p.backupToOutput(ctx)
	}
	if len(args) > 0 {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return fmt.Errorf("find %s: %w", args[0], err)
		}
		m.Path = path
	}
	work := p.reading
	if op == app.CompactStore {
		work = p.with
	}
	err := work(ctx, func(b app.Backend) error {
		done, err := b.Maintain(ctx, m)
		if err != nil {
			return err
		}
		return p.maintained(done)
	})
	if op == app.CheckStore && errors.Is(err, store.ErrDamaged) {
		return p.checkFile(ctx, err)
	}
	return err
}

// maintained prints the result of an operation. Damage is an error.
func (p *program) maintained(m app.Maintained) (err error) {
	if p.json {
		m.Findings, m.Notes = list(m.Findings), list(m.Notes)
		err = p.printJSON(m)
	} else {
		err = p.tellMaintained(m)
	}
	if err == nil && len(m.Findings) > 0 {
		err = errDamaged
	}
	return err
}

// checkFile checks a store that can't be opened, for the given reason.
func (p *program) checkFile(ctx context.Context, reason error) error {
	c, err := p.config(ctx, "")
	if err != nil {
		return err
	}
	m := app.Maintained{Op: app.CheckStore, Path: storePath(c)}
	if m.Findings, err = store.CheckFile(ctx, m.Path); err != nil {
		return err
	}
	if info, err := os.Stat(m.Path); err == nil {
		m.Before, m.After = info.Size(), info.Size()
	}
	if len(m.Findings) == 0 {
		m.Findings = []string{reason.Error()}
	}
	return p.maintained(m)
}

// backupToOutput copies the store to standard output. Another program may own the store, so that a file is needed in between.
func (p *program) backupToOutput(ctx context.Context) (err error) {
	switch {
	case p.json:
		return usagef("--json can't be used with a backup to standard output")
	case p.outTTY:
		return usagef("a backup can't be written to a terminal: redirect it to a file or a pipe")
	}
	dir, err := os.MkdirTemp("", "greenroom-backup-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, store.FileName)
	return p.reading(ctx, func(b app.Backend) error {
		if _, err := b.Maintain(ctx, app.Maintenance{Op: app.BackupStore, Path: path}); err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("read the backup: %w", err)
		}
		if _, err = io.Copy(p.stdout, f); err != nil {
			err = fmt.Errorf("write the backup: %w", err)
		}
		return errors.Join(err, f.Close())
	})
}

func (p *program) tellMaintained(m app.Maintained) error {
	size := func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
	switch m.Op {
	case app.CompactStore:
		p.words(fmt.Sprintf("Compacted %s from %s to %s.", plain.Text(m.Path), size(m.Before), size(m.After)))
	case app.BackupStore:
		p.words(fmt.Sprintf("Copied the store to %s, %s.", plain.Text(m.Path), size(m.After)))
	case app.CheckStore:
		for _, f := range m.Findings {
			if _, err := fmt.Fprintln(p.stdout, plain.Text(f)); err != nil {
				return err
			}
		}
		for _, n := range m.Notes {
			p.words(n)
		}
		if len(m.Findings) == 0 {
			p.words(fmt.Sprintf("%s is undamaged, %s.", plain.Text(m.Path), size(m.Before)))
		}
	}
	return nil
}

// lockTime is how long restore waits for short commands.
const lockTime = 2 * time.Second

func (p *program) storeRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Replace the store with a backup; the old file is kept beside it", Args: exactly("FILE"), RunE: p.do(p.restoreStore),
	}
	p.yesFlag(cmd)
	return cmd
}

func (p *program) restoreStore(ctx context.Context, args []string) (err error) {
	if err := p.canAsk("--yes", p.yes); err != nil {
		return err
	}
	switch info, err := os.Stat(args[0]); {
	case errors.Is(err, fs.ErrNotExist):
		return &app.Error{Kind: provider.NotFound, Text: "there is no file " + args[0], Err: err}
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: copy the backup into one first", args[0])
	}
	c, err := p.configWithout(ctx)
	if err != nil {
		return err
	}
	path := storePath(c)
	if err := p.sure(ctx, "Replace "+path+" with "+args[0]+"?"); err != nil {
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
	if errors.Is(err, store.ErrInUse) {
		return &app.Error{Kind: provider.Conflict, Text: err.Error(), Hint: "quit the program that uses it, and try again", Err: err}
	}
	if err != nil {
		return folderError(c, err)
	}
	p.words("Restored ", plain.Text(path), ".")
	if kept != "" {
		p.words("The previous store is kept in ", plain.Text(kept), ".")
	}
	return nil
}
