package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"greenroom/internal/regular"
)

// maxFile is the largest configuration file that is read.
const maxFile = 1 << 20

// entry is one key of the file with its value and its line.
type entry struct {
	path  []string
	value any
	line  int
}

// readFile reads the file, and reports whether only its owner can read it.
func readFile(path string) (data []byte, private bool, err error) {
	if path == os.DevNull {
		return nil, true, nil // the usual way to want no file
	}
	f, err := regular.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, false, err
	}
	if len(data) > maxFile {
		return nil, false, fmt.Errorf("larger than %d bytes", maxFile)
	}
	return data, ownerOnly(info), nil
}

// parse lists every value of a TOML text in the order of the text. A table is an entry only if it is empty: its value is then
// an [emptyTable]. The error is an [*Error] without Origin.Name.
func parse(data []byte) ([]entry, error) {
	top := map[string]toml.Primitive{}
	md, err := toml.Decode(string(data), &top)
	if err != nil {
		return nil, syntaxError(err)
	}
	var out []entry
	if err := leaves(&md, nil, top, &out); err != nil {
		return nil, err
	}
	listedLines(data, out)
	order := map[string]int{}
	for i, k := range md.Keys() {
		if _, seen := order[k.String()]; !seen {
			order[k.String()] = i
		}
	}
	slices.SortStableFunc(out, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.line, b.line), order[toml.Key(a.path).String()]-order[toml.Key(b.path).String()])
	})
	return out, nil
}

// leaves walks a table. The library knows the line of every key but exposes it only in errors, so one is provoked for each
// key.
func leaves(md *toml.MetaData, at []string, table map[string]toml.Primitive, out *[]entry) error {
	for key, prim := range table {
		path := append(slices.Clone(at), key)
		line := 0
		var pe toml.ParseError
		if errors.As(md.PrimitiveDecode(prim, &refuser{}), &pe) {
			line = pe.Position.Line
		}
		var v any
		if err := md.PrimitiveDecode(prim, &v); err != nil {
			return &Error{Origin: Origin{Kind: FromFile, Line: line}, Key: dotted(path), Problem: "isn't a supported value"}
		}
		if listed(key) && len(at) == 0 {
			if err := tables(md, path, prim, v, line, out); err != nil {
				return err
			}
			continue
		}
		if _, isTable := v.(map[string]any); isTable {
			sub := map[string]toml.Primitive{}
			if err := md.PrimitiveDecode(prim, &sub); err != nil {
				return &Error{Origin: Origin{Kind: FromFile, Line: line}, Key: dotted(path), Problem: "isn't a supported table"}
			}
			if err := leaves(md, path, sub, out); err != nil {
				return err
			}
			if len(sub) == 0 {
				*out = append(*out, entry{path: path, value: emptyTable{}, line: line})
			}
			continue
		}
		*out = append(*out, entry{path: path, value: v, line: line})
	}
	return nil
}

// tables walks an array of tables; each is an entry itself, and its keys have the table's number in their paths.
func tables(md *toml.MetaData, path []string, prim toml.Primitive, v any, line int, out *[]entry) error {
	var all []map[string]toml.Primitive
	if _, ok := v.([]map[string]any); !ok || md.PrimitiveDecode(prim, &all) != nil {
		return &Error{
			Origin: Origin{Kind: FromFile, Line: line}, Key: dotted(path), Problem: "isn't an array of tables", Fix: "write it like [[" + dotted(path) + "]]",
		}
	}
	for i, table := range all {
		at := append(slices.Clone(path), strconv.Itoa(i))
		*out = append(*out, entry{path: at, value: listedTable{}, line: line})
		if err := leaves(md, at, table, out); err != nil {
			return err
		}
	}
	return nil
}

// listedLines corrects the lines of entries in arrays of tables: the library knows only those of the last table.
func listedLines(data []byte, entries []entry) {
	lines := strings.Split(string(data), "\n")
	for i, e := range entries {
		if !listed(e.path[0]) || len(e.path) < 2 {
			continue
		}
		n, err := strconv.Atoi(e.path[1])
		header := regexp.MustCompile(`^\s*\[\[\s*"?` + regexp.QuoteMeta(e.path[0]) + `"?\s*\]\]`)
		key := regexp.MustCompile(`^\s*"?` + regexp.QuoteMeta(e.path[len(e.path)-1]) + `"?\s*=`)
		for l := 0; err == nil && l < len(lines); l++ {
			switch {
			case header.MatchString(lines[l]):
				if n--; n == -1 {
					entries[i].line = l + 1
				}
			case n == -1 && len(e.path) > 2 && key.MatchString(lines[l]):
				entries[i].line = l + 1
				l = len(lines)
			}
		}
	}
}

// listedTable is the value of a table in an array.
type listedTable struct{}

// emptyTable is the value of a table without keys.
type emptyTable struct{}

type refuser struct{}

var errRefused = errors.New("refused")

func (*refuser) UnmarshalTOML(any) error { return errRefused }

var (
	quoted = regexp.MustCompile(`"[^"]*"|'[^']*'|: .*$`)
	// sign is one that TOML itself has: what a parser expects, never a part of a secret worth hiding.
	sign = regexp.MustCompile(`^['"][.=,#\[\]{}"']['"]$`)
)

// syntaxError keeps the line and the sort of mistake, but not the file's text: it may be a secret.
func syntaxError(err error) error {
	e := &Error{Origin: Origin{Kind: FromFile}, Problem: "isn't TOML"}
	var pe toml.ParseError
	if errors.As(err, &pe) {
		e.Origin.Line = pe.Position.Line
		e.Problem = "isn't TOML: " + quoted.ReplaceAllStringFunc(strings.TrimSpace(pe.Message), func(s string) string {
			if sign.MatchString(s) {
				return s
			}
			return "…"
		})
		e.Fix = "put text in double quotes; tables look like [accounts.acme]"
	}
	return e
}

// dotted is the path as it is written in the documentation.
func dotted(path []string) string { return toml.Key(path).String() }

// file takes in the values of the configuration file.
func (r *reader) file(data []byte) {
	entries, err := parse(data)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Origin: Origin{Kind: FromFile}, Problem: "can't be read"} // unreachable: parse has no other errors
		}
		e.Origin.Name = r.cfg.File
		r.errs = append(r.errs, e)
		return
	}
	for _, e := range entries {
		at := Origin{Kind: FromFile, Name: r.cfg.File, Line: e.line}
		key := dotted(e.path)
		if _, ok := e.value.(listedTable); ok {
			r.tables[e.path[0]] = append(r.tables[e.path[0]], at)
			continue
		}
		if _, empty := e.value.(emptyTable); empty {
			if e.path[0] == "accounts" && len(e.path) == 2 {
				r.empty[e.path[1]] = at
				r.order = append(r.order, e.path[1])
			}
			continue
		}
		if !r.known(e.path) {
			fix := "`greenroom config show` lists all keys"
			if near := r.suggestion(e.path); near != "" {
				fix = "did you mean " + near + "?"
			}
			r.fail(at, key, "is unknown", fix)
			continue
		}
		if actions := r.opts.Actions; e.path[0] == "keys" && actions != nil && !slices.Contains(actions, e.path[1]) {
			fix := "there are " + strings.Join(actions, ", ")
			if near := closest(e.path[1], actions); near != "" {
				fix = "did you mean " + dotted([]string{"keys", near}) + "?"
			}
			r.fail(at, key, "is unknown", fix)
			continue
		}
		if e.path[0] == "accounts" && !slices.Contains(r.order, e.path[1]) {
			r.order = append(r.order, e.path[1])
		}
		if e.path[0] == "keys" {
			r.rebound = append(r.rebound, e.path[1])
		}
		r.values[key] = value{raw: e.value, from: at}
	}
}
