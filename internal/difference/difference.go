// Package difference compares two webhooks: JSON by its structure, text by lines, headers by name. It is pure.
package difference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
	"github.com/tidwall/gjson"

	"greenroom/internal/app"
)

// Change is one difference. A value that is missing on one side is nil there.
type Change struct {
	// Part is "request", "header" or "body".
	Part string `json:"part"`
	// Path is the name of a header or the path of a JSON value. It is empty for text: then A and B are runs of lines.
	Path string  `json:"path"`
	A    *string `json:"a"`
	B    *string `json:"b"`
}

// Of returns the differences of two complete deliveries: method, target, headers, body.
func Of(a, b app.Delivery) []Change {
	out := []Change{}
	add := func(part, path string, x, y *string) {
		if x == nil || y == nil || *x != *y {
			out = append(out, Change{part, path, x, y})
		}
	}
	add("request", "method", &a.Method, &b.Method)
	add("request", "target", &a.Target, &b.Target)
	names := slices.Collect(maps.Keys(a.Headers))
	names = slices.AppendSeq(names, maps.Keys(b.Headers))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		x, y := a.Headers[name], b.Headers[name]
		for i := range max(len(x), len(y)) {
			add("header", name, at(x, i), at(y, i))
		}
	}
	return append(out, body(a.Body, b.Body)...)
}

func at(all []string, i int) *string {
	if i < len(all) {
		return &all[i]
	}
	return nil
}

func body(a, b []byte) []Change {
	switch {
	case bytes.Equal(a, b):
		return nil
	case json.Valid(a) && json.Valid(b):
		var w walker
		w.values("", gjson.ParseBytes(a), gjson.ParseBytes(b))
		if len(w.out) == 0 {
			x, y := "the same values", "the same values, written differently: white space, escapes, or the order of keys"
			return []Change{{"body", "", &x, &y}}
		}
		return w.out
	case utf8.Valid(a) && utf8.Valid(b):
		return lines(string(a), string(b))
	}
	x, y := sized(a), sized(b)
	return []Change{{"body", "", &x, &y}}
}

// sized describes bytes that aren't text.
func sized(b []byte) string {
	const shown = 32
	if len(b) <= shown {
		return fmt.Sprintf("%d bytes: % x", len(b), b)
	}
	return fmt.Sprintf("%d bytes: % x …", len(b), b[:shown])
}

// walker collects the differences of two JSON values.
type walker struct{ out []Change }

func (w *walker) add(path string, a, b *string) {
	w.out = append(w.out, Change{"body", strings.TrimPrefix(path, "."), a, b})
}

func raw(v gjson.Result) *string {
	s := strings.TrimSpace(v.Raw)
	return &s
}

func (w *walker) values(path string, a, b gjson.Result) {
	switch {
	case a.IsObject() && b.IsObject():
		w.objects(path, members(a), members(b))
	case a.IsArray() && b.IsArray():
		w.arrays(path, a.Array(), b.Array())
	case !same(a, b):
		w.add(path, raw(a), raw(b))
	}
}

// same reports whether two values are equal. Numbers are equal if they are written the same way: 1 and 1.0 differ.
func same(a, b gjson.Result) bool {
	if a.Raw == b.Raw {
		return true
	}
	switch {
	case a.Type == gjson.String && b.Type == gjson.String:
		return a.Str == b.Str
	case a.IsObject() && b.IsObject() || a.IsArray() && b.IsArray():
		var w walker
		w.values("", a, b)
		return len(w.out) == 0
	}
	return false
}

// member is a key of an object with its value. A repeated key has a number.
type member struct {
	key   string
	value gjson.Result
}

func members(v gjson.Result) (out []member) {
	seen := map[string]int{}
	v.ForEach(func(k, v gjson.Result) bool {
		key := Key(k.Str)
		if seen[k.Str]++; seen[k.Str] > 1 {
			key += "#" + strconv.Itoa(seen[k.Str])
		}
		out = append(out, member{key, v})
		return true
	})
	return out
}

// Key returns a key as gjson paths contain it.
func Key(key string) string {
	return strings.NewReplacer(`\`, `\\`, ".", `\.`, "*", `\*`, "?", `\?`, "|", `\|`, "#", `\#`, "@", `\@`, ":", `\:`).Replace(key)
}

func (w *walker) objects(path string, a, b []member) {
	has := make(map[string]gjson.Result, len(b))
	for _, m := range b {
		has[m.key] = m.value
	}
	for _, m := range a {
		if other, ok := has[m.key]; ok {
			w.values(path+"."+m.key, m.value, other)
			delete(has, m.key)
		} else {
			w.add(path+"."+m.key, raw(m.value), nil)
		}
	}
	for _, m := range b {
		if _, left := has[m.key]; left {
			w.add(path+"."+m.key, nil, raw(m.value))
		}
	}
}

// arrays compares the elements between the common beginning and the common end, so that an added element is one difference.
func (w *walker) arrays(path string, a, b []gjson.Result) {
	from, end := 0, 0
	for from < min(len(a), len(b)) && same(a[from], b[from]) {
		from++
	}
	for end < min(len(a), len(b))-from && same(a[len(a)-1-end], b[len(b)-1-end]) {
		end++
	}
	for i := from; i < max(len(a), len(b))-end; i++ {
		at := path + "." + strconv.Itoa(i)
		switch {
		case i >= len(a)-end:
			w.add(at, nil, raw(b[i]))
		case i >= len(b)-end:
			w.add(at, raw(a[i]), nil)
		default:
			w.values(at, a[i], b[i])
		}
	}
}

// lines compares text.
func lines(a, b string) (out []Change) {
	for _, e := range udiff.Lines(a, b) {
		c := Change{Part: "body"}
		if old := a[e.Start:e.End]; old != "" {
			c.A = &old
		}
		if e.New != "" {
			c.B = &e.New
		}
		out = append(out, c)
	}
	return out
}
