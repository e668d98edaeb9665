package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// json [-env NAME] PATH [REGEXP] looks into the JSON value on standard output. PATH is like participants.0.name; . is the
// whole, and .len at its end a list's length. The value, as text, must match wholly; with -env it is kept in a variable.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	keep := ""
	if len(args) > 2 && args[0] == "-env" {
		keep, args = args[1], args[2:]
	}
	if len(args) == 0 || len(args) > 2 || len(args) == 1 && keep == "" && !neg {
		ts.Fatalf("usage: json [-env NAME] PATH [REGEXP]")
	}
	got, found, err := dig(ts.ReadFile("stdout"), args[0])
	if err != nil {
		ts.Fatalf("%v", err)
	}
	switch {
	case len(args) == 1 && neg:
		if found {
			ts.Fatalf("there is a %s: %s", args[0], got)
		}
		return
	case !found:
		ts.Fatalf("no %s in %s", args[0], ts.ReadFile("stdout"))
	case len(args) == 2:
		if regexp.MustCompile("^(?s:"+args[1]+")$").MatchString(got) == neg {
			ts.Fatalf("%s is %q; match with %q: %t", args[0], got, args[1], neg)
		}
	}
	if keep != "" {
		ts.Setenv(keep, got)
	}
}

// dig finds a value in one JSON text, which must be one line.
func dig(text, path string) (value string, found bool, err error) {
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		return "", false, fmt.Errorf("not one line: %q", text)
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", false, fmt.Errorf("not JSON: %w: %q", err, text)
	}
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		switch at := v.(type) {
		case map[string]any:
			if v, found = at[part]; !found {
				return "", false, nil
			}
		case []any:
			if part == "len" {
				v = json.Number(strconv.Itoa(len(at)))
				continue
			}
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(at) {
				return "", false, nil
			}
			v = at[i]
		default:
			return "", false, nil
		}
	}
	if s, ok := v.(string); ok {
		return s, true, nil
	}
	b, err := json.Marshal(v)
	return string(b), true, err
}

func TestDig(t *testing.T) {
	const text = `{"a":[{"b":"x"},2],"n":null}` + "\n"
	for path, want := range map[string]string{"a.0.b": "x", "a.1": "2", "a.len": "2", "n": "null", "a.0": `{"b":"x"}`} {
		if got, found, err := dig(text, path); got != want || !found || err != nil {
			t.Errorf("%s: %q %t %v", path, got, found, err)
		}
	}
	for _, path := range []string{"c", "a.2", "a.x", "n.x"} {
		if _, found, err := dig(text, path); found || err != nil {
			t.Errorf("%s: %t %v", path, found, err)
		}
	}
	if _, _, err := dig("{}\n{}\n", "."); err == nil {
		t.Error("two values pass for one")
	}
}
