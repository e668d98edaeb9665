// Package command is the driver for any program that makes a tunnel and prints its public URL.
//
// The program runs without a shell, in its own process group, and is restarted whenever it ends, after delays that grow to a minute
// if it ends immediately. Its output is always read, so that it never blocks on writing, and is logged at the debug level. The tunnel
// is live once its URL is known, or, with cloudflared, while the program's metrics report a connection; package probe decides whether
// requests arrive.
//
// After Close, neither the program nor its process group runs any more (on Windows: the program itself). On Linux the program ends
// with this process, even if that is killed. Requests sent while the program doesn't run are lost.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	// Preset is one of [Presets], or empty for another program.
	Preset string
	// Command is the program and its arguments, in which {port} and {addr} (host:port) are replaced by the listener's. With a preset
	// it precedes the preset's arguments: another path, or global flags. If empty, it is the preset's name.
	Command []string
	// Pattern is a regular expression for the URL in the program's output: its first group, or all of it. If empty, it is the
	// preset's, or the first https URL that isn't obviously a link to documentation.
	Pattern string
	// URL is the public URL, if known; then the output is not searched for one.
	URL string
	// Secrets are the environment variables that the program does not inherit.
	Secrets []string
	// Authtoken and Domain are for the preset ngrok: the account's token, which is passed in the environment, and one of the
	// account's domains. Without a domain ngrok chooses one.
	Authtoken, Domain string
	// Clock paces restarts and polls; nil means the real one.
	Clock clockwork.Clock

	// patience is how long a program may take to end, endTime if zero.
	patience time.Duration
}

// Times.
const (
	// quietTime is how long a program may run without a URL before the status says so.
	quietTime = 30 * time.Second
	// endTime is how long it may take to end when asked to. Greenroom itself ends within three seconds of a signal.
	endTime = 2 * time.Second
	// endedMost is the longest wait before a restart of a program that ends immediately.
	endedMost = time.Minute
)

// Driver is the driver "exec", or a preset of it.
type Driver struct{ opt Options }

var _ tunnel.Driver = Driver{}

// New makes the driver.
func New(o Options) Driver {
	o.Clock, o.patience = cmp.Or(o.Clock, clockwork.NewRealClock()), cmp.Or(o.patience, endTime)
	return Driver{o}
}

// Name implements [tunnel.Driver]: "exec", or the preset's name.
func (d Driver) Name() string { return cmp.Or(d.opt.Preset, "exec") }

// StoresAndForwards implements [tunnel.Driver].
func (Driver) StoresAndForwards() bool { return false }

// Open implements [tunnel.Driver]. It fails if a setting is wrong or the program is missing.
func (d Driver) Open(_ context.Context, local tunnel.Local) (tunnel.Tunnel, error) {
	p, err := d.plan(local)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name(), err)
	}
	r := &run{
		Running: tunnel.NewRunning(local, tunnel.Status{Driver: d.Name(), State: tunnel.Connecting, Reason: "starting " + p.name}),
		plan:    p, clock: d.opt.Clock, patience: d.opt.patience, secrets: d.opt.Secrets,
	}
	r.Start(r.run)
	return r, nil
}

// plan is the program to run, and how to find its URL.
type plan struct {
	// name is the program's name for people.
	name, path string
	// args returns the arguments of a start, and the address of cloudflared's metrics.
	args    func() (args []string, metrics string, err error)
	pattern *regexp.Regexp
	url     string
	// find returns the part of a line that may hold the URL; nil means all of it.
	find func(line string) string
	// hint turns a line of the program into a reason for people, or "".
	hint func(line string) string
	// token is removed from the program's output. variables are added to its environment.
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
	if pattern := cmp.Or(d.opt.Pattern, known.pattern); pattern != "" {
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
