package regular

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// SyncFolder makes the names in a folder durable. Windows can't flush folders, and keeps their names by journal.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("sync the folder: %w", err)
	}
	return nil
}
