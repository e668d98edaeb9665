// Package tui is the screen: one Bubble Tea program over [app.Backend].
//
// It promises: nothing blocks the keys, since every call of the backend is a command; the cost of a frame depends on
// what is visible, not on what is stored; an idle screen uses no processor time; outside text passes internal/plain
// before it is drawn. Links with a token or key are read when they are copied or opened, and never drawn, except in the
// demo, where they open nothing real.
//
// It has no state of its own: everything is read from the backend, and read again after the stream of changes was
// interrupted or has lost something.
//
// [Model] is the frame around the tabs, which are packages of their own; package pane is what they share.
package tui

import (
	"cmp"
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

// Options configure the screen. Backend is required.
type Options struct {
	Backend app.Backend
	// Demo reports that everything belongs to the embedded sandbox, and shows a guide.
	Demo bool
	// Mouse enables clicks and the wheel.
	Mouse bool
	// Keys replaces the keys of actions, by name; see [Actions].
	Keys map[string][]string
	// AccountHelp lists the variables that make an account, one platform a line: "ACME_API_KEY, ACME_WEBHOOK_SECRET".
	AccountHelp []string
	// Open opens a link with the system's opener; nil if there is none.
	Open func(url string) error
	// Copy writes the native clipboard; nil if there is none. The terminal is used as well (OSC 52).
	Copy func(text string) error
	// Send sends an event to a URL and reports the answer; nil if it can't be.
	Send func(ctx context.Context, url string, d app.Delivery) app.Attempt
	// Theme is one of [Themes]; "" means "auto".
	Theme string
	// SetUp offers the set-up while no account is configured: [Run] ends with [ErrSetUp] when the user chooses it.
	SetUp bool
	// Bell and Desktop are the words of the calls that ring the terminal's bell, and show a message on the desktop.
	Bell, Desktop []string
	// Logger receives the errors that were shown; may be nil.
	Logger *slog.Logger
	// Log returns the last lines of the log, oldest first; may be nil.
	Log func() []string
	// Env is the environment; nil means the process's own. A NO_COLOR that isn't empty disables colour.
	Env []string
	// Clock is the clock; nil means the real one.
	Clock clockwork.Clock
	// Zone is the time zone for the screen; nil means the local one. ZoneName is its IANA name, empty if it is unknown.
	Zone     *time.Location
	ZoneName string
	// Crash starts the goroutines and receives panics; may be nil.
	Crash   *crash.Group
	Version string
	// PID is this process, compared with the store's owner; 0 means the real one.
	PID int

	// Input and Output replace the terminal, with Size as its size, for tests and recordings.
	Input  io.Reader
	Output io.Writer
	Size   [2]int
	// Profile replaces the detection of the terminal's colours.
	Profile *colorprofile.Profile
}

// The themes. Auto asks the terminal whether its background is dark, and so does HighContrast. Sixteen uses the terminal's own
// colours only, None no colour.
const (
	Auto         = "auto"
	Dark         = "dark"
	Light        = "light"
	HighContrast = "high-contrast"
	Sixteen      = "16"
	None         = "none"
)

// Themes lists the themes.
func Themes() []string { return []string{Auto, Dark, Light, HighContrast, Sixteen, None} }

// ErrSetUp is the end of a screen on which the user has chosen to set up an account.
var ErrSetUp = errors.New("screen: set up an account")

// Run shows the screen until the user quits or ctx ends; both return nil.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m, err := New(ctx, o)
	if err != nil {
		return err
	}
	return m.run(ctx, cancel)
}

// run runs the screen until the user quits or ctx, which cancel ends, is done.
func (m *Model) run(ctx context.Context, cancel context.CancelFunc) (err error) {
	o := m.opts
	// Signals end ctx. A second handler, such as Bubble Tea's, could wait for a loop that has already ended.
	beats, turns := &pulse{}, newWheel(m.Clock)
	opts := []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithFilter(func(model tea.Model, msg tea.Msg) tea.Msg {
			beats.beat()
			return turns.filter(model, msg)
		}), tea.WithEnvironment(m.opts.Env),
	}
	if o.Input != nil {
		opts = append(opts, tea.WithInput(o.Input))
	} else {
		opts = append(opts, tea.WithInput(keyboard{os.Stdin, cancel}))
		m.jobs = newJobs()
		terminal := KeepTerminal(os.Stdin, os.Stdout)
		defer func() {
			if err != nil {
				err = errors.Join(err, terminal.Restore())
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
		opts = append(opts, tea.WithColorProfile(m.few(*o.Profile)))
	case o.Theme == Sixteen:
		opts = append(opts, tea.WithColorProfile(m.few(colorprofile.Detect(os.Stdout, m.opts.Env))))
	}
	p := tea.NewProgram(m, opts...)
	beats.program = p
	defer beats.stop()
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
	if m.setsUp {
		return ErrSetUp
	}
	return nil
}

// few limits a number of colours to that of the theme.
func (m *Model) few(p colorprofile.Profile) colorprofile.Profile {
	if m.opts.Theme == Sixteen {
		return min(p, colorprofile.ANSI)
	}
	return p
}

// ASCIIOnly reports whether the locale has no UTF-8. A locale that isn't set says nothing: nearly every terminal has it.
func ASCIIOnly(get func(string) string) bool {
	locale := strings.ToLower(cmp.Or(get("LC_ALL"), get("LC_CTYPE"), get("LANG")))
	return locale != "" && !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
}

func (o *Options) defaults() {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Zone == nil {
		o.Zone = time.Local
	} else if o.ZoneName == "" {
		o.ZoneName = o.Zone.String()
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.PID == 0 {
		o.PID = os.Getpid()
	}
}

// noColor follows no-color.org: every value that isn't empty counts, even "0".
func noColor(env []string) bool {
	on := false
	for _, kv := range env {
		if len(kv) >= 9 && kv[:9] == "NO_COLOR=" {
			on = len(kv) > 9
		}
	}
	return on
}

// lookIn returns a lookup in an environment. The last value of a variable counts.
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

// colourless reports whether the terminal is one without colours that the detection mistakes for others.
func colourless(env []string) bool {
	term := lookIn(env)("TERM")
	if strings.HasSuffix(term, "-m") || strings.HasSuffix(term, "-mono") {
		return true
	}
	number, vt := strings.CutPrefix(strings.SplitN(term, "-", 2)[0], "vt")
	return vt && slices.Contains([]string{"52", "100", "101", "102", "125", "131", "220", "320"}, number)
}
