package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/provider"
)

// errUnwritable says that the data folder can't be used at all.
var errUnwritable = errors.New("the data folder can't be written to")

// folderError makes one sentence with a way out of an error that only says that the data folder, or what is in it, can't be
// written to. Others stay as they are.
func folderError(c *config.Config, err error) error {
	var path *fs.PathError
	if !errors.As(err, &path) || !errors.Is(path, fs.ErrPermission) && !errors.Is(path, syscall.EROFS) {
		return err
	}
	return &app.Error{
		Text: fmt.Sprintf("the data folder %s can't be written to: %v", c.DataDir, path),
		Hint: "make the folder and its files writable for you, or choose another with --data-dir",
		Err:  fmt.Errorf("%w: %w", errUnwritable, err),
	}
}

// diagnosis is doctor's report when an error prevents any other.
func diagnosis(about string, err error) []app.Diagnosis {
	e := app.AsError(err)
	return []app.Diagnosis{{Checks: []provider.Check{{Name: about, Detail: e.Text, Hint: e.Hint}}}}
}
