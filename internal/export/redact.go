package export

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/filter"
)

// Redacted stands for a secret that was left out.
const Redacted = "[redacted]"

// secretBody finds credentials that platforms send in bodies: LiveKit's password for its TURN servers.
var secretBody = regexp.MustCompile(`(?i)("turn_?password"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// Redact returns a delivery without signatures, authorisations and known secrets. signatures are the platforms' headers. Only the
// values of secrets change.
func Redact(d app.Delivery, signatures []string) app.Delivery {
	h := make(http.Header, len(d.Headers))
	for name, values := range d.Headers {
		if h[name] = values; !secretHeader(name, signatures) {
			continue
		}
		h[name] = slices.Repeat([]string{Redacted}, len(values))
	}
	d.Headers = h
	d.Body = RedactBody(d.Body)
	return d
}

// RedactBody returns a body without the values of known secrets, and any other body as it is.
func RedactBody(b []byte) []byte {
	if !filter.ContainsFold(b, "password") || !secretBody.Match(b) { // the first is fast
		return b
	}
	return secretBody.ReplaceAll(b, []byte(`${1}"`+Redacted+`"`))
}

// secretHeader reports whether a header proves who its sender is.
func secretHeader(name string, signatures []string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc(signatures, func(s string) bool { return strings.EqualFold(s, name) }) ||
		slices.ContainsFunc([]string{"signature", "authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "hmac"},
			func(word string) bool { return strings.Contains(lower, word) })
}
