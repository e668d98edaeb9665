package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"charm.land/fang/v2"
	"github.com/charmbracelet/x/term"
	"github.com/cli/browser"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/filter"
	"greenroom/internal/notify"
	"greenroom/internal/plain"
	"greenroom/tui"
	"greenroom/tunnel"
)

// program is shared by all commands: the outside world, and the flags that all of them have.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	// inTTY and outTTY report whether standard input and output are terminals.
	inTTY, outTTY bool
	// width is the terminal's width in cells, 0 if standard output isn't a terminal.
	width int
	// errTTY and errWidth are the same for standard error, where progress is shown.
	errTTY   bool
	errWidth int
	getenv   func(string) string
	now      func() time.Time
	// open connects to the data. Tests replace it.
	open opener
	// tunnels makes the driver of a tunnel. Tests replace it.
	tunnels func(c config.Tunnel, version string) (tunnel.Driver, error)
	// draw shows the screen. Tests replace it.
	draw func(ctx context.Context, o tui.Options) error
	// browse opens a URL in the browser.
	browse  func(url string) error
	version string
	// stops handles the signals that end the program.
	stops *stops

	// lines reads standard input line by line; nil until the first question.
	lines *bufio.Reader

	// resolve fetches the secrets of the configuration; nil means the default.
	resolve func(ctx context.Context, reference string) (string, error)

	configFile, dataDir, theme string
	// accessible asks for prompts and lines instead of the screen.
	accessible bool
	// loaded is the configuration of commands that run within another; nil reads it.
	loaded *config.Config
	// json and yes are the flags of the commands that have them.
	json, yes bool
	// err is the result of the command that ran, asJSON whether it printed JSON.
	err    error
	asJSON bool
}

func newProgram() *program {
	p := &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		inTTY:  term.IsTerminal(os.Stdin.Fd()),
		outTTY: term.IsTerminal(os.Stdout.Fd()),
		getenv: os.Getenv, now: time.Now, open: openBackend, tunnels: openTunnelDriver, draw: tui.Run, browse: browser.OpenURL, version: buildVersion(),
		stops: &stops{},
	}
	if p.outTTY {
		if width, _, err := term.GetSize(os.Stdout.Fd()); err == nil {
			p.width = width
		}
	}
	if p.errTTY = term.IsTerminal(os.Stderr.Fd()) && os.Getenv("TERM") != "dumb"; p.errTTY {
		if width, _, err := term.GetSize(os.Stderr.Fd()); err == nil {
			p.errWidth = width
		}
	}
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	return p
}

// buildVersion returns the module's version, which the Go tool derives from the tag or the revision.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case !ok:
		return "unknown"
	case info.Main.Version == "" || info.Main.Version == "(devel)": // built without version control
		return "devel"
	}
	return info.Main.Version
}

// execute runs a command line and returns the exit status.
func (p *program) execute(ctx context.Context, args []string) int {
	ctx, stop := p.stops.watch(ctx)
	defer stop()
	if os.Getenv("NO_COLOR") != "" {
		// By convention any value counts; some libraries accept only true ones.
		_ = os.Setenv("NO_COLOR", "1")
	}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := fang.Execute(ctx, root, fang.WithVersion(p.version), fang.WithoutManpage(),
		fang.WithErrorHandler(func(io.Writer, fang.Styles, error) {}))
	if err == nil {
		err = p.err
	}
	if s, ok := interrupted(ctx, err); ok {
		return s.status()
	}
	p.report(err)
	return exitCode(err)
}

// do returns a command's function. execute reports its error.
func (p *program) do(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		p.asJSON = p.json
		p.err = f(cmd.Context(), args)
		return nil
	}
}

// onData is a command's function on the data.
type onData func(ctx context.Context, b app.Backend, args []string) error

// reads returns the function of a command that only reads the data.
func (p *program) reads(f onData) func(*cobra.Command, []string) error {
	return p.do(func(ctx context.Context, args []string) error {
		return p.reading(ctx, func(b app.Backend) error { return f(ctx, b, args) })
	})
}

// changes returns the function of a command that changes the data.
func (p *program) changes(f onData) func(*cobra.Command, []string) error {
	return p.do(func(ctx context.Context, args []string) error {
		return p.with(ctx, func(b app.Backend) error { return f(ctx, b, args) })
	})
}

// asks is changes for a command that asks first: without a terminal to ask on, it fails early.
func (p *program) asks(f onData) func(*cobra.Command, []string) error {
	return p.do(func(ctx context.Context, args []string) error {
		if err := p.canAsk("--yes", p.yes); err != nil {
			return err
		}
		return p.with(ctx, func(b app.Backend) error { return f(ctx, b, args) })
	})
}

// jsonFlag adds --json to a command.
func (p *program) jsonFlag(cmd *cobra.Command, help string) *cobra.Command {
	cmd.Flags().BoolVar(&p.json, "json", false, help)
	return cmd
}

// yesFlag adds --yes to a command that asks.
func (p *program) yesFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&p.yes, "yes", "y", false, "don't ask")
}

// words prints one line for people.
func (p *program) words(parts ...string) {
	text := plain.Lines(strings.Join(parts, ""))
	if p.errTTY && p.errWidth > 0 {
		text = foldLines(text, p.errWidth)
	}
	_, _ = io.WriteString(p.stderr, text+"\n")
}

// notes prints untrusted texts, one per line.
func (p *program) notes(texts []string) {
	lines := make([]string, len(texts))
	for i, t := range texts {
		lines[i] = plain.Text(t)
	}
	if len(lines) > 0 {
		p.words(strings.Join(lines, "\n"))
	}
}

// config reads the configuration. listen is --addr.
func (p *program) config(ctx context.Context, listen string) (*config.Config, error) {
	return p.configFor(ctx, listen, "")
}

// configFor is config with listen's flags.
func (p *program) configFor(ctx context.Context, listen, tunnel string) (*config.Config, error) {
	if p.loaded != nil {
		return p.loaded, nil
	}
	o := p.configOptions()
	o.Listen, o.Tunnel = listen, tunnel
	return config.Load(ctx, o)
}

// configOptions returns the options for reading the configuration.
func (p *program) configOptions() config.Options {
	return config.Options{
		File: p.configFile, DataDir: p.dataDir, Theme: p.theme, Getenv: p.getenv, Drivers: drivers(), Actions: tui.Actions(), Resolve: p.resolve,
		CheckFilter: checkFilter, Calls: notify.Words(),
	}
}

// checkFilter checks a filter of events.
func checkFilter(s string) error {
	_, err := filter.Parse(s, filter.Options{Now: time.Now()})
	return err
}

// configWithout is config without secrets: none is fetched, and no command is run for one.
func (p *program) configWithout(ctx context.Context) (*config.Config, error) {
	q := *p
	q.resolve = config.NoSecrets
	return q.config(ctx, "")
}

// accountNames lists the configured accounts, usable or not.
func accountNames(c *config.Config) []string {
	var names []string
	for _, a := range c.Accounts {
		names = append(names, a.Name)
	}
	for _, u := range c.Unusable {
		names = append(names, u.Name)
	}
	return names
}
