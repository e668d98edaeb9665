package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// Every variable of .goreleaser.yaml comes from project.toml, and every file that it names is there.
func TestTheDescriptionOfAReleaseIsComplete(t *testing.T) {
	p, err := readProject(root)
	if err != nil {
		t.Fatal(err)
	}
	known := p.variables()
	for name, value := range known {
		if value == "" {
			t.Errorf("project.toml says nothing for %s", name)
		}
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil || !strings.Contains(string(readme), p.Downloads) {
		t.Errorf("README.md doesn't name %s (%v)", p.Downloads, err)
	}
	described, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\.Env\.(\w+)`).FindAllStringSubmatch(string(described), -1) {
		if _, ok := known[m[1]]; !ok {
			t.Errorf(".goreleaser.yaml uses %s, which project.toml doesn't give", m[1])
		}
	}
	if filled, err := p.described(root); err != nil || strings.Contains(string(filled), ".Env.") {
		t.Errorf("something of the project is not filled in (%v)", err)
	}
	files := regexp.MustCompile(`(?:src|postinstall|preremove): "?([\w./-]+)`).FindAllStringSubmatch(string(described), -1)
	if len(files) < 15 {
		t.Fatalf("found only %d files in .goreleaser.yaml", len(files))
	}
	for _, m := range files {
		if strings.HasPrefix(m[1], "dist-assets/") {
			continue // made by the release
		}
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Error(err)
		}
	}
}

// The module moves in one step: every import follows, and strings that aren't package paths stay.
func TestRename(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":          "module greenroom\n\ngo 1.26.0\n",
		"store/store.go":  "package store\n\nconst Path = \"greenroom/greenroom.db\"\n",
		"main.go":         "package main\n\nimport (\n\t\"fmt\"\n\n\tkept \"greenroom/store\"\n)\n\nfunc main() { fmt.Println(kept.Path, `greenroom/store`, \"greenroom/\") }\n",
		"notes/readme.md": "greenroom/store\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"", "no dots", "greenroom", "https://x.example/y"} {
		if err := rename(dir, bad); err == nil {
			t.Errorf("%q is accepted as a module's path", bad)
		}
	}
	if err := rename(dir, "git.example/ada/greenroom"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	got, err := cmd.CombinedOutput()
	if want := "greenroom/greenroom.db git.example/ada/greenroom/store git.example/ada/greenroom/\n"; err != nil || string(got) != want {
		t.Errorf("%v: %q, not %q", err, got, want)
	}
}

// This repository can move: no import keeps the former path.
func TestThisModuleCanBeRenamed(t *testing.T) {
	dir := t.TempDir()
	tracked, err := exec.Command("git", "-C", root, "ls-files", "-co", "--exclude-standard").Output()
	if err != nil {
		t.Skip("no git checkout: ", err)
	}
	for name := range strings.Lines(string(tracked)) {
		name = strings.TrimSuffix(name, "\n")
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := rename(dir, "git.example/ada/greenroom"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-test", "-deps", "-f", "{{if .Error}}{{.ImportPath}}: {{.Error}}{{end}}", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	if got, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(got)) != "" {
		t.Errorf("%v\n%s", err, got)
	}
	if got, err := exec.Command("grep", "-rlE", `^\s*(\w+ )?"greenroom/`, "--include=*.go", dir).Output(); err == nil {
		t.Errorf("these still import the former path:\n%s", got)
	}
}
