package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// assets writes the manual page and the completions of the shells into dir. The output is reproducible.
func assets(ctx context.Context, root, dir string) error {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	work, err := os.MkdirTemp("", "greenroom-assets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	program := filepath.Join(work, "greenroom")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/greenroom")
	build.Env = []string{"GOOS=", "GOARCH=", "CGO_ENABLED=0"} // for this machine, even in a cross build
	if err := pass(build, root); err != nil {
		return err
	}
	for file, args := range map[string][]string{
		"man/greenroom.1.gz":         {"man"},
		"completions/greenroom.bash": {"completion", "bash"},
		"completions/_greenroom":     {"completion", "zsh"},
		"completions/greenroom.fish": {"completion", "fish"},
		"completions/greenroom.ps1":  {"completion", "powershell"},
	} {
		text, err := exec.CommandContext(ctx, program, args...).Output()
		if err != nil {
			return fmt.Errorf("greenroom %v: %w", args, err)
		}
		if filepath.Ext(file) == ".gz" {
			if text, err = zipped(text); err != nil {
				return err
			}
		}
		file = filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// zipped compresses a text without a name or a time, which is reproducible.
func zipped(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}
