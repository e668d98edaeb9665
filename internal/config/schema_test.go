package config

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/provider"
)

// wide is a driver whose accounts have every key.
func wide() provider.Driver {
	return provider.Driver{
		Platform: "acme", Settings: []string{"signature", "recording.role_arn", "recording.mode", "join_url"}, Modes: []string{"cloud"},
		Objects: &provider.Objects{},
		Open:    func(provider.Account, http.RoundTripper) (provider.Provider, error) { return nil, nil },
	}
}

// place returns a configuration in which a key has a value, and nothing else is wrong.
func place(key, value string) string {
	parts := strings.Split(key, ".")
	last := len(parts) - 1
	line := parts[last] + " = " + value + "\n"
	switch {
	case parts[0] == accountsTable:
		text := "[accounts.a]\n"
		for k, v := range map[string]string{"platform": `"acme"`, "api_key": `"k"`} {
			if k != parts[last] {
				text += k + " = " + v + "\n"
			}
		}
		if last > 2 {
			text += "[accounts.a.recording]\n"
		}
		return text + line
	case listed(parts[0]):
		return "[[" + parts[0] + "]]\n" + line
	case key == "keys.*":
		return "[keys]\nquit = " + value + "\n"
	case last > 0:
		return "[" + parts[0] + "]\n" + line
	}
	return line
}

// Every key is read: a value that no key can have is refused, with its line. A key that nothing reads would be accepted silently.
func TestEveryKeyIsRead(t *testing.T) {
	for _, row := range rows {
		text := place(row.key, "1979-05-27")
		path := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(t.Context(), Options{File: path, DataDir: t.TempDir(), Getenv: func(string) string { return "" }, Drivers: []provider.Driver{wide()}})
		said := ""
		if err != nil {
			said = err.Error()
		} else if p := c.Problems(); p != nil {
			said = p.Error()
		}
		if row.flag == "--data-dir" {
			continue // the test's own data folder covers it
		}
		name := row.key[strings.LastIndexByte(row.key, '.')+1:]
		if name == "*" {
			name = "quit"
		}
		if !strings.Contains(said, name) || !strings.Contains(said, "config.toml:") {
			t.Errorf("%s is not read: %q\n%s", row.key, said, text)
		}
	}
}

// What a row says of secrets is how its value is shown, and which variables programs don't inherit.
func TestRowsKnowTheSecrets(t *testing.T) {
	for _, row := range rows {
		if !row.secret || strings.HasPrefix(row.key, "forward") {
			continue
		}
		path := filepath.Join(t.TempDir(), "config.toml")
		text := place(row.key, `"hush-hush"`)
		if strings.HasPrefix(row.key, "tunnel") {
			text += "driver = \"" + row.tunnels[0] + "\"\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(t.Context(), Options{File: path, DataDir: t.TempDir(), Getenv: func(string) string { return "" }, Drivers: []provider.Driver{wide()}})
		if err != nil {
			t.Errorf("%s: %v", row.key, err)
			continue
		}
		shown := false
		for _, s := range c.Settings() {
			if strings.Contains(s.Value, "hush") {
				t.Errorf("%s shows its value", s.Key)
			}
			shown = shown || s.Secret && s.Value == "set"
		}
		if !shown && c.Problems() == nil {
			t.Errorf("%s isn't shown as set", row.key)
		}
	}
}

func TestUnknownKeysHaveASuggestion(t *testing.T) {
	r := &reader{opts: Options{Drivers: []provider.Driver{wide()}}}
	for path, want := range map[string]string{
		"lisen": "listen", "tunel.driver": "tunnel.driver", "accounts.a.apikey": "accounts.a.api_key", "forward.0.nme": "name",
		"accounts.a.recording.bukcet": "accounts.a.recording.bucket", "acme.recordin": "acme.recording", "zzzzzzzz": "",
	} {
		if got := r.suggestion(strings.Split(path, ".")); got != want {
			t.Errorf("%s: %q, not %q", path, got, want)
		}
	}
}
