package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"greenroom/internal/regular"
)

// replaceFile puts a text in a file's place, whole or not at all, and lasting. Just before that it asks whether the file is as
// expected; if it isn't, it leaves it alone and reports false.
func replaceFile(path string, text []byte, mode fs.FileMode, expected func() (bool, error)) (done bool, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return false, fmt.Errorf("change the configuration: %w", err)
	}
	_, err = f.Write(text)
	if err == nil && runtime.GOOS != "windows" {
		err = f.Chmod(mode)
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		done, err = expected()
	}
	if done && err == nil {
		if err = os.Rename(f.Name(), path); err == nil {
			return true, regular.SyncFolder(filepath.Dir(path))
		}
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return false, fmt.Errorf("change the configuration: %w", err)
	}
	return false, nil
}
