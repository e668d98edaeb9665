package config

import (
	"fmt"
	"slices"

	"greenroom/internal/nearest"
)

// OriginKind is the layer that a value came from.
type OriginKind int

// The layers, weakest first.
const (
	FromDefault OriginKind = iota
	FromFile
	FromEnv
	FromFlag
)

// Origin is where a value came from.
type Origin struct {
	Kind OriginKind
	// Name is the file, the variable or the flag.
	Name string
	// Line is the line in the file, from 1; 0 for the file as a whole.
	Line int
}

// String returns the origin for people: "default", "env DAILY_API_KEY", "flag --addr", "/home/ada/.config/greenroom/config.toml:12".
func (o Origin) String() string {
	switch o.Kind {
	case FromFile:
		if o.Line > 0 {
			return fmt.Sprintf("%s:%d", o.Name, o.Line)
		}
		return o.Name
	case FromEnv:
		return "env " + o.Name
	case FromFlag:
		return "flag " + o.Name
	}
	return "default"
}

// Error is a mistake with its place and what to write instead. It never contains a secret.
type Error struct {
	Origin Origin
	// Key is the setting, such as "accounts.acme.api_url"; empty for the file as a whole.
	Key     string
	Problem string
	// Fix names the remedy; it may be empty.
	Fix string

	// all marks a mistake that stops the program even if it concerns one account only, unfetched a secret that can't be fetched.
	all, unfetched bool
}

// Error returns the place, the mistake and the fix in one line.
func (e *Error) Error() string {
	at := e.Origin.String()
	if e.Origin.Kind == FromEnv {
		at = e.Origin.Name
	}
	s := at + ": "
	if e.Key != "" && e.Origin.Kind != FromEnv {
		s += e.Key + " "
	}
	s += e.Problem
	if e.Fix != "" {
		s += ": " + e.Fix
	}
	return s
}

// Setting is one effective value with its origin, for showing.
type Setting struct {
	Key string `json:"key"`
	// Value is the text of the value; of a secret it is "set" or "not set".
	Value  string `json:"value"`
	Secret bool   `json:"secret"`
	// From is the origin in words.
	From string `json:"from"`
}

// Settings lists every effective value: the general ones, then account by account.
func (c *Config) Settings() []Setting { return slices.Clone(c.settings) }

func (c *Config) note(format string, args ...any) {
	c.Notices = append(c.Notices, fmt.Sprintf(format, args...))
}

// closest returns the known word that a misspelt one most likely means, or "".
func closest(word string, known []string) string {
	if near := nearest.Words(word, known); len(near) > 0 {
		return near[0]
	}
	return ""
}

// meant returns the fix of a misspelt word: the one that was probably meant, or what else to write if there is none.
func meant(near, otherwise string) string {
	if near == "" {
		return otherwise
	}
	return "did you mean " + near + "?"
}
