// Package regular opens regular files only. Opening a FIFO may wait permanently, and reading a device may never end.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrNotRegular is the error for folders, FIFOs, sockets and devices.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a file for reading. It never waits.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// OpenFile is [os.OpenFile] for regular files, and never waits.
func OpenFile(path string, flag int, mode fs.FileMode) (*os.File, error) {
	return With(os.OpenFile, path, flag, mode)
}

// With is OpenFile with another open function, such as that of an [os.Root].
func With(open func(string, int, fs.FileMode) (*os.File, error), path string, flag int, mode fs.FileMode) (*os.File, error) {
	f, err := open(path, flag|noWait, mode)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: kind(info.Mode())}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Read reads a whole file of at most limit bytes.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d bytes", limit)}
	}
	return b, nil
}

func kind(m fs.FileMode) error {
	for _, k := range []struct {
		is   fs.FileMode
		name string
	}{{fs.ModeDir, "a folder"}, {fs.ModeNamedPipe, "a FIFO"}, {fs.ModeSocket, "a socket"}, {fs.ModeDevice, "a device"}} {
		if m&k.is != 0 {
			return fmt.Errorf("it is %s, %w", k.name, ErrNotRegular)
		}
	}
	return ErrNotRegular
}
