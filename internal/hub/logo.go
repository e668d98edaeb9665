package hub

import (
	"bytes"
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

// What a logo must be: Whereby takes a PNG, at least 400 pixels wide.
const (
	logoWidth = 400
	logoBytes = 5 << 20
)

var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// readLogo reads a logo and checks that platforms will take it.
func readLogo(path string) ([]byte, error) {
	refuse := func(format string, args ...any) ([]byte, error) {
		return nil, &app.Error{
			Kind: provider.Invalid, Text: fmt.Sprintf("logo %s: ", path) + fmt.Sprintf(format, args...),
			Hint: fmt.Sprintf("use a PNG at least %d pixels wide and of at most %d MiB", logoWidth, logoBytes>>20),
		}
	}
	if !filepath.IsAbs(path) {
		return refuse("its path is not absolute")
	}
	f, err := regular.Open(path)
	if err != nil {
		var why *os.PathError
		if errors.As(err, &why) {
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

// uploadLogo puts the room's logo on a new meeting's page. A failure is worth a note: the meeting exists.
func (h *Hub) uploadLogo(ctx context.Context, a *account, room app.Room, m provider.Meeting) (note string) {
	l, ok := a.Provider.(provider.LogoUploader)
	if !ok {
		why := a.whyNot(provider.AbilityLogo)
		if why == "" {
			why = fmt.Sprintf("%s rooms have no logo", a.Platform)
		}
		return why + "; the meeting is made without it"
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
