//go:build unix

package boltfile

import (
	"errors"
	"fmt"
	"os"
)

// SyncFolder makes names in a folder durable.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("sync the folder: %w", err)
	}
	return nil
}
