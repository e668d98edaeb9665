package config

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"greenroom/provider"
)

// NoTunnel is the default driver: only programs on this machine reach the listener.
const NoTunnel = "none"

var (
	// programs are the tunnels of package tunnel/command: exec, and its presets.
	programs      = []string{"ngrok", "exec", "cloudflared", "tailscale"}
	tunnelDrivers = slices.Concat([]string{NoTunnel, "relay", "ssh"}, programs, []string{"manual", "sqs"})
)

// TunnelDrivers lists the names of the drivers.
func TunnelDrivers() []string { return slices.Clone(tunnelDrivers) }

// Tunnel holds the settings of the tunnel. Those that the driver doesn't use are empty.
type Tunnel struct {
	// Driver is one of [TunnelDrivers]; FromFlag reports that the command line chose it.
	Driver   string
	FromFlag bool
	// Missing is the reason why the driver can't be opened, such as "tunnel.token is not set: …"; empty if it can.
	Missing string

	// URL is the relay's base URL, or the public URL if it is known; sqs expects the hook's URL. No trailing slash. ssh expands
	// {host} and {port} in it. Pattern finds the URL in the output of a program or a server. Token is the relay's, CAFile
	// holds certificates to trust beside the system's, and Window is how many requests may be unacknowledged, 0 for the
	// driver's default.
	URL, Pattern, Token, CAFile string
	Window                      int
	// SSHHost is the server's HOST[:PORT]; the other fields are of the ssh driver too. SSHBind is the address to listen on.
	SSHHost, SSHUser, SSHKeyFile, SSHKnownHosts, SSHBind string
	// Authtoken and Domain are ngrok's.
	Authtoken, Domain string
	// Command is the program that makes the tunnel, with its arguments: exec's, or what precedes those of a preset.
	// Secrets names the environment variables that the program does not inherit.
	Command, Secrets []string
	// Queue, Region and Endpoint are SQS's.
	Queue, Region, Endpoint string
}

// required are the keys under [tunnel] that a driver can't do without.
var required = map[string][]provider.Input{
	"relay": {
		{Key: "url", Where: "set GREENROOM_RELAY_URL, or url under [tunnel]"},
		{Key: "token", Where: "set GREENROOM_RELAY_TOKEN, or token under [tunnel], to what `greenroom relay token create` printed on the relay", Secret: true},
	},
	"manual": {{Key: "url", Where: "set url under [tunnel] to the public URL that leads to the listener"}},
	"ssh":    {{Key: "ssh_host", Where: "set ssh_host under [tunnel]"}},
	"ngrok":  {{Key: "authtoken", Where: "set authtoken under [tunnel]; the ngrok dashboard shows it", Secret: true}},
	"exec":   {{Key: "command", Where: `set command under [tunnel], such as ["lt", "--port", "{port}"]`}},
	"sqs":    {{Key: "queue", Where: "set queue under [tunnel] to the URL or the ARN of the FIFO queue"}},
}

// TunnelNeeds lists the keys under [tunnel] that a driver can't do without, and where their values come from.
func TunnelNeeds(driver string) []provider.Input { return required[driver] }

func (r *reader) tunnel() {
	t := &r.cfg.Tunnel
	t.Driver = r.tunnelDriver()
	t.FromFlag = r.values["tunnel.driver"].from.Kind == FromFlag
	before := len(r.errs)
	for _, row := range rows {
		name, ok := strings.CutPrefix(row.key, "tunnel.")
		if _, set := r.values[row.key]; ok && name != "driver" && (set || slices.Contains(row.tunnels, t.Driver)) {
			row.read(r, row.key)
		}
	}
	if t.Driver == "ssh" && t.SSHKnownHosts == "" {
		t.SSHKnownHosts = filepath.Join(r.cfg.DataDir, "known_hosts")
	}
	if lacking := r.setAside(before, func(e *Error) bool { return e.unfetched }); len(lacking) > 0 {
		r.cfg.problems = append(r.cfg.problems, lacking...)
		t.Missing = lacking[0].Key + " can't be fetched: " + lacking[0].Fix
		r.cfg.note("The %s tunnel can't be opened, because %s.", t.Driver, t.Missing)
		return
	}
	if len(r.errs) > before {
		return
	}
	for _, need := range required[t.Driver] {
		if _, set := r.values["tunnel."+need.Key]; !set {
			t.Missing = fmt.Sprintf("tunnel.%s is not set: %s", need.Key, need.Where)
			r.cfg.note("The %s tunnel can't be opened, because %s.", t.Driver, t.Missing)
			return
		}
	}
}

// tunnelDriver chooses the driver: the configured one, else the relay if its environment variables are set. It drops the
// settings that belong to another driver.
func (r *reader) tunnelDriver() string {
	const key = "tunnel.driver"
	set := slices.DeleteFunc(variables(true), func(v variable) bool { return r.opts.Getenv(v.name) == "" })
	if _, chosen := r.values[key]; !chosen && len(set) > 0 {
		r.values[key] = value{raw: "relay", from: Origin{Kind: FromEnv, Name: set[0].name}}
	}
	driver := r.text(key, NoTunnel, oneOf(tunnelDrivers...))
	if was, covered := r.covered[key]; covered && was.raw != driver {
		// In the file they are another driver's, to which they mean something else.
		delete(r.values, "tunnel.url")
		delete(r.values, "tunnel.pattern")
	}
	for _, v := range set {
		switch {
		case driver == "relay":
			r.values[v.key] = value{raw: r.opts.Getenv(v.name), from: Origin{Kind: FromEnv, Name: v.name}}
		case r.values[key].from.Kind != FromFlag:
			r.cfg.note("%s is ignored, because the tunnel is %s.", v.name, driver)
		}
	}
	return driver
}

func tunnelText(to func(*Tunnel) *string, c check) reading {
	return text(func(r *reader) *string { return to(&r.cfg.Tunnel) }, "", c)
}

func tunnelURL(to func(*Tunnel) *string) reading {
	return func(r *reader, key string) {
		t := &r.cfg.Tunnel
		*to(t) = r.text(key, "", func(s string) (string, string, string) { return publicURL(s, t.Driver == "relay") })
	}
}

func (r *reader) tunnelCommand(key string) {
	r.cfg.Tunnel.Command = r.hideArguments(r.texts(key, `["lt", "--port", "{port}"]`))
}

// word accepts one word: a host, a user, a region.
func word(s string) (string, string, string) {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s, " \t\r\n") {
		return "", fmt.Sprintf("can't be %q", s), "write one word"
	}
	return s, "", ""
}

// pattern accepts a regular expression.
func pattern(s string) (string, string, string) {
	if _, err := regexp.Compile(s); err != nil {
		return "", "is not a regular expression", `write it like "https://[a-z0-9-]+\\.example"`
	}
	return s, "", ""
}

// publicURL accepts an http(s) URL and drops the slash at its end; {host} and {port} may be in it. If a token is sent with the requests,
// http is only for this machine.
func publicURL(s string, secret bool) (string, string, string) {
	const like = `write it like "https://gr.example"`
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	u, problem, fix := httpURL(strings.NewReplacer("{host}", "host.example", "{port}", "1").Replace(s), like, "")
	switch {
	case problem != "":
		return "", problem, fix
	case u.RawQuery != "" || u.Fragment != "":
		return "", "has more than a path", like
	case secret && u.Scheme == "http" && !loopback(u.Hostname()):
		return "", "is not encrypted", `use https`
	}
	return s, "", ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
