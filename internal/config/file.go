package config

import (
	"bytes"
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
	"greenroom/internal/stable"
)

// maxFile is the largest configuration file that is read.
const maxFile = 1 << 20

// entry is one key of the file with its value and its line.
type entry struct {
	path  []string
	value any
	line  int
}

// listedTable is the value of a table in an array, emptyTable that of a table without keys.
type (
	listedTable struct{}
	emptyTable  struct{}
)

// readFile reads a file of at most a number of bytes, and reports whether only its owner can read it.
func readFile(path string, limit int64) (data []byte, private bool, err error) {
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
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return data, ownerOnly(info), err
}

// parse lists every value of a TOML text in the order of the text. A table is an entry only if it is empty or in an array: its value is
// then an [emptyTable] or a [listedTable]. The error is an [*Error] without Origin.Name.
func parse(data []byte) ([]entry, error) {
	top := map[string]any{}
	md, err := toml.Decode(string(data), &top)
	if err != nil {
		return nil, syntaxError(err)
	}
	d := document{lines: lines(data)}
	for key, v := range top {
		if err := d.add([]string{key}, v); err != nil {
			return nil, err
		}
	}
	order := map[string]int{}
	for i, k := range md.Keys() {
		if _, seen := order[k.String()]; !seen {
			order[k.String()] = i
		}
	}
	stable.Sort(d.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.line, b.line), order[dotted(a.path)]-order[dotted(b.path)])
	})
	return d.entries, nil
}

// document collects the entries of a text. lines are the line numbers of its paths.
type document struct {
	lines   map[string]int
	entries []entry
}

// add adds the entries of a value. In an array of tables the paths have the number of the table.
func (d *document) add(path []string, v any) error {
	if len(path) == 1 && listed(path[0]) {
		all, ok := v.([]map[string]any)
		if !ok {
			at := Origin{Kind: FromFile, Line: d.line(path)}
			return &Error{Origin: at, Key: dotted(path), Problem: "isn't an array of tables", Fix: "write it like [[" + dotted(path) + "]]"}
		}
		for i, table := range all {
			at := append(slices.Clone(path), strconv.Itoa(i))
			d.entries = append(d.entries, entry{path: at, value: listedTable{}, line: d.line(at)})
			for key, v := range table {
				if err := d.add(append(slices.Clone(at), key), v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	table, isTable := v.(map[string]any)
	if isTable && len(table) == 0 {
		v = emptyTable{}
	}
	if len(table) == 0 {
		d.entries = append(d.entries, entry{path: path, value: v, line: d.line(path)})
	}
	for key, v := range table {
		if err := d.add(append(slices.Clone(path), key), v); err != nil {
			return err
		}
	}
	return nil
}

// line returns the line of a path, or of the value that contains it.
func (d *document) line(path []string) int {
	for n := len(path); n > 0; n-- {
		if line, ok := d.lines[dotted(path[:n])]; ok {
			return line
		}
	}
	return 0
}

// lines returns the line on which each path of a text is first written. The library exposes lines only in errors.
func lines(text []byte) map[string]int {
	out := map[string]int{}
	all, _ := statements(text) // texts that parse can be divided
	line, from := 1, 0
	for _, s := range all {
		line += bytes.Count(text[from:s.from], []byte("\n"))
		from = s.from
		for n := range s.path {
			if path := dotted(s.path[:n+1]); out[path] == 0 {
				out[path] = line
			}
		}
	}
	return out
}

var (
	quoted = regexp.MustCompile(`"[^"]*"|'[^']*'|: .*$`)
	// sign matches a character of the TOML syntax in quotes, which is no part of a secret.
	sign = regexp.MustCompile(`^['"][.=,#\[\]{}"']['"]$`)
)

// syntaxError keeps the line and the kind of mistake, but not the file's text, which may be a secret.
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

// dotted returns a path as the documentation writes it.
func dotted(path []string) string { return toml.Key(path).String() }

// file adds the values of the configuration file.
func (r *reader) file(data []byte) {
	entries, err := parse(data)
	if err != nil {
		var e *Error
		errors.As(err, &e) // parse has no other errors
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
			if e.path[0] == accountsTable && len(e.path) == 2 {
				r.empty[e.path[1]] = at
				r.order = append(r.order, e.path[1])
			}
			continue
		}
		if !r.known(e.path) {
			r.fail(at, key, "is unknown", meant(r.suggestion(e.path), "`greenroom config show` lists all keys"))
			continue
		}
		if actions := r.opts.Actions; e.path[0] == "keys" && actions != nil && !slices.Contains(actions, e.path[1]) {
			near := closest(e.path[1], actions)
			if near != "" {
				near = dotted([]string{"keys", near})
			}
			r.fail(at, key, "is unknown", meant(near, "there are "+strings.Join(actions, ", ")))
			continue
		}
		if e.path[0] == accountsTable && !slices.Contains(r.order, e.path[1]) {
			r.order = append(r.order, e.path[1])
		}
		if e.path[0] == "keys" {
			r.rebound = append(r.rebound, e.path[1])
		}
		r.values[key] = value{raw: e.value, from: at}
	}
}
