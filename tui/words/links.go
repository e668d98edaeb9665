package words

import (
	"net"
	"net/url"
	"strings"

	"greenroom/internal/plain"
)

// BareLink returns a link without its scheme, query and fragment, which may hold a key.
func BareLink(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return Safe(strings.SplitN(raw, "?", 2)[0])
	}
	return Safe(u.Host + strings.TrimSuffix(u.EscapedPath(), "/"))
}

// WebURL reports whether a link may be opened or written as a hyperlink: http(s) with a host, and only characters that
// no terminal interprets. It returns the link.
func WebURL(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return "", false
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] <= 0x20 || raw[i] > 0x7e || raw[i] == '"' || raw[i] == '\\' {
			return "", false
		}
	}
	return raw, true
}

// Local reports whether a URL can only be reached from its own machine.
func Local(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// ShellQuote makes s one word of a POSIX shell. Characters that a terminal interprets are replaced.
func ShellQuote(s string) string {
	return "'" + strings.ReplaceAll(plain.Lines(s), "'", `'\''`) + "'"
}
