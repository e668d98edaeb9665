package sandbox

import (
	"encoding/base64"
	"slices"
	"time"

	"greenroom/provider"
)

// dailyEventTypes are the types that can be subscribed to (A8).
var dailyEventTypes = []string{
	"meeting.started", "meeting.ended", "participant.joined", "participant.left", "waiting-participant.joined",
	"waiting-participant.left", "recording.started", "recording.ready-to-download", "recording.error",
	"transcript.started", "transcript.ready-to-download", "transcript.error", "streaming.started", "streaming.updated",
	"streaming.ended", "streaming.error", "batch-processor.job-finished", "batch-processor.error", "dialout.connected",
	"dialout.answered", "dialout.stopped", "dialout.warning", "dialout.error", "dialin.ready", "dialin.connected",
	"dialin.stopped", "dialin.warning", "dialin.error",
}

func dailyWebhookBody(creating bool) schema {
	return schema{
		"url":        {shape: isText, required: creating, least: 1, most: 2048},
		"eventTypes": {shape: isChoices, required: creating, choices: dailyEventTypes},
		"hmac":       {shape: isText, least: 1, most: 1024},
		"basicAuth":  {shape: isText, most: 1024},
		"retryType":  {shape: isChoice, choices: []string{"circuit-breaker", "exponential"}},
	}
}

func dailyWebhook(h *hook) map[string]any {
	state := "ACTIVE"
	if h.failed {
		state = "FAILED"
	}
	events := h.events
	if events == nil {
		events = dailyEventTypes
	}
	return map[string]any{
		"uuid": h.id, "url": h.url, "hmac": h.secret, "basicAuth": h.basicAuth, "retryType": h.retry, "eventTypes": events,
		"state": state, "failedCount": h.failures, "lastMomentPushed": isoOrNil(h.lastSent), "domainId": domainID,
		"createdAt": iso(h.createdAt), "updatedAt": iso(h.updatedAt),
	}
}

// ping sends the test body that registration and reactivation depend on; call it without the lock.
func (w *World) ping(h *hook) error {
	status, err := w.post(h, &message{body: []byte(`{"test":"test"}`)})
	if err != nil {
		return err
	}
	if status != 200 {
		return errPing(status)
	}
	return nil
}

type errPing int

func (e errPing) Error() string { return "non-200 status code returned from webhook endpoint" }

// applyWebhook applies a checked body to a webhook.
func applyWebhook(h *hook, body map[string]any) *answer {
	if u, given := body["url"].(string); given {
		if !webURL(u) {
			return dailyInvalid("property 'url' must be a URL").refusal()
		}
		h.url = u
	}
	if s, given := body["hmac"].(string); given {
		if _, err := base64.StdEncoding.DecodeString(s); err != nil {
			return dailyInvalid("property 'hmac' must be base64").refusal()
		}
		h.secret = s
	}
	if b, given := body["basicAuth"].(string); given {
		h.basicAuth = b
	}
	if r, given := body["retryType"].(string); given {
		h.retry = r
	}
	if e, given := body["eventTypes"].([]string); given {
		h.events = e
	}
	return nil
}

func dailyCreateWebhook(c *call) answer {
	h := &hook{platform: provider.Daily, retry: "circuit-breaker"}
	if refused := applyWebhook(h, c.in); refused != nil {
		return *refused
	}
	c.w.lock()
	if h.secret == "" {
		h.secret = base64.StdEncoding.EncodeToString([]byte(c.w.word(32, alphanumeric)))
	}
	full := c.w.countHooks(provider.Daily) >= c.w.opt.MaxWebhooks
	c.w.unlock()
	if full {
		return dailyInvalid("the maximum number of webhooks for this domain is %d", c.w.opt.MaxWebhooks)
	}
	if err := c.w.ping(h); err != nil {
		return dailyInvalid("%s", err)
	}
	at := c.w.lock()
	defer c.w.unlock()
	if c.w.countHooks(provider.Daily) >= c.w.opt.MaxWebhooks {
		return dailyInvalid("the maximum number of webhooks for this domain is %d", c.w.opt.MaxWebhooks)
	}
	c.w.hang(h, at)
	return ok(dailyWebhook(h))
}

func (w *World) countHooks(p provider.Platform) int {
	n := 0
	for _, h := range w.hooks {
		if h.platform == p {
			n++
		}
	}
	return n
}

func (w *World) dailyHook(id string) (*hook, bool) {
	i := slices.IndexFunc(w.hooks, func(h *hook) bool { return h.platform == provider.Daily && h.id == id })
	if i < 0 {
		return nil, false
	}
	return w.hooks[i], true
}

// dailyUpdateWebhook changes a webhook, or reactivates a failed one; either needs a new ping.
func dailyUpdateWebhook(c *call) answer {
	c.w.lock()
	h, there := c.w.dailyHook(c.params[0])
	var trial hook
	if there {
		trial = hook{platform: h.platform, url: h.url, secret: h.secret, basicAuth: h.basicAuth}
	}
	c.w.unlock()
	if !there {
		return dailyMissing("webhook", c.params[0])
	}
	if refused := applyWebhook(&trial, c.in); refused != nil {
		return *refused
	}
	if err := c.w.ping(&trial); err != nil {
		return dailyInvalid("%s", err)
	}
	at := c.w.lock()
	defer c.w.unlock()
	if h.gone {
		return dailyMissing("webhook", c.params[0])
	}
	applyWebhook(h, c.in)
	h.failed, h.failures, h.updatedAt = false, 0, at.Truncate(time.Millisecond)
	return ok(dailyWebhook(h))
}

func dailyListWebhooks(c *call) answer {
	out := []any{}
	for _, h := range slices.Backward(c.w.hooks) {
		if h.platform == provider.Daily {
			out = append(out, dailyWebhook(h))
		}
	}
	return ok(out)
}

func dailyGetWebhook(c *call) answer {
	h, there := c.w.dailyHook(c.params[0])
	if !there {
		return dailyMissing("webhook", c.params[0])
	}
	return ok(dailyWebhook(h))
}

func dailyDeleteWebhook(c *call) answer {
	h, there := c.w.dailyHook(c.params[0])
	if !there {
		return dailyMissing("webhook", c.params[0])
	}
	c.w.unhang(h)
	return ok(map[string]any{"deleted": true, "uuid": h.id})
}
