package tui

import (
	"strings"

	"greenroom/tui/theme"
)

// layout breaks a document into drawn lines of w cells.
func (d *document) layout(s *theme.Styles, w int) []string {
	var out []string
	for _, l := range d.lines {
		switch l.kind {
		case lineHead:
			out = append(out, " "+s.Title.Render(s.Clip(l.text, w-2)))
		case lineFaint:
			out = append(out, "   "+s.Faint.Render(s.Clip(l.text, w-4)))
		case lineHeader:
			first := s.Break(l.name+": "+l.text, w-4)
			for i, piece := range first {
				if i == 0 && len(piece) > len(l.name)+1 {
					out = append(out, "   "+s.JSONName.Render(l.name+":")+s.Text.Render(piece[len(l.name)+1:]))
					continue
				}
				out = append(out, "   "+s.Text.Render(piece))
			}
		case lineJSON:
			for i, piece := range s.Break(l.text, w-4) {
				if i == 0 {
					out = append(out, "   "+paintJSON(s, piece))
				} else {
					out = append(out, "   "+s.JSONText.Render(piece))
				}
			}
		default:
			for _, piece := range s.Break(l.text, w-4) {
				out = append(out, "   "+s.Text.Render(piece))
			}
		}
	}
	return out
}

// paintJSON colours one line of indented JSON, which may have been cut.
func paintJSON(s *theme.Styles, line string) string {
	body := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(body)]
	if !strings.HasPrefix(body, `"`) {
		return indent + paintValue(s, body)
	}
	end := closing(body)
	if end < 0 || !strings.HasPrefix(body[end+1:], ": ") {
		return indent + paintValue(s, body)
	}
	return indent + s.JSONName.Render(body[:end+1]) + s.Muted.Render(": ") + paintValue(s, body[end+3:])
}

// closing is the place of the quote that ends the string with which s begins, -1 when it was cut off.
func closing(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func paintValue(s *theme.Styles, v string) string {
	bare := strings.TrimSuffix(v, ",")
	comma := s.Muted.Render(v[len(bare):])
	switch {
	case bare == "":
		return comma
	case bare[0] == '"':
		return s.JSONText.Render(bare) + comma
	case strings.ContainsRune("{}[]", rune(bare[0])):
		return s.Muted.Render(v)
	case bare == "true", bare == "false", bare == "null":
		return s.Word.Render(bare) + comma
	}
	return s.JSONNumber.Render(bare) + comma
}
