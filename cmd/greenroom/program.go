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
	// inTTY and outTTY say whether a person is there to answer, and to look.
	inTTY, outTTY bool
	// width is that of the terminal in cells, 0 where standard output is none.
	width int
	// errTTY and errWidth are the same of standard error, where progress is shown.
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
	// stops is the only handler of the signals that end the program.
	stops *stops

	// lines reads standard input a line at a time, once something was asked.
	lines *bufio.Reader

	// resolve fetches the secrets of the configuration; nil is the real one.
	resolve func(ctx context.Context, reference string) (string, error)

	configFile, dataDir, theme string
	// accessible asks for prompts and lines instead of the screen.
	accessible bool
	// loaded is the configuration of commands that run within another; nil means that it is read.
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

// buildVersion is the version that the Go tool recorded: the module's, else the revision.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version, revision, dirty := info.Main.Version, "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	switch {
	case version != "" && version != "(devel)":
		return version
	case revision != "":
		return "devel " + revision + dirty
	}
	return "devel"
}

// execute runs one command line and gives the exit status.
func (p *program) execute(ctx context.Context, args []string) int {
	ctx, stop := p.stops.watch(ctx)
	defer stop()
	if os.Getenv("NO_COLOR") != "" {
		// The convention is any value; some of what prints here only knows true ones.
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

// do makes a function of one command. What it returns is reported by execute, in one place.
func (p *program) do(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		p.asJSON = p.json
		p.err = f(cmd.Context(), args)
		return nil
	}
}

// onData is a command's work on the data.
type onData func(ctx context.Context, b app.Backend, args []string) error

// reads makes a function of a command that only reads the data.
func (p *program) reads(f onData) func(*cobra.Command, []string) error {
	return p.do(func(ctx context.Context, args []string) error {
		return p.reading(ctx, func(b app.Backend) error { return f(ctx, b, args) })
	})
}

// changes makes a function of a command that changes the data.
func (p *program) changes(f onData) func(*cobra.Command, []string) error {
	return p.do(func(ctx context.Context, args []string) error {
		return p.with(ctx, func(b app.Backend) error { return f(ctx, b, args) })
	})
}

// asks is changes for a command that asks first: it fails early if no one can answer.
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

// notes prints texts from outside, a line each.
func (p *program) notes(texts []string) {
	for _, t := range texts {
		p.words(plain.Text(t))
	}
}

// config reads the configuration and says what in it has no effect.
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

// configOptions is where and how the configuration is read.
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

// configWithout is config for what needs no secret: none is fetched, and no command of the user's is run.
func (p *program) configWithout(ctx context.Context) (*config.Config, error) {
	q := *p
	q.resolve = config.NoSecrets
	return q.config(ctx, "")
}

// accountNames are the configured accounts, whether they can be used or not.
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
