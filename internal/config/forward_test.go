package config

import (
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"greenroom/internal/app"
)

// certificate returns the certificate of test servers, in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
}

func loadForwards(t *testing.T, text string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte(certificate(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(t.Context(), Options{
		File: path, DataDir: dir, Getenv: func(name string) string { return map[string]string{"DEV_SECRET": "hush"}[name] },
		CheckFilter: func(s string) error {
			if strings.Contains(s, "nonsense") {
				return errors.New("nonsense at 1")
			}
			return nil
		},
	})
}

func TestForwardsOfTheFile(t *testing.T) {
	c, err := loadForwards(t, `
listen = "127.0.0.1:7071"

[[forward]]
name = "dev"
url = "http://localhost:3000/hooks?x=1"
filter = "kind:recording.ready"
resign = "env:DEV_SECRET"
from = 17

[[forward]]
name = "other"
url = "https://localhost:3001"
ca = "ca.pem"
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []app.ForwardSpec{
		{Name: "dev", URL: "http://localhost:3000/hooks?x=1", Filter: "kind:recording.ready", Resign: "hush", From: 17},
		{Name: "other", URL: "https://localhost:3001", CA: certificate(t)},
	}
	if !reflect.DeepEqual(c.Forwards, want) {
		t.Errorf("%+v", c.Forwards)
	}
	for _, s := range c.Settings() {
		if strings.Contains(s.Value, "hush") {
			t.Errorf("%s shows a secret", s.Key)
		}
	}
}

func TestForwardsThatCantBe(t *testing.T) {
	for text, want := range map[string][]string{
		"[[forward]]\nname = \"dev\"\n":                  {"config.toml:2", "forward.0.url", "is missing"},
		"[[forward]]\nurl = \"http://x/\"\n":             {"config.toml:1", "forward.0.name", "is missing"},
		"[[forward]]\n":                                  {"name", "is missing"},
		"[[forward]]\nname = \"a\"\nurl = \"nowhere\"\n": {"config.toml:3", "http://localhost:3000"},
		"[[forward]]\nname = \"a\"\nurl = \"http://x/\"\n[[forward]]\nname = \"a\"\nurl = \"http://y/\"": {"config.toml:5", "repeats the name", "config.toml:2"},
		"[[forward]]\nname = \"a\"\nurll = \"http://x/\"\n":                                              {"config.toml:3", "did you mean url?"},
		"[[forward]]\nname = \"a\"\nurl = \"http://x/\"\nfilter = \"nonsense\"\n":                        {"config.toml:4", "nonsense at 1"},
		"[[forward]]\nname = \"a\"\nurl = \"http://x/\"\nfrom = 0\n":                                     {"config.toml:4", "event number"},
		"[[forward]]\nname = \"a\"\nurl = \"http://x/\"\nca = \"missing.pem\"\n":                         {"config.toml:4", "can't be read"},
		"[[forward]]\nname = \"a\"\nurl = \"http://x/\"\nca = \"config.toml\"\n":                         {"config.toml:4", "no certificates"},
		"[forward]\nname = \"a\"\n": {"[[forward]]"},
		"forward = 1\n":             {"[[forward]]"},
		"forward = [1]\n":           {"[[forward]]"},
	} {
		_, err := loadForwards(t, text)
		if err == nil {
			t.Errorf("accepted: %s", text)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v lacks %q", text, err, part)
			}
		}
	}
}

// A secret that can't be fetched leaves its forward out; the rest works.
func TestAForwardWithoutItsSecretIsLeftOut(t *testing.T) {
	c, err := loadForwards(t, "[[forward]]\nname = \"a\"\nurl = \"http://x/\"\nresign = \"env:MISSING\"\n")
	if err != nil || len(c.Forwards) != 0 || c.Problems() == nil || len(c.Notices) == 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
