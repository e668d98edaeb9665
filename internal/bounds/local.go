package bounds

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// LocalOnly answers 403 to requests that reach a loopback address under another name. Otherwise a web page whose name resolves
// to 127.0.0.1 could read the answers.
func LocalOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && IsLoopback(addr.String()) && !IsLoopback(r.Host) {
			http.Error(w, "this address answers to localhost only", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// IsLoopback reports whether a host, with or without a port, is this machine: localhost or a loopback address.
func IsLoopback(hostport string) bool {
	h := Hostname(hostport)
	if strings.EqualFold(h, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(h)
	return err == nil && ip.IsLoopback()
}

// Hostname returns the host of an address, without its port and brackets.
func Hostname(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return strings.Trim(hostport, "[]")
}
