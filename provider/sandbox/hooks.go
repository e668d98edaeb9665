package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
)

// hook is one configured webhook. Its worker sends messages one after another; a message that waits for a retry lets later ones
// pass. All fields are guarded by the world's lock.
type hook struct {
	platform  provider.Platform
	id        string
	url       string
	secret    string
	basicAuth string
	retry     string   // Daily: circuit-breaker or exponential
	events    []string // nil for all
	failed    bool     // Daily's FAILED
	failures  int
	lastSent  time.Time
	createdAt time.Time
	updatedAt time.Time
	gone      bool

	queue    []*message
	inFlight bool
	wake     chan struct{}
}

// message is one event on its way to one hook.
type message struct {
	event, kind string
	body        []byte
	due         time.Time
	tries       int
	token       string // LiveKit
}

// Attempt is one attempt to deliver an event.
type Attempt struct {
	Platform provider.Platform `json:"platform"`
	Hook     string            `json:"hook"`
	Event    string            `json:"event"`
	Type     string            `json:"type"`
	At       time.Time         `json:"at"`
	Try      int               `json:"try"`
	// Status is the receiver's, 0 without an answer.
	Status int    `json:"status"`
	Error  string `json:"error,omitempty"`
}

// attemptsKept is the number of attempts kept.
const attemptsKept = 1000

// SetWebhook configures a webhook like the platform's dashboard: without a ping, for the given event types or, with none, for
// all. An empty secret means the world's. It returns the webhook's id.
func (w *World) SetWebhook(p provider.Platform, target, secret string, events ...string) (string, error) {
	if _, err := platformOf(string(p)); err != nil {
		return "", err
	}
	if !webURL(target) {
		return "", fmt.Errorf("sandbox: webhook: %q is not an http or https URL", target)
	}
	switch p {
	case provider.Daily:
		secret = cmp.Or(secret, w.opt.DailyWebhookSecret)
		if _, err := signDaily(secret, "0", nil); err != nil {
			return "", err
		}
	case provider.LiveKit:
		secret = cmp.Or(secret, w.opt.LiveKitSecret)
	default:
		secret = cmp.Or(secret, w.opt.WherebyWebhookSecret)
	}
	at := w.lock()
	defer w.unlock()
	h := &hook{platform: p, url: target, secret: secret, retry: "circuit-breaker", events: slices.Clone(events)}
	w.hang(h, at)
	return h.id, nil
}

// RemoveWebhooks removes every webhook of a platform and returns their number. Queued messages are lost.
func (w *World) RemoveWebhooks(p provider.Platform) int {
	w.lock()
	defer w.unlock()
	hooks := w.hooksOf(p)
	for _, h := range hooks {
		w.unhang(h)
	}
	return len(hooks)
}

func (w *World) hooksOf(p provider.Platform) []*hook {
	return slices.DeleteFunc(slices.Clone(w.hooks), func(h *hook) bool { return h.platform != p })
}

// Attempts returns the last thousand attempts, oldest first.
func (w *World) Attempts() []Attempt {
	w.lock()
	defer w.unlock()
	return slices.Clone(w.attempts)
}

// hang adds a webhook and starts its worker.
func (w *World) hang(h *hook, at time.Time) {
	h.id = w.uuid()
	h.createdAt, h.updatedAt = at, at
	h.wake = make(chan struct{}, 1)
	w.hooks = append(w.hooks, h)
	if !w.closed {
		w.group.Go("sandbox webhook", func() { w.deliver(h) })
	}
}

func (w *World) unhang(h *hook) {
	h.gone = true
	h.queue = nil
	delete(w.held, h)
	w.hooks = slices.DeleteFunc(w.hooks, func(o *hook) bool { return o == h })
	h.nudge()
}

func (h *hook) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hook) wants(kind string) bool {
	return !h.failed && (h.events == nil || slices.Contains(h.events, kind))
}

// busy reports whether a message is due or under way.
func (h *hook) busy(now time.Time) bool {
	if h.inFlight {
		return true
	}
	m := h.next()
	return m != nil && !m.due.After(now)
}

// next returns the message that is due first, nil if none is queued.
func (h *hook) next() *message {
	if len(h.queue) == 0 {
		return nil
	}
	return slices.MinFunc(h.queue, func(a, b *message) int { return a.due.Compare(b.due) })
}

// Emit sends an event of any type and payload to the platform's webhooks that subscribe to it, in the platform's envelope.
func (w *World) Emit(p provider.Platform, kind string, payload any) error {
	if _, err := platformOf(string(p)); err != nil {
		return err
	}
	raw, err := encode(payload)
	if err != nil {
		return err
	}
	m := map[string]any{}
	if p == provider.LiveKit {
		if err := json.Unmarshal(raw, &m); err != nil {
			return fmt.Errorf("sandbox: the payload of an event is an object: %w", err)
		}
	}
	at := w.lock()
	defer w.unlock()
	switch p {
	case provider.Daily:
		w.emitDaily(kind, "evt-"+w.uuid(), json.RawMessage(raw), at)
	case provider.LiveKit: // its events have no envelope around a payload
		m["event"], m["createdAt"] = kind, text10(at.Unix())
		w.emitLiveKit(kind, m, at)
	default:
		w.emitWhereby(kind, json.RawMessage(raw), at)
	}
	return nil
}

// emit queues an event for every webhook that subscribes to it, subject to the faults. again makes a second body of the same
// meaning, for platforms whose duplicates can have another id.
func (w *World) emit(p provider.Platform, kind, id string, body []byte, again func() (string, []byte), at time.Time) {
	for _, h := range w.hooks {
		if h.platform != p || !h.wants(kind) {
			continue
		}
		m := &message{event: id, kind: kind, body: body, due: at}
		switch f := w.strike(p, kind, (*Fault).webhook); {
		case f == nil:
			w.enqueue(h, m)
		case f.Kind == LoseWebhook:
		case f.Kind == DuplicateWebhook:
			w.enqueue(h, m)
			dup := *m
			dup.event, dup.body = again()
			w.enqueue(h, &dup)
		case f.Kind == ReorderWebhook && w.held[h] == nil:
			w.held[h] = m
			w.at(at.Add(heldFor), func(at time.Time) {
				if w.held[h] == m {
					delete(w.held, h)
					m.due = at
					w.enqueue(h, m)
				}
			})
		default:
			w.enqueue(h, m)
		}
	}
}

// heldFor is how long a message is held back for a successor to overtake it.
const heldFor = 5 * time.Second

// enqueue queues a message; one that was held back follows it.
func (w *World) enqueue(h *hook, m *message) {
	h.queue = append(h.queue, m)
	if late := w.held[h]; late != nil {
		delete(w.held, h)
		late.due = m.due
		h.queue = append(h.queue, late)
	}
	h.nudge()
}

// deliver is a webhook's worker.
func (w *World) deliver(h *hook) {
	for {
		now := w.lock()
		if h.gone || w.ctx.Err() != nil {
			w.unlock()
			return
		}
		m := h.next()
		if m == nil || m.due.After(now) {
			var due time.Time
			if m != nil {
				due = m.due
			}
			w.unlock()
			if !w.rest(due, h.wake) {
				return
			}
			continue
		}
		h.queue = slices.DeleteFunc(h.queue, func(o *message) bool { return o == m })
		h.inFlight = true
		w.unlock()

		status, err := w.post(h, m)

		w.lock()
		h.inFlight = false
		m.tries++
		h.lastSent = w.clock.Now()
		w.record(h, m, status, err)
		var wait time.Duration
		switch h.platform {
		case provider.Daily:
			wait = w.settleDaily(h, m, status)
		case provider.LiveKit:
			wait = settleLiveKit(m, status, err)
		default:
			wait = settleWhereby(m, status, err)
		}
		if wait > 0 && !h.gone {
			m.due = h.lastSent.Add(wait)
			h.queue = append(h.queue, m)
		}
		w.unlock()
	}
}

func (w *World) record(h *hook, m *message, status int, err error) {
	a := Attempt{Platform: h.platform, Hook: h.id, Event: m.event, Type: m.kind, At: h.lastSent, Try: m.tries, Status: status}
	if err != nil {
		a.Error = err.Error()
	}
	w.attempts = append(w.attempts, a)
	if over := len(w.attempts) - attemptsKept; over > 0 {
		w.attempts = slices.Delete(w.attempts, 0, over)
	}
}

// post sends one signed body and returns the status. Call it without the lock; it locks to read the hook.
func (w *World) post(h *hook, m *message) (int, error) {
	body := m.body
	w.mu.Lock()
	target, secret, basic := h.url, h.secret, h.basicAuth
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	limit := 8 * time.Second // Daily, measured (A8)
	if h.platform == provider.Whereby {
		limit = 5 * time.Second // B6
	}
	timer := w.clock.AfterFunc(limit, cancel)
	defer timer.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(string(body)))
	if err != nil {
		return 0, fmt.Errorf("sandbox: webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	now := w.clock.Now()
	switch h.platform {
	case provider.Daily:
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		sig, err := signDaily(secret, stamp, body)
		if err != nil {
			return 0, err
		}
		req.Header.Set("X-Webhook-Timestamp", stamp)
		req.Header.Set("X-Webhook-Signature", sig)
		if basic != "" {
			req.Header.Set("Authorization", "Basic "+basic)
		}
	case provider.LiveKit:
		// A retry repeats the token of the first attempt.
		if m.token == "" {
			if m.token, err = signLiveKit(w.opt.LiveKitKey, secret, now, body); err != nil {
				return 0, err
			}
		}
		req.Header.Set("Content-Type", "application/webhook+json")
		req.Header.Set("User-Agent", "LiveKit")
		req.Header.Set("Authorization", m.token)
	default:
		req.Header.Set("Whereby-Signature", signWhereby(secret, now, body))
	}
	res, err := w.client.Do(req)
	if err != nil {
		if errors.Is(err, context.Canceled) && w.ctx.Err() == nil {
			return 0, fmt.Errorf("sandbox: webhook: no answer within %s", limit)
		}
		return 0, fmt.Errorf("sandbox: webhook: %w", err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)); err != nil {
		return 0, fmt.Errorf("sandbox: webhook: read the answer: %w", err)
	}
	return res.StatusCode, nil
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// WebhookState is a configured webhook in the control API, without its secret.
type WebhookState struct {
	ID       string            `json:"id"`
	Platform provider.Platform `json:"platform"`
	URL      string            `json:"url"`
	Events   []string          `json:"events"`
	Failed   bool              `json:"failed"`
	Failures int               `json:"failures"`
	Queued   int               `json:"queued"`
}

// Webhooks lists the webhooks of the platforms.
func (w *World) Webhooks() []WebhookState {
	w.lock()
	defer w.unlock()
	out := []WebhookState{}
	for _, h := range w.hooks {
		out = append(out, WebhookState{h.id, h.platform, h.url, slices.Clone(h.events), h.failed, h.failures, len(h.queue)})
	}
	return out
}
