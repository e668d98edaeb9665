package rest

import (
	"errors"
	"net/url"
	"strings"

	"greenroom/internal/plain"
)

// Link checks a URL that a user will open: http or https, with a host, without credentials or anything that a terminal would
// interpret. The error doesn't quote it, since it may carry a token.
func Link(s string) (string, error) {
	if s == "" {
		return "", errors.New("the platform gave no link")
	}
	if plain.Text(s) != s || strings.ContainsAny(s, " \"<>\\^`{|}") {
		return "", errors.New("the platform's link contains invalid characters")
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", errors.New("the platform's link is not a URL")
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return "", errors.New("the platform's link is not an http(s) URL")
	}
	return s, nil
}

// WithQuery adds one parameter to a checked link, before its fragment.
func WithQuery(link, key, value string) string {
	link, fragment, _ := strings.Cut(link, "#")
	sep := "?"
	if strings.Contains(link, "?") {
		sep = "&"
	}
	link += sep + url.QueryEscape(key) + "=" + url.QueryEscape(value)
	if fragment != "" {
		link += "#" + fragment
	}
	return link
}
