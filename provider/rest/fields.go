package rest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Fields are the names of a struct's fields in JSON. The fields that have a name are of the types of this package, or of others that
// implement [json.Unmarshaler] and never fail.
type Fields struct {
	names   []string
	numbers map[string]int
}

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

// Read reads an object into the struct that into points to, as encoding/json does, in less time. raw must be valid JSON. It returns false
// if that is neither an object nor null.
func (f Fields) Read(raw []byte, into any) bool {
	object := gjson.ParseBytes(raw)
	if !object.IsObject() {
		return object.Type == gjson.Null
	}
	to := reflect.ValueOf(into).Elem()
	object.ForEach(func(name, value gjson.Result) bool {
		i, known := f.numbers[name.Str]
		if !known {
			fold := slices.IndexFunc(f.names, func(known string) bool { return strings.EqualFold(known, name.Str) })
			if fold < 0 {
				return true
			}
			i = f.numbers[f.names[fold]]
		}
		field := to.Field(i).Addr().Interface().(json.Unmarshaler)
		_ = field.UnmarshalJSON(raw[value.Index : value.Index+len(value.Raw)])
		return true
	})
	return true
}
