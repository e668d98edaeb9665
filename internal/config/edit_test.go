package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	_ "greenroom/internal/cases"
	"greenroom/provider"
)

const commented = `# mine
theme = "dark" # at night

# work
[accounts.acme] # the big one
platform = "daily"
# rotated in May
api_key = "keyring:acme"

[accounts.acme.recording]
bucket = "b" # ours

[accounts."other"]
platform = "whereby"
api_key = """
k=[1]"""

[tunnel]
driver = "exec"
command = [
  "lt", # with a # in it
  "]",
]
# the end`

func TestEditsKeepTheRest(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes []Change
		want    string
	}{
		{
			"a new table",
			[]Change{{[]string{"accounts", "new"}, nil}, {[]string{"accounts", "new", "platform"}, "daily"}, {[]string{"accounts", "new", "api_key"}, `a"b\c`}},
			commented + "\n\n[accounts.new]\nplatform = \"daily\"\napi_key = \"a\\\"b\\\\c\"\n",
		},
		{"another value", []Change{{[]string{"theme"}, "light"}}, strings.Replace(commented, `"dark"`, `"light"`, 1)},
		{
			"a value of several lines", []Change{{[]string{"tunnel", "command"}, []string{"a", "b"}}},
			strings.Replace(commented, "[\n  \"lt\", # with a # in it\n  \"]\",\n]", `["a", "b"]`, 1),
		},
		{
			"a key of a table", []Change{{[]string{"accounts", "acme", "default"}, true}},
			strings.Replace(commented, "\"keyring:acme\"\n", "\"keyring:acme\"\ndefault = true\n", 1),
		},
		{
			"a key of the text", []Change{{[]string{"listen"}, "127.0.0.1:1"}},
			strings.Replace(commented, "at night\n", "at night\nlisten = \"127.0.0.1:1\"\n", 1),
		},
		{"no account", []Change{{[]string{"accounts", "acme"}, nil}}, "# mine\ntheme = \"dark\" # at night\n\n# work\n# rotated in May\n\n" +
			commented[strings.Index(commented, `[accounts."other"]`):]},
		{"nothing", []Change{{[]string{"accounts", "unknown"}, nil}}, commented},
	} {
		got, err := changed("f", []byte(commented), test.changes)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", test.name, err, got, test.want)
		}
	}
	for _, text := range []string{`accounts = {acme = {platform = "daily"}}`, "[accounts]\nacme = {platform = \"daily\", api_key = \"k\"}"} {
		_, err := changed("f", []byte(text), []Change{{[]string{"accounts", "acme", "default"}, true}})
		if e := (*Error)(nil); !errors.As(err, &e) || e.Fix == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
	const dots = "[accounts]\r\nacme.platform = \"daily\"\r\nacme.api_key = \"k\"\r\n"
	if got, err := changed("f", []byte(dots), []Change{{[]string{"accounts", "acme"}, nil}}); err != nil || string(got) != "[accounts]\r\n" {
		t.Errorf("%v %q", err, got)
	}
}

// Whatever the file looks like, an edit changes what it should or nothing, and loses no comment line.
func TestAnEditChangesNothingElse(t *testing.T) {
	edited := 0
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{
			"[a]", "[a.b]", "[[l]]", "[c]", `[a."x y"]`, "", "# [a]", "  # k = 1", "k = 1", "m = '''\n[a]\n# no\n'''", `a.k = "\"#"`, "b.c = [ # in\n 1, # it\n]",
			"t = {k = 1, s = '}'}", "x = 1979-05-27", "\ty = \"\"\"a\"\"\"\" # z", "'q r' = 1 # it\r",
		}), 0, 8).Draw(rt, "lines")
		text := []byte(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(rt, "mark") + strings.Join(lines, "\n"))
		before, err := parse(text)
		if err != nil {
			return // no TOML
		}
		for _, e := range before {
			if e.line == 0 {
				rt.Fatalf("%v has no line in\n%s", e.path, text)
			}
		}
		c := Change{Path: rapid.SampledFrom([][]string{{"a"}, {"a", "b"}, {"k"}, {"a", "k"}, {"c"}, {"n", "m", "o"}, {"a", "b", "z"}}).Draw(rt, "path")}
		if rapid.Bool().Draw(rt, "sets") {
			c.Value = rapid.SampledFrom([]any{"v", true, []string{"v", "#"}}).Draw(rt, "value")
		}
		got, err := changed("f", text, []Change{c})
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) {
				rt.Fatalf("%v", err)
			}
			return
		}
		edited++
		for _, l := range lines {
			if strings.HasPrefix(strings.TrimSpace(l), "#") && !bytes.Contains(got, []byte(l)) {
				rt.Fatalf("%q is gone from\n%s", l, got)
			}
		}
		entries, err := parse(got)
		if err != nil {
			rt.Fatal(err)
		}
		found := slices.ContainsFunc(entries, func(e entry) bool {
			_, empty := e.value.(emptyTable)
			return below(e.path, c.Path) && !empty
		})
		if found != (c.Value != nil) {
			rt.Fatalf("%v is there: %v in\n%s", c.Path, found, got)
		}
	})
	if edited < 20 {
		t.Errorf("only %d texts were edited", edited)
	}
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte(commented), "accounts.acme")
	f.Add([]byte("a=1\n[b]\nc='x'"), "b")
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		if len(text) > 4096 || path == "" {
			return
		}
		if _, err := parse(text); err != nil {
			return
		}
		for _, c := range []Change{{Path: strings.Split(path, ".")}, {Path: strings.Split(path, "."), Value: "v"}} {
			got, err := changed("f", text, []Change{c})
			if err != nil {
				continue
			}
			if _, err := parse(got); err != nil {
				t.Fatalf("%v: %q", err, got)
			}
		}
	})
}

// editing returns the options of a configuration file in a folder of the test's.
func editing(t *testing.T, text string) (Options, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "config.toml")
	if text != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	opens := func(provider.Account, http.RoundTripper) (provider.Provider, error) { return nil, nil }
	drivers := []provider.Driver{{Platform: "daily", Open: opens}, {Platform: "whereby", Open: opens}}
	return Options{File: path, Getenv: func(string) string { return "" }, DataDir: t.TempDir(), Drivers: drivers}, path
}

func acme(platform string) []Change {
	return []Change{{[]string{"accounts", "acme", "platform"}, platform}, {[]string{"accounts", "acme", "api_key"}, "keyring:acme"}}
}

func TestEditRefusesWhatWouldBeWrong(t *testing.T) {
	o, path := editing(t, "")
	if err := Edit(t.Context(), o, acme("daily")...); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	before, _ := os.ReadFile(path)
	for name, changes := range map[string][]Change{
		"a platform that there isn't": {{[]string{"accounts", "acme", "platform"}, "zoom"}},
		"a key that there isn't":      {{[]string{"nonsense"}, "x"}},
	} {
		var wrong *Error
		if err := Edit(t.Context(), o, changes...); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s changed the file", name)
		}
	}
	if err := os.WriteFile(path, []byte("[[["), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Edit(t.Context(), o, acme("daily")...); err == nil {
		t.Error("a file that is not TOML was changed")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.part")); err != nil || len(left) > 0 {
		t.Errorf("%q is left, %v", left, err)
	}
}

func TestEditKeepsLinksAndModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files there have no modes")
	}
	o, path := editing(t, "# x")
	target := filepath.Join(t.TempDir(), "dotfiles.toml")
	if err := errors.Join(os.WriteFile(target, nil, 0o644), os.Chmod(target, 0o644), os.Remove(path), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
	if err := Edit(t.Context(), o, acme("whereby")...); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("%v %v", info, err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o644 || info.Size() == 0 {
		t.Errorf("%v %v", info, err)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if err := Edit(t.Context(), o, acme("whereby")...); err == nil {
		t.Error("a link to nothing was written through")
	}
}

func TestEditsAtTheSameTimeLoseNothing(t *testing.T) {
	o, path := editing(t, "# top\n")
	var all sync.WaitGroup
	for i := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			name := fmt.Sprintf("a%d", i)
			if err := Edit(context.Background(), o, Change{[]string{"accounts", name, "platform"}, "daily"}, Change{[]string{"accounts", name, "api_key"}, "keyring:x"}); err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "api_key") != 8 || !strings.HasPrefix(string(text), "# top\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// An editor that saves between our reading and our writing keeps what it saved.
func TestAFileThatChangesMeanwhileIsKept(t *testing.T) {
	o, path := editing(t, "theme = \"dark\"\n")
	saves := true
	o.Getenv = func(string) string { // is asked while the new text is judged, after the file was read
		if saves {
			saves = false
			if err := os.WriteFile(path, []byte("theme = \"light\" # saved\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
		return ""
	}
	if err := Edit(t.Context(), o, Change{[]string{"mouse"}, false}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "theme = \"light\" # saved\nmouse = false\n" {
		t.Errorf("%v %q", err, text)
	}
}
