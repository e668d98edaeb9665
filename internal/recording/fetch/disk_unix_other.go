//go:build unix && !linux && !darwin

package fetch

import "os"

func reserve(f *os.File, size int64) error { return f.Truncate(size) }

func syncData(f *os.File) error { return f.Sync() }

func renameNew(*folder, string, string) error { return errNoRename }
