package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/config"
)

func TestAFolderThatCannotBeWrittenTo(t *testing.T) {
	c := &config.Config{DataDir: "/data"}
	refused := &fs.PathError{Op: "open", Path: "/data/greenroom.lock", Err: syscall.EACCES}
	for _, test := range []struct {
		name string
		err  error
		is   bool
	}{
		{"nothing", nil, false},
		{"permission", fmt.Errorf("lock: record holder: %w", refused), true},
		{"twice", errors.Join(refused, refused), true},
		{"a file system for reading", &fs.PathError{Op: "mkdir", Path: "/data", Err: syscall.EROFS}, true},
		{"another file error", &fs.PathError{Op: "open", Path: "/data/greenroom.db", Err: syscall.ENOSPC}, false},
		{"a permission that is no file's", os.ErrPermission, false},
	} {
		got := folderError(c, test.err)
		if errors.Is(got, errUnwritable) != test.is {
			t.Errorf("%s: %v", test.name, got)
		}
		if !test.is {
			if got != test.err {
				t.Errorf("%s became %v", test.name, got)
			}
			continue
		}
		if e := app.AsError(got); strings.Contains(e.Text, "\n") || !strings.Contains(e.Text, "/data") || !strings.Contains(e.Hint, "--data-dir") {
			t.Errorf("%s: %q, %q", test.name, e.Text, e.Hint)
		}
		if exitCode(got) != exitFailed {
			t.Errorf("%s: status %d", test.name, exitCode(got))
		}
	}
}

// Every command says it in one line with its hint, and doctor as a row.
func TestCommandsOnAFolderThatCannotBeWrittenTo(t *testing.T) {
	b := newBench(t, false, "")
	b.open = func(_ context.Context, c *config.Config, _ string, _ access) (app.Backend, func() error, error) {
		refused := &fs.PathError{Op: "open", Path: c.DataDir + "/greenroom.lock", Err: syscall.EACCES}
		return nil, nil, errors.Join(fmt.Errorf("lock: record holder: %w", refused), fmt.Errorf("lock: record holder: %w", refused))
	}
	b.run(t, 1, "room", "list")
	lines := strings.Split(strings.TrimSpace(b.err.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "can't be written to") || !strings.Contains(lines[1], "--data-dir") || strings.Contains(lines[0], "␊") {
		t.Errorf("%q", lines)
	}
	b.run(t, 1, "doctor")
	if !hasRow(b.out.String(), []string{"greenroom", "data", "folder", "FAILED"}) || !strings.Contains(b.out.String(), "→ make the folder") {
		t.Errorf("doctor: %s", b.out.String())
	}
	b.run(t, 1, "doctor", "--json")
	for _, want := range []string{`"status":"failing"`, `"name":"data folder","ok":false`, `"accounts":[]`} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("no %s in %s", want, b.out.String())
		}
	}
}
