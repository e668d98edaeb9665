package ipc

import "io/fs"

// checkOwner trusts the user's temporary folder, which other users can't enter: Windows has no permission bits.
func checkOwner(string, fs.FileInfo) error { return nil }
