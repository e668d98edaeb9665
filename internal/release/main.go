// Command release builds archives, packages, checksums and bills of materials, as .goreleaser.yaml describes. It publishes nothing; project.toml
// contains the URL that the artefacts are downloaded from.
//
//	go run ./internal/release snapshot         # everything, of this commit, into dist/
//	go run ./internal/release package deb DIR  # one package of this machine's kind into DIR
//	go run ./internal/release assets DIR       # the manual page and the completions
//	go run ./internal/release rename MODULE    # move the module to another path
//	go run ./internal/release bill FILE OUT    # the bill of materials of one program; snapshot uses it
//
// snapshot needs goreleaser and cyclonedx-gomod, package needs nfpm:
//
//	go install github.com/goreleaser/goreleaser/v2@v2.15.1
//	go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
//	go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1 && args[0] == "snapshot":
		return snapshot(ctx, root)
	case len(args) == 3 && args[0] == "bill":
		return bill(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == "package":
		return pack(ctx, root, args[1], args[2])
	case len(args) == 2 && args[0] == "assets":
		return assets(ctx, root, args[1])
	case len(args) == 2 && args[0] == "rename":
		return rename(root, args[1])
	}
	return errors.New("use: snapshot | package deb|rpm|apk DIR | assets DIR | rename MODULE | bill FILE OUT")
}

// project is where Greenroom is published.
type project struct {
	Name, Description, License, Maintainer, Homepage, Downloads string
}

func readProject(root string) (project, error) {
	var p project
	meta, err := toml.DecodeFile(filepath.Join(root, "internal/release/project.toml"), &p)
	if err != nil {
		return p, err
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return p, fmt.Errorf("project.toml: unknown key %s", extra[0])
	}
	return p, nil
}

// described returns .goreleaser.yaml with the project's values. The tools don't replace variables in every field.
func (p project) described(root string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	text := string(raw)
	for name, value := range p.variables() {
		text = strings.ReplaceAll(text, "{{ .Env."+name+" }}", value)
	}
	return []byte(text), err
}

// variables returns the project as .goreleaser.yaml names it.
func (p project) variables() map[string]string {
	return map[string]string{
		"GREENROOM_DESCRIPTION": p.Description, "GREENROOM_LICENSE": p.License, "GREENROOM_MAINTAINER": p.Maintainer,
		"GREENROOM_HOMEPAGE": p.Homepage, "GREENROOM_DOWNLOADS": p.Downloads,
	}
}

// snapshot builds everything for this commit in dist/.
func snapshot(ctx context.Context, root string) error {
	p, err := readProject(root)
	if err != nil {
		return err
	}
	described, err := p.described(root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "greenroom-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	config := filepath.Join(work, "goreleaser.yaml")
	if err := os.WriteFile(config, described, 0o600); err != nil {
		return err
	}
	if err := dateScripts(ctx, root); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "goreleaser", "release", "--snapshot", "--clean", "--config", config)
	cmd.Env = []string{"GOFLAGS=-buildvcs=true"} // the program's version comes from the commit
	return pass(cmd, root)
}

// dateScripts sets the times of the packages' scripts to that of the commit: Alpine's packages contain the files' times.
func dateScripts(ctx context.Context, root string) error {
	cmd := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("git log: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return fmt.Errorf("the commit's time: %w", err)
	}
	scripts, err := filepath.Glob(filepath.Join(root, "internal/release/files/*.sh"))
	for _, script := range scripts {
		err = errors.Join(err, os.Chtimes(script, time.Time{}, time.Unix(seconds, 0)))
	}
	return err
}

// pass runs a command in dir with this program's output and environment.
func pass(cmd *exec.Cmd, dir string) error {
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), cmd.Env...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return nil
}
