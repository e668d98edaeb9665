package pane

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"greenroom/internal/app"
)

// WriteNew writes a new file, whole or not at all, which only its owner can read.
func WriteNew(path string, write func(io.Writer) error) (err error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return &app.Error{Text: path + " already exists", Hint: "Choose another name: existing files aren't replaced."}
	case err != nil:
		return &app.Error{Text: "the file can't be created: " + err.Error(), Hint: "Choose an existing folder that you can write to."}
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	return write(out)
}

// Path returns the absolute path of a typed one, with ~ as the home directory: another process may use it.
func Path(typed string) string {
	if typed == "" {
		return ""
	}
	if rest, ok := strings.CutPrefix(typed, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		if home, err := os.UserHomeDir(); err == nil {
			typed = filepath.Join(home, rest)
		}
	}
	if abs, err := filepath.Abs(typed); err == nil {
		return abs
	}
	return typed
}
