package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/filter"
	"greenroom/internal/nearest"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// The exit statuses, which scripts rely on.
const (
	exitDone          = 0
	exitFailed        = 1
	exitUsage         = 2
	exitNotFound      = 3
	exitNotConfigured = 4
)

// usageError is a command line that cannot be meant.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errDeclined is the answer "no" to a question.
var errDeclined = errors.New("nothing was changed")

// exitCode gives the status that an error means.
func exitCode(err error) int {
	var usage *usageError
	var broken *config.Error
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &broken):
		if broken.Origin.Kind == config.FromFlag {
			return exitUsage
		}
		return exitNotConfigured
	}
	for _, kind := range []provider.Kind{app.NotConfigured, provider.Unauthenticated, provider.Forbidden, provider.Unsupported} {
		if errors.Is(err, kind) {
			return exitNotConfigured
		}
	}
	switch {
	case errors.Is(err, provider.NotFound):
		return exitNotFound
	case errors.Is(err, provider.Invalid) && app.AsError(err).Platform == "":
		return exitUsage // refused by Greenroom itself, as a bad name is
	}
	return exitFailed
}

// report prints an error, with what the user can do about it. Of joined ones each has its line.
func (p *program) report(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.report(e)
		}
		return
	}
	e := app.AsError(err)
	text := e.Sentence()
	if p.asJSON {
		text = err.Error() // the technical chain, for programs
	}
	p.words("greenroom: ", plain.Text(text))
	var f *filter.Error
	if errors.As(err, &f) {
		for line := range strings.Lines(f.Point(76)) {
			p.words("  ", strings.TrimRight(line, "\n"))
		}
	}
	if e.Hint != "" {
		p.words("  ", plain.Text(e.Hint))
	}
}

// flagError says in plain words what is wrong with a flag, and where the right ones are.
func flagError(cmd *cobra.Command, err error) error {
	var (
		value   *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
	)
	switch {
	case errors.As(err, &value):
		flag := value.GetFlag()
		if errors.Is(err, errEmpty) {
			return usagef("--%s is empty", flag.Name)
		}
		return usagef("--%s can't be %q: %s", flag.Name, value.GetValue(), kindOfValue(flag.Value.Type()))
	case errors.As(err, &missing):
		return usagef("--%s needs a value: see `%s --help`", missing.GetFlag().Name, cmd.CommandPath())
	}
	near := ""
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, f.Name)
			}
		})
		for i, w := range nearest.Words(unknown.GetSpecifiedName(), known) {
			near += [2]string{", did you mean --", " or --"}[min(i, 1)] + w
		}
		if near != "" {
			near += "?"
		}
	}
	return usagef("%s%s: see `%s --help`", err, near, cmd.CommandPath())
}

// kindOfValue describes the values of a flag's type.
func kindOfValue(flagType string) string {
	switch flagType {
	case "int":
		return "use a whole number"
	case "uint64":
		return "use a whole number that isn't negative"
	case "float64":
		return "use a number"
	case "bool":
		return "use =true or =false"
	case "duration":
		return "write it like 90m or 1h30m"
	}
	return "the value is invalid"
}

// within reports whether a flag's number lies in a range, which nan does not.
func within(n, low, high float64) bool { return n >= low && n <= high }

// exactly refuses another number of arguments, naming those that are wanted.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return noneEmpty(cmd, args, names)
		}
		if len(names) == 0 {
			return usagef("%s accepts no argument, not %q", cmd.CommandPath(), strings.Join(args, " "))
		}
		return usagef("%s needs %s: see `%s --help`", cmd.CommandPath(), strings.Join(names, " and "), cmd.CommandPath())
	}
}

// noneEmpty refuses an empty argument, which in a script is a variable that isn't set.
func noneEmpty(cmd *cobra.Command, args, names []string) error {
	for i, arg := range args {
		if arg == "" {
			return usagef("%s is empty: see `%s --help`", names[i], cmd.CommandPath())
		}
	}
	return nil
}

// atMostOne accepts one argument or none.
func atMostOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return noneEmpty(cmd, args, []string{name})
		}
		return usagef("%s accepts one %s: see `%s --help`", cmd.CommandPath(), name, cmd.CommandPath())
	}
}

// noSuchCommand is for commands that are groups: what they get as an argument is a command that they lack.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("%s has no command %q: did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return usagef("%s has no command %q: see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
}
