//go:build !linux

package web

import "os"

func fdatasync(f *os.File) error { return f.Sync() }
