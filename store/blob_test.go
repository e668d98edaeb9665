package store

import (
	"net/http"
	"testing"

	"greenroom/internal/app"
)

// A delivery's headers and body are read as they were written, also where there is no body. A record whose headers are cut is damaged.
func TestHeadersAndBodiesShareARecord(t *testing.T) {
	for name, d := range map[string]app.Delivery{
		"both": {Headers: http.Header{"X-A": {"1", "2"}}, Body: app.Body("body")}, "no body": {Headers: http.Header{"X-A": {"1"}}}, "nothing": {},
	} {
		raw, err := encodeBlob(d)
		if err != nil {
			t.Fatal(err)
		}
		h, body, err := decodeBlob(raw)
		if err != nil || string(body) != string(d.Body) || len(h) != len(d.Headers) || len(h["X-A"]) != len(d.Headers["X-A"]) {
			t.Errorf("%s: %v, %q, %v", name, h, body, err)
		}
		for n := range len(raw) - len(d.Body) {
			if h, body, err := decodeBlob(raw[:n]); err == nil {
				t.Errorf("%s, cut to %d bytes: %v, %q", name, n, h, body)
			}
		}
	}
}
