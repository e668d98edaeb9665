package webhooks

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
	"greenroom/tui/words"
)

// curl returns a command for a POSIX shell that sends the same request again: the target, the headers and the exact body.
// Values are quoted so that neither the shell nor curl nor a terminal interprets them.
//
// file holds a body that is too long for a command line, see [bodyInFile]; otherwise it is empty.
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
	b.WriteString(text + " --globoff --path-as-is --request " + words.ShellQuote(method) + " \\\n  " +
		words.ShellQuote(strings.TrimSuffix(base, "/")+d.Target))
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
				b.WriteString(" \\\n  --header " + words.ShellQuote(n+";"))
				continue
			}
			b.WriteString(" \\\n  --header " + words.ShellQuote(n+": "+v))
		}
	}
	switch {
	case file != "":
		b.WriteString(" \\\n  --data-binary " + words.ShellQuote("@"+file))
	case !pasteable(string(d.Body)):
		b.WriteString(" \\\n  --data-binary @-")
	case len(d.Body) > 0:
		b.WriteString(" \\\n  --data-raw " + words.ShellQuote(string(d.Body)))
	}
	return b.String()
}

// bodyInFile is the size from which curl reads a body from a file. Systems refuse arguments of 128 KiB, and terminals
// refuse longer texts on the clipboard.
const bodyInFile = 64 << 10

// curlWithFile is curl with a long body in a temporary file, which only its owner can read, since bodies hold names and
// links. path is empty without one.
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

// pasteable reports whether a body keeps its exact bytes when it is quoted and pasted.
func pasteable(s string) bool { return utf8.ValidString(s) && plain.Lines(s) == s }

// token reports whether n is a valid header name.
func token(n string) bool {
	for _, r := range n {
		if r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return false
		}
	}
	return n != ""
}
