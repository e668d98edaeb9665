package sandbox

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
)

// Theme holds the uploads for a Whereby room's pages.
type Theme struct {
	// Logo is the PNG file.
	Logo []byte
	// Backgrounds are the images by place, room-background or room-knock-page-background.
	Backgrounds map[string][]byte
}

// ThemeOf returns the uploads for a Whereby room.
func (w *World) ThemeOf(room string) (Theme, bool) {
	w.lock()
	defer w.unlock()
	t, there := w.uploads[bareName(room)]
	return t, there
}

const backgroundLimit = 600 << 10

// wherebyTheme accepts an image or the name of a preset (B3).
func wherebyTheme(what string) func(*call, *room) answer {
	return func(c *call, r *room) answer {
		kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
		if err != nil {
			return wherebyError(400, "invalid content type")
		}
		switch kind {
		case "application/json":
			s := schema{"theme": {shape: isChoice, choices: []string{"default"}}}
			if what != "logo" {
				s = schema{
					"palette": {shape: isChoice, choices: []string{"default", "grey", "purple", "burgund"}},
					"theme":   {shape: isChoice, choices: []string{"default", "mountains", "characters", "rocks"}},
				}
			}
			if _, err := parseBody(c.body, s); err != nil {
				return wherebyError(400, err.Error())
			}
			return answer{status: 204}
		case "multipart/form-data":
			image, err := formImage(c.body, params["boundary"])
			if err == nil {
				err = checkImage(what, image)
			}
			if err != nil {
				return wherebyError(400, err.Error())
			}
			t := c.w.uploads[r.name]
			if what == "logo" {
				t.Logo = image
			} else {
				if t.Backgrounds == nil {
					t.Backgrounds = map[string][]byte{}
				}
				t.Backgrounds[what] = image
			}
			c.w.uploads[r.name] = t
			return answer{status: 204}
		}
		return wherebyError(400, "invalid content type")
	}
}

// formImage finds the file field image of a form.
func formImage(body []byte, boundary string) ([]byte, error) {
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return nil, fmt.Errorf("the form has no file 'image'")
		}
		if err != nil {
			return nil, fmt.Errorf("the form can't be read")
		}
		if part.FormName() == "image" && part.FileName() != "" {
			image, err := io.ReadAll(part)
			if err != nil {
				return nil, fmt.Errorf("the form can't be read")
			}
			return image, nil
		}
	}
}

func checkImage(what string, image []byte) error {
	if what != "logo" {
		if len(image) > backgroundLimit {
			return fmt.Errorf("the image is larger than 600 kB")
		}
		return nil
	}
	size, err := png.DecodeConfig(bytes.NewReader(image))
	if err != nil {
		return fmt.Errorf("the logo must be a PNG image")
	}
	if size.Width < 400 {
		return fmt.Errorf("the logo must be at least 400 pixels wide")
	}
	return nil
}
