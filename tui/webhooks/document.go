package webhooks

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/plain"
	"greenroom/tui/words"
)

// maxBody is how many bytes of a body are laid out. Copying takes all of it.
const maxBody = 256 << 10

// lineKind is the look of a line.
type lineKind int

const (
	lineText lineKind = iota
	lineHead
	lineHeader // name and value
	lineJSON
	lineFaint
	lineBytes
)

// docLine is one logical line, whose name and text are safe to draw.
type docLine struct {
	kind       lineKind
	name, text string
	raw        []byte // of lineBytes, which becomes as many lines as its width needs
}

// document is a delivery ready to be drawn at any width. It is made outside of the update loop.
type document struct {
	seq   uint64
	lines []docLine
}

func newDocument(d app.Delivery, asHex bool, fold int) *document {
	doc := &document{seq: d.Seq}
	doc.add(docLine{kind: lineHead, text: "Headers"})
	names := make([]string, 0, len(d.Headers))
	for n := range d.Headers {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range d.Headers[n] {
			doc.add(docLine{kind: lineHeader, name: plain.Text(n), text: plain.Text(v)})
		}
	}
	if len(names) == 0 {
		doc.add(docLine{kind: lineFaint, text: "none"})
	}
	doc.add(docLine{})
	doc.body(export.RedactBody(d.Body), asHex, fold)
	return doc
}

func (d *document) add(l docLine) { d.lines = append(d.lines, l) }

// body lays out the bytes: JSON indented, with its numbers and the order of its keys unchanged, other text as it is, and
// everything else as hex, as is all if asHex is set.
func (d *document) body(b []byte, asHex bool, fold int) {
	size := words.Bytes(int64(len(b)))
	shown := b[:min(len(b), maxBody)]
	var pretty bytes.Buffer
	kind := lineText
	switch {
	case len(b) == 0:
		d.add(docLine{kind: lineHead, text: "Body"})
		d.add(docLine{kind: lineFaint, text: "empty"})
		return
	case asHex || !utf8.Valid(b):
		d.add(docLine{kind: lineHead, text: "Body, " + size + " as bytes"})
		d.add(docLine{kind: lineBytes, raw: shown[:min(len(shown), maxBody/4)]})
		if len(b) > maxBody/4 {
			d.add(docLine{kind: lineFaint, text: "… " + words.Bytes(int64(len(b)-maxBody/4)) + " more"})
		}
		return
	case len(b) <= maxBody && json.Indent(&pretty, b, "", "  ") == nil:
		d.add(docLine{kind: lineHead, text: "Body, " + size + " of JSON"})
		shown, kind = pretty.Bytes(), lineJSON
	default:
		d.add(docLine{kind: lineHead, text: "Body, " + size + " of text"})
	}
	lines := strings.Split(strings.TrimRight(plain.Lines(string(shown)), "\n"), "\n")
	if kind == lineJSON && fold > 0 {
		lines = folded(lines, fold)
	}
	for _, line := range lines {
		d.add(docLine{kind: kind, text: line})
	}
	if len(b) > maxBody {
		d.add(docLine{kind: lineFaint, text: "… " + words.Bytes(int64(len(b)-maxBody)) + " more: a copy includes it"})
	}
}

// folded replaces objects and lists below a depth by an ellipsis. The lines are indented by two spaces a level.
func folded(lines []string, depth int) (out []string) {
	close := ""
	for _, line := range lines {
		level := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		switch {
		case close != "":
			if level == depth && strings.HasPrefix(strings.TrimLeft(line, " "), close) {
				out[len(out)-1] += "…" + strings.TrimLeft(line, " ")
				close = ""
			}
			continue
		case level == depth && strings.HasSuffix(line, "{"):
			close = "}"
		case level == depth && strings.HasSuffix(line, "["):
			close = "]"
		}
		out = append(out, line)
	}
	return out
}
