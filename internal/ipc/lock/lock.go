// Package lock arbitrates which process may open a store. The lock is a file beside the store, [FileName], held with
// flock(2) (LockFileEx on Windows): the kernel lets go of it however its holder ends, kill -9 included, so that a stale
// lock cannot exist. The file itself is never renamed and never removed, since two processes could otherwise hold locks
// on two files of one name.
//
// The file also names the holder, for messages and so that others find the holder's socket. That record is a courtesy:
// nothing is decided by it, and a holder that was killed leaves it behind.
//
// Not promised: fairness among those who wait, and locking on network file systems that don't implement flock.
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

// ErrHeld says that another holder, in this process or another, has the lock. Errors of [Try] that wrap it tell who.
var ErrHeld = errors.New("held by another process")

// Lock is a lock that is held. It must be released.
type Lock struct {
	flock *flock.Flock
	// recorded says that the file may hold a record of ours.
	recorded bool
}

// Try takes the lock of a data folder, making the folder (0700) where it is missing. When another process holds it the
// error is [ErrHeld], with what is known of the holder.
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

// check refuses a lock that isn't a file of this user's: a link, a pipe or another user's file in a folder that others can
// write to would let them decide who has the lock, or keep everyone waiting.
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

// Acquire waits for the lock until ctx ends, and then returns an error that wraps both ctx's and [ErrHeld].
func Acquire(ctx context.Context, dir string) (*Lock, error) {
	for {
		l, err := Try(dir)
		if err == nil || !errors.Is(err, ErrHeld) {
			return l, err
		}
		// flock(2) can wait in the kernel, but that wait cannot be called off; so it is asked again and again, at random
		// distances so that those who wait don't march in step.
		retry := time.NewTimer(5*time.Millisecond + rand.N(20*time.Millisecond))
		select {
		case <-ctx.Done():
			retry.Stop()
			return nil, errors.Join(err, ctx.Err())
		case <-retry.C:
		}
	}
}

// Release clears the record, if there is one, and lets go. The file stays.
func (l *Lock) Release() error {
	var clearErr error
	if l.recorded {
		clearErr = l.clear()
	}
	if err := l.flock.Unlock(); err != nil {
		return fmt.Errorf("lock: release: %w", err)
	}
	return clearErr
}

// Held reports whether the lock is held now, and returns the holder's record. It looks by taking a shared lock for an instant,
// so that a [Try] of another process in that instant fails: for diagnosis, not for deciding.
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
