package mismatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"greenroom/internal/plain"
)

// rewriting is a change of the body in transit, or in the sender before it signed.
type rewriting struct {
	cause string
	body  func([]byte) ([]byte, bool)
}

// bodies are tried in this order, the smallest change first.
var bodies = []rewriting{
	{"the signed body has no newline at its end: one was added in transit", func(b []byte) ([]byte, bool) {
		return bytes.TrimRight(b, "\r\n"), true
	}},
	{"the signed body ends with a newline, which is missing here", func(b []byte) ([]byte, bool) {
		return append(bytes.Clone(b), '\n'), true
	}},
	{"the body was compacted after it was signed: the signature is over JSON with spaces", spaced},
	{"the body was compacted after it was signed: the signature is over indented JSON", indented("  ")},
	{"the body was compacted after it was signed: the signature is over indented JSON", indented("    ")},
	{"the body was compacted after it was signed: the signature is over indented JSON", indented("\t")},
	{"the body was formatted after it was signed: the signature is over compact JSON", compacted},
	{"the body was re-encoded: the signature is over JSON with < > & escaped", func(b []byte) ([]byte, bool) {
		c, ok := compacted(b)
		if !ok {
			return nil, false
		}
		var out bytes.Buffer
		json.HTMLEscape(&out, c)
		return out.Bytes(), true
	}},
	{"the body was re-encoded: the signature is over JSON with all non-ASCII characters escaped", func(b []byte) ([]byte, bool) {
		c, ok := compacted(b)
		return ascii(c), ok
	}},
	{"the body was re-encoded: the signature is over JSON with spaces and all non-ASCII characters escaped", func(b []byte) ([]byte, bool) {
		c, ok := spaced(b)
		return ascii(c), ok
	}},
	{"the body was re-encoded: the signature is over JSON with as few escapes as possible", func(b []byte) ([]byte, bool) {
		c, ok := compacted(b)
		return unescaped(c), ok
	}},
	{"the body was re-encoded: the signature is over JSON with its keys sorted", func(b []byte) ([]byte, bool) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return nil, false
		}
		out, err := plain.Stringify(v) // sorts the keys
		return out, err == nil
	}},
}

func compacted(b []byte) ([]byte, bool) {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return nil, false
	}
	return out.Bytes(), true
}

func indented(by string) func([]byte) ([]byte, bool) {
	return func(b []byte) ([]byte, bool) {
		var out bytes.Buffer
		if json.Indent(&out, b, "", by) != nil {
			return nil, false
		}
		return bytes.TrimRight(out.Bytes(), "\n"), true
	}
}

// spaced writes ", " and ": " between values, as Python's json.dumps does.
func spaced(b []byte) ([]byte, bool) {
	c, ok := compacted(b)
	if !ok {
		return nil, false
	}
	out := make([]byte, 0, len(c)+len(c)/8)
	inside := false
	for i := 0; i < len(c); i++ {
		out = append(out, c[i])
		switch {
		case c[i] == '\\' && inside:
			i++
			out = append(out, c[i]) // valid JSON: an escape has a second byte
		case c[i] == '"':
			inside = !inside
		case !inside && (c[i] == ',' || c[i] == ':'):
			out = append(out, ' ')
		}
	}
	return out, true
}

// ascii escapes all characters beyond ASCII, which in valid JSON are in strings.
func ascii(b []byte) []byte {
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r < 0x80:
			out.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return []byte(out.String())
}

// unescaped writes the strings of compact JSON with necessary escapes only, as JavaScript's JSON.stringify does.
func unescaped(b []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(b); {
		if b[i] != '"' {
			out.WriteByte(b[i])
			i++
			continue
		}
		end := i + 1
		for end < len(b) && b[end] != '"' {
			if b[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(b))
		out.Write(plainString(b[i:end]))
		i = end
	}
	return out.Bytes()
}

func plainString(quoted []byte) []byte {
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return quoted
	}
	out, _ := plain.Stringify(s) // a string always encodes
	return out
}
