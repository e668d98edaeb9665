// Package lock arbitrates which process may open a store. The lock is a file beside the store, [FileName], held with
// flock(2) (LockFileEx on Windows): the kernel releases it however its holder ends, even by kill -9, so there are no stale
// locks. The file is never renamed or removed, since otherwise two processes could hold locks on two files of one name.
//
// The file also names the holder, for messages and so that others find its socket. That record is informative only: nothing
// is decided by it, and a holder that was killed leaves it behind.
//
// Not promised: fairness among waiting processes, and locking on network file systems without flock.
package lock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"greenroom/internal/private"
)

// FileName is the lock's name in the data folder.
const FileName = "greenroom.lock"

// ErrHeld means that another holder, in this process or another, has the lock. Errors of [Try] that wrap it name the holder.
var ErrHeld = errors.New("held by another process")

// Lock is a lock that is held. It must be released.
type Lock struct {
	flock *flock.Flock
	// recorded reports that the file may hold a record of ours.
	recorded bool
}

// Try acquires the lock of a data folder, and creates the folder (0700) if it is missing. If another process holds the lock, the
// error is [ErrHeld] with what is known of the holder.
func Try(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock: make data folder: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if err := check(path); err != nil {
		return nil, err
	}
	f := flock.New(path)
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %s: %w", path, err)
	}
	if !ok {
		h, _ := Read(dir)
		return nil, fmt.Errorf("lock: %s: %w (%s)", path, ErrHeld, h)
	}
	return &Lock{flock: f}, nil
}

// check refuses a lock that isn't a file of this user: with a link, a pipe or their own file in a folder that they can write to,
// other users could decide who has the lock, or block everyone.
func check(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if !info.Mode().IsRegular() {
		return &private.Error{Text: "the lock " + path + " is not a file", Hint: "remove it"}
	}
	if !private.Mine(info) {
		return &private.Error{Text: "the lock " + path + " belongs to another user", Hint: "remove it, or choose your own data folder"}
	}
	return nil
}

// Acquire waits for the lock until ctx ends. Its error then wraps both ctx's and [ErrHeld].
func Acquire(ctx context.Context, dir string) (*Lock, error) {
	for {
		l, err := Try(dir)
		if err == nil || !errors.Is(err, ErrHeld) {
			return l, err
		}
		// flock(2) can wait in the kernel, but that wait can't be cancelled. So try repeatedly, at random intervals, so that several
		// processes don't try in step.
		retry := time.NewTimer(5*time.Millisecond + rand.N(20*time.Millisecond))
		select {
		case <-ctx.Done():
			retry.Stop()
			return nil, errors.Join(err, ctx.Err())
		case <-retry.C:
		}
	}
}

// Release clears the record, if there is one, and releases the lock. The file stays.
func (l *Lock) Release() error {
	var clearErr error
	if l.recorded {
		clearErr = l.write(nil)
	}
	if err := l.flock.Unlock(); err != nil {
		return fmt.Errorf("lock: release: %w", err)
	}
	return clearErr
}

// Held reports whether the lock is held now, and returns the holder's record. It takes a shared lock for an instant, in which a
// [Try] of another process fails: it is for diagnosis only.
func Held(dir string) (bool, Holder, error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return false, Holder{}, nil
	}
	if err := check(path); err != nil {
		return false, Holder{}, err
	}
	f := flock.New(path)
	free, err := f.TryRLock()
	if err != nil {
		return false, Holder{}, fmt.Errorf("lock: %s: %w", path, err)
	}
	if free {
		return false, Holder{}, f.Unlock()
	}
	h, err := Read(dir)
	return true, h, err
}
