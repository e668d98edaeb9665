package relay

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

const (
	// autoBehind is the maximum number of a hook's waiting requests at which a sender still waits under the policy auto.
	autoBehind = 256
	// maxWaiters is the most senders that wait for a token's client at a time. Others get 200 immediately: their requests are
	// equally durable.
	maxWaiters = 1000
	// autoSilent is the longest silence of the client at which it does.
	autoSilent = pingEvery + time.Second
)

// waiters are the senders that wait for a client's answer, by the id of their request.
type waiters struct {
	mu      sync.Mutex
	byID    map[string]*waiter
	byToken map[string]int
}

// waiter is a waiting sender; nil means that the sender doesn't wait.
type waiter struct {
	all   *waiters
	id    string
	token string
	conn  *conn
	// patient means the policy sync, under which senders wait for a silent client, too.
	patient bool
	// got receives the first answer.
	got chan wire.RespBody
}

// expect decides whether the sender of a request waits. Call it before the request can be sent.
func (s *Server) expect(hook spool.Hook, id string) *waiter {
	policy := s.effective(hook)
	if policy == spool.PolicyAck || s.spool == nil {
		return nil
	}
	c := s.connOf(hook.Token)
	if c == nil || policy == spool.PolicyAuto && !c.keepsUp(hook.ID) {
		return nil
	}
	w := &waiter{
		all: &s.waiters, id: id, token: hook.Token, conn: c, patient: policy == spool.PolicySync, got: make(chan wire.RespBody, 1),
	}
	if !s.waiters.add(w) {
		return nil
	}
	return w
}

func (w *waiters) add(one *waiter) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byToken[one.token] >= maxWaiters {
		return false
	}
	w.byToken[one.token]++
	w.byID[one.id] = one
	return true
}

// find returns the sender that waits for a request, or nil.
func (w *waiters) find(id string) *waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.byID[id]
}

// release answers senders that don't wait for a silent client.
func (w *waiters) release(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.byID {
		if one.conn == c && !one.patient {
			one.answer(wire.RespBody{})
		}
	}
}

// waits reports whether it is still waiting.
func (w *waiter) waits() bool { return w.all.find(w.id) == w }

// answer passes on the client's answer; a zero one means that it has the request.
func (w *waiter) answer(r wire.RespBody) {
	select {
	case w.got <- r:
	default: // it already has an answer
	}
}

func (w *waiter) done() {
	if w == nil {
		return
	}
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	delete(w.all.byID, w.id)
	if w.all.byToken[w.token]--; w.all.byToken[w.token] <= 0 {
		delete(w.all.byToken, w.token)
	}
}

// await returns the answer to a sender whose request is durable here.
func (s *Server) await(ctx context.Context, w *waiter) answer {
	if w == nil {
		return spooled
	}
	timer := s.opt.Clock.NewTimer(s.opt.SyncWait)
	defer timer.Stop()
	select {
	case r := <-w.got:
		return answerOf(r)
	case <-timer.Chan():
		w.conn.behind.Store(true)
		return spooled.because("late")
	case <-w.conn.gone:
	case <-s.draining:
	case <-ctx.Done():
	}
	return spooled.because("away")
}

func (a answer) because(outcome string) answer {
	a.outcome = outcome
	return a
}

const plainText = "text/plain; charset=utf-8"

// answerOf returns the client's answer for the sender. A 503 is not passed on: the request is durable here, and the client gets it
// again.
func answerOf(r wire.RespBody) answer {
	if r.Status < 200 || r.Status > 599 || r.Status == http.StatusServiceUnavailable {
		return spooled
	}
	a := answer{status: r.Status, retry: min(max(r.RetryAfter, 0), 86400), text: r.Text, outcome: "answered"}
	if r.ContentType == plainText || r.ContentType == "application/json" { // a client must not serve pages under the relay's name
		a.kind = r.ContentType
		return a
	}
	if a.text = strings.TrimSuffix(r.Text, "\n"); a.text == "" && r.Status < 300 {
		a.text = "ok"
	}
	return a
}
