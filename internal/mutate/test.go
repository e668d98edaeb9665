package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/cover"
)

// batch is the number of tests that share a process. The first batches have the quickest tests, which kill most mutants.
const batch = 8

// A testCase is a top-level test of the package, alone in a process.
type testCase struct {
	name   string
	took   time.Duration
	blocks map[string][]cover.ProfileBlock // the code that it reaches, by the file's base name
}

func (t testCase) reaches(m mutant) bool {
	return slices.ContainsFunc(t.blocks[filepath.Base(m.file)], func(b cover.ProfileBlock) bool {
		return cmp.Or(cmp.Compare(b.StartLine, m.line), cmp.Compare(b.StartCol, m.column)) <= 0 &&
			cmp.Or(cmp.Compare(m.line, b.EndLine), cmp.Compare(m.column, b.EndCol)) <= 0
	})
}

// survey runs each test of the unchanged package alone, and returns them with what they reach, the quickest first.
func survey(ctx context.Context, o options) ([]testCase, error) {
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary, profile := filepath.Join(dir, "covered.test"), filepath.Join(dir, "profile")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-cover", "-vet=off", "-o", binary, o.pkg).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", o.pkg, err, out)
	}
	list := exec.CommandContext(ctx, binary, "-test.list", cmp.Or(o.run, "."))
	list.Dir = o.pkg
	names, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests of %s: %w", o.pkg, err)
	}
	var tests []testCase
	for _, name := range strings.Fields(string(names)) {
		if strings.HasPrefix(name, "Benchmark") {
			continue
		}
		began := time.Now()
		run := exec.CommandContext(ctx, binary, "-test.run", "^"+name+"$", "-test.coverprofile", profile)
		run.Dir = o.pkg
		if out, err := run.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("the unchanged %s: %s: %w\n%s", o.pkg, name, err, out)
		}
		t := testCase{name: name, took: time.Since(began), blocks: map[string][]cover.ProfileBlock{}}
		files, err := cover.ParseProfiles(profile)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			for _, b := range f.Blocks {
				if b.Count > 0 {
					t.blocks[filepath.Base(f.FileName)] = append(t.blocks[filepath.Base(f.FileName)], b)
				}
			}
		}
		tests = append(tests, t)
	}
	slices.SortFunc(tests, func(a, b testCase) int { return cmp.Compare(a.took, b.took) })
	return tests, nil
}

// test reports the result of the tests that reach the mutant: KILLED, LIVED, TIMED OUT or NOT VIABLE.
func (m mutant) test(ctx context.Context, o options, tests []testCase) (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	changed, err := m.apply(source)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	copied, overlay, binary := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mutant.test")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{original: copied}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(copied, changed, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return "", err
	}
	if err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, o.pkg).Run(); err != nil {
		return "NOT VIABLE", nil
	}
	var names []string
	for _, t := range tests {
		if t.reaches(m) {
			names = append(names, t.name)
		}
	}
	for some := range slices.Chunk(names, batch) {
		run := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout", o.limit.String(), "-test.run", "^("+strings.Join(some, "|")+")$")
		run.Dir, run.WaitDelay = o.pkg, time.Second // a process that a test left behind may hold the output
		if out, err := run.CombinedOutput(); err != nil {
			if bytes.Contains(out, []byte("panic: test timed out after")) {
				return "TIMED OUT", nil
			}
			return "KILLED", nil
		}
	}
	return "LIVED", nil
}
