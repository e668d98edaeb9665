package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"greenroom/internal/app"
)

// Router says whose request is whose, for those that arrive at the [Listener] and for those that a tunnel hands over as
// records.
type Router struct {
	// Accounts are the names that hooks exist for; Aliases are other paths, such as /v1/daily/webhook, with their account.
	Accounts []string
	Aliases  map[string]string
	// Probe says whether a request with this target is a tunnel's probe that is out now: it is answered 200 and goes no
	// further. nil knows of none.
	Probe func(target string) bool
}

var (
	notFound  = app.Answer{Status: http.StatusNotFound, Text: "not found"}
	usePost   = app.Answer{Status: http.StatusMethodNotAllowed, Text: "use POST"}
	tooLarge  = app.Answer{Status: http.StatusRequestEntityTooLarge, Text: "the body is too large"}
	probeBack = app.Answer{Status: http.StatusOK, Text: "probe"}
)

// account finds whose hook a path is.
func (r *Router) account(path string) (string, bool) {
	if a, ok := r.Aliases[path]; ok {
		return a, true
	}
	name, ok := strings.CutPrefix(path, "/hooks/")
	return name, ok && slices.Contains(r.Accounts, name)
}

func (r *Router) probes(target string) bool { return r.Probe != nil && r.Probe(target) }

// Relayed makes in, of which the account is not known yet, ready to be stored: it names the account, or says what the
// request is answered without being looked into. Such a request has been acknowledged by whoever took it first, so that
// the listener's limit on bodies doesn't apply: only one that exceeds [MaxBodyLimit] is left out, and missed.
func (r *Router) Relayed(in app.Inbound) app.Inbound {
	if r.probes(in.Target) {
		return refuse(in, probeBack)
	}
	u, err := url.ParseRequestURI(in.Target)
	if err != nil {
		return refuse(in, notFound)
	}
	name, ok := r.account(u.Path)
	switch {
	case !ok:
		return refuse(in, notFound)
	case in.Method != http.MethodPost:
		return refuse(in, usePost)
	case len(in.Body) > MaxBodyLimit:
		in.Missing = fmt.Sprintf("its %d bytes are more than %d", len(in.Body), MaxBodyLimit)
		in.Body = nil
	}
	in.Account = name
	return in
}

// refuse leaves the headers and the body out: they are not kept.
func refuse(in app.Inbound, a app.Answer) app.Inbound {
	return app.Inbound{
		Method: in.Method, Target: in.Target, ReceivedAt: in.ReceivedAt, Position: in.Position, Refused: &a,
	}
}
