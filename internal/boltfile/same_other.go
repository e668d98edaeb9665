//go:build !unix

package boltfile

import "os"

// same reports whether a name leads to a file.
func same(name string, id os.FileInfo) (bool, error) {
	now, err := os.Stat(name)
	if err != nil {
		return false, err
	}
	return os.SameFile(now, id), nil
}
