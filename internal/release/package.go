package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pack builds one package for this machine's architecture with nfpm, from the description of the releases.
func pack(ctx context.Context, root, format, dir string) error {
	p, err := readProject(root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "greenroom-package-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := assets(ctx, root, work); err != nil {
		return err
	}
	program := filepath.Join(work, "greenroom")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./cmd/greenroom")
	build.Env = []string{"CGO_ENABLED=0", "GOOS=linux"}
	if err := pass(build, root); err != nil {
		return err
	}
	described, err := p.described(root)
	if err != nil {
		return err
	}
	config, err := nfpmConfig(described, map[string]string{"dist-assets": work}, program)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(work, "nfpm.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return err
	}
	return pass(exec.CommandContext(ctx, "nfpm", "package", "--config", file, "--packager", format, "--target", dir), root)
}

// nfpmConfig converts the packages of .goreleaser.yaml to nfpm's configuration. It adds the program and the folders that goreleaser would
// create.
func nfpmConfig(described []byte, folders map[string]string, program string) ([]byte, error) {
	var all struct {
		NFPMs []map[string]any `yaml:"nfpms"`
	}
	if err := yaml.Unmarshal(described, &all); err != nil {
		return nil, fmt.Errorf(".goreleaser.yaml: %w", err)
	}
	if len(all.NFPMs) != 1 {
		return nil, fmt.Errorf(".goreleaser.yaml: %d descriptions of packages, not one", len(all.NFPMs))
	}
	c := all.NFPMs[0]
	contents, ok := c["contents"].([]any)
	if !ok {
		return nil, fmt.Errorf(".goreleaser.yaml: the packages have no contents")
	}
	for _, each := range contents {
		entry, ok := each.(map[string]any)
		if !ok {
			return nil, fmt.Errorf(".goreleaser.yaml: %v is no entry of a package", each)
		}
		for name, folder := range folders {
			if src, ok := entry["src"].(string); ok && strings.HasPrefix(src, name+"/") {
				entry["src"] = folder + strings.TrimPrefix(src, name)
			}
		}
	}
	c["contents"] = append(contents, map[string]any{"src": program, "dst": fmt.Sprint(c["bindir"], "/greenroom"), "file_info": map[string]any{"mode": 0o755}})
	c["name"], c["arch"], c["platform"], c["version"] = c["package_name"], runtime.GOARCH, "linux", "0.0.0-local"
	for _, key := range []string{"package_name", "file_name_template", "formats", "bindir", "mtime"} {
		delete(c, key)
	}
	return json.Marshal(c) // which is YAML, too
}
