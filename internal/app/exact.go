package app

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// HTTP's targets and header values are bytes, but JSON holds only text. Values that are not valid UTF-8 get an extra base64
// field, which is authoritative; the text field is lossy, for display.

// exactText returns the bytes of a text that JSON would change, else nil.
func exactText(s string) []byte {
	if utf8.ValidString(s) {
		return nil
	}
	return []byte(s)
}

// exactHeader returns the values of a header that JSON would change, else nil. Names are tokens, and so ASCII.
func exactHeader(h map[string][]string) map[string][][]byte {
	var out map[string][][]byte
	for name, values := range h {
		if !slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
			continue
		}
		if out == nil {
			out = make(map[string][][]byte)
		}
		for _, v := range values {
			out[name] = append(out[name], []byte(v))
		}
	}
	return out
}

// restoreHeader puts the exact values back.
func restoreHeader(h map[string][]string, exact map[string][][]byte) {
	for name, values := range exact {
		h[name] = nil
		for _, v := range values {
			h[name] = append(h[name], string(v))
		}
	}
}

// EncodeHeader returns a header as JSON from which [DecodeHeader] reads the same bytes.
func EncodeHeader(h http.Header) ([]byte, error) {
	if exact := exactHeader(h); exact != nil {
		return json.Marshal(exactHeaders{h, exact})
	}
	if h == nil {
		return []byte("null"), nil
	}
	out := append(make([]byte, 0, usualHeader), '{')
	names := slices.AppendSeq(make([]string, 0, len(h)), maps.Keys(h))
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(gjson.AppendJSONString(out, name), ':')
		if h[name] == nil {
			out = append(out, "null"...)
			continue
		}
		out = append(out, '[')
		for i, v := range h[name] {
			if i > 0 {
				out = append(out, ',')
			}
			out = gjson.AppendJSONString(out, v)
		}
		out = append(out, ']')
	}
	return append(out, '}'), nil
}

// usualHeader is the size of most headers in JSON.
const usualHeader = 512

// exactHeaders can't be taken for a header: no header's value is an object.
type exactHeaders struct {
	Text  http.Header         `json:"text"`
	Exact map[string][][]byte `json:"exact"`
}

// DecodeHeader is the inverse of [EncodeHeader].
func DecodeHeader(raw []byte) (http.Header, error) {
	h := http.Header{}
	err := json.Unmarshal(raw, &h)
	var e exactHeaders
	if err != nil && json.Unmarshal(raw, &e) == nil && e.Text != nil {
		restoreHeader(e.Text, e.Exact)
		return e.Text, nil
	}
	return h, err
}
