package sandbox

import (
	"encoding/base64"
	"errors"
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
		"state": state, "failedCount": h.failures, "lastMomentPushed": unlessZero(h.lastSent, iso), "domainId": domainID,
		"createdAt": iso(h.createdAt), "updatedAt": iso(h.updatedAt),
	}
}

// ping sends the test body that registration and reactivation depend on; call it without the lock.
func (w *World) ping(h *hook) error {
	status, err := w.post(h, &message{body: []byte(`{"test":"test"}`)})
	if err == nil && status != 200 {
		err = errors.New("non-200 status code returned from webhook endpoint")
	}
	return err
}

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
	full := dailyHooksFull(c.w)
	c.w.unlock()
	if full != nil {
		return *full
	}
	if err := c.w.ping(h); err != nil {
		return dailyInvalid("%s", err)
	}
	at := c.w.lock()
	defer c.w.unlock()
	if full := dailyHooksFull(c.w); full != nil {
		return *full
	}
	c.w.hang(h, at)
	return ok(dailyWebhook(h))
}

// dailyHooksFull refuses a webhook beyond the domain's maximum.
func dailyHooksFull(w *World) *answer {
	if len(w.hooksOf(provider.Daily)) < w.opt.MaxWebhooks {
		return nil
	}
	return dailyInvalid("the maximum number of webhooks for this domain is %d", w.opt.MaxWebhooks).refusal()
}

// dailyHook finds the webhook that the path names.
func (c *call) dailyHook() (*hook, bool) {
	return first(c.w.hooksOf(provider.Daily), func(h *hook) bool { return h.id == c.params[0] })
}

// dailyUpdateWebhook changes a webhook, or reactivates a failed one; either needs a new ping.
func dailyUpdateWebhook(c *call) answer {
	c.w.lock()
	h, there := c.dailyHook()
	var trial hook
	if there {
		trial = hook{platform: h.platform, url: h.url, secret: h.secret, basicAuth: h.basicAuth}
	}
	c.w.unlock()
	if !there {
		return dailyMissing("webhook")(c)
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
		return dailyMissing("webhook")(c)
	}
	applyWebhook(h, c.in)
	h.failed, h.failures, h.updatedAt = false, 0, at.Truncate(time.Millisecond)
	return ok(dailyWebhook(h))
}

func dailyListWebhooks(c *call) answer {
	out := []any{}
	for _, h := range slices.Backward(c.w.hooksOf(provider.Daily)) {
		out = append(out, dailyWebhook(h))
	}
	return ok(out)
}

func dailyGetWebhook(_ *call, h *hook) answer { return ok(dailyWebhook(h)) }

func dailyDeleteWebhook(c *call, h *hook) answer {
	c.w.unhang(h)
	return ok(map[string]any{"deleted": true, "uuid": h.id})
}
