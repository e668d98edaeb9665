package rest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"greenroom/provider"
	"greenroom/provider/rest"
)

func TestStatusesBecomeKinds(t *testing.T) {
	for status, kind := range map[int]provider.Kind{
		400: provider.Invalid, 401: provider.Unauthenticated, 402: provider.Forbidden, 403: provider.Forbidden,
		404: provider.NotFound, 405: provider.Invalid, 408: provider.Unavailable, 409: provider.Conflict,
		410: provider.NotFound, 413: provider.Invalid, 422: provider.Invalid, 425: provider.Unavailable,
		429: provider.RateLimited, 500: provider.Unavailable, 501: provider.Unsupported, 502: provider.Unavailable,
		503: provider.Unavailable, 504: provider.Unavailable, 599: provider.Unavailable, 301: provider.Unavailable,
	} {
		c, _ := client(t, asJSON(status, `{"message":"x"}`), func(c *rest.Config) { c.Attempts = 1 })
		err := c.Do(t.Context(), get(nil))
		var e *provider.Error
		if !errors.As(err, &e) || e.Kind != kind || e.Status != status || e.Platform != provider.Daily || e.Op != `look up room "demo"` {
			t.Errorf("%d became %#v", status, e)
		}
		if e.Text == "" {
			t.Errorf("%d says nothing", status)
		}
	}
}

func TestUnauthenticatedSaysWhatToSet(t *testing.T) {
	c, _ := client(t, asJSON(401, `{}`), nil)
	if hint := provider.HintOf(c.Do(t.Context(), get(nil))); hint != "set DAILY_API_KEY; find it" {
		t.Errorf("hint %q", hint)
	}
}

func TestExplain(t *testing.T) {
	c, _ := client(t, asJSON(400, `{"error":"odd"}`), func(c *rest.Config) {
		c.Explain = func(status int, h http.Header, body []byte, p *rest.Problem) {
			if status != 400 || h.Get("Content-Type") != "application/json" || string(body) != `{"error":"odd"}` {
				t.Errorf("explain was given %d %v %s", status, h, body)
			}
			p.Kind, p.Code, p.Text, p.Hint = provider.Conflict, "odd\x07", "taken\n\x1b]0;x\x07 "+secretKey, "try"
		}
	})
	err := c.Do(t.Context(), get(nil))
	var e *provider.Error
	if !errors.As(err, &e) || e.Kind != provider.Conflict || e.Hint != "try" || e.Code != "odd␇" {
		t.Fatalf("%#v", err)
	}
	if e.Text != "taken ␛]0;x␇ [hidden]" {
		t.Errorf("text %q", e.Text)
	}
}

func TestStrangeAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		h     http.HandlerFunc
		kind  provider.Kind
		words string
		hint  string
	}{
		{"a page with 200", reply(200, "text/html", "<html><title>Log in\x1b[1m</title>"), provider.Unavailable, `a web page ("Log in␛[1m")`, "DAILY_API_URL"},
		{"a page with 404", reply(404, "text/html; charset=utf-8", "<!doctype html><p>no"), provider.Unavailable, "Not Found with a web page", "DAILY_API_URL"},
		{"a page without a type", reply(502, "", "\n<html>"), provider.Unavailable, "Bad Gateway with a web page", "DAILY_API_URL"},
		{"text with 200", reply(200, "text/plain", "OK"), provider.Unavailable, `not JSON but "OK"`, "DAILY_API_URL"},
		{"nothing with 200", reply(200, "application/json", ""), provider.Unavailable, "not JSON but no text", "DAILY_API_URL"},
		{"text with 404", reply(404, "text/plain", "no such\troom\r\n"), provider.NotFound, `"no such room"`, ""},
		{"nothing with 404", reply(404, "", ""), provider.NotFound, "no text", ""},
		{"an unknown status", reply(499, "", ""), provider.Invalid, "unknown status", ""},
		{"another type of value", asJSON(200, `{"name":{"x":1}}`), provider.Unavailable, "documentation", ""},
		{"more than one value", asJSON(200, `{"name":"x"}{"name":"y"}`), provider.Unavailable, "incomplete or invalid", ""},
		{"an error in disguise", asJSON(200, `{"name":"x","error":{"code":1}}`), provider.Invalid, "OK with", ""},
		{"too much", asJSON(200, `{"name":"`+strings.Repeat("x", 4096)+`"}`), provider.Unavailable, "larger than 4096", ""},
		{"a redirect", reply(302, "text/plain", "", "Location", "https://elsewhere.example/"), provider.Unavailable, "redirects (Found)", "DAILY_API_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := client(t, tt.h, func(c *rest.Config) { c.MaxBody, c.Attempts = 4096, 1 })
			var out named
			err := c.Do(t.Context(), get(&out))
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%v", err)
			}
			if hint := provider.HintOf(err); !strings.Contains(hint, tt.hint) {
				t.Errorf("hint %q", hint)
			}
		})
	}
}

func TestHarmlessErrorFields(t *testing.T) {
	for _, body := range []string{`{"error":null,"name":"x"}`, `{"error":"","name":"x"}`, `{"name":"x","o":{"error":"y"}}`, `{"error":false,"name":"x"}`} {
		c, _ := client(t, asJSON(200, body), nil)
		var out named
		if err := c.Do(t.Context(), get(&out)); err != nil || out.Name != "x" {
			t.Errorf("%s: %v, %+v", body, err, out)
		}
	}
}

func TestRedirectTakesNoCredentialsAlong(t *testing.T) {
	var n atomic.Int32
	other := httptest.NewServer(answers(&n, asJSON(200, `{}`)))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c, _ := client(t, reply(status, "", "", "Location", other.URL), nil)
		if err := c.Do(t.Context(), get(nil)); !errors.Is(err, provider.Unavailable) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n.Load() != 0 {
		t.Errorf("the other host was called %d times", n.Load())
	}
}

// No error contains a secret, whatever a server says and however the error is printed.
func TestErrorsHoldNoSecret(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJkZXZrZXkifQ.c2lnbmF0dXJl"
	const bucket = "s3/secret+key=="
	echo := "invalid token: " + jwt + ", authorization token " + secretKey + " Bearer " + secretKey +
		` https://x.example/r?t=abcdefg&roomKey=hijklmn {"accessKeySecret":"` + bucket + `"} s3%2Fsecret%2Bkey%3D%3D`
	secrets := []string{secretKey, jwt, "c2lnbmF0dXJl", "abcdefg", "hijklmn", bucket, "s3%2Fsecret"}
	fails := map[string]http.RoundTripper{}
	for _, status := range []int{200, 400, 401, 403, 404, 500} {
		for _, kind := range []string{"text/plain", "text/html", "application/json"} {
			body := echo
			if kind == "application/json" {
				body = `{"error":` + fmt.Sprintf("%q", echo) + `}`
			}
			h := reply(status, kind, body)
			fails[fmt.Sprint(status, " ", kind)] = roundTrip(func(r *http.Request) (*http.Response, error) {
				w := httptest.NewRecorder()
				h(w, httptest.NewRequest("GET", "/", nil))
				return w.Result(), nil
			})
		}
	}
	fails["transport"] = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New(echo) })
	for name, transport := range fails {
		c, _ := client(t, nil, func(c *rest.Config) {
			c.Transport, c.Secrets, c.Attempts = transport, []string{bucket}, 1
			c.Explain = func(_ int, _ http.Header, body []byte, p *rest.Problem) {
				p.Text, p.Code = string(body), string(body)
			}
		})
		call := get(new(named))
		call.Subject = "room " + secretKey
		err := c.Do(t.Context(), call)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		text := ""
		for e := err; e != nil; e = errors.Unwrap(e) {
			text += fmt.Sprintf("%v|%+v|%s|%q|", e, e, e, e)
		}
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s: the error holds %q:\n%s", name, s, text)
			}
		}
	}
}

func TestRefusedKeyIsNotQuoted(t *testing.T) {
	c, _ := client(t, reply(401, "text/plain", "your token abc.def.ghi is bad"), nil)
	if err := c.Do(t.Context(), get(nil)); strings.Contains(err.Error(), "abc.def") {
		t.Error(err)
	}
}

func TestOwnErrors(t *testing.T) {
	c, _ := client(t, asJSON(200, `{}`), nil)
	if err := c.Malformed("op", "x", "words"); !errors.Is(err, provider.Unavailable) || err.Error() != `daily: op "x": unavailable: words` {
		t.Error(err)
	}
	err := c.Refuse(provider.Conflict, "op", "", "words", "hint")
	if !errors.Is(err, provider.Conflict) || provider.HintOf(err) != "hint" || err.Error() != "daily: op: conflict: words" {
		t.Error(err)
	}
}

func TestUnwritableRequest(t *testing.T) {
	var n atomic.Int32
	c, _ := client(t, answers(&n, asJSON(200, `{}`)), nil)
	call := post(nil)
	call.In = func() {}
	if err := c.Do(t.Context(), call); !errors.Is(err, provider.Invalid) || n.Load() != 0 {
		t.Error(err)
	}
}
