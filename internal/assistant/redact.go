package assistant

import (
	"regexp"

	"greenroom/internal/app"
	"greenroom/internal/export"
)

// secretValues are values in bodies that give access, as JSON writes them.
var secretValues = regexp.MustCompile(`(?i)("(?:turn_?password|api_?key|api_?secret|secret|host_?room_?url|password|token)"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// redacted returns a delivery without its signatures and secrets.
func redacted(d app.Delivery) app.Delivery {
	d.Headers = export.RedactHeaders(d.Headers, nil)
	d.Body = secretValues.ReplaceAll(d.Body, []byte(`${1}"`+export.Redacted+`"`))
	return d
}
