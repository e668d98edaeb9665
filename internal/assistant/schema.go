package assistant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// schema is the JSON Schema of a tool's input: a flat object.
type schema struct {
	Type       string              `json:"type"`
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required,omitempty"`
	// More is false: a misspelt name must not be ignored.
	More bool `json:"additionalProperties"`
}

type property struct {
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
	Minimum     *int   `json:"minimum,omitempty"`
}

// schemaOf returns the schema of a struct of strings, integers and booleans. Fields without omitempty are required; the tag jsonschema
// describes a field.
func schemaOf[In any]() schema {
	s := schema{Type: "object", Properties: map[string]property{}}
	t := reflect.TypeFor[In]()
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := property{Description: f.Tag.Get("jsonschema")}
		switch f.Type.Kind() {
		case reflect.String:
			p.Type = "string"
		case reflect.Bool:
			p.Type = "boolean"
		case reflect.Int:
			p.Type = "integer"
		case reflect.Uint64:
			p.Type, p.Minimum = "integer", new(int)
		default:
			panic(fmt.Sprintf("a tool's input has a field of type %s", f.Type)) // found by the first test
		}
		s.Properties[name] = p
		if options != "omitempty" {
			s.Required = append(s.Required, name)
		}
	}
	return s
}

// decode reads a tool's input as its schema describes it.
func decode[In any](arguments json.RawMessage) (In, error) {
	var in In
	if len(arguments) == 0 {
		arguments = json.RawMessage("{}")
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(arguments, &given); err != nil {
		return in, fmt.Errorf("the arguments are not a JSON object: %w", err)
	}
	for _, name := range schemaOf[In]().Required {
		if value, ok := given[name]; !ok || slices.Equal(value, []byte("null")) {
			return in, fmt.Errorf("the argument %q is missing", name)
		}
	}
	d := json.NewDecoder(bytes.NewReader(arguments))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, fmt.Errorf("the arguments don't match the tool's schema: %w", err)
	}
	return in, nil
}
