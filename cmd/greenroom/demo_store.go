package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/provider"
)

// demoMark is the file that marks a data folder as the demo's. The demo opens no other store, and other commands don't open the demo's, whose
// meetings exist on no platform.
const demoMark = "greenroom.demo"

// checkStore returns an error if a real command would open the demo's store, or the demo a real one.
func checkStore(c *config.Config, demo bool) error {
	marked, err := exists(filepath.Join(c.DataDir, demoMark))
	if err != nil || marked == demo {
		return err
	}
	if marked {
		return &app.Error{
			Kind: provider.Conflict, Text: "the store in " + c.DataDir + " is the demo's, and its meetings exist on no platform",
			Hint: "choose another folder with --data-dir",
		}
	}
	stored, err := exists(storePath(c))
	if err != nil || !stored {
		return err
	}
	return &app.Error{
		Kind: provider.Conflict, Text: "the store in " + c.DataDir + " is a real one, and the demo would add its own meetings to it",
		Hint: "choose an empty folder with --data-dir; if an earlier demo made that store, make the file " + filepath.Join(c.DataDir, demoMark),
	}
}

// claimStore is checkStore for the owner of the store, which marks the demo's.
func claimStore(c *config.Config, demo bool) error {
	if err := checkStore(c, demo); err != nil || !demo {
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.DataDir, demoMark), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("mark the demo's store: %w", err)
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
