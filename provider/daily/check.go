package daily

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// maxSkew is the largest difference between the machine's clock and Daily's that needs no warning. Tokens and ends are judged by
// Daily's.
const maxSkew = 30 * time.Second

// Check checks the account's key and domain, the clock, the webhooks and the settings.
func (p *Provider) Check(ctx context.Context) []provider.Check {
	var domain struct {
		Name rest.Text `json:"domain_name"`
	}
	var header http.Header
	err := p.client.Do(ctx, rest.Call{
		Op: "read domain", Method: http.MethodGet, Path: "/", Out: &domain, Header: &header,
	})
	if err != nil {
		return []provider.Check{provider.FailedCheck(provider.KeyCheck, err), p.checkSecret()}
	}
	name := domain.Name.ID()
	key := provider.Check{Name: provider.KeyCheck, OK: true, Domain: name, Detail: fmt.Sprintf("accepted, domain %q", name)}
	if want := p.account.Subdomain; want != "" && want != name {
		key.OK = false
		key.Hint = fmt.Sprintf("the key belongs to another domain than %q: check %s and %s", want,
			p.account.Setting("DAILY_SUBDOMAIN", "subdomain"), p.account.Setting("DAILY_API_KEY", "api_key"))
	}
	out := append([]provider.Check{key}, p.client.CheckClock(header, maxSkew, "tokens and signatures depend on it")...)
	out = append(out, p.checkSecret())
	out = append(out, p.checkWebhooks(ctx)...)
	return append(out, p.checkRecording())
}

func (p *Provider) checkSecret() provider.Check {
	c := provider.Check{Name: provider.SecretCheck, OK: true, Detail: "set"}
	if p.keys.empty() {
		c.OK, c.Optional, c.Detail, c.Hint = false, true, "not set: webhooks are refused", p.keys.hint
	}
	return c
}

func (p *Provider) checkWebhooks(ctx context.Context) []provider.Check {
	const name = "webhook"
	hooks, err := p.webhooks(ctx)
	switch {
	case errors.Is(err, provider.Forbidden):
		c := provider.FailedCheck(name, err)
		c.Optional = true
		c.Hint = "webhooks need a Daily account with a card on file; until then presence is polled every few seconds"
		return []provider.Check{c}
	case err != nil:
		return []provider.Check{provider.FailedCheck(name, err)}
	case len(hooks) == 0:
		return []provider.Check{{
			Name: name, Optional: true, Detail: "none is registered: presence is polled every few seconds",
			Hint: "open a tunnel: Greenroom registers its URL",
		}}
	}
	var out []provider.Check
	for _, h := range hooks {
		c := provider.Check{Name: name, OK: h.State == "ACTIVE"}
		c.Detail = fmt.Sprintf("%s, %s, %d failures in a row", p.client.Safe(h.URL), p.client.Safe(string(h.State)), h.Failures.Int())
		if !c.OK {
			c.Hint = "Daily stops sending after three failures. Greenroom reactivates its own webhook when the tunnel is live; " +
				"reactivate another with POST /webhooks/{uuid}"
		}
		out = append(out, c)
	}
	return out
}

func (p *Provider) checkRecording() provider.Check {
	t := p.account.Recording
	c := provider.Check{Name: "recordings", OK: true}
	switch {
	case t.Bucket != "" && t.RoleARN == "" && p.recordingMode() != "raw-tracks":
		c.OK, c.Optional = false, true
		c.Detail = fmt.Sprintf("the bucket %q is read-only: meetings created here are recorded in Daily's cloud", t.Bucket)
		c.Hint = "to record them in the bucket, set " + p.account.Setting("AWS_DAILY_ROLE_ARN", "role_arn") + " to the role that Daily uses to write"
	case p.recordingMode() == "raw-tracks" && !p.hasBucket():
		c.OK, c.Detail = false, "raw tracks need your own bucket"
		c.Hint = "set " + p.account.Setting("AWS_DAILY_S3_BUCKET", "bucket") + " and " +
			p.account.Setting("AWS_DAILY_ROLE_ARN", "role_arn")
	case p.hasBucket():
		c.Detail = fmt.Sprintf("%s to the bucket %q", p.recordingMode(), t.Bucket)
	default:
		c.Detail = "kept by Daily"
	}
	return c
}
