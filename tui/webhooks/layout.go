package webhooks

import (
	"fmt"
	"slices"
	"strings"

	"greenroom/tui/theme"
)

// layout is a document laid out for a width. Lines are drawn when they are asked for: a body has many.
type layout struct {
	doc    *document
	styles *theme.Styles
	w      int
	// at holds, for each line of the document, the index of its first line here, and at the end the number of lines. pieces are
	// the parts of those that need several.
	at     []int
	pieces map[int][]string
}

func newLayout(doc *document, s *theme.Styles, w int) *layout {
	l := &layout{doc: doc, styles: s, w: w, at: make([]int, 1, len(doc.lines)+1), pieces: map[int][]string{}}
	for i, line := range doc.lines {
		n := 1
		switch line.kind {
		case lineHead, lineFaint:
		case lineBytes:
			n = (len(line.raw) + l.perRow() - 1) / l.perRow()
		default:
			if text := line.whole(); len(text) > w-4 { // no text has more cells than bytes
				l.pieces[i] = s.Break(text, w-4)
				n = len(l.pieces[i])
			}
		}
		l.at = append(l.at, l.at[i]+n)
	}
	return l
}

// whole is the text of a line before it is broken.
func (l docLine) whole() string {
	if l.kind == lineHeader {
		return l.name + ": " + l.text
	}
	return l.text
}

// height is the number of lines.
func (l *layout) height() int { return l.at[len(l.doc.lines)] }

// line draws one line.
func (l *layout) line(n int) string {
	i, found := slices.BinarySearch(l.at, n)
	if !found {
		i--
	}
	for l.at[i+1] == n { // lines of the document without a line here
		i++
	}
	return l.draw(i, n-l.at[i])
}

// draw draws the n-th part of a line of the document.
func (l *layout) draw(i, n int) string {
	s, w, line := l.styles, l.w, l.doc.lines[i]
	piece := ""
	switch {
	case l.pieces[i] != nil:
		piece = l.pieces[i][n]
	case line.kind != lineBytes:
		piece = line.whole()
	}
	switch line.kind {
	case lineHead:
		return " " + s.Title.Render(s.Clip(line.text, w-2))
	case lineFaint:
		return "   " + s.Faint.Render(s.Clip(line.text, w-4))
	case lineHeader:
		if n == 0 && len(piece) > len(line.name)+1 {
			return "   " + s.JSONName.Render(line.name+":") + s.Text.Render(piece[len(line.name)+1:])
		}
	case lineBytes:
		piece = s.Clip(dump(line.raw, n*l.perRow(), l.perRow()), w-4)
	case lineJSON:
		if n == 0 {
			return "   " + paintJSON(s, piece)
		}
		return "   " + s.JSONText.Render(piece)
	}
	return "   " + s.Text.Render(piece)
}

// perRow is the number of bytes in a row: 16 as in any hex dump, or as many as fit into the width, but at least 4.
func (l *layout) perRow() int {
	n := 16
	for n > 4 && rowWidth(n) > l.w-4 {
		n /= 2
	}
	return n
}

// dump returns the row of n bytes at an offset: the offset, hex and ASCII.
func dump(raw []byte, at, n int) string {
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
	return string(append(b, '|'))
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
