package config

import (
	"strings"
	"time"

	"greenroom/internal/when"
)

// reading reads the value of a key into its place.
type reading func(r *reader, key string)

// check refuses a text by saying what is wrong and what to write, and may change it.
type check func(string) (value, problem, fix string)

// forever is longer than any time that can be set.
const forever = 1<<63 - 1

// The types of values.

func text(to func(*reader) *string, byDefault string, c check) reading {
	return func(r *reader, key string) { *to(r) = r.text(key, byDefault, c) }
}

func secret(to func(*reader) *string) reading {
	return func(r *reader, key string) { *to(r) = r.secret(key) }
}

func truth(to func(*reader) *bool, byDefault bool) reading {
	return func(r *reader, key string) { *to(r) = r.boolean(key, byDefault) }
}

func number(to func(*reader) *int, byDefault, least, most int) reading {
	return func(r *reader, key string) { *to(r) = r.number(key, byDefault, least, most) }
}

func size(to func(*reader) *int64, byDefault, least, most int64) reading {
	return func(r *reader, key string) { *to(r) = r.size(key, byDefault, least, most) }
}

func program(to func(*reader) *[]string, example string) reading {
	return func(r *reader, key string) { *to(r) = r.program(key, example) }
}

func span(to func(*reader) *time.Duration, byDefault string, least, most time.Duration, problem, fix string) reading {
	return func(r *reader, key string) { *to(r) = r.span(key, byDefault, least, most, problem, fix) }
}

// span reads a length of time. Where fix offers the word, it is 0 for off.
func (r *reader) span(key, byDefault string, least, most time.Duration, problem, fix string) time.Duration {
	text := r.text(key, byDefault, func(s string) (string, string, string) {
		if s = strings.TrimSpace(s); (s == "off" || s == "0") && strings.Contains(fix, `"off"`) {
			return "off", "", ""
		}
		if d, ok := when.Age(s); !ok || d < least || d > most {
			return "", problem, fix
		}
		return s, "", ""
	})
	d, _ := when.Age(text) // off is none
	return d
}

// read reads the rows that match and say how, those of accounts for one of this name.
func (r *reader) read(name string, match func(row) bool) {
	for _, row := range rows {
		if row.read != nil && match(row) {
			row.read(r, strings.Replace(row.key, "*", name, 1))
		}
	}
}
