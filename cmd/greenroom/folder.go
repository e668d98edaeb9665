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

// errUnwritable means that the data folder can't be written to.
var errUnwritable = errors.New("the data folder can't be written to")

// folderError returns a sentence with a hint for an error that means that the data folder or its files can't be written to, and other errors as
// they are.
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

// diagnosis is doctor's report if an error prevents any other.
func diagnosis(about string, err error) []app.Diagnosis {
	e := app.AsError(err)
	return []app.Diagnosis{{Checks: []provider.Check{{Name: about, Detail: e.Text, Hint: e.Hint}}}}
}
