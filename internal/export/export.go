// Package export converts webhooks to the forms of other programs, and back: lines of JSON, HAR, curl commands, and Go tests. Every form
// keeps the exact bytes of target, headers and body.
package export

import (
	"strings"
	"unicode/utf8"

	"greenroom/internal/plain"
)

// token reports whether n is a valid header name or method.
func token(n string) bool {
	for _, r := range n {
		if r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return false
		}
	}
	return n != ""
}

// pasteable reports whether a text keeps its exact bytes when it is pasted into a shell.
func pasteable(s string) bool { return utf8.ValidString(s) && plain.Lines(s) == s }
