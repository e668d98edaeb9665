package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/gofrs/flock"

	"greenroom/internal/regular"
)

// Change sets a path of the configuration file to a value. A nil value removes the path and everything below it.
type Change struct {
	Path []string
	// Value is a string, a bool or a list of strings.
	Value any
}

// fileText is the text of a configuration file, and whether it is readable by its owner alone.
type fileText struct {
	data    []byte
	private bool
}

const (
	// editTime bounds the wait for other programs that change the file.
	editTime = 10 * time.Second
	// editTries is the number of tries if the file is changed meanwhile.
	editTries = 20
)

// errNoPlace means that the configuration file has no path.
var errNoPlace = &Error{
	Origin: Origin{Kind: FromFile, Name: "config.toml"}, Problem: "has no location without a home folder",
	Fix: "set HOME, XDG_CONFIG_HOME or GREENROOM_CONFIG, or use --config",
}

// Edit changes the configuration file, and creates it if there is none. The rest of the file, comments included, stays as it is. The file
// is replaced atomically. Changes that would make the configuration invalid, or change other values, are refused. Concurrent calls of
// Edit, also in other processes, wait for each other; a change that an editor makes meanwhile is kept.
func Edit(ctx context.Context, o Options, changes ...Change) error {
	path, _ := FilePath(o)
	if path == "" {
		return errNoPlace
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("change the configuration: %s leads to a file that doesn't exist", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("change the configuration: %w", err)
	}
	lock := flock.New(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock"), flock.SetPermissions(0o600))
	waits, cancel := context.WithTimeout(ctx, editTime)
	defer cancel()
	if got, err := lock.TryLockContext(waits, 20*time.Millisecond); !got {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("another program is changing it")
		}
		return fmt.Errorf("change the configuration: %w", err)
	}
	defer lock.Close()
	for range editTries {
		if err := editOnce(ctx, o, path, changes); !errors.Is(err, errMeanwhile) {
			return err
		}
	}
	return fmt.Errorf("change the configuration: %s keeps changing: try again", path)
}

// Preview loads the configuration as it would be after changes, without writing it. Secrets in the changes may be literals.
func Preview(ctx context.Context, o Options, changes ...Change) (*Config, error) {
	path, _ := FilePath(o)
	if path == "" {
		return nil, errNoPlace
	}
	old, err := readText(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	data, err := changed(path, old.data, changes)
	if err != nil {
		return nil, err
	}
	o.text = &fileText{data, true}
	return Load(ctx, o)
}

// readText reads the configuration file. A file that doesn't exist is empty, and private once it is created.
func readText(path string) (t fileText, err error) {
	if t.data, t.private, err = readFile(path, maxFile); errors.Is(err, fs.ErrNotExist) {
		return fileText{private: true}, nil
	}
	return t, err
}

// errMeanwhile means that another program changed the file in the meantime.
var errMeanwhile = errors.New("the file has changed in the meantime")

// editOnce changes the file. The error is [errMeanwhile] if something else changes it meanwhile.
func editOnce(ctx context.Context, o Options, path string, changes []Change) error {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	old, err := readText(path)
	if err != nil {
		return fmt.Errorf("change the configuration: %w", err)
	}
	text, err := changed(path, old.data, changes)
	if err != nil || bytes.Equal(text, old.data) {
		return err
	}
	if err := stillRight(ctx, o, old, fileText{text, old.private}); err != nil {
		return err
	}
	err = regular.Replace(path, mode, func(f *os.File) error {
		if _, err := f.Write(text); err != nil {
			return err
		}
		if err := f.Sync(); err != nil { // which may take long
			return err
		}
		now, err := readText(path)
		if err == nil && !bytes.Equal(now.data, old.data) {
			err = errMeanwhile
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("change the configuration: %w", err)
	}
	return nil
}

// stillRight refuses a text with mistakes that the old one doesn't have.
func stillRight(ctx context.Context, o Options, old, text fileText) error {
	o.Resolve = func(context.Context, string) (string, error) { return "unread", nil }
	load := func(t fileText) (*Config, error) {
		o.text = &t
		return Load(ctx, o)
	}
	was, err := load(old)
	if err != nil {
		return err // with its line
	}
	now, err := load(text)
	if err == nil {
		var wrong []*Error
		for _, u := range now.Unusable {
			if !slices.ContainsFunc(was.Unusable, func(w Unusable) bool { return w.Name == u.Name }) {
				wrong = append(wrong, u.Errors...)
			}
		}
		err = joined(wrong)
	}
	if err != nil {
		return fmt.Errorf("the configuration was not changed, because it would be invalid: %w", err)
	}
	return nil
}

// changed applies changes to a text, and checks that no other value changes.
func changed(path string, text []byte, changes []Change) ([]byte, error) {
	for _, c := range changes {
		want, err := parse(text)
		if err != nil {
			return nil, err
		}
		want = slices.DeleteFunc(want, func(e entry) bool { return below(e.path, c.Path) })
		next := text
		if c.Value == nil {
			next, err = without(text, c.Path)
		} else {
			want = append(want, entry{path: c.Path, value: decoded(c.Value)})
			next, err = with(text, c.Path, literal(c.Value))
		}
		if err == nil {
			err = holds(next, want)
		}
		if err != nil {
			return nil, &Error{
				Origin: Origin{Kind: FromFile, Name: path}, Key: dotted(c.Path), Problem: "can't be changed, because of the way the file is written",
				Fix: "write tables like [accounts.acme], or change it by hand",
			}
		}
		text = next
	}
	return text, nil
}

// holds returns an error unless a text has exactly these values. Empty tables don't count.
func holds(text []byte, want []entry) error {
	got, err := parse(text)
	if err != nil {
		return err
	}
	values := func(all []entry) map[string]any {
		m := map[string]any{}
		for _, e := range all {
			if _, empty := e.value.(emptyTable); !empty {
				m[dotted(e.path)] = e.value
			}
		}
		return m
	}
	if !reflect.DeepEqual(values(got), values(want)) {
		return errors.New("other values would change too")
	}
	return nil
}

func below(path, top []string) bool {
	return len(path) >= len(top) && slices.Equal(path[:len(top)], top)
}

// without removes the statements of a path and everything below it. Comments on separate lines stay.
func without(text []byte, path []string) ([]byte, error) {
	all, err := statements(text)
	if err != nil {
		return nil, err
	}
	var out []byte
	at := 0
	for _, s := range all {
		if !below(s.path, path) {
			continue
		}
		out = append(out, text[at:s.from]...)
		at = s.to
		if s.header && bytes.HasSuffix(out, []byte("\n\n")) { // the empty line before a table goes with it
			out = out[:len(out)-1]
		}
	}
	return append(out, text[at:]...), nil
}

// with sets the value of a path: in its place if it has one, else in its table, else in a new table at the end.
func with(text []byte, path []string, value string) ([]byte, error) {
	all, err := statements(text)
	if err != nil {
		return nil, err
	}
	last := len(path) - 1
	line := dotted(path[last:]) + " = " + value + "\n"
	insert := -1 // behind the last line of its table
	if last == 0 {
		insert = 0
	}
	for i, s := range all {
		switch {
		case !s.header && slices.Equal(s.path, path):
			return slices.Concat(text[:s.value[0]], []byte(value), text[s.value[1]:]), nil
		case s.header && slices.Equal(s.path, path[:last]):
			insert = s.to
		case insert < 0 || s.header || last > 0 && len(s.path) <= last:
		case slices.Equal(s.path[:last], path[:last]) && (i == 0 || all[i-1].to <= insert):
			insert = s.to
		}
	}
	if insert >= 0 {
		return slices.Concat(ended(text[:insert]), []byte(line), text[insert:]), nil
	}
	out := ended(text)
	if len(out) > 0 {
		out = append(slices.Clone(out), '\n')
	}
	return append(slices.Clone(out), "["+dotted(path[:last])+"]\n"+line...), nil
}

// ended ends the last line of a text.
func ended(text []byte) []byte {
	if n := len(text); n > 0 && text[n-1] != '\n' {
		return append(slices.Clone(text), '\n')
	}
	return text
}

// literal writes a value as TOML.
func literal(v any) string {
	switch v := v.(type) {
	case bool:
		return fmt.Sprint(v)
	case []string:
		var parts []string
		for _, s := range v {
			parts = append(parts, literal(s))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range fmt.Sprint(v) {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// decoded returns a value as parse does.
func decoded(v any) any {
	var out struct{ V any }
	if _, err := toml.Decode("V = "+literal(v), &out); err != nil {
		return nil // unreachable: literal writes TOML
	}
	return out.V
}

// References reports whether the configuration file has values at or below a path, and lists the references to secrets there that are
// used nowhere else in the file.
func References(o Options, path []string) (found bool, references []string, err error) {
	file, _ := FilePath(o)
	text, err := readText(file)
	if err != nil {
		return false, nil, fmt.Errorf("read the configuration: %w", err)
	}
	entries, err := parse(text.data)
	if err != nil {
		return false, nil, err
	}
	var others []string
	for _, e := range entries {
		s, _ := e.value.(string)
		switch s = strings.TrimSpace(s); {
		case !below(e.path, path):
			others = append(others, s)
		case isReference(s):
			references = append(references, s)
			fallthrough
		default:
			found = true
		}
	}
	return found, slices.DeleteFunc(references, func(r string) bool { return slices.Contains(others, r) }), nil
}
