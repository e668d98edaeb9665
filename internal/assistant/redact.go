package assistant

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"greenroom/internal/app"
)

// left replaces a secret.
const left = "(left out)"

// secretHeaders are parts of the names of headers with signatures, keys and cookies.
var secretHeaders = []string{"signature", "authorization", "cookie", "token", "secret", "api-key", "apikey"}

// secretValues are values in bodies that give access, as JSON writes them.
var secretValues = regexp.MustCompile(`(?i)("(?:turn_?password|api_?key|api_?secret|secret|host_?room_?url|password|token)"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// redacted returns a delivery without its signatures and secrets.
func redacted(d app.Delivery) app.Delivery {
	h := http.Header{}
	for name, values := range d.Headers {
		lower := strings.ToLower(name)
		if slices.ContainsFunc(secretHeaders, func(part string) bool { return strings.Contains(lower, part) }) {
			values = []string{left}
		}
		h[name] = values
	}
	d.Headers = h
	d.Body = secretValues.ReplaceAll(d.Body, []byte(`${1}"`+left+`"`))
	return d
}
