package plain

import (
	"bytes"
	"encoding/json"
)

// Stringify returns a value as JavaScript's JSON.stringify writes it: compact, with only the escapes that JSON needs. Receivers of webhooks
// verify signatures over such bytes. A struct's keys have the order of its fields, a map's are sorted. For a terminal, pass the result to
// [JSON].
func Stringify(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return unescapeSeparators(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// unescapeSeparators writes U+2028 and U+2029 unescaped; encoding/json always escapes them.
func unescapeSeparators(b []byte) []byte {
	if !bytes.Contains(b, []byte(`\u202`)) {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		switch rest := b[i:]; {
		case bytes.HasPrefix(rest, []byte(`\u2028`)):
			out = append(out, "\u2028"...)
			i += 5
		case bytes.HasPrefix(rest, []byte(`\u2029`)):
			out = append(out, "\u2029"...)
			i += 5
		default: // an escape has at least two bytes, and the second doesn't begin another
			out = append(out, b[i], b[i+1])
			i++
		}
	}
	return out
}
