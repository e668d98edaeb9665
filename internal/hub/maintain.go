package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Maintain carries out an operation on the store's file while it is in use; see [app.Backend].
func (h *Hub) Maintain(ctx context.Context, m app.Maintenance) (app.Maintained, error) {
	out := app.Maintained{Op: m.Op, Path: m.Path, Findings: []string{}, Notes: []string{}}
	st, err := h.store.Stats(ctx)
	if err != nil {
		return out, err
	}
	out.Before, out.After = st.Bytes, st.Bytes
	switch m.Op {
	case app.CompactStore:
		out.Path = h.store.Path()
		out.Before, out.After, err = h.store.Compact(ctx)
	case app.CheckStore:
		out.Path = h.store.Path()
		var found []string
		found, err = h.store.Check(ctx)
		out.Findings = append(out.Findings, found...)
		if err == nil && len(found) == 0 {
			out.Notes, err = h.store.CheckIndex(ctx)
		}
	case app.BackupStore:
		if !filepath.IsAbs(m.Path) {
			return out, app.Errorf(provider.Invalid, "", "back up to %q: not an absolute path", m.Path)
		}
		out.After, err = h.store.BackupFile(ctx, m.Path)
		if errors.Is(err, fs.ErrNotExist) {
			err = &app.Error{Kind: provider.Unavailable, Text: fmt.Sprintf("there is no folder %s", filepath.Dir(m.Path)), Err: err}
		}
		if errors.Is(err, fs.ErrExist) {
			err = &app.Error{
				Kind: provider.Conflict, Text: fmt.Sprintf("%s exists", m.Path), Hint: "choose another name; nothing is overwritten",
				Err: err,
			}
		}
	default:
		err = app.Errorf(provider.Invalid, "", "there is no maintenance %q", m.Op)
	}
	return out, writeError(err)
}
