package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"greenroom/internal/plain"
	"greenroom/internal/recording/layout"
)

const (
	// nameMost is the longest name of a file or folder in bytes, which nearly all file systems share.
	nameMost  = 255
	partHash  = 8
	partEnd   = ".part"
	forbidden = `<>:"\|?*`
)

// checkName checks that a relative name with slashes can be used on every system. It is only a guard: package layout makes the names.
func checkName(name string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %q %s", ErrName, plain.Text(plain.Cut(name, 80)), why) }
	if name == "" || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || name == "." {
		return refuse("is not a name inside the folder")
	}
	if plain.Text(name) != name {
		return refuse("contains invisible characters")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case len(part) > nameMost:
			return refuse(fmt.Sprintf("has a part of %d bytes, more than %d", len(part), nameMost))
		case strings.ContainsAny(part, forbidden):
			return refuse("contains one of " + forbidden)
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || strings.HasPrefix(part, " "):
			return refuse("begins or ends with a space, or ends with a dot")
		case layout.Reserved(part):
			return refuse("is reserved for a device on Windows")
		}
	}
	return nil
}

// partName returns the name of a task's part file. It differs for two tasks of one name.
func partName(key, base string) string {
	sum := sha256.Sum256([]byte(key))
	return insert(base, "."+hex.EncodeToString(sum[:partHash/2]), partEnd)
}

// numbered returns the n-th name to try for a file whose own name is taken.
func numbered(base string, n int) string {
	if n < 2 {
		return base
	}
	return insert(base, fmt.Sprintf(" (%d)", n), "")
}

// insert inserts text before a name's extension and appends an end. It cuts the stem if the name would be too long.
func insert(base, text, end string) string {
	ext := path.Ext(base)
	if len(ext) > 16 {
		ext = ""
	}
	end = text + ext + end
	return plain.Cut(strings.TrimSuffix(base, ext), nameMost-len(end)) + end
}
