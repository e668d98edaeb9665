package tui

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// curl writes a delivery as a command for a POSIX shell that sends the same request again: its target, its headers and
// its exact body. Every value is quoted so that nothing in it is obeyed by the shell, by curl, or by a terminal that
// the command is pasted into.
//
// A body of [bodyInFile] bytes and more is too long for a command line: it is read from file, which holds it.
func curl(d app.Delivery, base, file string) string {
	if base == "" {
		base = "http://127.0.0.1:7070"
	}
	method := d.Method
	if method == "" {
		method = http.MethodPost
	}
	text := "curl"
	var b strings.Builder
	if file == "" && !pasteable(string(d.Body)) {
		b.WriteString("echo " + base64.StdEncoding.EncodeToString(d.Body) + " | base64 -d | ")
	}
	b.WriteString(text + " --globoff --path-as-is --request " + quote(method) + " \\\n  " +
		quote(strings.TrimSuffix(base, "/")+d.Target))
	names := make([]string, 0, len(d.Headers))
	for n := range d.Headers {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if !token(n) || slices.Contains([]string{"Host", "Content-Length", "Connection", "Transfer-Encoding"},
			http.CanonicalHeaderKey(n)) {
			continue // curl makes its own
		}
		for _, v := range d.Headers[n] {
			if v == "" {
				b.WriteString(" \\\n  --header " + quote(n+";"))
				continue
			}
			b.WriteString(" \\\n  --header " + quote(n+": "+v))
		}
	}
	switch {
	case file != "":
		b.WriteString(" \\\n  --data-binary " + quote("@"+file))
	case !pasteable(string(d.Body)):
		b.WriteString(" \\\n  --data-binary @-")
	case len(d.Body) > 0:
		b.WriteString(" \\\n  --data-raw " + quote(string(d.Body)))
	}
	return b.String()
}

// bodyInFile is the size from which a body is passed to curl in a file. Systems refuse arguments of 128 KiB, and terminals longer
// texts on the clipboard.
const bodyInFile = 64 << 10

// curlWithFile is curl, with the body in a file of its own when it is long: readable by its owner alone, since bodies hold
// names and links. It returns the file's path, or "".
func curlWithFile(d app.Delivery, base string) (text, path string, err error) {
	if len(d.Body) < bodyInFile {
		return curl(d, base, ""), "", nil
	}
	f, err := os.CreateTemp("", "greenroom-event-"+strconv.FormatUint(d.Seq, 10)+"-*.body")
	if err != nil {
		return "", "", fmt.Errorf("write the body: %w", err)
	}
	_, err = f.Write(d.Body)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", "", fmt.Errorf("write the body: %w", err)
	}
	return curl(d, base, f.Name()), f.Name(), nil
}

// quote makes s one word of a POSIX shell. What a terminal could obey is replaced: such values can't be sent anyway.
func quote(s string) string {
	return "'" + strings.ReplaceAll(plain.Lines(s), "'", `'\''`) + "'"
}

// pasteable says whether a body survives quoting and pasting byte for byte.
func pasteable(s string) bool { return utf8.ValidString(s) && plain.Lines(s) == s }

// token says whether n can be a header's name.
func token(n string) bool {
	for _, r := range n {
		if r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return false
		}
	}
	return n != ""
}
