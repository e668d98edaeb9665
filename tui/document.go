package tui

import (
	stdbytes "bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// maxBody is how much of a body is laid out; the whole one is copied.
const maxBody = 256 << 10

// lineKind says how a line of a document is drawn.
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
	raw        []byte // of lineBytes, which takes as many lines as the width asks for
}

// document is a delivery made ready to be drawn at any width. Making one is work that is done outside of Update.
type document struct {
	seq   uint64
	row   app.Delivery
	lines []docLine
}

func newDocument(d app.Delivery, asHex bool) *document {
	doc := &document{seq: d.Seq, row: d}
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
	doc.body(d.Body, asHex)
	return doc
}

func (d *document) add(l docLine) { d.lines = append(d.lines, l) }

// body lays out the bytes: JSON with its numbers and the order of its keys as they are, other text as it is, and
// everything else, or all of it when asked, as hex.
func (d *document) body(b []byte, asHex bool) {
	size := bytes(int64(len(b)))
	shown := b[:min(len(b), maxBody)]
	var pretty stdbytes.Buffer
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
			d.add(docLine{kind: lineFaint, text: "… " + bytes(int64(len(b)-maxBody/4)) + " more"})
		}
		return
	case len(b) <= maxBody && json.Indent(&pretty, b, "", "  ") == nil:
		d.add(docLine{kind: lineHead, text: "Body, " + size + " of JSON"})
		shown, kind = pretty.Bytes(), lineJSON
	default:
		d.add(docLine{kind: lineHead, text: "Body, " + size + " of text"})
	}
	for line := range strings.Lines(plain.Lines(string(shown))) {
		d.add(docLine{kind: kind, text: strings.TrimRight(line, "\n")})
	}
	if len(b) > maxBody {
		d.add(docLine{kind: lineFaint, text: "… " + bytes(int64(len(b)-maxBody)) + " more: copying takes all of it"})
	}
}
