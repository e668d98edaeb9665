package pane

import (
	"os"
	"path/filepath"
	"strings"
)

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
