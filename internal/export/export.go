// Package export writes webhooks in forms that other programs and people use, and reads them back: lines of JSON, HAR, commands for
// curl, and Go tests. Every form keeps the bytes of target, headers and body.
package export

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"greenroom/internal/plain"
)

// headerNames are the names of a header in order.
func headerNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for n := range h {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

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
