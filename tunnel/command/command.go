// Package command is the driver for any program that makes a tunnel and prints its public URL.
//
// The program is run without a shell, in a process group of its own, and started again whenever it ends, after delays that
// grow to a minute if it ends at once. Its output is always read to the end, so that it never blocks on writing, and goes
// into the log at the debug level. It is live as soon as its URL is known, or, for cloudflared, while its own metrics say
// that it is connected; package probe decides whether requests arrive.
//
// It promises that after Close neither the program nor what it started in its process group runs any more (on Windows: the
// program itself). On Linux the program ends with this process even if that is killed. What comes while the program doesn't
// run is lost.
package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// Options are the driver's settings.
type Options struct {
	// Preset is one of [Presets], or empty for a program of the user's own.
	Preset string
	// Command is the program and its arguments, in which {port} and {addr} (host:port) stand for the listener's. With a
	// preset it is what precedes the preset's arguments: another path, or global flags. Empty is the preset's name.
	Command []string
	// Pattern is a regular expression for the URL in what the program prints: its first group, or all of it. Empty
	// means that of the preset, or the first https URL that isn't plainly a link to documentation.
	Pattern string
	// URL is the public URL if it is known; then the output is not searched for one.
	URL string
	// Secrets names the variables of the environment that the program does not inherit.
	Secrets []string
	// Authtoken and Domain are for the preset ngrok: the account's token, which the program gets in its environment, and one
	// of the account's domains. An empty domain means that ngrok chooses one.
	Authtoken, Domain string
	// Clock paces restarts and polls; nil means the real one.
	Clock clockwork.Clock

	// patience is how long a program may take to end, endTime when zero.
	patience time.Duration
}

// Times.
const (
	// quietTime is how long a program may run without a URL before the status says so.
	quietTime = 30 * time.Second
	// endTime is how long it may take to end when it is asked to. Greenroom itself ends within three seconds of a signal.
	endTime = 2 * time.Second
	// endedMost is the longest wait before a program is started again that ends at once.
	endedMost = time.Minute
)

// Driver is the driver "exec", or a preset of it.
type Driver struct{ opt Options }

var _ tunnel.Driver = Driver{}

// New makes the driver.
func New(o Options) Driver {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.patience == 0 {
		o.patience = endTime
	}
	return Driver{o}
}

// Name implements [tunnel.Driver]: "exec", or the preset's name.
func (d Driver) Name() string {
	if d.opt.Preset != "" {
		return d.opt.Preset
	}
	return "exec"
}

// StoresAndForwards implements [tunnel.Driver].
func (Driver) StoresAndForwards() bool { return false }

// Open implements [tunnel.Driver]. It fails when a setting is wrong, or there is no such program.
func (d Driver) Open(_ context.Context, local tunnel.Local) (tunnel.Tunnel, error) {
	p, err := d.plan(local)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name(), err)
	}
	log := local.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{
		plan: p, clock: d.opt.Clock, patience: d.opt.patience, secrets: d.opt.Secrets, crash: local.Crash, cancel: cancel, done: make(chan struct{}),
		log:   log.With("tunnel", d.Name()),
		board: tunnel.NewBoard(tunnel.Status{Driver: d.Name(), State: tunnel.Connecting, Reason: "starting " + p.name}),
	}
	local.Crash.Go("tunnel "+d.Name(), func() { r.run(ctx) })
	return r, nil
}

// plan says what to run, and how to learn its URL.
type plan struct {
	// name is the program's for people, path where it is.
	name, path string
	// args makes the arguments of each start, and metrics the address of cloudflared's.
	args    func() (args []string, metrics string, err error)
	pattern *regexp.Regexp
	url     string
	// find returns the part of a line that may hold the URL. Nil means all of it.
	find func(line string) string
	// hint turns a line of the program into a reason for people, or "".
	hint func(line string) string
	// token is concealed in everything that the program prints. variables are added to its environment.
	token     string
	variables []string
}

func (d Driver) plan(local tunnel.Local) (plan, error) {
	at, err := local.Target()
	if err != nil {
		return plan{}, err
	}
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		return plan{}, err
	}
	command := slices.Clone(d.opt.Command)
	known, ok := presets[d.opt.Preset]
	switch {
	case d.opt.Preset == "" && (len(command) == 0 || command[0] == ""):
		return plan{}, errors.New(`no command: set the program that opens the tunnel, such as ["lt", "--port", "{port}"]`)
	case d.opt.Preset != "" && !ok:
		return plan{}, fmt.Errorf("there is no preset %q; there are %s", d.opt.Preset, strings.Join(Presets(), ", "))
	case len(command) == 0:
		command = []string{d.opt.Preset}
	}
	p := plan{name: plain.Text(command[0]), find: known.find, hint: known.hint}
	if p.path, err = exec.LookPath(command[0]); err != nil {
		err = fmt.Errorf("the program %s can't be run: %w", plain.Word(command[0]), err)
		if known.install != "" {
			err = fmt.Errorf("%w; install it: %s", err, known.install)
		}
		return plan{}, err
	}
	if known.token != "" {
		if p.token = strings.TrimSpace(d.opt.Authtoken); p.token == "" {
			return plan{}, errors.New("no authtoken: copy it from https://dashboard.ngrok.com/get-started/your-authtoken")
		}
		p.variables = []string{known.token + "=" + p.token}
	}
	domain := ""
	if d.opt.Domain != "" {
		if domain, err = domainURL(d.opt.Domain); err != nil {
			return plan{}, err
		}
	}
	if p.url = d.opt.URL; p.url != "" {
		if p.url, err = tunnel.PublicURL(p.url); err != nil {
			return plan{}, err
		}
	}
	pattern := d.opt.Pattern
	if pattern == "" {
		pattern = known.pattern
	}
	if pattern != "" {
		if p.pattern, err = regexp.Compile(pattern); err != nil {
			return plan{}, fmt.Errorf("the pattern for the URL: %w", err)
		}
	}
	fill := strings.NewReplacer("{port}", port, "{addr}", at)
	own := make([]string, 0, len(command))
	for _, a := range command[1:] {
		own = append(own, fill.Replace(a))
	}
	p.args = func() ([]string, string, error) {
		if known.args == nil {
			return own, "", nil
		}
		args, metrics, err := known.args(target{at, port, domain})
		return slices.Concat(own, args), metrics, err
	}
	return p, nil
}
