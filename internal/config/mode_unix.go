//go:build !windows

package config

import "io/fs"

// ownerOnly says whether nobody but the owner can read the file.
func ownerOnly(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }
