package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"greenroom/internal/config"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// sandboxed returns a program at a terminal, the key of a sandbox's first platform, and its URL.
func sandboxed(t *testing.T, answers ...string) (b *bench, key, url string) {
	t.Helper()
	base := serve(t, sandbox.New(sandbox.Options{NoRateLimits: true}))
	b = newBench(t, true, "")
	for _, a := range sandbox.Accounts(base) {
		if a.Platform == drivers()[0].Platform {
			key, url = a.APIKey, a.APIURL
		}
	}
	env := b.getenv
	b.getenv = func(name string) string {
		if name == drivers()[0].Variable("api_url") {
			return url
		}
		return env(name)
	}
	for i := range answers {
		answers[i] = strings.NewReplacer("KEY", key, "URL", url).Replace(answers[i])
	}
	b.stdin = strings.NewReader(strings.Join(answers, "\n") + "\n")
	return b, key, url
}

// written is the configuration file.
func (b *bench) written(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.getenv("XDG_CONFIG_HOME"), "greenroom", "config.toml"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

func TestAKeyGoesToTheKeyring(t *testing.T) {
	keyring.MockInit()
	platform := string(drivers()[0].Platform)
	b, key, url := sandboxed(t, "KEY", "y")
	if err := keyring.Set(config.KeyringService, "acme", "of another configuration"); err != nil {
		t.Fatal(err)
	}
	b.run(t, exitDone, "account", "add", "acme", "--platform", platform, "--url", url)
	if got, err := keyring.Get(config.KeyringService, "acme-2"); err != nil || got != key {
		t.Errorf("%q %v", got, err)
	}
	if text := b.written(t); !strings.Contains(text, `"keyring:acme-2"`) || strings.Contains(text, key) {
		t.Error(text)
	}
	if said := b.err.String(); strings.Contains(said, key) || !strings.Contains(said, "its key in the keyring") {
		t.Error(said)
	}
	b.run(t, exitDone, "account", "check")
	b.run(t, exitDone, "account", "remove", "acme")
	if _, err := keyring.Get(config.KeyringService, "acme-2"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("the key is still there: %v", err)
	}
	if got, err := keyring.Get(config.KeyringService, "acme"); err != nil || got != "of another configuration" {
		t.Errorf("another entry is gone: %v", err)
	}
	if text := b.written(t); strings.Contains(text, "acme") {
		t.Error(text)
	}
}

func TestWithoutAKeyring(t *testing.T) {
	keyring.MockInitWithError(errors.New("no bus"))
	t.Cleanup(keyring.MockInit)
	platform := string(drivers()[0].Platform)
	b, key, url := sandboxed(t, "KEY")
	b.run(t, exitNotConfigured, "account", "add", "acme", "--platform", platform, "--url", url, "--keyring")
	if b.written(t) != "" {
		t.Error(b.written(t))
	}
	b.stdin, b.lines = strings.NewReader(key+"\n"), nil
	b.run(t, exitDone, "account", "add", "acme", "--platform", platform, "--url", url)
	if !strings.Contains(b.written(t), `"file:keys/acme"`) {
		t.Error(b.written(t))
	}
}

// A change of the configuration that fails leaves no key behind.
func TestAFailedAdditionLeavesNoKey(t *testing.T) {
	keyring.MockInit()
	b, _, url := sandboxed(t, "KEY")
	path := filepath.Join(b.getenv("XDG_CONFIG_HOME"), "greenroom", "config.toml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("accounts.acme = {platform = \"daily\"}\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	b.run(t, exitNotConfigured, "account", "add", "acme", "--platform", string(drivers()[0].Platform), "--url", url)
	if !strings.Contains(b.err.String(), "can't be changed, because of the way the file is written") {
		t.Error(b.err.String())
	}
	if _, err := keyring.Get(config.KeyringService, "acme"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("the key was kept: %v", err)
	}
}

func TestTheGuidedSetUp(t *testing.T) {
	keyring.MockInit()
	b, _, _ := sandboxed(t,
		"3x", "1", // the platform
		"Big Name", "", // the name
		"wrong", "y", "KEY", // the key
		"9", "2", "https://relay.example", "grt_secret", // the tunnel
	)
	b.run(t, exitDone, "init")
	text := b.written(t)
	for _, want := range []string{
		"[accounts." + string(drivers()[0].Platform) + "]", `api_key = "keyring:`, "[tunnel]", `driver = "relay"`, `url = "https://relay.example"`, `token = "keyring:tunnel.token"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	said := b.err.String()
	for _, want := range []string{"Answer with a number from 1 to", "isn't a valid account name", "refused the API key", "accepted the key", "The tunnel is relay.", "Done."} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(text+said, "grt_secret") {
		t.Error("the token is shown")
	}
	// What is configured is offered no second time.
	b.stdin, b.lines = strings.NewReader("n\n"), nil
	b.run(t, exitDone, "init")
	if b.written(t) != text {
		t.Error(b.written(t))
	}
}

// Every step after the account can be skipped, and the end of the input skips the rest.
func TestTheSetUpCanBeLeft(t *testing.T) {
	keyring.MockInit()
	for _, d := range drivers() {
		if len(d.Inputs) == 0 || d.Inputs[0].Where == "" || !d.Inputs[0].Secret && d.Inputs[0].Key != "api_url" {
			t.Errorf("%s doesn't say what an account needs", d.Platform)
		}
	}
	b, _, _ := sandboxed(t, "1", "", "KEY")
	b.run(t, exitFailed, "init")
	if text := b.written(t); !strings.Contains(text, "[accounts.") || strings.Contains(text, "tunnel") {
		t.Error(b.err.String())
	}
	b, _, _ = sandboxed(t, "1", "", "wrong", "n")
	b.run(t, exitFailed, "init")
	if b.written(t) != "" {
		t.Error(b.written(t))
	}
}

func TestHowAnAccountIs(t *testing.T) {
	for _, test := range []struct {
		row  accountRow
		want int
	}{
		{accountRow{Status: accountOK}, exitDone},
		{accountRow{Status: accountUnchecked}, exitDone},
		{accountRow{Status: accountUnchecked, Detail: "locked"}, exitNotConfigured},
		{accountRow{Status: accountRefused, Detail: "no"}, exitNotConfigured},
		{accountRow{Status: accountUnreachable, Detail: "no"}, exitFailed},
	} {
		if err := test.row.err(); exitCode(err) != test.want || err != nil && errors.Is(err, provider.Unauthenticated) != (test.row.Status == accountRefused) {
			t.Errorf("%+v: %v", test.row, err)
		}
	}
}
