package rest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"greenroom/internal/plain"
)

// hidden replaces a secret.
const hidden = "[hidden]"

// Redactor removes secrets from text: the given ones, wherever they occur, and what looks like one by its context: bearer and
// basic credentials, JSON web tokens, and the values of parameters that carry keys.
type Redactor struct {
	secrets *strings.Replacer
}

// NewRedactor returns a redactor of the given secrets, also in their URL-encoded form. It ignores those shorter than four bytes:
// they protect nothing and would eat half of every sentence.
func NewRedactor(secrets ...string) *Redactor {
	var all []string
	for _, s := range secrets {
		if len(s) >= 4 {
			all = append(all, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	// If two secrets have the same beginning, the longer one must win.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range slices.Compact(all) {
		pairs = append(pairs, s, hidden)
	}
	return &Redactor{secrets: strings.NewReplacer(pairs...)}
}

var (
	credentials = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{4,}`)
	webToken    = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*){0,2}`)
	parameter   = regexp.MustCompile(`(?i)([?&;]|\b)(t|token|access_token|room_?key|api_?key|secret|signature|` +
		`x-amz-[a-z-]+|awsaccesskeyid)=[^&\s"'<>\\]+`)
	jsonField = regexp.MustCompile(`(?i)("(?:[a-z_-]*(?:token|secret|password|api_?key|room_?key|hmac|authorization)|` +
		`accessKeyId)"\s*:\s*)"(?:[^"\\]|\\.)*"?`)
)

// Text returns s without secrets.
func (r *Redactor) Text(s string) string {
	s = r.secrets.Replace(s)
	s = credentials.ReplaceAllString(s, "$1 "+hidden)
	s = webToken.ReplaceAllString(s, hidden)
	s = parameter.ReplaceAllString(s, "$1$2="+hidden)
	return jsonField.ReplaceAllString(s, `$1"`+hidden+`"`)
}

// Line returns Text as one safe line of at most limit runes.
func (r *Redactor) Line(s string, limit int) string {
	// Cut generously first, so that a huge body is cheap, but never inside the shown part: a secret cut in half would not be
	// recognised.
	if most := 16*limit + 4096; len(s) > most {
		s = s[:most]
	}
	s = plain.Text(strings.Join(strings.Fields(r.Text(s)), " "))
	n := 0
	for i := range s {
		if n == limit {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
