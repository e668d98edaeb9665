package tunnel

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// PublicURL checks a public base URL, and returns it in the form of [Status].URL: http or https, the host in lower case and ASCII
// (an international name as punycode), without credentials, query, fragment, dot segments or a slash at its end.
func PublicURL(s string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil:
		return "", fmt.Errorf("tunnel: %q is not a URL", s)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("tunnel: the URL %q must begin with https://", s)
	case u.Hostname() == "":
		return "", fmt.Errorf("tunnel: the URL %q has no host", s)
	case u.User != nil:
		return "", errors.New("tunnel: a public URL must not contain a user or a password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fmt.Errorf("tunnel: the URL %q must end with its path: webhooks append to it", s)
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(part string) bool { return part == "." || part == ".." }):
		return "", fmt.Errorf("tunnel: the path of the URL %q has dot segments", s)
	}
	if u.Host, err = Host(u); err != nil {
		return "", fmt.Errorf("tunnel: the URL %q: %w", s, err)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Host returns a URL's host and port for requests: lower case, ASCII, an international name as punycode. It fails for an invalid name
// or port.
func Host(u *url.URL) (string, error) {
	name, port := u.Hostname(), u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); err != nil && port != "" || port != "" && n == 0 {
		return "", fmt.Errorf("there is no port %s", port)
	}
	if _, err := netip.ParseAddr(name); err != nil {
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			if name = u.Hostname(); !plainName.MatchString(name) { // such as one with an underscore
				return "", fmt.Errorf("%q is not a host name", u.Hostname())
			}
		}
	} else if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if name = strings.ToLower(name); port != "" {
		name += ":" + port
	}
	return name, nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$`)

// Announcements finds a tunnel's public URL in the output of a program or a server, among links to its documentation. It reads one
// line at a time. The zero value knows the output of known services.
//
// A line that announces a URL (“… tunneled with tls termination, https://…”, or a URL alone) is trusted, and a later one replaces it:
// services change the names of free tunnels. Without one, the first URL without a path that isn't obviously the service's own site
// is used, https before http, until [Announcements.Refuted] asks for the next.
type Announcements struct {
	// Pattern replaces the search for known output: its first group is the URL, or the whole match without a group. It may be nil.
	Pattern *regexp.Regexp
	// Site is the service's own host, which is never the tunnel's.
	Site string

	url       string
	announced bool
	// candidates are the URLs that were found but not announced, https ones first.
	candidates []string
}

// maxCandidates limits the candidates.
const maxCandidates = 16

var (
	anyURL = regexp.MustCompile(`https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[^\s"'<>|\\^\x60\])}\x00-\x1f\x7f]*)?`)
	// announcing are the lines of localhost.run, serveo, sish, and pinggy, cloudflared and tailscale, which print it alone.
	announcing = regexp.MustCompile(`(?i)tunneled with tls termination, https://|forwarding http traffic from https://|^\W*https: https://|^\W*https://\S+\W*$`)
	about      = regexp.MustCompile(`(?i)^(www|admin|api|dashboard|console|docs?|help|support|status|blog|login|developers?|community)\.`)
	social     = regexp.MustCompile(`(?i)(^|\.)(twitter|x|github|gitlab|discord|youtube|facebook|mastodon)\.(com|gg|social)$`)
)

// Line reads a line. It returns the current URL, and whether the line changed it.
func (a *Announcements) Line(line string) (publicURL string, news bool) {
	if a.Pattern != nil {
		m := a.Pattern.FindStringSubmatch(line)
		if m == nil {
			return a.url, false
		}
		return a.add(m[min(1, len(m)-1)], true)
	}
	for _, found := range anyURL.FindAllString(line, -1) {
		u, err := url.Parse(strings.TrimRight(found, ".,;:!?"))
		if err != nil || u.Path != "" && u.Path != "/" || !strings.Contains(u.Hostname(), ".") || a.isSite(u.Hostname()) {
			continue
		}
		if u.Scheme == "http" && inside(u.Hostname()) {
			continue // the program's own pages, or the listener
		}
		if url, news := a.add(u.String(), u.Scheme == "https" && announcing.MatchString(line)); news {
			return url, true
		}
	}
	return a.url, false
}

// Refuted switches to the next candidate, since requests to this URL don't arrive. It returns the current URL, and whether it has
// changed. An announced URL stays.
func (a *Announcements) Refuted(refuted string) (publicURL string, news bool) {
	at := slices.Index(a.candidates, refuted)
	if a.announced || a.url != refuted || at < 0 || len(a.candidates) < 2 {
		return a.url, false
	}
	a.url = a.candidates[(at+1)%len(a.candidates)]
	return a.url, true
}

// inside reports whether a host is an address that can't be reached from the internet.
func inside(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified() || ip.IsLinkLocalUnicast())
}

func (a *Announcements) isSite(host string) bool {
	return a.Site != "" && strings.EqualFold(host, a.Site) || about.MatchString(host) || social.MatchString(host)
}

func (a *Announcements) add(found string, announced bool) (string, bool) {
	clean, err := PublicURL(found)
	switch {
	case err != nil || clean == a.url && a.announced == announced:
		return a.url, false
	case announced:
		news := clean != a.url
		a.url, a.announced = clean, true
		return clean, news
	case a.announced || slices.Contains(a.candidates, clean) || len(a.candidates) >= maxCandidates:
		return a.url, false
	}
	secure := func(s string) bool { return strings.HasPrefix(s, "https://") }
	better := a.url == "" || secure(clean) && !secure(a.url)
	at := len(a.candidates)
	if secure(clean) {
		if at = slices.IndexFunc(a.candidates, func(s string) bool { return !secure(s) }); at < 0 {
			at = len(a.candidates)
		}
	}
	a.candidates = slices.Insert(a.candidates, at, clean)
	if better {
		a.url = clean
	}
	return a.url, better
}
