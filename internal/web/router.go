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
	// Signatures are the headers of which each signed request for an account has one; an account without has signatures that
	// headers don't show.
	Signatures map[string][]string
	// Catch finds the account of a catch by its path; nil knows of none.
	Catch func(path string) (account string, ok bool)
	// Probe reports whether a request with this target is a tunnel's probe that is out now: it is answered 200 and goes no
	// further. nil knows of none.
	Probe func(target string) bool
	// Ignore reports whether a refused request with this target is not worth a record, such as a probe that came too late.
	// nil ignores none.
	Ignore func(target string) bool
}

// hooks is where the path of an account's hook begins.
const hooks = "/hooks/"

var (
	notFound  = app.Answer{Status: http.StatusNotFound, Text: "not found"}
	usePost   = app.Answer{Status: http.StatusMethodNotAllowed, Text: "use POST"}
	unsigned  = app.Answer{Status: http.StatusBadRequest, Text: "no signature"}
	tooLarge  = app.Answer{Status: http.StatusRequestEntityTooLarge, Text: "the body is too large"}
	probeBack = app.Answer{Status: http.StatusOK, Text: "probe"}
)

// account finds the account whose hook a path is. A path with one trailing slash is the same hook.
func (r *Router) account(path string) (string, bool) {
	path = strings.TrimSuffix(path, "/")
	if a, ok := r.Aliases[path]; ok {
		return a, true
	}
	name, ok := strings.CutPrefix(path, hooks)
	return name, ok && slices.Contains(r.Accounts, name)
}

// route finds the account of a request. For a request without one it returns the answer, and the reason for the owner.
func (r *Router) route(method, path string) (account string, refused *app.Answer, reason string) {
	if strings.HasPrefix(path, app.CatchPath) {
		if r.Catch != nil {
			if account, ok := r.Catch(path); ok {
				return account, nil, ""
			}
		}
		return "", &notFound, "no catch has this address: see `greenroom catch list`"
	}
	account, ok := r.account(path)
	switch {
	case !ok:
		return "", &notFound, r.nowhere(path)
	case method != http.MethodPost:
		return "", &usePost, fmt.Sprintf("%s to the hook of %s: webhooks are posted", method, account)
	}
	return account, nil, ""
}

// nowhere is why a path leads to no account.
func (r *Router) nowhere(path string) string {
	if name, ok := strings.CutPrefix(strings.TrimSuffix(path, "/"), hooks); ok && name != "" {
		return fmt.Sprintf("no account %q is configured here", name)
	}
	if len(r.Accounts) == 0 {
		return "no account is configured here"
	}
	return "no account has this path: webhooks go to " + hooks + strings.Join(r.Accounts, ", "+hooks)
}

// signed reports whether a request may have a signature of the account's platform.
func (r *Router) signed(account string, h http.Header) bool {
	names := r.Signatures[account]
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return h.Get(name) != "" })
}

func (r *Router) probes(target string) bool { return r.Probe != nil && r.Probe(target) }

// Relayed finds the account of a request that a tunnel stored first, or marks it as refused, with the reason. The sender has
// heard 2xx already, so that everything is kept: a refused request goes into the ring, and the listener's limit on bodies
// doesn't apply. Only a body of more than [MaxBodyLimit] is left out, and missed.
func (r *Router) Relayed(in app.Inbound) app.Inbound {
	if r.probes(in.Target) {
		return refuse(in, probeBack, "")
	}
	u, err := url.ParseRequestURI(in.Target)
	if err != nil {
		return refuse(in, notFound, "the target can't be read")
	}
	account, refused, reason := r.route(in.Method, u.Path)
	if refused != nil {
		return refuse(in, *refused, reason)
	}
	if len(in.Body) > MaxBodyLimit {
		in.Missing = fmt.Sprintf("it has %d bytes, more than the limit of %d", len(in.Body), MaxBodyLimit)
		in.Body = nil
	}
	in.Account = account
	return in
}

// refuse marks a request that is for no account.
func refuse(in app.Inbound, a app.Answer, reason string) app.Inbound {
	in.Refused, in.Reason = &a, reason
	return in
}
