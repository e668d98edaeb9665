package hub

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"greenroom/internal/app"
	"greenroom/internal/regular"
	"greenroom/provider"
)

// Limits of a logo: Whereby accepts a PNG at least 400 pixels wide.
const (
	logoWidth = 400
	logoBytes = 5 << 20
)

var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// readLogo reads a logo and checks that platforms will accept it.
func readLogo(path string) ([]byte, error) {
	refuse := func(format string, args ...any) ([]byte, error) {
		hint := fmt.Sprintf("use a PNG at least %d pixels wide and of at most %d MiB", logoWidth, logoBytes>>20)
		return nil, invalid(hint, "logo %s: %s", path, fmt.Sprintf(format, args...))
	}
	if !filepath.IsAbs(path) {
		return refuse("its path is not absolute")
	}
	f, err := regular.Open(path)
	if err != nil {
		if why, ok := errors.AsType[*os.PathError](err); ok {
			err = why.Err
		}
		return refuse("%v", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, logoBytes+1))
	switch {
	case err != nil:
		return refuse("%v", err)
	case len(raw) > logoBytes:
		return refuse("it is too large")
	case !bytes.HasPrefix(raw, pngMagic):
		return refuse("it is not a PNG")
	}
	shape, err := png.DecodeConfig(bytes.NewReader(raw))
	switch {
	case err != nil:
		return refuse("the PNG is damaged: %v", err)
	case shape.Width < logoWidth:
		return refuse("it is only %d pixels wide", shape.Width)
	}
	return raw, nil
}

// uploadLogo uploads the room's logo for a new meeting. A failure is only a note, since the meeting exists.
func (h *Hub) uploadLogo(ctx context.Context, a *account, room app.Room, m provider.Meeting) (note string) {
	l, ok := a.Provider.(provider.LogoUploader)
	if !ok {
		return cmp.Or(a.whyNot(provider.AbilityLogo), fmt.Sprintf("%s rooms have no logo", a.Platform)) + "; the meeting is created without it"
	}
	raw, err := readLogo(room.Logo)
	if err == nil {
		err = l.UploadLogo(ctx, m, raw)
		h.noteCall(a, err)
	}
	if err != nil {
		return "the meeting has no logo: " + err.Error()
	}
	return ""
}
