package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/regular"
	"greenroom/provider"
)

// maxEdited is the largest size of the edited file in bytes.
const maxEdited = 64 << 20

// editRequest opens a request in the user's editor and reads it back. The file is in a temporary folder, which is removed with all files that
// the editor leaves there.
func (p *program) editRequest(ctx context.Context, seq uint64, r export.Request) (_ export.Request, err error) {
	dir, err := os.MkdirTemp("", "greenroom-edit-")
	if err != nil {
		return r, fmt.Errorf("create a file to edit: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, fmt.Sprintf("event-%d.http", seq))
	if err := os.WriteFile(path, r.Text(), 0o600); err != nil {
		return r, fmt.Errorf("write the file to edit: %w", err)
	}
	editor := strings.Fields(cmp.Or(p.getenv("VISUAL"), p.getenv("EDITOR"), "vi"))
	cmd := exec.CommandContext(ctx, editor[0], append(editor[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stderr, p.stderr
	if p.outTTY {
		cmd.Stdout = p.stdout
	}
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		return r, &app.Error{Text: fmt.Sprintf("the editor %s failed (%v): nothing was sent", editor[0], err), Hint: "set EDITOR to another one", Err: err}
	}
	text, err := regular.Read(path, maxEdited)
	if err != nil {
		return r, fmt.Errorf("read the edited file: %w", err)
	}
	edited, err := r.ParseRequest(text)
	if err != nil {
		return r, &app.Error{Kind: provider.Invalid, Text: "the edited request can't be sent: " + err.Error()}
	}
	return edited, nil
}
