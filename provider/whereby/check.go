package whereby

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// maxSkew is the largest difference between the machine's clock and Whereby's that needs no warning. Beyond a minute no signature
// would be fresh.
const maxSkew = 30 * time.Second

// Check checks the account's key, the clock, the plan's insights, and the settings.
func (p *Provider) Check(ctx context.Context) []provider.Check {
	var header http.Header
	domain, err := p.read(ctx, "list meetings", "/meetings", &header)
	if err != nil {
		return []provider.Check{provider.FailedCheck(provider.KeyCheck, err), p.checkSecret()}
	}
	key := provider.Check{Name: provider.KeyCheck, OK: true, Domain: domain, Detail: "accepted"}
	if domain != "" {
		key.Detail += fmt.Sprintf(", domain %q", domain)
	}
	out := append([]provider.Check{key},
		p.client.CheckClock(header, maxSkew, "with more than a minute's difference, every webhook is rejected as stale")...)
	seen := provider.Check{Name: "insights", OK: true, Detail: "available: presence can be read"}
	_, err = p.read(ctx, "list rooms", "/insights/rooms", nil)
	if err := insights(err); err != nil {
		seen = provider.FailedCheck("insights", err)
	}
	return append(out, seen, p.checkSecret(), p.checkRecording())
}

// read fetches one entry of a list. It returns the customer's domain if the entry has a room's URL, and "" otherwise.
func (p *Provider) read(ctx context.Context, op, path string, h *http.Header) (domain string, err error) {
	var page struct {
		Results *[]struct {
			RoomURL rest.Text `json:"roomUrl"`
		} `json:"results"`
	}
	err = p.client.Do(ctx, rest.Call{
		Op: op, Method: http.MethodGet, Path: path, Query: url.Values{"limit": {"1"}}, Out: &page, Header: h, Cost: costRead,
	})
	if err == nil && page.Results == nil {
		err = p.client.Malformed(op, "", "the response has no list of results")
	}
	if err != nil || len(*page.Results) == 0 {
		return "", err
	}
	room, err := url.Parse(string((*page.Results)[0].RoomURL))
	if err != nil {
		return "", nil // it is shown, and nothing depends on it
	}
	return room.Hostname(), nil
}

func (p *Provider) checkSecret() provider.Check {
	c := provider.Check{Name: provider.SecretCheck, OK: true, Detail: "set"}
	if len(p.secrets) == 0 {
		c.OK, c.Optional, c.Detail = false, true, "not set: webhooks are refused"
		c.Hint = "set " + p.account.Setting("WHEREBY_WEBHOOK_SECRET", "webhook_secret") +
			"; it is in the Whereby dashboard under Configure, next to the webhook's URL"
	}
	return c
}

func (p *Provider) checkRecording() provider.Check {
	t := p.account.Recording
	c := provider.Check{Name: "recordings", OK: true, Detail: "kept by Whereby"}
	set := "set " + p.account.Setting("AWS_WHEREBY_ACCESS_KEY_ID", "access_key_id") + " and " +
		p.account.Setting("AWS_WHEREBY_ACCESS_KEY_SECRET", "access_key_secret")
	switch {
	case p.reads():
		c.OK, c.Optional, c.Hint = false, true, "to record them in the bucket, "+set
		c.Detail = fmt.Sprintf("the bucket %q is read-only: meetings created here are recorded in Whereby's storage", t.Bucket)
	case t.Bucket != "" && t.RoleARN == "" && (t.AccessKeyID == "" || t.AccessKeySecret == ""):
		c.OK, c.Hint = false, set
		c.Detail = fmt.Sprintf("the bucket %q has no access key, so cloud recordings would fail", t.Bucket)
	case t.Bucket != "":
		c.Detail = fmt.Sprintf("to the bucket %q", t.Bucket)
	}
	return c
}
