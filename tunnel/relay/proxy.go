package relay

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// sender returns the address of a request's sender: that of the connection, or the one reported by a trusted proxy.
func (s *Server) sender(r *http.Request) string {
	if len(s.opt.Proxies) == 0 || !s.trusted(addrOf(r.RemoteAddr)) {
		return r.RemoteAddr
	}
	chain := forwarded(r.Header)
	// Each proxy appends its sender: anything before the last trusted one may be forged.
	for i := len(chain) - 1; i >= 0; i-- {
		a := addrOf(chain[i])
		if !a.IsValid() {
			break
		}
		if s.trusted(a) && i > 0 {
			continue
		}
		if _, port, err := net.SplitHostPort(chain[i]); err == nil {
			if n, err := strconv.ParseUint(port, 10, 16); err == nil {
				return netip.AddrPortFrom(a, uint16(n)).String()
			}
		}
		return a.String()
	}
	return r.RemoteAddr
}

func (s *Server) trusted(a netip.Addr) bool {
	return a.IsValid() && slices.ContainsFunc(s.opt.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// addrOf parses an address with or without a port, in brackets or not.
func addrOf(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// forwarded returns the addresses of X-Forwarded-For, or else of Forwarded (RFC 7239), the nearest last.
func forwarded(h http.Header) []string {
	var chain []string
	if lines := h.Values("X-Forwarded-For"); len(lines) > 0 {
		for _, part := range strings.Split(strings.Join(lines, ","), ",") {
			chain = append(chain, strings.TrimSpace(part))
		}
		return chain
	}
	for _, element := range strings.Split(strings.Join(h.Values("Forwarded"), ","), ",") {
		for _, pair := range strings.Split(element, ";") {
			name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
			if ok && strings.EqualFold(name, "for") {
				chain = append(chain, strings.Trim(value, `"`))
			}
		}
	}
	return chain
}
