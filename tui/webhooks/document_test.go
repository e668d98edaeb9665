package webhooks

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/tui/theme"
)

func TestDocuments(t *testing.T) {
	text := func(body string, hex bool) string {
		var out []string
		for _, l := range newDocument(app.Delivery{Body: app.Body(body)}, hex, 0).lines[3:] {
			if out = append(out, l.text); l.kind == lineBytes {
				out = append(out[:len(out)-1], rows(l.raw, 80)...)
			}
		}
		return strings.Join(out, "\n")
	}
	for _, c := range []struct{ name, body, want string }{
		{"numbers and order are kept", `{"z":1.50,"a":12345678901234567890123,"m":1e3}`,
			"Body, 46 B of JSON\n{\n  \"z\": 1.50,\n  \"a\": 12345678901234567890123,\n  \"m\": 1e3\n}"},
		{"text", "hello\r\n\tworld\x1b", "Body, 14 B of text\nhello\n    world␛"},
		{"bytes", "\xff\x00", "Body, 2 B as bytes\n00000000  ff 00                                             |..|"},
		{"nothing", "", "Body\nempty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, text(c.body, false)); diff != "" {
				t.Error(diff)
			}
		})
	}
	long := strings.Repeat("x", 2*maxBody)
	if got := text(long, false); len(got) > maxBody+200 || !strings.Contains(got, "more: a copy includes it") {
		t.Errorf("%d bytes are laid out", len(got))
	}
	if got := text(long, true); !strings.Contains(got, "more") {
		t.Error("the end of the bytes is not shown")
	}
}

// rows are bytes as they are drawn in w cells.
func rows(raw []byte, w int) (out []string) {
	doc := &document{lines: []docLine{{kind: lineBytes, raw: raw}}}
	l := newLayout(doc, theme.New(theme.Options{Profile: colorprofile.ASCII}), w+4)
	for i := range l.height() {
		out = append(out, strings.TrimPrefix(l.line(i), "   "))
	}
	return out
}

// Whatever a webhook holds, laying it out neither fails nor lets a control through.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x",null]}`), 40, false)
	f.Add([]byte("\x1b]0;x\x07 \u202e"), 20, true)
	f.Fuzz(func(t *testing.T, body []byte, w int, hex bool) {
		d := newDocument(app.Delivery{Body: body, Headers: http.Header{"X": {string(body)}}}, hex, 0)
		for _, l := range d.lines {
			if strings.ContainsAny(l.text, "\x1b\n\r\x07\u202e") {
				t.Errorf("%q is in a line", l.text)
			}
		}
		l := newLayout(d, theme.New(theme.Options{Profile: colorprofile.ASCII}), 5+(w&127))
		for i := range l.height() {
			if line := l.line(i); strings.ContainsAny(line, "\n\r\x07\u202e") {
				t.Errorf("line %d is %q", i, line)
			}
		}
	})
}

func TestFolding(t *testing.T) {
	doc := func(fold int) (out []string) {
		for _, l := range newDocument(app.Delivery{Body: app.Body(`{"a":{"b":[1,{"c":2}],"e":{}},"x":"{","l":[]}`)}, false, fold).lines[4:] {
			out = append(out, strings.TrimSpace(l.text))
		}
		return out
	}
	for fold, want := range map[int]string{
		0: `{ "a": { "b": [ 1, { "c": 2 } ], "e": {} }, "x": "{", "l": [] }`,
		1: `{ "a": {…}, "x": "{", "l": [] }`,
		2: `{ "a": { "b": […], "e": {} }, "x": "{", "l": [] }`,
	} {
		if got := strings.Join(doc(fold), " "); got != want {
			t.Errorf("%d: %s, want %s", fold, got, want)
		}
	}
}

// Rows of bytes use the width and never wrap.
func TestRowsOfBytesFit(t *testing.T) {
	raw := []byte("0123456789abcdef\x00\xff")
	if diff := cmp.Diff(strings.TrimRight(hex.Dump(raw), "\n"), strings.Join(rows(raw, 78), "\n")); diff != "" {
		t.Error("not as a hex dump is:", diff)
	}
	for _, c := range []struct {
		w    int
		want string
	}{
		{77, "00000000  30 31 32 33 34 35 36 37  |01234567|"},
		{45, "00000000  30 31 32 33 34 35 36 37  |01234567|"},
		{44, "00000000  30 31 32 33  |0123|"},
		{5, "0000…"},
	} {
		if got := rows(raw, c.w); got[0] != c.want {
			t.Errorf("in %d cells %q, want %q", c.w, got[0], c.want)
		}
	}
}
