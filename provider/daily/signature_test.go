package daily_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
)

const (
	vectorStamp = "1750000001250"
	vectorBody  = `{"version":"1.0.0","type":"meeting.started","id":"met-sta-0001","payload":{"start_ts":1750000000.5,"meeting_id":"11111111-2222-4333-8444-555555555555","room":"demo-20250615120000"},"event_ts":1750000001.25}`
	vectorSum   = "UQTON2jCWf8W+XZL4Zmvr7AFJLNMIMiaT6cWmfDQp+E="
	pingBody    = `{"test":"test"}`
	pingSum     = "JUACalCoXbTM1yEv/FOyn1UVWKtwiQWOQ0wrFWdia60="
	otherKey    = "b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXkhIQ=="
)

var sent = time.UnixMilli(1750000001250).UTC()

// sign signs as in Daily's documentation, independently of the product's code.
func sign(t testing.TB, key, stamp string, body []byte) string {
	t.Helper()
	k, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func simple(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func request(signature, stamp, body string) provider.WebhookRequest {
	r := provider.WebhookRequest{
		Method: http.MethodPost, Target: "/hooks/daily", Header: http.Header{}, Body: []byte(body), ReceivedAt: sent.Add(time.Second),
	}
	if signature != "" {
		r.Header.Set("X-Webhook-Signature", signature)
	}
	if stamp != "" {
		r.Header.Set("X-Webhook-Timestamp", stamp)
	}
	return r
}

func TestSignature(t *testing.T) {
	seconds := sign(t, hmacKey, "1750000001", []byte(vectorBody))
	none := func(a *provider.Account) { a.WebhookSecret = "" }
	simply := func(a *provider.Account) { a.WebhookSignature = "simple" }
	plainly := func(a *provider.Account) { a.WebhookSignature, a.WebhookSecret = "simple", "a plain secret" }
	header := func(name, value string) func(*provider.WebhookRequest) {
		return func(r *provider.WebhookRequest) { r.Header.Set(name, value) }
	}
	received := func(d time.Duration) func(*provider.WebhookRequest) {
		return func(r *provider.WebhookRequest) { r.ReceivedAt = sent.Add(d) }
	}
	for _, tt := range []struct {
		name    string
		account func(*provider.Account)
		request provider.WebhookRequest
		change  func(*provider.WebhookRequest)
		want    provider.Verdict
		missing bool
		reason  string
	}{
		{"the vector", nil, request(vectorSum, vectorStamp, vectorBody), nil, provider.Verified, false, ""},
		{"the ping's vector", nil, request(pingSum, vectorStamp, pingBody), nil, provider.Verified, false, ""},
		{"seconds", nil, request(seconds, "1750000001", vectorBody), nil, provider.Verified, false, ""},
		{"a day late", nil, request(vectorSum, vectorStamp, vectorBody), received(24 * time.Hour), provider.Verified, false, ""},
		{"more than a day late", nil, request(vectorSum, vectorStamp, vectorBody), received(24*time.Hour + time.Second), provider.Rejected, false, "stale"},
		{"seconds up to the year 5138", nil, request(sign(t, hmacKey, "100000000000", []byte(vectorBody)), "100000000000", vectorBody), nil, provider.Rejected, false, "future"},
		{"milliseconds from 1973 on", nil, request(sign(t, hmacKey, "100000000001", []byte(vectorBody)), "100000000001", vectorBody), nil, provider.Rejected, false, "stale"},
		{"the first second of all", nil, request(sign(t, hmacKey, "0", []byte(vectorBody)), "0", vectorBody), nil, provider.Rejected, false, "stale"},
		{"a time before it", nil, request(sign(t, hmacKey, "-1", []byte(vectorBody)), "-1", vectorBody), nil, provider.Rejected, false, "not a time"},
		{"the last time", nil, request(sign(t, hmacKey, "1000000000000000", []byte(vectorBody)), "1000000000000000", vectorBody), nil, provider.Rejected, false, "future"},
		{"a time beyond it", nil, request(sign(t, hmacKey, "1000000000000001", []byte(vectorBody)), "1000000000000001", vectorBody), nil, provider.Rejected, false, "not a time"},
		{"a century late", nil, request(vectorSum, vectorStamp, vectorBody), received(100 * 365 * 24 * time.Hour), provider.Rejected, false, "stale: 876000h0m0s old"},
		{"seconds, more than a day late", nil, request(seconds, "1750000001", vectorBody), received(25 * time.Hour), provider.Rejected, false, "stale: 25h0m"},
		{"a day early", nil, request(vectorSum, vectorStamp, vectorBody), received(-25 * time.Hour), provider.Rejected, false, "future"},
		{"never received", nil, request(vectorSum, vectorStamp, vectorBody), func(r *provider.WebhookRequest) { r.ReceivedAt = time.Time{} }, provider.Rejected, false, "century"},
		{"not a time", nil, request(sign(t, hmacKey, "soon", []byte(vectorBody)), "soon", vectorBody), nil, provider.Rejected, false, "not a time"},
		{"not a number", nil, request(sign(t, hmacKey, "NaN", []byte(vectorBody)), "NaN", vectorBody), nil, provider.Rejected, false, "not a time"},
		{"another body", nil, request(vectorSum, vectorStamp, strings.Replace(vectorBody, "demo", "dem0", 1)), nil, provider.Rejected, false, "wrong"},
		{"another time", nil, request(vectorSum, "1750000001251", vectorBody), nil, provider.Rejected, false, "wrong"},
		{"another key", nil, request(sign(t, otherKey, vectorStamp, []byte(vectorBody)), vectorStamp, vectorBody), nil, provider.Rejected, false, "wrong"},
		{"an older key", func(a *provider.Account) { a.WebhookSecrets = []string{otherKey} }, request(sign(t, otherKey, vectorStamp, []byte(vectorBody)), vectorStamp, vectorBody), nil, provider.Verified, false, ""},
		{"only an older key", func(a *provider.Account) { a.WebhookSecret, a.WebhookSecrets = "", []string{"", hmacKey} }, request(vectorSum, vectorStamp, vectorBody), nil, provider.Verified, false, ""},
		{"the key as text", nil, request(base64.StdEncoding.EncodeToString([]byte(hmacKey)), vectorStamp, vectorBody), nil, provider.Rejected, false, "wrong"},
		{"not base64", nil, request("%%%", vectorStamp, vectorBody), nil, provider.Rejected, false, "base64"},
		{"a short signature", nil, request(vectorSum[:20], vectorStamp, vectorBody), nil, provider.Rejected, false, "wrong"},
		{"no signature", nil, request("", vectorStamp, vectorBody), nil, provider.Rejected, true, "X-Webhook-Signature"},
		{"no timestamp", nil, request(vectorSum, "", vectorBody), nil, provider.Rejected, true, "X-Webhook-Timestamp"},
		{"no headers", nil, provider.WebhookRequest{Body: []byte(vectorBody)}, nil, provider.Rejected, true, "missing"},
		{"no secret", none, request(vectorSum, vectorStamp, vectorBody), nil, provider.Unverified, false, "DAILY_WEBHOOK_SECRET"},
		{"simple is not asked for", nil, request("", "", vectorBody), header("X-Daily-Signature", simple(hmacKey, []byte(vectorBody))), provider.Rejected, true, "missing"},
		{"simple", simply, request("", "", vectorBody), header("X-Daily-Signature", simple(hmacKey, []byte(vectorBody))), provider.Verified, false, ""},
		{"simple with a prefix", simply, request("", "", vectorBody), header("X-Daily-Signature", "sha256="+simple(hmacKey, []byte(vectorBody))), provider.Verified, false, ""},
		{"simple, a plain secret", plainly, request("", "", vectorBody), header("X-Daily-Signature", simple("a plain secret", []byte(vectorBody))), provider.Verified, false, ""},
		{"simple, another body", simply, request("", "", pingBody+" x"), header("X-Daily-Signature", simple(hmacKey, []byte(vectorBody))), provider.Rejected, false, "wrong"},
		{"simple, not hex", simply, request("", "", vectorBody), header("X-Daily-Signature", "zz"), provider.Rejected, false, "hexadecimal"},
		{"simple, the real one still", simply, request(vectorSum, vectorStamp, vectorBody), nil, provider.Verified, false, ""},
		{"simple, the real one wrong", simply, request(pingSum, vectorStamp, vectorBody), header("X-Daily-Signature", simple(hmacKey, []byte(vectorBody))), provider.Rejected, false, "wrong"},
		{"simple, a plain secret, the real scheme", plainly, request(vectorSum, vectorStamp, vectorBody), nil, provider.Rejected, false, "wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			if tt.account != nil {
				tt.account(&a)
			}
			if tt.change != nil {
				tt.change(&tt.request)
			}
			w, err := with(t, a).ReadWebhook(tt.request)
			if err != nil || w.Verdict != tt.want || w.Missing != tt.missing || !strings.Contains(w.Reason, tt.reason) {
				t.Errorf("%+v, %v", w, err)
			}
			if tt.want == provider.Verified && w.Reason != "" {
				t.Errorf("verified, but %q", w.Reason)
			}
			if strings.Contains(w.Reason, hmacKey) {
				t.Errorf("the secret is in %q", w.Reason)
			}
			if string(tt.request.Body) == vectorBody && w.Event.Room != "demo-20250615120000" {
				t.Errorf("the event is not shown: %+v", w.Event)
			}
		})
	}
}

// Daily tries a URL before it accepts a webhook, perhaps without signing. The test carries nothing, so it passes; nothing else
// does.
func TestPing(t *testing.T) {
	none, both := account(), account()
	none.WebhookSecret = ""
	both.WebhookSignature = "simple" // the secret works in either scheme
	simply := request("", "", pingBody)
	simply.Header.Set("X-Daily-Signature", simple(otherKey, []byte(pingBody)))
	for _, tt := range []struct {
		name    string
		account provider.Account
		request provider.WebhookRequest
		want    provider.Verdict
		kind    provider.EventKind
	}{
		{"unsigned", account(), request("", "", pingBody), provider.Unverified, provider.KindTest},
		{"with white space", account(), request("", "", " {\n\"test\" : \"test\"\t}\r\n"), provider.Unverified, provider.KindTest},
		{"signed", account(), request(pingSum, vectorStamp, pingBody), provider.Verified, provider.KindTest},
		{"signed by another", account(), request(sign(t, otherKey, vectorStamp, []byte(pingBody)), vectorStamp, pingBody), provider.Rejected, provider.KindTest},
		{"signed by another, where two schemes hold", both, request(sign(t, otherKey, vectorStamp, []byte(pingBody)), vectorStamp, pingBody), provider.Rejected, provider.KindTest},
		{"signed by another, in the simple scheme", both, simply, provider.Rejected, provider.KindTest},
		{"as long as one may be", account(), request("", "", pingBody+strings.Repeat(" ", 256-len(pingBody))), provider.Unverified, provider.KindTest},
		{"without a secret", none, request("", "", pingBody), provider.Unverified, provider.KindTest},
		{"signed, without a secret", none, request(pingSum, vectorStamp, pingBody), provider.Unverified, provider.KindTest},
		{"with more in it", account(), request("", "", `{"test":"test","type":"meeting.ended"}`), provider.Rejected, provider.KindMeetingEnded},
		{"with something after it", account(), request("", "", pingBody+pingBody), provider.Rejected, provider.KindUnknown},
		{"with white space in it", account(), request("", "", `{"te st":"test"}`), provider.Rejected, provider.KindUnknown},
		{"another value", account(), request("", "", `{"test":"tset"}`), provider.Rejected, provider.KindUnknown},
		{"very long", account(), request("", "", pingBody+strings.Repeat(" ", 999)), provider.Rejected, provider.KindUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := with(t, tt.account).ReadWebhook(tt.request)
			ping := tt.want == provider.Unverified
			if err != nil || w.Verdict != tt.want || w.Event.Kind != tt.kind || w.Ping != ping {
				t.Errorf("%+v, %v", w, err)
			}
		})
	}
}

func TestWebhooks(t *testing.T) {
	providertest.Golden(t, with(t, account()), "testdata/webhooks", func(body []byte) provider.WebhookRequest {
		return request(sign(t, hmacKey, vectorStamp, body), vectorStamp, string(body))
	})
}

// seeds gives a fuzzer every fixture.
func seeds(f *testing.F, add func(body []byte)) {
	f.Helper()
	files, err := filepath.Glob("testdata/webhooks/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(b)
	}
}

// A signed body is always verified and gives a sensible event; unsigned it never is verified.
func FuzzReadWebhook(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	p := with(f, account())
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		w, err := p.ReadWebhook(request(sign(t, hmacKey, vectorStamp, body), vectorStamp, string(body)))
		if err != nil || w.Verdict != provider.Verified || !bytes.Equal(before, body) {
			t.Fatalf("%+v, %v", w, err)
		}
		e := w.Event
		if e.Kind == "" || len(e.Type) > 256 || len(e.ID) > 256 || len(e.Room) > 1024 {
			t.Errorf("%+v", e)
		}
		if who := e.Participant; who != nil && len(who.Session+who.Name) > 256+1024 {
			t.Errorf("%+v", who)
		}
		if _, err := e.At.MarshalJSON(); err != nil {
			t.Error(err)
		}
		w, err = p.ReadWebhook(request("", "", string(body)))
		if err != nil || w.Verdict == provider.Verified || w.Ping && w.Event.Kind != provider.KindTest {
			t.Errorf("unsigned: %+v, %v", w, err)
		}
	})
}

// No header makes an unsigned request verified.
func FuzzSignatureHeaders(f *testing.F) {
	f.Add(vectorSum, vectorStamp, "")
	f.Add("", "", "sha256=00")
	f.Add("====", "1e999", "zz")
	a := account()
	a.WebhookSignature = "simple"
	p := with(f, a)
	good := with(f, account())
	f.Fuzz(func(t *testing.T, signature, stamp, simply string) {
		r := request("", "", vectorBody+" ")
		r.Header["X-Webhook-Signature"] = []string{signature}
		r.Header["X-Webhook-Timestamp"] = []string{stamp}
		r.Header["X-Daily-Signature"] = []string{simply}
		for _, p := range []*daily.Provider{p, good} {
			if w, err := p.ReadWebhook(r); err != nil || w.Verdict != provider.Rejected || w.Reason == "" {
				t.Errorf("%+v, %v", w, err)
			}
		}
	})
}

// TestSecretsOfARequest: each request is checked with its own secrets, whatever the one before it had.
func TestSecretsOfARequest(t *testing.T) {
	p, err := daily.New(account(), daily.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := request(sign(t, otherKey, vectorStamp, []byte(vectorBody)), vectorStamp, vectorBody)
	given := []string{otherKey}
	for i, test := range []struct {
		secrets []string
		want    provider.Verdict
	}{
		{nil, provider.Rejected}, {given, provider.Verified}, {given, provider.Verified}, {nil, provider.Rejected},
		{[]string{"bm90IHRoaXMgb25l"}, provider.Rejected}, {[]string{"", otherKey}, provider.Verified}, {given, provider.Verified},
	} {
		r.Secrets = test.secrets
		if w, err := p.ReadWebhook(r); err != nil || w.Verdict != test.want {
			t.Errorf("request %d: %s, %v", i, w.Verdict, err)
		}
	}
	given[0] = "bm90IHRoaXMgb25l"
	r.Secrets = given
	if w, err := p.ReadWebhook(r); err != nil || w.Verdict != provider.Rejected {
		t.Errorf("with another secret in the same place: %s, %v", w.Verdict, err)
	}
}
