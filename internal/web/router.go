package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"greenroom/internal/app"
)

// Router finds the accounts of requests that arrive at the [Listener], or as records from a tunnel.
type Router struct {
	// Accounts are the accounts that have hooks. Aliases are other paths, such as /v1/daily/webhook, with their accounts.
	Accounts []string
	Aliases  map[string]string
	// Signatures are each account's signature headers: a signed request has one of them. For an account without any, headers don't
	// show whether a request is signed.
	Signatures map[string][]string
	// Catch finds the account of a catch by its path. It may be nil.
	Catch func(path string) (account string, ok bool)
	// Probe reports whether a request with this target is a pending probe of a tunnel, which is answered 200 without further effect. It
	// may be nil.
	Probe func(target string) bool
	// Ignore reports whether a refused request with this target is not recorded, such as a late probe. It may be nil.
	Ignore func(target string) bool
}

// hooks is the beginning of the path of a hook.
const hooks = "/hooks/"

var (
	notFound  = app.Answer{Status: http.StatusNotFound, Text: "not found"}
	usePost   = app.Answer{Status: http.StatusMethodNotAllowed, Text: "use POST"}
	unsigned  = app.Answer{Status: http.StatusBadRequest, Text: "no signature"}
	tooLarge  = app.Answer{Status: http.StatusRequestEntityTooLarge, Text: "the body is too large"}
	probeBack = app.Answer{Status: http.StatusOK, Text: "probe"}
)

// account finds the account of a hook's path, which may have a trailing slash.
func (r *Router) account(path string) (string, bool) {
	path = strings.TrimSuffix(path, "/")
	if a, ok := r.Aliases[path]; ok {
		return a, true
	}
	name, ok := strings.CutPrefix(path, hooks)
	return name, ok && slices.Contains(r.Accounts, name)
}

// route finds the account of a request, or returns the answer, and the reason for the user.
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

// nowhere explains why a path has no account.
func (r *Router) nowhere(path string) string {
	if name, ok := strings.CutPrefix(strings.TrimSuffix(path, "/"), hooks); ok && name != "" {
		return fmt.Sprintf("no account %q is configured here", name)
	}
	if len(r.Accounts) == 0 {
		return "no account is configured here"
	}
	return "no account has this path: webhooks go to " + hooks + strings.Join(r.Accounts, ", "+hooks)
}

// signed reports whether a request may be signed by the account's platform.
func (r *Router) signed(account string, h http.Header) bool {
	names := r.Signatures[account]
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return h.Get(name) != "" })
}

func (r *Router) probes(target string) bool { return r.Probe != nil && r.Probe(target) }

// Relayed finds the account of a request that was stored elsewhere first, or marks it as refused, with the reason. The sender already
// has its 2xx, so the request is kept: a refused one in the ring, and the listener's limit of bodies doesn't apply. Only a body
// of more than [MaxBodyLimit] is dropped, and marked as missing.
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

// refuse marks a request without an account.
func refuse(in app.Inbound, a app.Answer, reason string) app.Inbound {
	in.Refused, in.Reason = &a, reason
	return in
}
