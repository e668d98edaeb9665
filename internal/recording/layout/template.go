// Package layout names the files of recordings: a template's path, the folder of a recording with several files, and the manifest in it.
//
// It promises for every name, regardless of what rooms and people are called:
//   - it stays inside the target folder (it is filepath.IsLocal on every system);
//   - each of its parts is a legal name on Linux, macOS and Windows, has no invisible or control characters, is in Unicode's
//     composed form, and leaves room for ".part" and " (2)" within 255 bytes;
//   - it contains the recording's id, so that recordings don't collide; an id that had to be changed gets a part of its hash.
//
// Characters that can't be kept become underscores. Names are slash-separated. The package writes only the manifest and the checksums.
package layout

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// DefaultTemplate names a recording by its room and its start.
const DefaultTemplate = "{room}/{date}-{time}-{room}-{id}.{ext}"

// Facts are the values that a name is made of. Empty ones show as "unknown".
type Facts struct {
	Room     string
	Account  string
	Platform string
	// ID is the recording's, Start when it began.
	ID    string
	Start time.Time
	// Kind is the recording's or, of a track, the media: "cloud", "tracks", "cam-audio".
	Kind string
	// Participant and Track identify a track; both are empty for a recording in one file.
	Participant string
	Track       string
	// Ext is the extension, with or without its dot.
	Ext string
}

// fields are the placeholders of a template. Values that aren't fixed are cut where a name would be too long.
var fields = map[string]struct {
	fixed bool
	value func(Facts, *time.Location) string
}{
	"room":        {false, func(f Facts, _ *time.Location) string { return f.Room }},
	"account":     {false, func(f Facts, _ *time.Location) string { return f.Account }},
	"platform":    {false, func(f Facts, _ *time.Location) string { return f.Platform }},
	"kind":        {false, func(f Facts, _ *time.Location) string { return f.Kind }},
	"participant": {false, func(f Facts, _ *time.Location) string { return f.Participant }},
	"track":       {false, func(f Facts, _ *time.Location) string { return f.Track }},
	"date":        {true, func(f Facts, l *time.Location) string { return stamp(f.Start, l, "2006-01-02") }},
	"time":        {true, func(f Facts, l *time.Location) string { return stamp(f.Start, l, "150405") }},
	"id":          {true, func(f Facts, _ *time.Location) string { return identifier(f.ID) }},
	"ext":         {true, func(f Facts, _ *time.Location) string { return extension(f.Ext) }},
}

// Fields lists a template's placeholders in alphabetical order.
func Fields() []string { return slices.Sorted(maps.Keys(fields)) }

// stamp formats a time in a zone; "" if its year doesn't have four digits.
func stamp(at time.Time, l *time.Location, format string) string {
	if at.IsZero() || at.Year() < 1000 || at.Year() > 9999 {
		return ""
	}
	return at.In(l).Format(format)
}

// piece is a literal text or a field.
type piece struct {
	text  string
	field string
}

// Template is a parsed template, see [Parse].
type Template struct {
	// parts are the folders and the file's name.
	parts [][]piece
}

// literalMost limits the literal text of one part in bytes, so that the fixed fields always fit.
const literalMost = 64

// Parse parses a template: parts separated by slashes, made of text and fields in braces. Its errors name what to change.
func Parse(s string) (Template, error) {
	var t Template
	wrong := func(format string, args ...any) (Template, error) {
		return Template{}, fmt.Errorf("name template %q: %w", s, fmt.Errorf(format, args...))
	}
	switch {
	case s == "":
		return wrong("it is empty; the default is %s", DefaultTemplate)
	case s[0] == '/' || s[0] == '~' || len(s) > 1 && s[1] == ':':
		return wrong("it must be relative to the target folder")
	case strings.Contains(s, `\`):
		return wrong(`it has a "\"; folders are separated by "/"`)
	}
	for part := range strings.SplitSeq(s, "/") {
		pieces, err := parsePart(part)
		if err != nil {
			return wrong("%w", err)
		}
		t.parts = append(t.parts, pieces)
	}
	name := t.parts[len(t.parts)-1]
	end := len(name) - 1
	if end < 1 || name[end].field != "ext" || !strings.HasSuffix(name[end-1].text, ".") || end == 1 && name[0].text == "." {
		return wrong("it must end in .{ext}")
	}
	switch {
	case !strings.Contains(s, "{id}"):
		return wrong("it must contain {id}: two recordings of a room may begin in the same second")
	case strings.Count(s, "{ext}") > 1:
		return wrong("{ext} must be at the end")
	}
	return t, nil
}

// parsePart parses one folder's or file's name.
func parsePart(s string) ([]piece, error) {
	if s == "" || s == "." || s == ".." {
		return nil, fmt.Errorf("%q is not a valid file or folder name", s)
	}
	var pieces []piece
	literals := 0
	for s != "" {
		text, rest, found := strings.Cut(s, "{")
		if strings.Contains(text, "}") {
			return nil, errors.New("a } has no { before it")
		}
		if text != "" {
			if clean(text) != text {
				return nil, fmt.Errorf("%q has characters that file names cannot have on every system", text)
			}
			literals += len(text)
			pieces = append(pieces, piece{text: text})
		}
		if !found {
			break
		}
		field, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("{%s is not closed", field)
		}
		if _, ok := fields[field]; !ok {
			return nil, fmt.Errorf("there is no {%s}; use {%s}", field, strings.Join(Fields(), "}, {"))
		}
		if slices.ContainsFunc(pieces, func(p piece) bool { return p.field == field }) {
			return nil, fmt.Errorf("{%s} appears twice between two slashes", field)
		}
		pieces = append(pieces, piece{field: field})
		s = after
	}
	if literals > literalMost {
		return nil, fmt.Errorf("more than %d bytes of text between two slashes", literalMost)
	}
	return pieces, nil
}

// Path returns a file's name, with slashes. loc is the zone of its date and time, nil for the machine's.
func (t Template) Path(f Facts, loc *time.Location) string {
	return strings.Join(t.expand(t.parts, f, loc), "/")
}

// Folder returns the name of the folder for a recording of several files: the file's name without its extension.
func (t Template) Folder(f Facts, loc *time.Location) string {
	parts := slices.Clone(t.parts)
	name := slices.Clone(parts[len(parts)-1])
	name = name[:len(name)-1] // .{ext}, of which the dot remains
	last := &name[len(name)-1]
	last.text = strings.TrimSuffix(last.text, ".")
	parts[len(parts)-1] = name
	return strings.Join(t.expand(parts, f, loc), "/")
}

func (t Template) expand(parts [][]piece, f Facts, loc *time.Location) []string {
	if loc == nil {
		loc = time.Local
	}
	var out []string
	for _, pieces := range parts {
		out = append(out, assemble(pieces, func(field string) string {
			return cmp.Or(clean(fields[field].value(f, loc)), "unknown")
		}))
	}
	return out
}
