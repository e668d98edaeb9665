package command

import (
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
)

// preset is a program that is known.
type preset struct {
	args func(addr, port string) (args []string, metrics string, err error)
	// pattern finds the URL in what it prints; where it is empty and metrics is not, they tell it.
	pattern string
	hint    func(line string) string
}

var presets = map[string]preset{
	// A quick tunnel: a name under trycloudflare.com that is another one after each start. The metrics server tells the
	// name at /quicktunnel and whether an edge is connected at /ready.
	// https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/monitor-tunnels/metrics/
	"cloudflared": {args: func(addr, _ string) ([]string, string, error) {
		metrics, err := free()
		return []string{"tunnel", "--no-autoupdate", "--metrics", metrics, "--url", "http://" + addr}, metrics, err
	}},
	// Funnel in the foreground ends with the program; its name is the machine's in the tailnet, for ever the same.
	// https://tailscale.com/kb/1311/tailscale-funnel
	"tailscale": {
		args:    func(_, port string) ([]string, string, error) { return []string{"funnel", "--bg=false", port}, "", nil },
		pattern: `https://[A-Za-z0-9.-]+\.ts\.net(?::[0-9]+)?`,
		hint:    tailscaleHint,
	},
}

// Presets are the names of the known programs.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// free is a port of loopback that nobody listens at. Whoever takes it before the program does makes that end, and start
// again with another one.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

var enableFunnel = regexp.MustCompile(`https://login\.tailscale\.com/[A-Za-z0-9/?=&._-]+`)

func tailscaleHint(line string) string {
	switch {
	case enableFunnel.MatchString(line):
		return "Funnel is not enabled for this machine: enable it at " + enableFunnel.FindString(line)
	case strings.Contains(line, "is not running"), strings.Contains(line, "failed to connect to local"):
		return "Tailscale is not running on this machine: start tailscaled, and `tailscale up`"
	case strings.Contains(line, "Logged out"), strings.Contains(line, "NeedsLogin"):
		return "this machine is not in a tailnet: run `tailscale up`"
	case strings.Contains(line, "Access denied"), strings.Contains(line, "access denied"):
		return "Tailscale lets only its operator do that: run `sudo tailscale set --operator=$USER` once"
	}
	return ""
}
