package web

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"greenroom/internal/app"
)

// catcher answers what catches are asked, with the exact text and type.
type catcher struct{ got []app.Inbound }

func (c *catcher) Ingest(_ context.Context, in app.Inbound) (app.Answer, error) {
	c.got = append(c.got, in)
	return app.Answer{Status: 202, Text: `{"queued":true}`, ContentType: "application/json", Stored: true}, nil
}

// Requests of any method below a catch's path are its own, body included; all others below /catch/ are refused unread.
func TestCatchesAcceptEveryMethod(t *testing.T) {
	c := &catcher{}
	l, err := Listen(Options{Addr: "127.0.0.1:0", Ingest: c, Router: Router{
		Catch: func(path string) (string, bool) {
			return "catch:gh", strings.HasPrefix(path, "/catch/gh-1/") || path == "/catch/gh-1"
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(t.Context())
	do := func(method, path, body string) (int, string, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, l.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("Content-Type"), string(text)
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"} {
		c.got = nil
		status, kind, text := do(method, "/catch/gh-1/a/b?c=d", "body")
		if status != 202 || kind != "application/json" || text != `{"queued":true}` {
			t.Errorf("%s: %d %s %q", method, status, kind, text)
		}
		if len(c.got) != 1 || c.got[0].Account != "catch:gh" || c.got[0].Method != method || string(c.got[0].Body) != "body" ||
			c.got[0].Target != "/catch/gh-1/a/b?c=d" {
			t.Errorf("%s: %+v", method, c.got)
		}
	}
	c.got = nil
	if status, _, _ := do("POST", "/catch/gh-2", "body"); status != 404 {
		t.Errorf("an unknown catch: %d", status)
	}
	if len(c.got) != 1 || c.got[0].Refused == nil || len(c.got[0].Body) != 0 {
		t.Errorf("an unknown catch: %+v", c.got)
	}
	relayed := l.opt.Relayed(app.Inbound{Method: "GET", Target: "/catch/gh-1?x=1"})
	if relayed.Account != "catch:gh" || relayed.Refused != nil {
		t.Errorf("through a relay: %+v", relayed)
	}
}
