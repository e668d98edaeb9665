// Command release makes what people install: archives, packages, checksums and bills of materials, as .goreleaser.yaml describes.
// Nothing is published; project.toml names the place that the artefacts expect to be downloaded from.
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

// variables returns the project as .goreleaser.yaml names it.
func (p project) variables() map[string]string {
	return map[string]string{
		"GREENROOM_DESCRIPTION": p.Description, "GREENROOM_LICENSE": p.License, "GREENROOM_MAINTAINER": p.Maintainer,
		"GREENROOM_HOMEPAGE": p.Homepage, "GREENROOM_DOWNLOADS": p.Downloads,
	}
}

// snapshot makes everything for this commit in dist/.
func snapshot(ctx context.Context, root string) error {
	p, err := readProject(root)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "goreleaser", "release", "--snapshot", "--clean")
	cmd.Env = append(cmd.Env, "GOFLAGS=-buildvcs=true") // the program's version comes from the commit
	for name, value := range p.variables() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return pass(cmd, root)
}

// pass runs a command with this one's output and environment.
func pass(cmd *exec.Cmd, dir string) error {
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), cmd.Env...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return nil
}
