package probe

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzWords(f *testing.F) {
	for _, s := range []string{"<title>Are you sure?</title>", "<TITLE lang=en>\n a &lt;b&gt; \x1b[31m", "<p>", "ok", "<title>" + strings.Repeat("é", 300)} {
		f.Add("text/html", s)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		got := words(&http.Response{Header: http.Header{"Content-Type": {kind}}}, []byte(body))
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 120 || strings.ContainsFunc(got, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			t.Errorf("%q", got)
		}
	})
}
