package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	isUUID
)

func (s shape) String() string {
	return [...]string{"a string", "a boolean", "an integer", "one of the allowed values", "an object", "an object",
		"an array of strings", "an array of allowed values", "an array", "a UUID"}[s]
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

// parse parses valid JSON. Prefix is the beginning of the properties' names in errors.
func (s schema) parse(raw []byte, prefix string) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, _ := d.Token(); open != json.Delim('{') {
		return nil, fmt.Errorf("%s must be an object", orBody(prefix))
	}
	out := map[string]any{}
	for d.More() {
		// The JSON is valid: neither reading can fail.
		key, _ := d.Token()
		name, _ := key.(string)
		var value json.RawMessage
		_ = d.Decode(&value)
		p, known := s[name]
		if !known {
			return nil, fmt.Errorf("unknown property '%s'", prefix+name)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("property '%s' is given twice", prefix+name)
		}
		v, err := p.parse(value, prefix+name)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
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
	var v any
	if json.Unmarshal(raw, &v) != nil { // a number beyond a float64
		return nil, wrong
	}
	right := true
	switch p.shape {
	case isTable:
		return p.fields.parse(raw, name+".")
	case isObject:
		_, right = v.(map[string]any)
	case isList:
		_, right = v.([]any)
	case isBool:
		_, right = v.(bool)
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
	default:
		var s string
		s, right = v.(string)
		switch n := int64(len(s)); {
		case p.shape == isUUID:
			right = uuidShape.MatchString(s)
		case !right:
		case p.shape == isChoice && !slices.Contains(p.choices, s):
			return nil, fmt.Errorf("property '%s' must be one of %s", name, strings.Join(p.choices, ", "))
		case p.shape == isText && p.most > 0 && (n > p.most || n < p.least):
			return nil, fmt.Errorf("property '%s' has the wrong length (%d to %d)", name, p.least, p.most)
		}
	}
	if !right {
		return nil, wrong
	}
	return v, nil
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
