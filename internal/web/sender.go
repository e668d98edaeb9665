package web

import (
	"net/http"
	"net/netip"
	"strings"

	"greenroom/internal/bounds"
)

// sender returns the address that a request came from: what the tunnel's far end wrote into its header, for a request that came
// through it, else the connection's. Behind a tunnel that writes none it is unknown, and empty.
func (l *Listener) sender(r *http.Request) string {
	from := bounds.Hostname(r.RemoteAddr)
	if !bounds.IsLoopback(from) {
		return from
	}
	if bounds.IsLoopback(r.Host) {
		return from // a program on this machine
	}
	if l.opt.SenderHeader == nil {
		return ""
	}
	name := l.opt.SenderHeader()
	values := r.Header.Values(name)
	if name == "" || len(values) == 0 {
		return ""
	}
	list := strings.Split(values[len(values)-1], ",")
	a, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])) // the far end's own entry is the last
	if err != nil {
		return ""
	}
	return a.Unmap().String()
}
