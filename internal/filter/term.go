package filter

import (
	"bytes"
	"encoding/json"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// textTerm compares a text field with values, one of which must match.
type textTerm struct {
	Field
	name   string // of a header, or the path in a body
	texts  []text
	source string
	// hashes are the hashes of the values in columns, nil if they can't be compared there.
	hashes []uint32
	// plain are words, one of which every matching request contains; nil if there are none.
	plain []string
}

// ready prepares the comparison with columns.
func (t *textTerm) ready() *textTerm {
	switch t.Field {
	case Header:
		t.plain = plainWords(text{parts: []string{strings.ToLower(t.name)}})
		t.name = textproto.CanonicalMIMEHeaderKey(t.name)
	case Body:
		if simplePath.MatchString(t.name) {
			t.plain = plainWords(t.texts...)
		}
	}
	var hashes []uint32
	for i := range t.texts {
		exact, ok := t.texts[i].exact()
		if !ok {
			return t
		}
		hashes = append(hashes, hash(exact))
	}
	t.hashes = hashes
	return t
}

// simplePath are paths of values that are in the body as they are: others count, change or make values.
var simplePath = regexp.MustCompile(`^[\w.-]*$`)

// plainWords returns a word of each text without a change of encoding, nil if one has none.
func plainWords(texts ...text) (out []string) {
	for i := range texts {
		w := ""
		if texts[i].span == nil {
			w = texts[i].plainWord()
		}
		if w == "" {
			return nil
		}
		out = append(out, w)
	}
	return out
}

// mayHold reports whether the request may have one of the plain words.
func (t *textTerm) mayHold(e Event) bool {
	return t.plain == nil || slices.ContainsFunc(t.plain, e.MayHold)
}

func (t *textTerm) any(s string) bool {
	for i := range t.texts {
		if t.texts[i].match(s) {
			return true
		}
	}
	return false
}

func (t *textTerm) match(e Event) bool {
	switch t.Field {
	case Header:
		if !t.mayHold(e) {
			return false
		}
		for name, values := range e.Header() {
			if !strings.EqualFold(name, t.name) {
				continue
			}
			for _, v := range values {
				if t.any(v) {
					return true
				}
			}
		}
		return false
	case Body:
		b := e.Body()
		if !t.mayHold(e) && !bytes.Contains(b, []byte(`\u`)) { // which may stand for any letter
			return false
		}
		return t.body(b)
	case Participant:
		if i, ok := e.(Item); ok {
			return slices.ContainsFunc(i.people(), t.any)
		}
		return t.any(e.Text(Participant)) || t.any(e.Text(Session))
	}
	return t.any(e.Text(t.Field))
}

// body looks up the path in a body that is JSON as a whole. Of an array any element may match.
func (t *textTerm) body(b []byte) bool {
	found := gjson.GetBytes(b, t.name)
	if !found.Exists() {
		return false
	}
	match := t.any(textOfJSON(found))
	if !match && found.IsArray() {
		found.ForEach(func(_, v gjson.Result) bool {
			match = t.any(textOfJSON(v))
			return !match
		})
	}
	return match && json.Valid(b)
}

// textOfJSON is a value's text: strings without quotes, everything else as it is written.
func textOfJSON(v gjson.Result) string {
	if v.Type == gjson.String {
		return v.Str
	}
	return v.Raw
}

func (t *textTerm) cost() int {
	switch t.Field {
	case Header:
		return ofHeader
	case Body:
		return ofBody
	}
	return ofRow
}

func (t *textTerm) print(b []byte) []byte { return append(b, t.source...) }

// numberTerm compares a number with ranges, one of which must contain it.
type numberTerm struct {
	Field
	spans  []span
	source string
}

func (t *numberTerm) holds(n float64) bool {
	for _, s := range t.spans {
		if s.holds(n) {
			return true
		}
	}
	return false
}

func (t *numberTerm) match(e Event) bool    { return t.holds(float64(e.Number(t.Field))) }
func (t *numberTerm) cost() int             { return ofRow }
func (t *numberTerm) print(b []byte) []byte { return append(b, t.source...) }

type kindTerm struct {
	kinds  uint32
	source string
}

func (t *kindTerm) match(e Event) bool {
	i, ok := kindIndex[kindOf(e)]
	return ok && t.kinds&(1<<i) != 0
}
func (t *kindTerm) cost() int             { return ofRow }
func (t *kindTerm) print(b []byte) []byte { return append(b, t.source...) }

type verdictTerm struct {
	verdicts uint8
	source   string
}

func (t *verdictTerm) match(e Event) bool {
	v := e.Text(Verdict)
	for i, known := range verdicts {
		if v == string(known) {
			return t.verdicts&(1<<i) != 0
		}
	}
	return false
}
func (t *verdictTerm) cost() int             { return ofRow }
func (t *verdictTerm) print(b []byte) []byte { return append(b, t.source...) }

// flagTerm asks for any of some properties.
type flagTerm struct {
	flags  Flag
	source string
}

func (t *flagTerm) match(e Event) bool    { return e.Is(t.flags) }
func (t *flagTerm) cost() int             { return ofRow }
func (t *flagTerm) print(b []byte) []byte { return append(b, t.source...) }

// timeTerm bounds the time; the bound is included.
type timeTerm struct {
	Field
	at time.Time
}

func (t timeTerm) match(e Event) bool {
	if t.Field == Since {
		return !e.Time().Before(t.at)
	}
	return !e.Time().After(t.at)
}
func (t timeTerm) cost() int { return ofRow }

func (t timeTerm) print(b []byte) []byte {
	word := "since:"
	if t.Field == Until {
		word = "until:"
	}
	return t.at.UTC().AppendFormat(append(b, word...), time.RFC3339Nano)
}

// wordTerm searches names, types, target, headers and body.
type wordTerm struct {
	text
	source string
	// plain is a part of the text that is the same in every encoding, empty if there is none.
	plain string
}

// words makes a search of a text. Outside of quotes * stands for anything.
func words(s string, quoted bool) *wordTerm {
	t := pattern(s, !quoted)
	t.whole = false
	source := s
	if quoted {
		source = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return &wordTerm{t, source, t.plainWord()}
}

func (t *wordTerm) match(e Event) bool {
	if t.plain != "" && !e.MayHold(t.plain) {
		return false
	}
	for _, s := range e.Words() {
		if t.text.match(s) {
			return true
		}
	}
	for name, values := range e.Header() {
		if t.text.match(name) {
			return true
		}
		for _, v := range values {
			if t.text.match(v) {
				return true
			}
		}
	}
	return t.matchBytes(e.Body())
}

func (t *wordTerm) cost() int             { return ofWords }
func (t *wordTerm) may(*Columns) truth    { return maybe }
func (t *wordTerm) print(b []byte) []byte { return append(b, t.source...) }
