package webhooks

import (
	"fmt"
	"strings"

	"greenroom/tui/theme"
)

// layout draws a document in lines of w cells.
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
		case lineBytes:
			for _, row := range dump(l.raw, w-4) {
				out = append(out, "   "+s.Text.Render(s.Clip(row, w-4)))
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

// dump returns rows of offset, hex and ASCII: 16 bytes a row as in any hex dump, or as many as fit into w cells, but at
// least 4.
func dump(raw []byte, w int) []string {
	n := 16
	for n > 4 && rowWidth(n) > w {
		n /= 2
	}
	out := make([]string, 0, (len(raw)+n-1)/n)
	for at := 0; at < len(raw); at += n {
		row := raw[at:min(at+n, len(raw))]
		b := fmt.Appendf(make([]byte, 0, rowWidth(n)), "%08x ", at)
		for i := range n {
			if i%8 == 0 {
				b = append(b, ' ')
			}
			if i < len(row) {
				b = fmt.Appendf(b, "%02x ", row[i])
			} else {
				b = append(b, "   "...)
			}
		}
		b = append(b, " |"...)
		for _, c := range row {
			if c < ' ' || c > '~' {
				c = '.'
			}
			b = append(b, c)
		}
		out = append(out, string(append(b, '|')))
	}
	return out
}

// rowWidth is the width of a full row of n bytes.
func rowWidth(n int) int { return 9 + (n+7)/8 + 3*n + 3 + n }

// paintJSON colours one line of indented JSON, which may be cut off.
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

// closing returns the index of the quote that ends the string at the start of s, -1 if that is cut off.
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

// paintValue colours one value with its comma.
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
