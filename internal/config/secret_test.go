package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"greenroom/provider"
)

func TestResolve(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for sh")
	}
	keyring.MockInit()
	for name, secret := range map[string]string{"daily": "from the keyring", "round": "\n round ", "blank": " "} {
		if err := keyring.Set(KeyringService, name, secret); err != nil {
			t.Fatal(err)
		}
	}
	r := Resolver{Getenv: func(k string) string {
		return map[string]string{"THERE": "here", "ROUND": " \t round\r\n", "BLANK": " \n"}[k]
	}}
	for _, test := range []struct{ ref, want, err string }{
		{"plain", "plain", ""},
		{" \tround\r\n", "round", ""},
		{"env:ROUND", "round", ""},
		{"env: ROUND ", "round", ""},
		{"env:BLANK", "", "the variable BLANK is not set"},
		{"cmd:printf '\\r\\n\\t round \\n'", "round", ""},
		{"keyring:round", "round", ""},
		{"keyring:blank", "", "is empty"},
		{"env:THERE", "here", ""},
		{"env:GONE", "", "the variable GONE is not set"},
		{"cmd:printf 'a b\\n\\n'", "a b", ""},
		{"cmd:echo hush >&2; echo hush; exit 3", "", "its command failed (exit status 3)"},
		{"cmd:printf '\\n no vault here\\033[2J\\nmore' >&2; exit 3", "", "its command failed (exit status 3): no vault here␛[2J"},
		{"cmd:echo locked >&2", "", "its command printed nothing: locked"},
		{"cmd:kill -9 $$", "", "its command failed (signal: killed)"},
		{"cmd:sleep 600 & echo parent", "parent", ""},
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

func TestCommandEndsWithItsCaller(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is for sh")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (Resolver{}).Resolve(ctx, "cmd:sleep 600"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A bad account leaves the others alone, and a keyring that can't be reached is asked once.
func TestOneBadAccount(t *testing.T) {
	const file = `
[accounts.good]
platform = "daily"
api_key = " literal "

[accounts.gone]
platform = "daily"
api_key = "keyring:gone"
webhook_secret = "keyring:gone too"
default = true

[accounts.twice]
platform = "whereby"
api_key = "cmd:count"
webhook_secret = "cmd:count"

[accounts.wrong]
platform = "whereby"
api_key = "k"
api_url = "nowhere"

[tunnel]
driver = "relay"
url = "https://gr.example"
token = "keyring:relay"
`
	asked := map[string]int{}
	c, err := load(t, file, nil, func(o *Options) {
		o.Resolve = func(_ context.Context, ref string) (string, error) {
			asked[ref]++
			if strings.HasPrefix(ref, keyringReference) {
				return "", ErrKeyring
			}
			return "found\n", nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var good, bad []string
	for _, a := range c.Accounts {
		good = append(good, a.Name+"="+a.APIKey)
	}
	for _, u := range c.Unusable {
		bad = append(bad, u.Name)
	}
	if got, want := fmt.Sprint(good, bad), "[good=literal twice=found] [gone wrong]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if asked["cmd:count"] != 1 || len(asked) != 2 {
		t.Errorf("asked for %v", asked)
	}
	if c.Policy.DefaultAccounts[provider.Daily] != "gone" {
		t.Errorf("the default account is %q although it is another that can't be used", c.Policy.DefaultAccounts[provider.Daily])
	}
	if want := "tunnel.token can't be fetched: the keyring can't be reached"; c.Tunnel.Missing != want {
		t.Errorf("the tunnel: %q, want %q", c.Tunnel.Missing, want)
	}
	all := fmt.Sprint(c.Problems())
	for _, want := range []string{"config.toml:8: accounts.gone.api_key can't be fetched", "accounts.gone.webhook_secret", "accounts.wrong.api_url", "tunnel.token"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in %s", want, all)
		}
	}
	if got := strings.Join(c.Notices, "\n"); !strings.Contains(got, "Account gone can't be used: ") || !strings.Contains(got, "Account wrong can't be used: ") {
		t.Errorf("notices %s", got)
	}
}

func TestSizesAndAges(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12": 12, "2GiB": 2 << 30, " 5 MB ": 5e6, "1.5k": 1536, "-1": -1, "x": -1, "NaN": -1, "1e300": -1, "": -1} {
		if n, ok := ParseSize(text); ok != (want >= 0) || ok && n != want {
			t.Errorf("size %q: %d, %t", text, n, ok)
		}
	}
}

func TestSecretsInFiles(t *testing.T) {
	folder := t.TempDir()
	o := Options{File: filepath.Join(folder, "config.toml")}
	first, err := KeepInFile(o, "acme", "hush")
	if err != nil {
		t.Fatal(err)
	}
	second, err := KeepInFile(o, "acme", "hush2")
	if err != nil || first.Reference != "file:keys/acme" || second.Reference != "file:keys/acme-2" {
		t.Errorf("%v %v %v", first.Reference, second.Reference, err)
	}
	r := Resolver{Folder: folder}
	for reference, want := range map[string]string{
		first.Reference: "hush", second.Reference: "hush2", "file:" + filepath.Join(folder, "keys", "acme"): "hush",
	} {
		if got, err := r.Resolve(t.Context(), reference); got != want || err != nil {
			t.Errorf("%s: %q %v", reference, got, err)
		}
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(filepath.Join(folder, "keys", "acme"), 0o640); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Resolve(t.Context(), first.Reference); err == nil || got != "" || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("others can read it: %q %v", got, err)
		}
	}
	if _, err := r.Resolve(t.Context(), "file:keys"); err == nil {
		t.Error("a folder was read")
	}
	if err := errors.Join(Forget(o, second.Reference), Forget(o, second.Reference), first.Forget()); err != nil {
		t.Error(err)
	}
	other := filepath.Join(folder, "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, reference := range []string{"file:other", "file:keys/../other", "file:" + other, "env:X", "literal"} {
		if err := Forget(o, reference); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(folder, "keys")); err != nil || len(left) != 0 {
		t.Errorf("%v %v", left, err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a file of the user's was removed")
	}
}

func TestSecretsInTheKeyring(t *testing.T) {
	keyring.MockInit()
	first, err := KeepInKeyring(t.Context(), "acme", "hush")
	if err != nil {
		t.Fatal(err)
	}
	second, err := KeepInKeyring(t.Context(), "acme", "hush2")
	if err != nil || first.Reference != "keyring:acme" || second.Reference != "keyring:acme-2" {
		t.Errorf("%v %v %v", first.Reference, second.Reference, err)
	}
	if got, err := (Resolver{}).Resolve(t.Context(), first.Reference); got != "hush" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if err := errors.Join(second.Forget(), second.Forget(), Forget(Options{}, first.Reference)); err != nil {
		t.Error(err)
	}
	if _, err := (Resolver{}).Resolve(t.Context(), first.Reference); err == nil {
		t.Error("it is still there")
	}
	keyring.MockInitWithError(errors.New("no bus"))
	defer keyring.MockInit()
	if _, err := KeepInKeyring(t.Context(), "acme", "hush"); !errors.Is(err, ErrKeyring) {
		t.Errorf("%v", err)
	}
}
