package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"greenroom/internal/plain"
)

const (
	// nameMost is the longest name of a file or folder in bytes, which nearly all file systems share.
	nameMost  = 255
	partHash  = 8
	partEnd   = ".part"
	forbidden = `<>:"\|?*`
)

// reserved are names that Windows gives to devices, with any extension.
var reserved = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true, "conin$": true, "conout$": true}

// checkName checks that a relative name with slashes can be used on every system. It is a guard: readable names are made
// elsewhere.
func checkName(name string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %q %s", ErrName, plain.Text(plain.Cut(name, 80)), why) }
	if name == "" || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || name == "." {
		return refuse("is not a name inside the folder")
	}
	if plain.Text(name) != name {
		return refuse("holds characters that cannot be seen")
	}
	for part := range strings.SplitSeq(name, "/") {
		stem, _, _ := strings.Cut(strings.ToLower(part), ".")
		stem = strings.TrimRight(stem, " ")
		switch {
		case len(part) > nameMost:
			return refuse(fmt.Sprintf("has a part of %d bytes, more than %d", len(part), nameMost))
		case strings.ContainsAny(part, forbidden):
			return refuse("holds one of " + forbidden)
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || strings.HasPrefix(part, " "):
			return refuse("begins or ends with a space, or ends with a dot")
		case reserved[stem] || isPort(stem):
			return refuse("is reserved for a device on Windows")
		}
	}
	return nil
}

// isPort reports whether the name is COM1 to COM9 or LPT1 to LPT9, in lower case; superscript digits count.
func isPort(stem string) bool {
	digit, ok := strings.CutPrefix(stem, "com")
	if !ok {
		digit, ok = strings.CutPrefix(stem, "lpt")
	}
	return ok && len([]rune(digit)) == 1 && strings.Contains("123456789¹²³", digit)
}

// partName is the name of a task's unfinished file beside the finished one. Two tasks of one name differ in it.
func partName(key, base string) string {
	sum := sha256.Sum256([]byte(key))
	ext := path.Ext(base)
	if len(ext) > 16 {
		ext = ""
	}
	return shorten(strings.TrimSuffix(base, ext), "."+hex.EncodeToString(sum[:partHash/2])+ext+partEnd)
}

// numbered is the n-th name to try for a file whose own is taken.
func numbered(base string, n int) string {
	if n < 2 {
		return base
	}
	ext := path.Ext(base)
	if len(ext) > 16 {
		ext = ""
	}
	return shorten(strings.TrimSuffix(base, ext), fmt.Sprintf(" (%d)%s", n, ext))
}

// shorten joins both and cuts the stem where the whole would be too long.
func shorten(stem, end string) string { return plain.Cut(stem, nameMost-len(end)) + end }
