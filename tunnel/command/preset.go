package command

import (
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
)

// preset is a known program.
type preset struct {
	args func(target) (args []string, metrics string, err error)
	// pattern finds the URL in the program's output, in the part of a line that find returns. With a metrics address, the URL comes
	// from the metrics.
	pattern string
	find    func(line string) string
	hint    func(line string) string
	// install is the program's download page.
	install string
	// token is the variable in which the program expects its authtoken, empty if it needs none.
	token string
}

// target is the listener, and the URL to request, which may be empty.
type target struct{ addr, port, url string }

var presets = map[string]preset{
	// A quick tunnel: a name under trycloudflare.com that changes with each start, and is at /quicktunnel of the metrics server.
	// https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/monitor-tunnels/metrics/
	"cloudflared": {args: func(t target) ([]string, string, error) {
		metrics, err := free()
		return []string{"tunnel", "--no-autoupdate", "--metrics", metrics, "--url", "http://" + t.addr}, metrics, err
	}},
	// Funnel in the foreground ends with the program. Its name is the machine's in the tailnet, and never changes.
	// https://tailscale.com/kb/1311/tailscale-funnel
	"tailscale": {
		args:    func(t target) ([]string, string, error) { return []string{"funnel", "--bg=false", t.port}, "", nil },
		pattern: `https://[A-Za-z0-9.-]+\.ts\.net(?::[0-9]+)?`,
		hint:    tailscaleHint,
	},
	"ngrok": {args: ngrokArgs, find: ngrokURL, hint: ngrokHint, install: "https://ngrok.com/download", token: "NGROK_AUTHTOKEN"},
}

// Presets returns the names of the known programs.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// free returns an unused loopback address. If another program takes it first, the tunnel's program ends and is restarted with
// another one.
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
		return "Tailscale allows this only for its operator: run `sudo tailscale set --operator=$USER` once"
	}
	return ""
}

// senderHeaders are the headers in which the programs' services write the sender's address.
var senderHeaders = map[string]string{"cloudflared": "Cf-Connecting-Ip", "ngrok": "X-Forwarded-For"}

// SenderHeader implements [tunnel.SenderHeader] for the programs whose services are known to replace or extend the header.
func (d Driver) SenderHeader() string { return senderHeaders[d.opt.Preset] }
