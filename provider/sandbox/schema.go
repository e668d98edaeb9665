package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// shape is the type of a property.
type shape int

const (
	isText shape = iota
	isBool
	isInt
	isChoice  // text out of choices
	isTable   // object with the properties of fields
	isObject  // object of any content
	isTexts   // list of text
	isChoices // list of text out of choices
	isList    // list of anything
)

func (s shape) String() string {
	return [...]string{"a string", "a boolean", "an integer", "one of the allowed values", "an object", "an object",
		"an array of strings", "an array of allowed values", "an array"}[s]
}

// property describes one property of a body.
type property struct {
	shape    shape
	required bool
	choices  []string
	fields   schema
	// def is the default, which sparse configurations omit; nil for none.
	def any
	// resets means that null restores the default.
	resets bool
	// least and most limit a number, or a text's length; both zero for no limit.
	least, most int64
}

// schema has the allowed properties of an object.
type schema map[string]property

var errNotJSON = errors.New("the body is not valid JSON")

// parseBody parses a body by a schema. The error is errNotJSON, or names the wrong property. An empty body is an empty object.
// Numbers become int64, texts string, lists of text []string, objects map[string]any.
func parseBody(body []byte, s schema) (map[string]any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	return s.parse(body, "")
}

func (s schema) parse(raw []byte, prefix string) (map[string]any, error) {
	names, values, err := object(raw)
	if err != nil {
		return nil, fmt.Errorf("%s must be an object", orBody(prefix))
	}
	out := map[string]any{}
	for i, name := range names {
		p, known := s[name]
		if !known {
			return nil, fmt.Errorf("unknown property '%s'", prefix+name)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("property '%s' is given twice", prefix+name)
		}
		if out[name], err = p.parse(values[i], prefix+name); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(s) {
		if _, there := out[name]; s[name].required && !there {
			return nil, fmt.Errorf("missing required property '%s'", prefix+name)
		}
	}
	return out, nil
}

func orBody(prefix string) string {
	if prefix == "" {
		return "the body"
	}
	return "property '" + strings.TrimSuffix(prefix, ".") + "'"
}

// parse reads one value.
func (p property) parse(raw json.RawMessage, name string) (any, error) {
	wrong := fmt.Errorf("property '%s' must be %s", name, p.shape)
	if p.resets && string(raw) == "null" {
		return nil, nil
	}
	switch p.shape {
	case isTable:
		return p.fields.parse(raw, name+".")
	case isObject:
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil || m == nil {
			return nil, wrong
		}
		return m, nil
	case isList:
		var list []any
		if err := json.Unmarshal(raw, &list); err != nil || list == nil {
			return nil, wrong
		}
		return list, nil
	case isBool:
		switch string(raw) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, wrong
	case isInt:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return nil, wrong
		}
		if (p.least != 0 || p.most != 0) && (n < p.least || p.most > 0 && n > p.most) {
			return nil, fmt.Errorf("property '%s' is out of range", name)
		}
		return n, nil
	case isTexts, isChoices:
		var list []*string
		if err := json.Unmarshal(raw, &list); err != nil || list == nil || slices.Contains(list, nil) {
			return nil, wrong
		}
		out := make([]string, len(list))
		for i, s := range list {
			if out[i] = *s; p.shape == isChoices && !slices.Contains(p.choices, *s) {
				return nil, fmt.Errorf("property '%s' contains '%s'; allowed are %s", name, *s, strings.Join(p.choices, ", "))
			}
		}
		return out, nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return nil, wrong
	}
	if p.shape == isChoice && !slices.Contains(p.choices, *s) {
		return nil, fmt.Errorf("property '%s' must be one of %s", name, strings.Join(p.choices, ", "))
	}
	if n := int64(len(*s)); p.shape == isText && p.most > 0 && (n > p.most || n < p.least) {
		return nil, fmt.Errorf("property '%s' has the wrong length (%d to %d)", name, p.least, p.most)
	}
	return *s, nil
}

// object splits a JSON object into its members, in order and with repeats.
func object(raw []byte) (names []string, values []json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return nil, nil, errNotJSON
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, errNotJSON
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, nil, errNotJSON
		}
		names, values = append(names, key.(string)), append(values, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, errNotJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, nil, errNotJSON
	}
	return names, values, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// text, number and truth read a parsed body; a missing property is the zero value.
func text(m map[string]any, name string) string    { s, _ := m[name].(string); return s }
func number(m map[string]any, name string) int64   { n, _ := m[name].(int64); return n }
func truth(m map[string]any, name string) bool     { b, _ := m[name].(bool); return b }
func texts(m map[string]any, name string) []string { l, _ := m[name].([]string); return l }
func table(m map[string]any, name string) map[string]any {
	t, _ := m[name].(map[string]any)
	return t
}
