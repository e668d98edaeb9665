package export

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

const goHead = `// Package webhooks holds webhooks as they arrived, for tests.
package webhooks

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

// Event is one webhook.
type Event struct {
	Seq            uint64
	At             string // RFC 3339
	Account, Kind  string
	Method, Target string
	Header         http.Header
	Body           string
}

// Request returns the webhook as a handler receives it.
func (e Event) Request() *http.Request {
	r := httptest.NewRequest(e.Method, "/", strings.NewReader(e.Body))
	r.RequestURI = e.Target
	if u, err := r.URL.Parse(e.Target); err == nil {
		r.URL = u
	}
	r.Header = e.Header.Clone()
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	return r
}

// Events are the webhooks in order of arrival.
var Events = []Event{
`

func (w *Writer) goEvent(d app.Delivery) error {
	var b strings.Builder
	if w.n == 1 {
		b.WriteString(goHead)
	}
	fmt.Fprintf(&b, "\t{\n\t\tSeq: %d, At: %q, Account: %s, Kind: %s,\n", d.Seq, d.At.UTC().Format("2006-01-02T15:04:05.999999999Z07:00"),
		goText(d.Account), goText(string(d.Kind)))
	fmt.Fprintf(&b, "\t\tMethod: %s, Target: %s,\n\t\tHeader: http.Header{\n", goText(d.Method), goText(d.Target))
	names := slices.Sorted(maps.Keys(d.Headers))
	widest := 0
	for _, n := range names {
		widest = max(widest, utf8.RuneCountInString(goText(n)))
	}
	for _, n := range names {
		values := make([]string, len(d.Headers[n]))
		for i, v := range d.Headers[n] {
			values[i] = goText(v)
		}
		key := goText(n)
		fmt.Fprintf(&b, "\t\t\t%s:%s {%s},\n", key, strings.Repeat(" ", widest-utf8.RuneCountInString(key)), strings.Join(values, ", "))
	}
	fmt.Fprintf(&b, "\t\t},\n\t\tBody: %s,\n\t},\n", goBody(string(d.Body)))
	return w.text(b.String())
}

func (w *Writer) goEnd() error {
	if w.n == 0 {
		return w.text(goHead, "}\n")
	}
	return w.text("}\n")
}

// goText returns a text as a Go literal that is safe for a terminal.
func goText(s string) string {
	if utf8.ValidString(s) && plain.Text(s) == s {
		return strconv.Quote(s)
	}
	return strconv.QuoteToASCII(s)
}

// goBody returns a body as a Go literal, raw if that keeps its bytes.
func goBody(s string) string {
	if pasteable(s) && !strings.ContainsAny(s, "`\ufeff\r") && s != "" {
		return "`" + s + "`"
	}
	return goText(s)
}
