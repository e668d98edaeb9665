package calendar

import (
	"cmp"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// conferenceHosts are domains whose links lead into a conference. A domain stands for those below it.
var conferenceHosts = []string{
	"daily.co", "whereby.com", "zoom.us", "zoom.com", "zoomgov.com", "teams.microsoft.com", "teams.live.com", "teams.cloud.microsoft",
	"gov.teams.microsoft.us", "meet.google.com", "webex.com", "gotomeeting.com", "gotomeet.me", "meet.goto.com", "goto.com", "meet.jit.si",
	"8x8.vc", "bluejeans.com", "chime.aws", "app.chime.aws", "join.skype.com", "meet.lync.com", "facetime.apple.com", "discord.gg",
	"app.slack.com", "ringcentral.com", "v.ringcentral.com", "meeting.zoho.com", "meeting.zoho.eu", "meet.proton.me", "livekit.io",
	"livestorm.co", "app.livestorm.com", "riverside.fm", "streamyard.com", "gather.town", "app.gather.town", "around.co", "tuple.app",
	"butter.us", "demio.com", "lifesize.com", "lifesizecloud.com", "pexip.me", "starleaf.com", "vonage.com", "dialpad.com", "uberconference.com",
	"meeting.tencent.com", "voovmeeting.com", "vc.feishu.cn", "vc.larksuite.com", "meet.brave.com", "talky.io", "kmeet.infomaniak.com",
	"senfcall.de", "fairmeeting.net", "videolink2.me",
}

// pathsOf are the paths of conferences on hosts that also serve other pages.
var pathsOf = map[string]*regexp.Regexp{
	"app.slack.com": regexp.MustCompile(`^/huddle/`), "zoom.us": regexp.MustCompile(`^/(j|my|s|w|wc|meeting)/`),
	"zoom.com": regexp.MustCompile(`^/(j|my|s|w|wc|meeting)/`), "webex.com": regexp.MustCompile(`(?i)^/(meet|join|webappng|[^/]*/j\.php|wbxmjs|m|[^/]+/)`),
	"whereby.com": regexp.MustCompile(`^/[^/]`), "daily.co": regexp.MustCompile(`^/[^/]`), "meet.google.com": regexp.MustCompile(`^/(lookup/|[a-z])`),
	"teams.microsoft.com": regexp.MustCompile(`^/(l/meetup-join|meet|v2|dl|_#)`), "teams.live.com": regexp.MustCompile(`^/(meet|l/)`),
	"goto.com": regexp.MustCompile(`^/(meeting|webinar|join)`), "ringcentral.com": regexp.MustCompile(`^/(j|join)`),
	"livekit.io": regexp.MustCompile(`^/(rooms|room|join)/`), "dialpad.com": regexp.MustCompile(`^/(meet|join)`), "vonage.com": regexp.MustCompile(`^/(meet|join)`),
	"riverside.fm": regexp.MustCompile(`^/studio/`), "gather.town": regexp.MustCompile(`^/(app|i)/`),
}

// telling matches addresses of conferences on self-hosted servers: Jitsi, BigBlueButton, Nextcloud.
var telling = regexp.MustCompile(`(?i)(^|[./-])(meet|meeting|meetings|video|videoconf|conf|conference|jitsi|bbb|call|calls|webinar|talk|join|room|rooms|vc)([./-]|[0-9]*\.|$)`)

// ownPage is the path of a join page of Greenroom.
var ownPage = regexp.MustCompile(`^/r/[^/]+-[A-Za-z0-9_-]{16,}$`)

var address = regexp.MustCompile(`(?i)https?://[^\s"'<>\\` + "`" + `{}|^]+`)

// The ranks of links, by where they were found and what they are, the best first.
const (
	rankConference = iota // a property for conferences
	rankKnown             // the host of a platform
	rankTelling           // it looks like a conference
	rankPlace             // any link as the place
	rankURL               // any link as the event's URL
	ranks
)

const maxAddresses = 200 // of one event

// links collects the links of an event.
type links struct {
	found [ranks]string
	seen  int
}

// best returns the link that is most likely the conference's, or "".
func (l *links) best() string { return cmp.Or(l.found[:]...) }

// add looks for links in a property.
func (l *links) add(p line) {
	rank := ranks
	switch {
	case p.name == "CONFERENCE", p.name == "X-GOOGLE-CONFERENCE", strings.HasPrefix(p.name, "X-MICROSOFT-") && strings.Contains(p.name, "MEETINGURL"),
		strings.HasPrefix(p.name, "X-MICROSOFT-ONLINEMEETING") && strings.HasSuffix(p.name, "LINK"), p.name == "X-PM-CONFERENCE-URL",
		p.name == "X-TELEMOST-CONFERENCE", p.name == "X-APPLE-TELEPORT", strings.HasPrefix(p.name, "X-") && strings.Contains(p.name, "CONFERENCE-URL"):
		rank = rankConference
	case p.name == "LOCATION":
		rank = rankPlace
	case p.name == "URL":
		rank = rankURL
	case p.name == "DESCRIPTION", p.name == "COMMENT", p.name == "CONTACT", strings.HasPrefix(p.name, "X-"):
	default:
		return
	}
	text := html.UnescapeString(unescaper.Replace(p.value))
	if !strings.Contains(text, "://") {
		return
	}
	for _, found := range address.FindAllString(text, maxAddresses) {
		if l.seen++; l.seen > maxAddresses {
			return
		}
		if link, at := judge(found, rank); link != "" && l.found[at] == "" {
			l.found[at] = link
		}
	}
}

// judge returns a link as it can be opened, and its rank; link is "" if it isn't a conference's.
func judge(found string, rank int) (link string, at int) {
	u := unwrap(strings.TrimRight(found, ".,;:!?)]*_~>"))
	if u == nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(found) > 4096 {
		return "", 0
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch known := knownHost(host); {
	case rank == rankConference:
		return u.String(), rankConference
	case known != "":
		if only := pathsOf[known]; only != nil && !only.MatchString(u.EscapedPath()) {
			return "", 0
		}
		return u.String(), rankKnown
	case isCalendarPage(host, u.Path):
		return "", 0
	case ownPage.MatchString(u.EscapedPath()):
		return u.String(), rankKnown
	case telling.MatchString(host) && strings.Trim(u.Path, "/") != "", rank < ranks && telling.MatchString(u.EscapedPath()):
		return u.String(), rankTelling // prose names many pages: there only the host counts
	case rank < ranks:
		return u.String(), rank
	}
	return "", 0
}

// knownHost returns the longest domain of conferenceHosts that a host belongs to, or "".
func knownHost(host string) (known string) {
	for _, h := range conferenceHosts {
		if (host == h || strings.HasSuffix(host, "."+h)) && len(h) > len(known) {
			known = h
		}
	}
	return known
}

// isCalendarPage reports whether a link leads to the event's own page in a calendar, or to help.
func isCalendarPage(host, path string) bool {
	return strings.HasPrefix(host, "calendar.") || strings.HasPrefix(host, "support.") || strings.HasPrefix(host, "help.") ||
		slices.Contains([]string{"www.google.com", "maps.google.com", "maps.apple.com", "aka.ms", "goo.gl"}, host) ||
		strings.HasPrefix(host, "outlook.") || strings.HasPrefix(path, "/calendar/") || strings.HasPrefix(path, "/maps/")
}

// unwrap returns the original of a link that a mail filter or redirect has wrapped.
func unwrap(s string) *url.URL {
	u, err := url.Parse(s)
	for range 3 {
		if err != nil {
			return nil
		}
		host, inner := strings.ToLower(u.Hostname()), ""
		switch {
		case strings.HasSuffix(host, ".safelinks.protection.outlook.com"):
			inner = u.Query().Get("url")
		case host == "www.google.com" && u.Path == "/url":
			inner = u.Query().Get("q")
		}
		if inner == "" {
			return u
		}
		u, err = url.Parse(inner)
	}
	return nil
}
