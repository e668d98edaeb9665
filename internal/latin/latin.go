// Package latin transliterates every alphabet to Latin letters, like go-unidecode. That library's tables add 0.9 MB to the program; packed, the
// same tables add a tenth.
package latin

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:generate go run ./gen

// packed is the deflated table: for each character from U+0080 on, its Latin letters and a line feed.
//
//go:embed table.bin
var packed []byte

// first is the first character of the table.
const first = utf8.RuneSelf

var table = sync.OnceValue(func() []string {
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		panic(err) // the program was built with a damaged table
	}
	return strings.Split(string(text), "\n")
})

// Of returns a text in ASCII. Characters without a counterpart are left out.
func Of(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < unicode.MaxASCII {
			b.WriteRune(r)
		} else if t := table(); r >= first && int(r-first) < len(t) {
			b.WriteString(t[r-first])
		}
	}
	return b.String()
}
