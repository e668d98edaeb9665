package rest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Value is a JSON value as it was written.
type Value struct {
	gjson.Result        // its Index is the value's place in text
	text         []byte // of all
}

// maxBrackets bounds the depth of the texts that gjson, which is recursive, validates.
const maxBrackets = 1000

// Parse returns the value of a JSON text, and false for a text that encoding/json refuses. It takes less time.
func Parse(text []byte) (Value, bool) {
	valid := gjson.ValidBytes
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxBrackets {
		valid = json.Valid
	}
	if !valid(text) {
		return Value{}, false
	}
	return Value{gjson.ParseBytes(text), text}, true
}

// Fields are the names of a struct's fields in JSON. Fields with a name have types of this package, or others that implement [Nested], or
// [json.Unmarshaler] without errors.
type Fields struct {
	names   []string
	numbers map[string]int
}

// Nested is a field that reads a value itself.
type Nested interface{ ReadValue(Value) }

// FieldsOf returns the fields of a struct.
func FieldsOf[T any]() Fields {
	f := Fields{numbers: map[string]int{}}
	of := reflect.TypeFor[T]()
	for i := range of.NumField() {
		if name := of.Field(i).Tag.Get("json"); name != "" {
			f.names, f.numbers[name] = append(f.names, name), i
		}
	}
	return f
}

// Read reads an object into the struct that into points to, as encoding/json does, but in less time. It returns false if the value is
// neither an object nor null.
func (f Fields) Read(v Value, into any) bool {
	if !v.IsObject() {
		return v.Type == gjson.Null
	}
	to := reflect.ValueOf(into).Elem()
	v.ForEach(func(name, value gjson.Result) bool {
		i, known := f.numbers[name.Str]
		if !known {
			fold := slices.IndexFunc(f.names, func(known string) bool { return strings.EqualFold(known, name.Str) })
			if fold < 0 {
				return true
			}
			i = f.numbers[f.names[fold]]
		}
		field := to.Field(i).Addr().Interface()
		if nested, ok := field.(Nested); ok {
			nested.ReadValue(Value{value, v.text})
		} else {
			_ = field.(json.Unmarshaler).UnmarshalJSON(v.text[value.Index : value.Index+len(value.Raw)])
		}
		return true
	})
	return true
}
