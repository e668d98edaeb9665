package config

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever the file holds, it is read or refused with a line that it has, and a secret in it is not repeated.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		wholeFile, "", "a.b.c = 1", "[a]\n[a]\n", "x = '''\n\n'''\ny=2", "[[a]]\n[[a]]\nb=[{c=1},{d=2}]", "\"\" = 1", "a = {b.c = 1}",
		"[accounts.daily]\napi_key = SECRETLYHELD\n", "[accounts.daily]\napi_key = \"SECRETLYHELD\"\nwebhook_secret = 'SECRETLYHELD",
		"[accounts.daily]\napi_key = 1SECRETLYHELD\n", "keys.quit = \"q\"\n[keys]\n", "mouse = 99999999999999999999",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "config.toml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		entries, err := parse(data)
		for _, e := range entries {
			if e.line < 1 || e.line > lines {
				t.Errorf("%q is at line %d of %d", e.path, e.line, lines)
			}
		}
		var ce *Error
		if err != nil && !errors.As(err, &ce) {
			t.Errorf("an error of another type: %v", err)
		}
		_, err = Load(context.Background(), Options{
			Drivers: drivers(), File: path, Getenv: func(string) string { return "" },
			Resolve: func(context.Context, string) (string, error) { return "", errors.New("not in this test") },
		})
		for _, e := range Errors(err) {
			if e.Origin.Line > lines {
				t.Errorf("an error at line %d of %d: %v", e.Origin.Line, lines, e)
			}
		}
	})
}

func TestErrorsDoNotRepeatSecrets(t *testing.T) {
	for _, text := range []string{
		"api_key = hush", "api_key = 'hush", "api_key = \"hush\\q\"", "api_key = \"hush\nmore", "api_key = 1hush", "api_key = [\"hush\"]",
		"api_key = \"\"\"hush", "api_key = 2020-hush", "api_key = { x = \"hush\" }", "api_key = \"a\" hush", "api_key = 0xhush", "api_key = truehush",
		"api_key = 1.hush", "api_key = \"cmd:echo hush; exit 1\"", "api_url = \"https://u:hush@example.com/\"", "api_key = hush.hush", "api_key = 'hush'hush",
	} {
		err := mistakes(t, "[accounts.daily]\n"+text+"\n", nil)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
