package livekit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"greenroom/provider"
)

// leastSecret is the length below which LiveKit warns that a secret is too short.
const leastSecret = 32

// Check checks the server and the key with a call that needs it, the clock, the secret, the join page, and egress.
func (p *Provider) Check(ctx context.Context) []provider.Check {
	var h http.Header
	rooms, err := p.rooms(ctx, "list rooms", "", &h)
	if err != nil {
		return []provider.Check{provider.FailedCheck(provider.KeyCheck, err), p.checkSecret(), p.checkJoin()}
	}
	server := ""
	if u, err := url.Parse(p.account.APIURL); err == nil {
		server = u.Hostname()
	}
	out := []provider.Check{{Name: provider.KeyCheck, OK: true, Domain: server, Detail: fmt.Sprintf("accepted by %s, rooms now: %d", p.client.Safe(overSocket(p.account.APIURL)), len(rooms))}}
	out = append(out, p.client.CheckClock(h, maxSkew/2, "with more than a minute's difference, tokens and webhooks are refused")...)
	return append(out, p.checkSecret(), p.checkJoin(), p.checkRecording(ctx))
}

func (p *Provider) checkSecret() provider.Check {
	c := provider.Check{Name: provider.SecretCheck, OK: true, Detail: "the server signs with the API secret"}
	switch {
	case p.keys.empty():
		c.OK, c.Optional, c.Detail, c.Hint = false, true, "not set: webhooks are refused", p.keys.hint
	case len(p.signer.secret) < leastSecret:
		c.Detail = fmt.Sprintf("set, but shorter than the %d characters that LiveKit requires", leastSecret)
	}
	return c
}

func (p *Provider) checkJoin() provider.Check {
	c := provider.Check{Name: "join page", OK: true, Detail: "links lead to the rooms' pages, which Greenroom serves"}
	if p.account.JoinURL != "" {
		c.Detail = "links lead to the page that " + p.account.Setting(variableJoin, "join_url") + " names"
	}
	return c
}

// probeTime is how long the check of the egress service waits. A service refuses within a second, and the server reports that there is
// none after 22.
const probeTime = 6 * time.Second

// checkRecording sends the egress service a request that it refuses at once. Without a service the server waits for an answer, so this
// is done only if there is a bucket to record to.
func (p *Provider) checkRecording(ctx context.Context) provider.Check {
	c := provider.Check{Name: "recordings", Optional: true}
	t := p.account.Recording
	if t.Bucket == "" {
		c.Detail = "no bucket is set, so nothing can be recorded"
		c.Hint = "set " + p.account.Setting(variableBucket, "bucket") + " and its keys, and run LiveKit's egress service"
		return c
	}
	if _, err := p.listEgress(ctx, "list recordings", "", "", true); err != nil {
		return withoutEgress(err)
	}
	err := p.do(ctx, call{
		op: "list egresses", method: "Egress/StartWebEgress", in: struct{}{}, timeout: probeTime, ownError: true, header: new(http.Header),
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return withoutEgress(withoutService(err))
	}
	if err = explainEgress(err); err != nil && !errors.Is(err, provider.Invalid) {
		return withoutEgress(err)
	}
	c.OK, c.Optional = true, false
	c.Detail = fmt.Sprintf("%s to the bucket %q; an egress service runs", recordingWords[p.account.Recording.Mode], t.Bucket)
	return c
}

var recordingWords = map[string]string{
	"": "one file per meeting", "composite": "one file per meeting", "tracks": "one file per track", "both": "one file and " +
		"all tracks per meeting",
}

// withoutEgress is the check for a server that can't record now.
func withoutEgress(err error) provider.Check {
	c := provider.FailedCheck("recordings", err)
	if c.Optional = true; errors.Is(err, errNoEgress) {
		c.Detail = "no egress service runs: nothing can be recorded"
	}
	return c
}
