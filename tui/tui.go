// Package tui is the screen: one Bubble Tea program over [app.Backend].
//
// It promises that nothing it does blocks the keys (every call of the backend is a command), that what a frame costs
// depends on what is visible and not on what is stored, that a quiet screen uses no processor time, and that no text
// from outside reaches the terminal before internal/plain has seen it. Links that carry a token or a key are asked for
// when they are copied or opened, and never drawn; those of the demo open nothing real, and are shown where no browser
// and no clipboard takes them.
//
// It keeps no state of its own: everything is read from the backend, and read anew when the stream of changes says that
// something was missed or came back after a break.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
)

// Options is what the screen needs. Backend is required.
type Options struct {
	Backend app.Backend
	// Demo says that everything is the embedded sandbox's, and shows a newcomer the way.
	Demo bool
	// Mouse turns on clicks and the wheel.
	Mouse bool
	// Keys replaces the keys of actions by name; see [Actions].
	Keys map[string][]string
	// AccountHelp lists what makes an account without a file, a platform a line: "ACME_API_KEY, ACME_WEBHOOK_SECRET".
	AccountHelp []string
	// Open opens a link with the system's opener; nil when there is none.
	Open func(url string) error
	// Copy writes the native clipboard; nil when there is none. The terminal is asked too (OSC 52).
	Copy func(text string) error
	// Theme is "dark", "light", or "auto" (also ""), which asks the terminal.
	Theme string
	// Logger gets the errors that were shown; nil drops them.
	Logger *slog.Logger
	// Log gives the last lines of the log, oldest first.
	Log func() []string
	// Env is the environment, from which NO_COLOR is read: any value that isn't empty turns colour off. nil means the
	// process's own.
	Env []string
	// Clock is the time; nil means the real one.
	Clock clockwork.Clock
	// Zone is where times are shown; nil means the local zone.
	Zone *time.Location
	// Crash starts the goroutines and hears of panics. nil lets them through.
	Crash   *crash.Group
	Version string
	// PID is this process, compared with the store's owner; 0 means the real one.
	PID int

	// Input and Output replace the terminal, and Size gives its size then: for tests and for recording the screen.
	Input  io.Reader
	Output io.Writer
	Size   [2]int
	// Profile replaces what is found out about the terminal's colours.
	Profile *colorprofile.Profile
}

// Run shows the screen until the user quits or ctx ends, both of which are nil.
func Run(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m, err := New(ctx, o)
	if err != nil {
		return err
	}
	// Signals end ctx: a second handler, such as Bubble Tea's own, could wait for a loop that the first has ended.
	opts := []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithoutSignalHandler(), tea.WithFilter(newWheel(m.Clock).filter), tea.WithEnvironment(m.opts.Env),
	}
	if o.Input != nil {
		opts = append(opts, tea.WithInput(o.Input))
	} else {
		opts = append(opts, tea.WithInput(keyboard{os.Stdin, cancel}))
		m.jobs = newJobs()
		terminal := KeepTerminal(os.Stdin, os.Stdout)
		defer func() {
			if err != nil {
				terminal.Restore()
			}
		}()
	}
	if o.Output != nil {
		opts = append(opts, tea.WithOutput(o.Output))
	}
	if o.Size != [2]int{} {
		opts = append(opts, tea.WithWindowSize(o.Size[0], o.Size[1]))
	}
	switch {
	case m.noColor:
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	case o.Profile != nil:
		opts = append(opts, tea.WithColorProfile(*o.Profile))
	}
	p := tea.NewProgram(m, opts...)
	if m.jobs != nil {
		m.jobs.watch(ctx, o.Crash, p.Send)
	}
	_, err = p.Run()
	stopped := ctx.Err() != nil
	cancel()
	m.feed.wait()
	if stopped && errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrProgramPanic) {
		return nil
	}
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	return nil
}

func (o *Options) defaults() {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.PID == 0 {
		o.PID = os.Getpid()
	}
}

// noColor follows no-color.org: any value that isn't empty counts, "yes" and "0" too.
func noColor(env []string) bool {
	on := false
	for _, kv := range env {
		if len(kv) >= 9 && kv[:9] == "NO_COLOR=" {
			on = len(kv) > 9
		}
	}
	return on
}

// lookIn looks variables up in an environment; the last value counts.
func lookIn(env []string) func(string) string {
	return func(name string) (value string) {
		for _, kv := range env {
			if k, v, _ := strings.Cut(kv, "="); k == name {
				value = v
			}
		}
		return value
	}
}

// colourless reports whether the terminal is one of those without colours, which the detection of colours takes for others.
func colourless(env []string) bool {
	term := lookIn(env)("TERM")
	if strings.HasSuffix(term, "-m") || strings.HasSuffix(term, "-mono") {
		return true
	}
	number, vt := strings.CutPrefix(strings.SplitN(term, "-", 2)[0], "vt")
	return vt && slices.Contains([]string{"52", "100", "101", "102", "125", "131", "220", "320"}, number)
}
