package source

import (
	"net/http"
	"testing"
	"time"
)

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-99/200", "bytes 0-99/*", "bytes */200", "bytes 5-4/9", "bytes 0-9223372036854775807/9223372036854775808", "0-1/2", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, last, total, ok := contentRange(s)
		if ok && (first < 0 || last < first || (total >= 0 && last >= total) || total < -1) {
			t.Errorf("%q: %d-%d/%d", s, first, last, total)
		}
		resp := &http.Response{Header: http.Header{"Content-Range": {s}}}
		if total, ok := emptyRange(resp); ok && total < 0 {
			t.Errorf("%q: %d", s, total)
		}
		if d := retryAfter(http.Header{"Retry-After": {s}}, time.Unix(1e9, 0)); d < 0 {
			t.Errorf("%q: %s", s, d)
		}
	})
}
