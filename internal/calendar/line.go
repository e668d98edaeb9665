package calendar

import (
	"bytes"
	"iter"
	"strings"
	"unicode/utf8"
)

// line is one property: its name and the names of its parameters in upper case, and its value, still escaped.
type line struct {
	name   string
	params map[string]string
	value  string
}

// lines yields the properties of a calendar. Lines end with CR LF, LF or CR; one that begins with a space or a tab continues the
// previous one. A line that isn't a property is skipped, one that is too long is cut.
func lines(data []byte) iter.Seq[line] {
	return func(yield func(line) bool) {
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
		var whole []byte
		flush := func() bool {
			l, ok := parseLine(text(whole))
			whole = whole[:0]
			return !ok || yield(l)
		}
		for len(data) > 0 {
			var row []byte
			i := bytes.IndexAny(data, "\r\n")
			switch {
			case i < 0:
				row, data = data, nil
			case data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n':
				row, data = data[:i], data[i+2:]
			default:
				row, data = data[:i], data[i+1:]
			}
			if len(row) > 0 && (row[0] == ' ' || row[0] == '\t') {
				row = row[1:]
			} else if len(row) > 0 && len(whole) > 0 && !flush() {
				return
			}
			whole = append(whole, row[:min(len(row), maxLine-len(whole))]...)
		}
		if len(whole) > 0 {
			flush()
		}
	}
}

// text decodes bytes as UTF-8, or as Latin-1 if they aren't valid UTF-8.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

func parseLine(s string) (line, bool) {
	end := strings.IndexAny(s, ";:")
	if end <= 0 {
		return line{}, false
	}
	l := line{name: strings.ToUpper(strings.TrimSpace(s[:end]))}
	rest := s[end:]
	for strings.HasPrefix(rest, ";") {
		var name, value string
		name, value, rest = param(rest[1:])
		if l.params == nil {
			l.params = map[string]string{}
		}
		if _, had := l.params[name]; !had && len(l.params) < maxParams {
			l.params[name] = value
		}
	}
	if !strings.HasPrefix(rest, ":") {
		return line{}, false
	}
	l.value = rest[1:]
	return l, true
}

const maxParams = 50

// param parses a parameter up to the next ; or : outside quotes. A quote that isn't closed is an ordinary character.
func param(s string) (name, value, rest string) {
	end := strings.IndexAny(s, "=;:")
	if end < 0 || s[end] != '=' {
		if end < 0 {
			end = len(s)
		}
		return strings.ToUpper(s[:end]), "", s[end:]
	}
	name, s = strings.ToUpper(strings.TrimSpace(s[:end])), s[end+1:]
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			closing := strings.IndexByte(s[i+1:], '"')
			if closing < 0 {
				continue
			}
			i += 1 + closing
		case ';', ':':
			return name, caret.Replace(strings.ReplaceAll(s[start:i], `"`, "")), s[i:]
		}
	}
	return name, s, ""
}

var (
	caret     = strings.NewReplacer("^n", "\n", "^'", `"`, "^^", "^")
	unescaper = strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`)
	escaper   = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`, ",", `\,`, ";", `\;`, `\`, `\\`)
)
