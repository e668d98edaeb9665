package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"greenroom/internal/app"
)

// hint is the error of a value: it shows how to write one.
type hint string

func (h hint) Error() string { return string(h) }

// parsedFlag is a flag whose text is parsed into a value. It has no type parameter: each instance would add kilobytes to the program.
type parsedFlag struct {
	text, kind string
	parse      func(string) error
}

// String implements [pflag.Value].
func (f *parsedFlag) String() string { return f.text }

// Type implements [pflag.Value].
func (f *parsedFlag) Type() string { return f.kind }

// Set implements [pflag.Value].
func (f *parsedFlag) Set(text string) error {
	err := f.parse(text)
	if err == nil {
		f.text = text
	}
	return err
}

// parsed adds a flag whose text is parsed into a value. The errors of parse are hints.
func parsed[T any](fl *pflag.FlagSet, to *T, name, byDefault string, parse func(string) (T, error), help string) {
	addFlag(fl, "string", name, byDefault, help, func(text string) error {
		v, err := parse(text)
		if err == nil {
			*to = v
		}
		return err
	})
}

// parsedList adds a flag that may be repeated, whose texts are parsed into values.
func parsedList[T any](fl *pflag.FlagSet, to *[]T, name string, parse func(string) (T, error), help string) {
	addFlag(fl, "stringArray", name, "", help, func(text string) error {
		v, err := parse(text)
		if err == nil {
			*to = append(*to, v)
		}
		return err
	})
}

func addFlag(fl *pflag.FlagSet, kind, name, byDefault, help string, parse func(string) error) {
	f := &parsedFlag{kind: kind, parse: parse}
	if byDefault != "" {
		_ = f.Set(byDefault) // a test parses all defaults
	}
	fl.Var(f, name, help)
}

// choice adds a flag with one of several words, which it completes.
func choice[T ~string](cmd *cobra.Command, to *T, name, byDefault, help string, known ...T) {
	parsed(cmd.Flags(), to, name, byDefault, oneOf(known...), help)
	words(cmd, name, known...)
}

// choices adds a flag with some of several words, separated by commas, which it completes. It may be repeated.
func choices[T ~string](cmd *cobra.Command, to *[]T, name, help string, known ...T) {
	one := oneOf(known...)
	addFlag(cmd.Flags(), "stringArray", name, "", help, func(text string) error {
		for part := range strings.SplitSeq(text, ",") {
			v, err := one(part)
			if err != nil {
				return err
			}
			*to = append(*to, v)
		}
		return nil
	})
	words(cmd, name, known...)
}

// oneOf accepts one of several words, in any case.
func oneOf[T ~string](known ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		i := slices.IndexFunc(known, func(k T) bool { return strings.EqualFold(string(k), s) })
		if i < 0 {
			return "", hint("use " + either(known))
		}
		return known[i], nil
	}
}

// like parses what f parses; how shows how to write it.
func like[T any](f func(string) (T, bool), how string) func(string) (T, error) {
	return func(s string) (T, error) {
		v, ok := f(s)
		if !ok {
			return v, hint(how)
		}
		return v, nil
	}
}

// number adds a flag with a whole number in a range. Without a limit, most is [math.MaxInt].
func number(fl *pflag.FlagSet, to *int, name, byDefault string, least, most int, help string) {
	addFlag(fl, "int", name, byDefault, help, func(text string) error {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return hint("use a whole number")
		case n >= least && n <= most:
			*to = n
			return nil
		case most == math.MaxInt:
			return hint(fmt.Sprintf("use %d or more", least))
		}
		return hint(fmt.Sprintf("use %d to %d", least, most))
	})
}

// atMost adds --limit, the number of items in a list.
func atMost(fl *pflag.FlagSet, to *int, what string) {
	number(fl, to, "limit", "100", 1, math.MaxInt, "maximum number of "+what)
}

// target accepts the URL of a program that receives events.
func target(s string) (string, error) {
	if _, err := app.ForwardURL(s); err != nil {
		return "", hint(err.Error())
	}
	return s, nil
}

// exclusive makes a command refuse several of these flags together. Those that are false or empty are not counted: --insecure=false
// --ca FILE replaces one by the other.
func exclusive(cmd *cobra.Command, names ...string) {
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		var given []string
		for _, name := range names {
			if f := cmd.Flags().Lookup(name); f.Changed && f.Value.String() != "" && (f.Value.Type() != "bool" || f.Value.String() == "true") {
				given = append(given, "--"+name)
			}
		}
		if len(given) > 1 {
			return usagef("use either %s, not both", either(given[:2]))
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
}

// enumerate joins words in a sentence: "a, b and c".
func enumerate[T ~string](words []T) string { return listed(words, " and ") }

// either joins alternatives in a sentence: "a, b or c".
func either[T ~string](words []T) string { return listed(words, " or ") }

func listed[T ~string](words []T, last string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == len(words)-1 && i > 0:
			b.WriteString(last)
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}
