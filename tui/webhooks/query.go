package webhooks

import (
	"fmt"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
)

// parseFilter reads a filter: words of the form account: kind: verdict: meeting:, and text. A kind may be the beginning
// of one ("participant"). An error names the part that has no meaning; the query holds the rest.
func parseFilter(text string) (app.EventQuery, error) {
	var q app.EventQuery
	var rest []string
	var err error
	for _, w := range strings.Fields(text) {
		name, value, ok := strings.Cut(w, ":")
		if !ok || value == "" && !slices.Contains([]string{"account", "kind", "verdict", "meeting"}, name) {
			rest = append(rest, w)
			continue
		}
		switch name {
		case "account":
			q.Account = value
		case "meeting":
			q.Meeting = value
		case "kind":
			found := kindsOf(value)
			if len(found) == 0 {
				err = fmt.Errorf("there is no kind %q", value)
			}
			q.Kinds = append(q.Kinds, found...)
		case "verdict":
			switch v := matching(value, provider.Verified, provider.Rejected, provider.Unverified); v {
			case "":
				err = fmt.Errorf("a verdict is verified, rejected or unverified")
			default:
				q.Verdict = v
			}
		default:
			rest = append(rest, w)
		}
	}
	q.Grep = strings.Join(rest, " ")
	return q, err
}

// kindsOf returns the kinds that begin with a word, or end in it: "joined" is participant.joined.
func kindsOf(word string) (out []provider.EventKind) {
	for _, k := range provider.EventKinds() {
		if word != "" && (strings.HasPrefix(string(k), word) || strings.HasSuffix(string(k), "."+word)) {
			out = append(out, k)
		}
	}
	return out
}

// matching returns the first verdict that begins with a word, or "".
func matching(word string, all ...provider.Verdict) provider.Verdict {
	for _, v := range all {
		if word != "" && strings.HasPrefix(string(v), word) {
			return v
		}
	}
	return ""
}
