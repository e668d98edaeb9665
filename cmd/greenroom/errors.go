package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
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

// usageError is a wrong command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errDeclined is the answer "no" to a question.
var errDeclined = errors.New("nothing was changed")

// exitCode returns the exit status of an error.
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
		return exitUsage // refused by Greenroom itself, such as a bad name
	}
	return exitFailed
}

// report prints an error with its hint. Joined errors are printed one by one.
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
	text := withoutGo(e.Sentence(), err)
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

// withoutGo replaces the text of an error of Go's library in a sentence by the cause, since the sentence names the operation. The address
// or program is kept unless the sentence names it, too.
func withoutGo(sentence string, err error) string {
	var (
		file    *fs.PathError
		network *net.OpError
		program *exec.Error
	)
	switch {
	case errors.As(err, &file):
		return strings.Replace(sentence, file.Error(), file.Path+": "+file.Err.Error(), 1)
	case errors.As(err, &network):
		cause := network.Err
		var call *os.SyscallError
		if errors.As(cause, &call) {
			cause = call.Err
		}
		address := ""
		if network.Addr != nil {
			address = network.Addr.String()
		}
		return withCause(sentence, network.Error(), address, cause)
	case errors.As(err, &program):
		return withCause(sentence, program.Error(), program.Name, program.Err)
	}
	return sentence
}

// withCause replaces a text in a sentence by the cause, after the name unless the sentence has that already.
func withCause(sentence, text, name string, cause error) string {
	why := cause.Error()
	if before, _, found := strings.Cut(sentence, text); found && !strings.Contains(before, name) {
		why = name + ": " + why
	}
	return strings.Replace(sentence, text, why, 1)
}

// flagError describes what is wrong with a flag, and where the flags are listed.
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
		var how hint
		if !errors.As(err, &how) {
			how = hint(kindOfValue(flag.Value.Type()))
		}
		return usagef("--%s can't be %q: %s", flag.Name, value.GetValue(), how)
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

// within reports whether a number lies in a range. NaN doesn't.
func within(n, low, high float64) bool { return n >= low && n <= high }

// exactly accepts these arguments, no fewer and no more.
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

// noneEmpty refuses an empty argument: in a script it is a variable that isn't set.
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

// noSuchCommand refuses the arguments of a group of commands: they name a command that doesn't exist.
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
