package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

// The vectors of the platforms' documents (A9, B6).
func TestSignatures(t *testing.T) {
	const secret, stamp = "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE=", "1750000001250"
	for body, want := range map[string]string{
		`{"version":"1.0.0","type":"meeting.started","id":"met-sta-0001","payload":{"start_ts":1750000000.5,"meeting_id":"11111111-2222-4333-8444-555555555555","room":"demo-20250615120000"},"event_ts":1750000001.25}`: "UQTON2jCWf8W+XZL4Zmvr7AFJLNMIMiaT6cWmfDQp+E=",
		`{"test":"test"}`: "JUACalCoXbTM1yEv/FOyn1UVWKtwiQWOQ0wrFWdia60=",
	} {
		if got, err := signDaily(secret, stamp, []byte(body)); err != nil || got != want {
			t.Errorf("daily: %s, %v; want %s", got, err, want)
		}
	}
	if _, err := signDaily("not base64!", stamp, nil); err == nil {
		t.Error("a secret that isn't base64 was accepted")
	}
	body := `{"id":"evt_0001","apiVersion":"1.0","createdAt":"2025-06-15T12:00:00.000Z","type":"room.client.joined","data":{"meetingId":"12345678","roomName":"/demo-aaaa","displayName":"Zoë & <Bo>","numClients":2}}`
	want := "t=1750000000,v1=576da1bd8247a41e0341bd56714af0a30dd0a54aba00ed84c70f7cb2e6c8219f"
	if got := signWhereby("whereby-test-secret", time.Unix(1750000000, 0), []byte(body)); got != want {
		t.Errorf("whereby: %s, want %s", got, want)
	}
}

// verifyDaily checks a request as a receiver would, without the code under test.
func verifyDaily(t *testing.T, secret, stamp, signature, body string) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(stamp + "." + body))
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != signature {
		t.Errorf("signature %s, want %s", signature, got)
	}
}

func TestDailyWebhookRegistration(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	const secret = "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="
	body := `{"url":"` + hook.URL + `","eventTypes":["participant.joined"],"hmac":"` + secret + `","basicAuth":"dTpw"}`
	hook.status = func(int) int { return 204 }
	b.daily("POST", "/webhooks", body).wantError(400, "invalid-request-error", "non-200")
	hook.take()
	hook.status = nil
	r := b.daily("POST", "/webhooks", body).want(200)
	hook.mu.Lock()
	if len(hook.bodies) != 1 || hook.bodies[0] != `{"test":"test"}` {
		t.Errorf("pings: %q", hook.bodies)
	}
	h := hook.heads[0]
	verifyDaily(t, secret, h.Get("X-Webhook-Timestamp"), h.Get("X-Webhook-Signature"), hook.bodies[0])
	if h.Get("Authorization") != "Basic dTpw" || h.Get("X-Webhook-Timestamp") != "1749988800000" {
		t.Errorf("headers %v", h)
	}
	hook.mu.Unlock()
	hook.take()
	if r.str("state") != "ACTIVE" || r.str("hmac") != secret || r.get("lastMomentPushed") != nil || r.str("failedCount") != "0" ||
		r.str("retryType") != "circuit-breaker" {
		t.Errorf("webhook %s", r.body)
	}
	b.daily("POST", "/webhooks", body).wantError(400, "invalid-request-error", "maximum number")
	if l := b.daily("GET", "/webhooks", "").want(200); l.str(0, "uuid") != r.str("uuid") {
		t.Errorf("list %s", l.body)
	}
	b.daily("GET", "/webhooks/"+r.str("uuid"), "").want(200)

	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	must[string](t)(b.Join(provider.Daily, "demo", Person{Name: "Zoë & <Bo>"}))
	b.pass(0)
	hook.mu.Lock()
	h = hook.heads[0]
	verifyDaily(t, secret, h.Get("X-Webhook-Timestamp"), h.Get("X-Webhook-Signature"), hook.bodies[0])
	if !strings.Contains(hook.bodies[0], `"user_name":"Zoë & <Bo>"`) {
		t.Errorf("escaped: %s", hook.bodies[0])
	}
	hook.mu.Unlock()
	if got := types(hook.take()); got != "participant.joined" {
		t.Errorf("events %s", got)
	}
	b.daily("DELETE", "/webhooks/"+r.str("uuid"), "").want(200)
	if l := b.daily("GET", "/webhooks", "").want(200); l.body != "[]" {
		t.Errorf("list %s", l.body)
	}
	generated := b.daily("POST", "/webhooks", `{"url":"`+hook.URL+`","eventTypes":["participant.joined"]}`).want(200).str("hmac")
	if k, err := base64.StdEncoding.DecodeString(generated); err != nil || len(k) != 32 {
		t.Errorf("generated hmac %q", generated)
	}
}

// Three consecutive failures disable a webhook; a POST with a successful ping reactivates it; missed events stay missed.
func TestDailyCircuitBreaker(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	id := b.daily("POST", "/webhooks", `{"url":"`+hook.URL+`","eventTypes":["participant.joined"]}`).want(200).str("uuid")
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	hook.take()
	hook.status = func(n int) int { return 202 }
	join := func() {
		t.Helper()
		must[string](t)(b.Join(provider.Daily, "demo", Person{}))
		b.pass(time.Second)
	}
	join()
	join()
	if w := b.daily("GET", "/webhooks/"+id, "").want(200); w.str("state") != "ACTIVE" || w.str("failedCount") != "2" {
		t.Errorf("after two: %s", w.body)
	}
	join()
	join()
	if w := b.daily("GET", "/webhooks/"+id, "").want(200); w.str("state") != "FAILED" || w.str("failedCount") != "3" {
		t.Errorf("after three: %s", w.body)
	}
	if n := len(hook.take()); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
	b.daily("POST", "/webhooks/"+id, "{}").wantError(400, "invalid-request-error", "non-200")
	hook.status = nil
	if w := b.daily("POST", "/webhooks/"+id, "{}").want(200); w.str("state") != "ACTIVE" || w.str("failedCount") != "0" {
		t.Errorf("reactivated: %s", w.body)
	}
	hook.take()
	join()
	if n := len(hook.take()); n != 1 {
		t.Errorf("%d deliveries after the reactivation, want 1", n)
	}
}

func TestDailyExponential(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	id := b.daily("POST", "/webhooks", `{"url":"`+hook.URL+`","eventTypes":["meeting.started"],"retryType":"exponential"}`).want(200).str("uuid")
	hook.take()
	hook.status = func(int) int { return 500 }
	if err := b.Emit(provider.Daily, "meeting.started", map[string]any{"room": "x"}); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		b.pass(time.Minute)
	}
	sent := hook.take()
	if len(sent) != 5 {
		t.Errorf("%d tries, want 5", len(sent))
	}
	if w := b.daily("GET", "/webhooks/"+id, "").want(200); w.str("state") != "ACTIVE" || w.str("failedCount") != "5" {
		t.Errorf("webhook %s", w.body)
	}
	last := b.Attempts()
	if a := last[len(last)-1]; a.Try != 5 || a.Status != 500 || a.Type != "meeting.started" {
		t.Errorf("last attempt %+v", a)
	}
}

// A receiver that never answers times out by the world's clock.
func TestWebhookTimeout(t *testing.T) {
	entered := make(chan struct{}, 9)
	hang := newHanging(t, entered)
	b := newBench(t, Options{})
	must[string](t)(b.SetWebhook(provider.Whereby, hang.URL, ""))
	if err := b.Emit(provider.Whereby, "x", nil); err != nil {
		t.Fatal(err)
	}
	for try := 1; try <= 3; try++ {
		<-entered
		b.clock.Advance(5 * time.Second)
		b.settle()
		last := b.Attempts()
		if a := last[len(last)-1]; a.Status != 0 || a.Try != try || !strings.Contains(a.Error, "no answer within 5s") {
			t.Errorf("try %d: %+v", try, a)
		}
		if try < 3 {
			b.clock.Advance(time.Duration(try) * time.Second)
		}
	}
	b.pass(time.Hour)
	if n := len(b.Attempts()); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}
