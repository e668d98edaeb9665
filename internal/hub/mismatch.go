package hub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"greenroom/internal/mismatch"
	"greenroom/provider"
)

// The search for the causes of wrong signatures is bounded, in hashed bytes, so that a flood of forged requests costs little more
// than their verification. Requests beyond the limit get the general reason.
const (
	causeRate  = 4 << 20
	causeBurst = 128 << 20
)

// cause returns why a request for an account is rejected, empty if only the provider's reason is known.
func (h *Hub) cause(a *account, r provider.WebhookRequest, w provider.Webhook) string {
	if w.Missing {
		return h.otherHeader(a, r.Header)
	}
	tester, ok := a.Provider.(provider.SignatureTester)
	if !ok || !w.Wrong {
		return ""
	}
	c := mismatch.Case{Request: r, Tester: tester, Secrets: a.secrets(r.ReceivedAt)}
	for _, o := range h.order {
		if o != a {
			c.Others = append(c.Others, mismatch.Other{Account: o.Name, Secrets: o.secrets(r.ReceivedAt)})
		}
	}
	if !h.causes.AllowN(h.clock.Now(), c.Cost()) {
		return ""
	}
	if found := c.Cause(); found != "" {
		return "the signature is wrong: " + found
	}
	return ""
}

// otherHeader recognises the signature of another platform.
func (h *Hub) otherHeader(a *account, header http.Header) string {
	for _, d := range h.opt.Drivers {
		if d.Platform == a.Platform {
			continue
		}
		i := slices.IndexFunc(d.SignatureHeaders, func(name string) bool {
			return !strings.EqualFold(name, "Authorization") && header.Get(name) != "" // Authorization is no platform's own
		})
		if i < 0 {
			continue
		}
		out := fmt.Sprintf("no %s signature: it has %s's header %s", a.Platform.Title(), d.Platform.Title(), d.SignatureHeaders[i])
		for _, o := range h.order {
			if o.Platform == d.Platform {
				return out + "; that hook is /hooks/" + o.Name
			}
		}
		return out
	}
	return ""
}

// secrets lists the account's webhook secrets, the one in force first.
func (a *account) secrets(at time.Time) []string {
	var out []string
	for _, s := range slices.Concat([]string{a.WebhookSecret}, a.WebhookSecrets, a.hook.Accepts(at)) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
