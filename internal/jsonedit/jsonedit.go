// Package jsonedit changes single values of a JSON text and leaves every other byte as it is: signatures cover the order of keys, white
// space and escapes.
package jsonedit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/sjson"

	"greenroom/internal/plain"
)

// Assignment is one change: PATH=VALUE as users write it.
type Assignment struct {
	// Path consists of keys and indexes separated by dots: payload.tracks.0.size.
	Path string
	// Value is JSON.
	Value []byte
}

// Parse parses PATH=VALUE. VALUE is JSON if it parses as JSON, else a string.
func Parse(s string) (Assignment, error) {
	path, value, ok := strings.Cut(s, "=")
	if path = strings.TrimSpace(path); !ok || path == "" {
		return Assignment{}, errors.New("write it like payload.room=demo")
	}
	a := Assignment{Path: path, Value: []byte(value)}
	if !json.Valid(a.Value) {
		var err error
		if a.Value, err = plain.Stringify(value); err != nil {
			return Assignment{}, fmt.Errorf("the value of %s: %w", path, err)
		}
	}
	a.Value = bytes.TrimSpace(a.Value)
	return a, nil
}

// Set returns the body after the assignments, in their order. A path that doesn't exist is created. Errors name the path and never quote the
// body.
func Set(body []byte, all ...Assignment) ([]byte, error) {
	if len(all) == 0 {
		return body, nil
	}
	if !json.Valid(body) {
		return nil, errors.New("the body is not JSON, so nothing in it can be set")
	}
	if t := bytes.TrimLeft(body, " \t\r\n"); t[0] != '{' && t[0] != '[' {
		return nil, errors.New("the body is neither an object nor a list, so it has no paths")
	}
	out := bytes.Clone(body)
	for _, a := range all {
		next, err := sjson.SetRawBytes(out, a.Path, a.Value)
		if err != nil {
			return nil, fmt.Errorf("%s can't be set: %w", a.Path, err)
		}
		if !json.Valid(next) {
			return nil, fmt.Errorf("%s can't be set: it leads through a value that is neither an object nor a list", a.Path)
		}
		out = next
	}
	return out, nil
}
