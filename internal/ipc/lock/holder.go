package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Holder describes the holder of a lock.
type Holder struct {
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Version string    `json:"version"`
	// Socket is where it serves others, empty while it doesn't. It is recorded because two programs of one user may use
	// different runtime folders: cron sets no XDG_RUNTIME_DIR.
	Socket string `json:"socket,omitempty"`
}

// recordSize is the fixed size of the record, so that writing a shorter one over a longer one needs no truncation.
const recordSize = 1024

// String describes the holder.
func (h Holder) String() string {
	if h.PID == 0 {
		return "an unknown process"
	}
	return fmt.Sprintf("process %d, version %s, since %s", h.PID, h.Version, h.Since.Local().Format(time.DateTime))
}

// Record publishes who holds the lock. Only the holder may call it, and must call it again after a change.
func (l *Lock) Record(h Holder) error {
	b, err := json.Marshal(h)
	if err == nil && len(b) > recordSize-2 {
		err = fmt.Errorf("%d bytes are too many", len(b))
	}
	if err != nil {
		return fmt.Errorf("lock: record holder: %w", err)
	}
	return l.write(b)
}

// write replaces the record, nil to clear it.
func (l *Lock) write(record []byte) error {
	padded := bytes.Repeat([]byte{' '}, recordSize)
	padded[0], padded[recordSize-1] = '\n', '\n'
	copy(padded[1:], record)
	at := int64(0)
	if runtime.GOOS == "windows" {
		// Here the first byte is locked, and another handle can neither read nor write locked bytes.
		at, padded = 1, padded[1:]
	}
	f, err := os.OpenFile(l.flock.Path(), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("lock: record holder: %w", err)
	}
	l.recorded = true
	_, err = f.WriteAt(padded, at)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("lock: record holder: %w", err)
	}
	return nil
}

// Read returns what the last holder recorded, which may have released the lock or been killed since. It returns the zero value for
// a folder without a lock, a cleared record, and one that is just being written.
func Read(dir string) (Holder, error) {
	path := filepath.Join(dir, FileName)
	if err := check(path); err != nil {
		return Holder{}, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Holder{}, nil
	}
	if err != nil {
		return Holder{}, fmt.Errorf("lock: read holder: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 1, recordSize-1))
	if err != nil {
		return Holder{}, fmt.Errorf("lock: read holder: %w", err)
	}
	return parse(b), nil
}

func parse(b []byte) Holder {
	var h Holder
	if json.Unmarshal(bytes.TrimSpace(b), &h) != nil {
		return Holder{}
	}
	return h
}
