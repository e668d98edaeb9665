package export

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/filter"
)

// Redacted replaces secrets.
const Redacted = "[redacted]"

// secretBody finds credentials that platforms send in bodies: LiveKit's password for its TURN servers.
var secretBody = regexp.MustCompile(`(?i)("turn_?password"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// Redact returns a delivery without signatures, credentials and known secrets. signatures are the platforms' headers.
func Redact(d app.Delivery, signatures []string) app.Delivery {
	d.Headers = RedactHeaders(d.Headers, signatures)
	d.Body = RedactBody(d.Body)
	return d
}

// RedactHeaders returns headers without signatures and credentials. signatures are the platforms' headers.
func RedactHeaders(all http.Header, signatures []string) http.Header {
	h := make(http.Header, len(all))
	for name, values := range all {
		if h[name] = values; secretHeader(name, signatures) {
			h[name] = slices.Repeat([]string{Redacted}, len(values))
		}
	}
	return h
}

// RedactBody returns a body without the values of known secrets.
func RedactBody(b []byte) []byte {
	if !filter.ContainsFold(b, "password") || !secretBody.Match(b) { // the first is fast
		return b
	}
	return secretBody.ReplaceAll(b, []byte(`${1}"`+Redacted+`"`))
}

// secretHeader reports whether a header has a signature or credentials.
func secretHeader(name string, signatures []string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc(signatures, func(s string) bool { return strings.EqualFold(s, name) }) ||
		slices.ContainsFunc([]string{"signature", "authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "hmac"},
			func(word string) bool { return strings.Contains(lower, word) })
}
