package rest_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

func TestStale(t *testing.T) {
	now := time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]string{
		now:                           "",
		now.Add(-time.Minute):         "",
		now.Add(time.Minute):          "",
		now.Add(-61 * time.Second):    "the signature is stale: 1m1s old",
		now.Add(61500 * 1e6):          "the signature is from the future: 1m2s ahead",
		now.Add(-48*time.Hour - 31e9): "the signature is stale: 48h1m0s old",
		time.Unix(1e11, 0):            "the signature is from the future: over a century ahead",
		{}:                            "the signature is stale: over a century old",
	} {
		if got := rest.Stale(at, now, time.Minute); got != want {
			t.Errorf("%v: %q, not %q", at, got, want)
		}
	}
}

func TestFrames(t *testing.T) {
	for api, want := range map[string][]string{
		"":                          {"https://*.acme.example"},
		"https://api.acme.example":  {"https://*.acme.example"},
		"http://127.0.0.1:1/acme/1": {"https://*.acme.example", "http://127.0.0.1:1"},
		"%":                         {"https://*.acme.example"},
	} {
		if got := rest.Frames("https://*.acme.example", "api.acme.example", api); !slices.Equal(got, want) {
			t.Errorf("%q: %v", api, got)
		}
	}
}

func TestPages(t *testing.T) {
	lost := errors.New("lost")
	for last, want := range map[string][]string{"b": {"", "a", "b"}, "": {""}, "c": {"", "a", "b", "c"}} {
		var got []string
		err := rest.Pages(func(cursor string) (string, error) {
			got = append(got, cursor)
			switch {
			case cursor == "c":
				return "d", lost
			case cursor == last:
				return "", nil
			}
			return map[string]string{"": "a", "a": "b", "b": "c"}[cursor], nil
		})
		if !slices.Equal(got, want) || errors.Is(err, lost) != (last == "c") {
			t.Errorf("to %q: %q, %v", last, got, err)
		}
	}
}

// A call without its subject isn't made, and one that removes something succeeds if that is gone.
func TestMissingAndGone(t *testing.T) {
	c, _ := client(t, asJSON(404, `{"error":"not-found"}`), nil)
	call := rest.Call{Op: "remove room", Method: http.MethodDelete, Path: "/rooms/x", Missing: rest.NoRoom}
	if err := c.Do(t.Context(), call); !errors.Is(err, provider.Invalid) {
		t.Errorf("without a room: %v", err)
	}
	call.Subject = "x"
	if err := c.Do(t.Context(), call); !errors.Is(err, provider.NotFound) {
		t.Errorf("of a room that is gone: %v", err)
	}
	call.Gone = true
	if err := c.Do(t.Context(), call); err != nil {
		t.Errorf("removal of a room that is gone: %v", err)
	}
}

func TestSynthesize(t *testing.T) {
	c, _ := client(t, asJSON(200, `{}`), nil)
	failed := errors.New("failed")
	body := func(b []byte, err error) func(provider.SyntheticEvent) ([]byte, error) {
		return func(provider.SyntheticEvent) ([]byte, error) { return b, err }
	}
	sign := func(_ string, body []byte) (http.Header, error) { return http.Header{"Signed": {string(body)}}, nil }
	at := time.Unix(1750000000, 0)
	r, err := c.Synthesize(provider.SyntheticEvent{At: at}, body([]byte("x"), nil), sign)
	if err != nil || string(r.Body) != "x" || r.Header.Get("Signed") != "x" || r.Method != http.MethodPost || !r.ReceivedAt.Equal(at) {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = c.Synthesize(provider.SyntheticEvent{Body: []byte("y")}, body(nil, failed), sign); err != nil || r.Header.Get("Signed") != "y" {
		t.Errorf("a given body: %+v, %v", r, err)
	}
	if _, err = c.Synthesize(provider.SyntheticEvent{}, body(nil, failed), sign); !errors.Is(err, failed) {
		t.Errorf("a body that fails: %v", err)
	}
	if _, err = c.Synthesize(provider.SyntheticEvent{}, body(nil, nil), sign); !errors.Is(err, provider.Unsupported) {
		t.Errorf("no such event: %v", err)
	}
}

func TestTextsAreLimited(t *testing.T) {
	long := rest.Text(append([]byte("/"), make([]byte, 2000)...))
	if len(long.Name()) != rest.NameLimit || len(long.ID()) != rest.IDLimit || len(long.Room()) != rest.NameLimit-1 {
		t.Errorf("%d, %d, %d", len(long.Name()), len(long.ID()), len(long.Room()))
	}
}
