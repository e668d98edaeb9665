package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"greenroom/internal/plain"
)

const (
	// elementMost is the longest name of a folder or file in bytes: file systems allow 255, and ".part" and a number need room.
	elementMost = 240
	// idMost is the longest id that is kept unchanged, idKept the part of a longer one before its hash.
	idMost = 64
	idKept = 40
	// extMost is the longest extension without its dot.
	extMost = 10
)

// forbidden are the visible characters that some system refuses in names.
const forbidden = `<>:"/\|?*`

// clean replaces every character that is invisible or not allowed in names on Linux, macOS and Windows with an underscore. All kinds of
// space become plain spaces. Unassigned code points are replaced too: macOS refuses them.
func clean(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, "_"))
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Zs, r):
			return ' '
		case r == 0x200c || r == 0x200d:
			return r // joiners, which several scripts need
		case strings.ContainsRune(forbidden, r), !unicode.IsGraphic(r), plain.Text(string(r)) != string(r):
			return '_'
		}
		return r
	}, s)
}

// identifier returns a recording's id for names. One that has to be changed gets a part of its hash.
func identifier(id string) string {
	if id == "" {
		return ""
	}
	if len(id) <= idMost && clean(id) == id && !strings.ContainsAny(id, " .") {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	readable := strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' {
			return '_'
		}
		return r
	}, clean(id))
	return plain.Cut(readable, idKept) + "-" + hex.EncodeToString(sum[:6])
}

// extension returns an extension without its dot, in lower case, or "bin" if it has other characters than ASCII letters and digits.
func extension(ext string) string {
	ext = strings.ToLower(strings.TrimPrefix(ext, "."))
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	if ext == "" || len(ext) > extMost || strings.ContainsFunc(ext, odd) {
		return "bin"
	}
	return ext
}

// assemble returns one folder's or file's name from its pieces. If it would be too long, it cuts the longest values that may be cut.
func assemble(pieces []piece, value func(field string) string) string {
	values := make([]string, len(pieces))
	total := 0
	for i, p := range pieces {
		values[i] = p.text
		if p.field != "" {
			values[i] = value(p.field)
		}
		total += len(values[i])
	}
	for total > elementMost {
		longest := -1
		for i, p := range pieces {
			if p.field != "" && !fields[p.field].fixed && (longest < 0 || len(values[i]) > len(values[longest])) {
				longest = i
			}
		}
		if longest < 0 || values[longest] == "" {
			break
		}
		shorter := plain.Cut(values[longest], len(values[longest])-1)
		total -= len(values[longest]) - len(shorter)
		values[longest] = shorter
	}
	return finish(strings.Join(values, ""))
}

// finish makes text of legal characters a legal name: without a leading dot, dash or space, without a trailing dot or space, and not a
// name that Windows reserves for devices.
func finish(s string) string {
	s = norm.NFC.String(s) // a combining mark at the start of a value may follow a letter
	if s == "" {
		return "_"
	}
	if c := s[0]; c == '.' || c == ' ' || c == '-' {
		s = "_" + s[1:]
	}
	if n := len(s) - 1; s[n] == '.' || s[n] == ' ' {
		s = s[:n] + "_"
	}
	if Reserved(s) {
		s = "_" + s
	}
	return s
}

// Reserved reports whether Windows takes a name, with any extension, for a device.
func Reserved(s string) bool {
	stem, _, _ := strings.Cut(s, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if digit, ok := strings.CutPrefix(stem, port); ok && utf8.RuneCountInString(digit) == 1 && strings.Contains("0123456789¹²³", digit) {
			return true
		}
	}
	return false
}
