package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The demo has the looks of the user's configuration, and fetches no secret of it.
func TestDemoFetchesNoSecret(t *testing.T) {
	dir := t.TempDir()
	ran, file := filepath.Join(dir, "ran"), filepath.Join(dir, "config.toml")
	text := "theme = \"light\"\n[accounts.daily]\napi_key = '''cmd:echo ran > \"" + ran + "\"; echo key'''\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProgram()
	p.configFile, p.getenv = file, func(string) string { return "" }
	c, err := p.demoConfig(context.Background(), "http://127.0.0.1:1", dir, &demoRelay{url: "http://127.0.0.1:2", token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Theme != "light" || len(c.Accounts) != 3 {
		t.Errorf("theme %q, %d accounts", c.Theme, len(c.Accounts))
	}
	if _, err := os.Stat(ran); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the command of a secret was run: %v", err)
	}
	// The same file, read for real, runs it: the test would notice.
	if _, err := p.config(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("the command isn't one that can be noticed: %v", err)
	}
}
