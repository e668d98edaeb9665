package web

import (
	"net/http"
	"net/netip"
	"strings"

	"greenroom/internal/bounds"
)

// sender returns the source address of a request: that of the connection or, through a tunnel, the one that the tunnel's far end wrote
// into a header. It is empty if the tunnel writes none.
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
