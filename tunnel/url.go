package tunnel

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// PublicURL checks a public base URL, and returns it as [Status].URL wants it: http or https with a host in lower case, no
// credentials, query or fragment, and no slash at its end.
func PublicURL(s string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil:
		return "", fmt.Errorf("tunnel: %q is no URL", s)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("tunnel: the URL %q must begin with https://", s)
	case u.Hostname() == "":
		return "", fmt.Errorf("tunnel: the URL %q has no host", s)
	case u.User != nil:
		return "", errors.New("tunnel: a public URL must not hold a user or a password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fmt.Errorf("tunnel: the URL %q must end with its path: webhooks append to it", s)
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/"), nil
}

// Announcements finds a tunnel's public URL in what a program or a server prints, among links to its documentation. Give it
// one line after the other. Its zero value looks for what the known services print.
//
// A line that announces (“… tunneled with tls termination, https://…”, or a URL all alone) is believed, and a later one
// replaces it: services change the names of free tunnels. Without one, the first https URL without a path that isn't
// plainly a site about the service is taken.
type Announcements struct {
	// Pattern is looked for instead, if it isn't nil: its first group is the URL, or all of it when it has none.
	Pattern *regexp.Regexp
	// Site is the service's own host, whose address is no tunnel.
	Site string

	url       string
	announced bool
}

var (
	anyURL = regexp.MustCompile(`https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[^\s"'<>|\\^\x60\])}\x00-\x1f\x7f]*)?`)
	// announcing are the lines of localhost.run, serveo, sish, and pinggy, cloudflared and tailscale, which print it alone.
	announcing = regexp.MustCompile(`(?i)tunneled with tls termination, https://|forwarding http traffic from https://|^\W*https: https://|^\W*https://\S+\W*$`)
	about      = regexp.MustCompile(`(?i)^(www|admin|api|dashboard|console|docs?|help|support|status|blog|login|developers?|community)\.`)
	social     = regexp.MustCompile(`(?i)(^|\.)(twitter|x|github|gitlab|discord|youtube|facebook|mastodon)\.(com|gg|social)$`)
)

// Line reads a line, and says whether the URL is another one now.
func (a *Announcements) Line(line string) (publicURL string, news bool) {
	if a.Pattern != nil {
		m := a.Pattern.FindStringSubmatch(line)
		if m == nil {
			return a.url, false
		}
		return a.take(m[min(1, len(m)-1)], true)
	}
	for _, found := range anyURL.FindAllString(line, -1) {
		u, err := url.Parse(strings.TrimRight(found, ".,;:!?"))
		if err != nil || u.Path != "" && u.Path != "/" || !strings.Contains(u.Hostname(), ".") || a.isSite(u.Hostname()) {
			continue
		}
		if news := announcing.MatchString(line); news || a.url == "" {
			return a.take(u.String(), news)
		}
	}
	return a.url, false
}

func (a *Announcements) isSite(host string) bool {
	return a.Site != "" && strings.EqualFold(host, a.Site) || about.MatchString(host) || social.MatchString(host)
}

func (a *Announcements) take(found string, announced bool) (string, bool) {
	clean, err := PublicURL(found)
	if err != nil || clean == a.url || a.announced && !announced {
		return a.url, false
	}
	a.url, a.announced = clean, announced
	return clean, true
}
