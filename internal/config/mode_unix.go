//go:build !windows

package config

import "io/fs"

// ownerOnly reports whether only the owner can read the file.
func ownerOnly(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }
