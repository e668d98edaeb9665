package config

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

func TestResolve(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for sh")
	}
	keyring.MockInit()
	if err := keyring.Set(KeyringService, "daily", "from the keyring"); err != nil {
		t.Fatal(err)
	}
	r := Resolver{Getenv: func(k string) string {
		if k == "THERE" {
			return "here"
		}
		return ""
	}}
	for _, test := range []struct{ ref, want, err string }{
		{"plain", "plain", ""},
		{"env:THERE", "here", ""},
		{"env:GONE", "", "the variable GONE is not set"},
		{"cmd:printf 'a b\\n\\n'", "a b", ""},
		{"cmd:echo hush >&2; echo hush; exit 3", "", "its command failed (exit status 3)"},
		{"cmd:true", "", "its command printed nothing"},
		{"cmd:printf '%070000d' 0", "", "its command printed more than 65536 bytes"},
		{"keyring:daily", "from the keyring", ""},
		{"keyring:other", "", `the keyring has no entry "other"`},
	} {
		got, err := r.Resolve(context.Background(), test.ref)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %q, %v", test.ref, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error shows what was printed: %v", test.ref, err)
		}
	}
	keyring.MockInitWithError(errors.New("locked, password hush"))
	if _, err := r.Resolve(context.Background(), "keyring:daily"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a keyring that fails: %v", err)
	}
}

// A command that never ends by itself is ended; the test takes as long as its timeout.
func TestResolveTimeout(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is for sh")
	}
	_, err := Resolver{Timeout: 20 * time.Millisecond}.Resolve(context.Background(), "cmd:while :; do :; done")
	if err == nil || !strings.Contains(err.Error(), "did not finish within 20ms") {
		t.Errorf("got %v", err)
	}
}

func TestSizesAndAges(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12": 12, "2GiB": 2 << 30, " 5 MB ": 5e6, "1.5k": 1536, "-1": -1, "x": -1, "NaN": -1, "1e300": -1, "": -1} {
		if n, ok := ParseSize(text); ok != (want >= 0) || ok && n != want {
			t.Errorf("size %q: %d, %t", text, n, ok)
		}
	}
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "2w": 336 * time.Hour, "1w1d": 192 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "0s": 0,
		"": -1, "d": -1, "-1d": -1, "+1h": -1, "1d1d": -1, "9999999d": -1, "200000w": -1, "1dx": -1, "5": -1,
	} {
		if d, ok := ParseAge(text); ok != (want >= 0) || ok && d != want {
			t.Errorf("age %q: %s, %t", text, d, ok)
		}
	}
}
