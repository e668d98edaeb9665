//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
)

// syncFolder makes names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("store: sync the folder: %w", err)
	}
	return nil
}
