// Command gen writes the table of package latin from go-unidecode's.
package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mozillazg/go-unidecode"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// last is the last character that go-unidecode knows.
const last = 0xfffff

func run() error {
	var text strings.Builder
	for r := rune(utf8.RuneSelf); r <= last; r++ {
		letters := unidecode.Unidecode(string(r))
		if strings.Contains(letters, "\n") {
			letters = " " // a line break
		}
		text.WriteString(letters + "\n")
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(strings.TrimRight(text.String(), "\n"))); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile("table.bin", packed.Bytes(), 0o644)
}
