package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/boltfile"
	"greenroom/internal/regular"
	"greenroom/internal/roster"
)

// compactBatch limits one transaction of a compaction, in bytes.
const compactBatch = 16 << 20

// alone serializes tasks that read or write the whole file: a compaction that waited for a slow backup during the exchange would
// block everything else.
func (s *Store) alone(ctx context.Context, f func() error) error {
	select {
	case s.long <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.long }()
	return f()
}

// Backup writes a consistent copy of the whole store while it is in use. The copy is a store itself. However slow w is, reads and
// writes continue.
func (s *Store) Backup(ctx context.Context, w io.Writer) (n int64, err error) {
	err = s.alone(ctx, func() error { n, err = s.backup(ctx, w); return err })
	return n, err
}

func (s *Store) backup(ctx context.Context, w io.Writer) (n int64, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		n, err = tx.b.WriteTo(&untilDone{ctx, w})
		return err
	})
	if err != nil {
		return n, fmt.Errorf("store: back up: %w", err)
	}
	return n, nil
}

// BackupFile is Backup into a new file, 0600, which gets its name only when it is complete and synced. If the file exists it is
// left alone and the error is [os.ErrExist].
func (s *Store) BackupFile(ctx context.Context, path string) (int64, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*")
	if err != nil {
		return 0, fmt.Errorf("store: back up: %w", err)
	}
	defer os.Remove(f.Name()) // the link below remains
	n, err := s.Backup(ctx, f)
	if err == nil {
		err = kind.Whole(ctx, f, s.opt.Path)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	if err := linkOrCopy(f.Name(), path); err != nil {
		return 0, fmt.Errorf("store: back up: %w", err)
	}
	return n, regular.SyncFolder(filepath.Dir(path))
}

type untilDone struct {
	ctx context.Context
	w   io.Writer
}

func (u *untilDone) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(b)
}

// Check reads every page and every record of the store and returns at most 100 problems. The store can be used meanwhile; a large
// one takes seconds.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	found := []string{}
	err := s.alone(ctx, func() error {
		return s.View(ctx, func(tx *Tx) error {
			p, err := s.db.Snapshot(tx.b)
			if err != nil {
				return err
			}
			if found = p.Check(ctx); len(found) == 0 && ctx.Err() == nil {
				found = tx.checkRecords(ctx)
			}
			return ctx.Err()
		})
	})
	if errors.Is(err, ErrDamaged) {
		return append(found, err.Error()), nil
	}
	return found, err
}

// CheckFile is [Store.Check] for a file that can't be opened as a store.
func CheckFile(ctx context.Context, path string) ([]string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("store: check: %w", err)
	}
	defer f.Close()
	p, err := boltfile.OpenPages(f)
	if err != nil {
		return []string{err.Error()}, nil
	}
	return p.Check(ctx), ctx.Err()
}

// checkRecords reads every record and follows the references between them.
func (t *Tx) checkRecords(ctx context.Context) []string {
	var found []string
	report := func(what string, err error) {
		if err != nil && len(found) < boltfile.MaxFindings {
			found = append(found, fmt.Sprintf("%s: %v", what, err))
		}
	}
	_, err := t.Rooms()
	report("rooms", err)
	report("meetings", t.MeetingsBefore("", func(m roster.Meeting) bool {
		_, err := t.Stays(m.ID)
		report("stays of meeting "+m.ID, err)
		return true
	}))
	_, err = t.Unended()
	report("open meetings", err)
	report("recordings", t.NewestRecordings(func(app.Recording) bool { return true }))
	w := wanted(app.EventQuery{})
	t.deliveries(&w, false, func(seq uint64, at iterator) bool {
		_, err := decode[app.Delivery](at.row())
		if err == nil {
			_, _, err = decodeBlob(at.body())
		}
		if err == nil {
			_, err = t.attempts(seq)
		}
		report(fmt.Sprintf("delivery %d", seq), err)
		return ctx.Err() == nil
	})
	_, err = t.Positions()
	report("positions", err)
	for _, j := range t.Forwards() {
		report("forward "+j.Name, j.Damaged)
	}
	_, err = t.DownloadJobs()
	report("downloads", err)
	_, err = t.CommandJobs()
	report("programs", err)
	return found
}

// Compact rewrites the store without its free pages and replaces it. Writes wait meanwhile, and fail with [ErrBusy] if too many
// do; reads wait only for the exchange. It returns the file's size before and after. If it fails, or the process is killed at any
// time, the store is unchanged.
func (s *Store) Compact(ctx context.Context) (before, after int64, err error) {
	err = s.alone(ctx, func() error {
		w := &write{maintain: func() error {
			before, after, err = s.compact(ctx)
			return err
		}, done: make(chan error, 1)}
		return s.enqueue(context.WithoutCancel(ctx), s.queue, w)
	})
	return before, after, err
}

func (s *Store) compact(ctx context.Context) (before, after int64, err error) {
	if p := s.problem(); p != nil {
		return 0, 0, p
	}
	if err := s.db.There(s.opt.Path); err != nil {
		return 0, 0, err
	}
	part := s.db.Path + ".compact"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, fmt.Errorf("store: compact: %w", err)
	}
	defer os.Remove(part) // gone after the rename below
	if before, err = sizeOf(s.db.Path); err != nil {
		return 0, 0, err
	}
	if err := ctx.Err(); err != nil {
		return before, before, err
	}
	dst, err := bolt.Open(part, 0o600, &bolt.Options{Timeout: s.opt.Timeout, NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return before, before, fmt.Errorf("store: compact: %w", err)
	}
	err = kind.Guard(s.opt.Path, func() error { return bolt.Compact(dst, s.db.DB, compactBatch) })
	if err == nil {
		err = boltfile.Seal(dst)
	}
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err != nil {
		return before, before, fmt.Errorf("store: compact: %w", err)
	}
	if after, err = sizeOf(part); err != nil {
		return before, before, err
	}
	return before, after, s.exchange(part)
}

// exchange replaces the store with another file, while no reads run.
func (s *Store) exchange(part string) error {
	s.swap.Lock()
	defer s.swap.Unlock()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: compact: %w", err)
	}
	renamed := os.Rename(part, s.db.Path)
	db, err := boltfile.Open(s.db.Path, s.opt.file())
	if err != nil {
		return errors.Join(renamed, err) // all later calls report that the store is closed
	}
	s.db = db
	if renamed != nil {
		return fmt.Errorf("store: compact: %w", renamed)
	}
	return regular.SyncFolder(filepath.Dir(s.db.Path))
}

// Restore replaces a store that no process has open with a backup, after checking that it is complete and of a version that this
// program reads. The replaced file is kept beside it under the returned name, empty if there was none. The caller holds the lock
// of the data folder; Restore locks the file, which links from several folders may lead to.
func Restore(ctx context.Context, path, backup string) (kept string, err error) {
	if err := probe(ctx, backup); err != nil {
		return "", err
	}
	if path, err = boltfile.RealPath(path); err != nil {
		return "", err
	}
	old, err := regular.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", fmt.Errorf("store: restore: %w", err)
	default:
		defer old.Close()
		if err := boltfile.Lock(old, true, openTimeout); err != nil {
			return "", fmt.Errorf("store: restore: %w", err)
		}
	}
	part := path + ".restore"
	if err := errors.Join(copyFile(part, backup), sealFile(part)); err != nil {
		return "", errors.Join(fmt.Errorf("store: restore: %w", err), os.Remove(part))
	}
	if old != nil {
		if kept, err = keep(path); err != nil {
			return "", fmt.Errorf("store: restore: %w", err)
		}
	}
	if err := os.Rename(part, path); err != nil {
		return kept, fmt.Errorf("store: restore: %w", err)
	}
	if kept != "" { // with what a process that was killed left in the redo log, which doesn't apply to the backup
		if err := os.Rename(path+redoSuffix, kept+redoSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kept, fmt.Errorf("store: restore: %w", err)
		}
	}
	return kept, regular.SyncFolder(filepath.Dir(path))
}

// sealFile gives a file that no process has open an epoch of its own, and seals it.
func sealFile(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	err = db.Update(func(b *bolt.Tx) error {
		if b.Bucket(bucketMeta) == nil {
			return nil // the first schema
		}
		_, err := newEpoch(b)
		return err
	})
	return errors.Join(err, boltfile.Seal(db), db.Close())
}

// keep gives a file a second, unused name, so that it survives the replacement of its first one.
func keep(path string) (string, error) {
	for n := 1; ; n++ {
		kept := fmt.Sprintf("%s.before-restore-%d", path, n)
		err := linkOrCopy(path, kept)
		if !errors.Is(err, os.ErrExist) {
			return kept, err
		}
	}
}

// linkOrCopy gives a file another name, without replacing anything. If the file system has no hard links, the name is reserved
// first and the file copied.
func linkOrCopy(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), copyFile(to, from))
}

// probe reads a whole file as a store, without changing it.
func probe(ctx context.Context, path string) error {
	db, err := boltfile.Open(path, Options{Path: path, ReadOnly: true}.withDefaults().file())
	switch {
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("store: %s is not a store, or is damaged: %w", path, err)
	case err != nil:
		return fmt.Errorf("store: restore: %w", err)
	}
	err = kind.Guard(path, func() error {
		return db.View(func(b *bolt.Tx) error {
			if b.Bucket(bucketRooms) == nil && b.Bucket(bucketMeetings) == nil {
				return fmt.Errorf("store: %s is not a Greenroom store", path)
			}
			if v := schemaOf(b); v > schema {
				return fmt.Errorf("%w: %s has schema %d and this program knows %d", ErrNewer, path, v, schema)
			}
			return kind.Whole(ctx, db.OS, path)
		})
	})
	return errors.Join(err, db.Close())
}

func copyFile(to, from string) error {
	src, err := regular.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

func sizeOf(path string) (int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	return st.Size(), nil
}
