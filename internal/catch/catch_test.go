package catch

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

func scheme(t testing.TB, s string) Scheme {
	t.Helper()
	out, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// vector is a signed request of a service.
type vector struct {
	scheme, secret, body string
	header               http.Header
	at                   int64
}

var vectors = map[string]vector{
	// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
	"github": {
		scheme: "github", secret: "It's a Secret to Everybody", body: "Hello, World!",
		header: http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
	},
	// https://docs.slack.dev/authentication/verifying-requests-from-slack#validating-a-request
	"slack": {
		scheme: "slack", secret: "8f742231b10e8888abcd99yyyzzz85a5", at: 1531420618,
		body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&" +
			"user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F" +
			"commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
		header: http.Header{
			"X-Slack-Request-Timestamp": {"1531420618"},
			"X-Slack-Signature":         {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
		},
	},
	// https://docs.svix.com/receiving/verifying-payloads/how-manual, which the Standard Webhooks libraries test with.
	"standard-webhooks": {
		scheme: "standard-webhooks", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body: `{"test": 2432232314}`, at: 1614265330,
		header: http.Header{
			"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {"v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,xyz"},
		},
	},
	"svix": {
		scheme: "standard-webhooks", secret: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body: `{"test": 2432232314}`, at: 1614265330,
		header: http.Header{
			"Svix-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Svix-Timestamp": {"1614265330"},
			"Svix-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		},
	},
	// Stripe's documentation has the steps and no example with its secret: computed with Python's hmac by
	// https://docs.stripe.com/webhooks#verify-manually
	"stripe": {
		scheme: "stripe", secret: "whsec_test", body: `{"id":"evt_1","type":"charge.succeeded"}`, at: 1492774577,
		header: http.Header{"Stripe-Signature": {"t=1492774577,v1=00,v1=a2f9680b7feeb431729bd8d607c4d671f9b61b57aa013ce54224930c04962ece,v0=1"}},
	},
	// As Stripe's, by https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events
	"zoom": {
		scheme: "zoom", secret: "zoom-secret", body: `{"event":"meeting.started","payload":{"object":{"id":"1"}},"event_ts":1739923528000}`, at: 1739923528,
		header: http.Header{
			"X-Zm-Request-Timestamp": {"1739923528"},
			"X-Zm-Signature":         {"v0=9f8fd2ab1f65b3dcb9f36f56b46c6b74a89d5d572438d7923b8d3c5a8c07fdc6"},
		},
	},
	"hmac": {
		scheme: "hmac:x-signature:SHA256:HEX", secret: "It's a Secret to Everybody", body: "Hello, World!",
		header: http.Header{"X-Signature": {"757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17"}},
	},
	// RFC 2202, 3: test case 2, and RFC 4231, 4.3
	"hmac sha1": {
		scheme: "hmac:X-Sig:sha1:base64", secret: "Jefe", body: "what do ya want for nothing?", header: http.Header{"X-Sig": {"7/zfauXrL6LSdBbV8YTfnCWafHk="}},
	},
	"hmac sha512": {
		scheme: "hmac:X-Sig:sha512:hex", secret: "Jefe", body: "what do ya want for nothing?",
		header: http.Header{"X-Sig": {"sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
	},
}

func (v vector) request() Request {
	return Request{Header: v.header.Clone(), Body: []byte(v.body), ReceivedAt: time.Unix(v.at, 0)}
}

func TestTheVectorsOfTheServices(t *testing.T) {
	for name, v := range vectors {
		s := scheme(t, v.scheme)
		if err := s.Secret(v.secret); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := s.Verify(v.request(), v.secret); !got.OK || got.Reason != "" {
			t.Errorf("%s: %+v", name, got)
		}
		changed := v.request()
		changed.Body = append(changed.Body, ' ')
		if got := s.Verify(changed, v.secret); got.OK || !got.Wrong {
			t.Errorf("%s: a changed body is %+v", name, got)
		}
		other := base64.StdEncoding.EncodeToString([]byte("another secret"))
		if got := s.Verify(v.request(), other); got.OK || !got.Wrong || strings.Contains(got.Reason, other) {
			t.Errorf("%s: another secret is %+v", name, got)
		}
		for header := range v.header {
			r := v.request()
			r.Header.Del(header)
			if got := s.Verify(r, v.secret); got.OK || !strings.Contains(got.Reason, "missing") {
				t.Errorf("%s without %s: %+v", name, header, got)
			}
			r.Header.Set(header, "nonsense!")
			if got := s.Verify(r, v.secret); got.OK || got.Reason == "" {
				t.Errorf("%s with nonsense in %s: %+v", name, header, got)
			}
		}
		again, err := Parse(s.String())
		if err != nil || again != s {
			t.Errorf("%s: %q is read as %v, %v", name, s, again, err)
		}
	}
}

// A signature with a time counts for five minutes, in both directions.
func TestSignaturesExpire(t *testing.T) {
	for name, v := range vectors {
		s := scheme(t, v.scheme)
		for after, want := range map[time.Duration]string{
			window: "", window + time.Second: "stale: 5m1s", 50 * time.Hour: "stale: 2 days old", -window: "", -window - time.Second: "from the future: 5m1s",
		} {
			r := v.request()
			r.ReceivedAt = r.ReceivedAt.Add(after)
			got := s.Verify(r, v.secret)
			if v.at == 0 || want == "" {
				if !got.OK {
					t.Errorf("%s after %v: %+v", name, after, got)
				}
			} else if got.OK || got.Wrong || !strings.Contains(got.Reason, want) {
				t.Errorf("%s after %v: %+v", name, after, got)
			}
		}
	}
}

// What is signed again is verified, with the same headers as before.
func TestWhatIsSignedIsVerified(t *testing.T) {
	at := time.Unix(1795944029, 0)
	for name, v := range vectors {
		s := scheme(t, v.scheme)
		r := v.request()
		r.Body, r.ReceivedAt = []byte("changed"), at
		h, err := s.Sign(r.Header, r.Body, v.secret, at)
		if err != nil {
			t.Fatal(err)
		}
		for k, values := range h {
			if _, had := r.Header[k]; !had {
				t.Errorf("%s: %s is new", name, k)
			}
			r.Header[k] = values
		}
		if got := s.Verify(r, v.secret); !got.OK {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestChallenges(t *testing.T) {
	slackTest := Request{Body: []byte(`{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`)}
	if a, ok := scheme(t, "slack").Answer(slackTest, "s"); !ok || a.Text != "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" || a.ContentType != "text/plain; charset=utf-8" {
		t.Errorf("Slack: %+v", a)
	}
	// The secret is not in Zoom's documentation: computed with Python's hmac.
	zoomTest := Request{Body: []byte(`{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}`)}
	const want = `{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"b17f0320a1322a509340a1a835b3d9edbc491f0b0790ed2d20d0604d39dfe922"}`
	if a, ok := scheme(t, "zoom").Answer(zoomTest, "zoom-secret"); !ok || a.Text != want || a.ContentType != "application/json" {
		t.Errorf("Zoom: %+v", a)
	}
	for name, v := range vectors {
		if a, ok := scheme(t, v.scheme).Answer(v.request(), v.secret); ok {
			t.Errorf("%s: an event is answered as a challenge: %+v", name, a)
		}
	}
	for _, body := range []string{``, `{"type":"url_verification"}`, `{"type":"url_verification","challenge":7}`, `{"event":"endpoint.url_validation","payload":[]}`} {
		for _, s := range []string{"slack", "zoom"} {
			if a, ok := scheme(t, s).Answer(Request{Body: []byte(body)}, "s"); ok {
				t.Errorf("%s: %s is answered %+v", s, body, a)
			}
		}
	}
}

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		scheme, body string
		header       http.Header
		want         Event
	}{
		{"github", "{}", http.Header{"X-Github-Event": {"push"}, "X-Github-Delivery": {"d-1"}}, Event{Type: "push", ID: "d-1"}},
		{"github", "{}", http.Header{"X-Github-Event": {"ping"}}, Event{Type: "ping", Challenge: true}},
		{"stripe", `{"id":"evt_1","type":"charge.succeeded"}`, nil, Event{Type: "charge.succeeded", ID: "evt_1"}},
		{"slack", `{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}`, nil, Event{Type: "app_mention", ID: "Ev1"}},
		{"zoom", `{"event":"meeting.started"}`, nil, Event{Type: "meeting.started"}},
		{"standard-webhooks", `{"type":"user.created"}`, http.Header{"Webhook-Id": {"msg_1"}}, Event{Type: "user.created", ID: "msg_1"}},
		{"none", `{"type":"` + strings.Repeat("é", 200) + `"}`, nil, Event{Type: strings.Repeat("é", 100)}},
		{"none", `no json`, nil, Event{}},
		{"hmac:X-S:sha256:hex", `{"event":"e","id":7}`, nil, Event{Type: "e"}},
	} {
		if got := scheme(t, c.scheme).Event(Request{Header: c.header, Body: []byte(c.body)}); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.scheme, got, c.want)
		}
	}
}

func TestSchemesThatCantBe(t *testing.T) {
	for _, s := range []string{"gitlab", "hmac", "hmac:X", "hmac::sha256:hex", "hmac:X S:sha256:hex", "hmac:X:md5:hex", "hmac:X:sha256:octal", "hmac:X:sha256:hex:y", "Ünicode"} {
		if got, err := Parse(s); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
	for s, secret := range map[string]string{"standard-webhooks": "whsec_!", "github": " ", "stripe": ""} {
		if scheme(t, s).Secret(secret) == nil {
			t.Errorf("%s accepts %q", s, secret)
		}
	}
	if v := scheme(t, "none").Verify(Request{}, ""); v.OK || v.Reason == "" {
		t.Errorf("none: %+v", v)
	}
}

func FuzzVerify(f *testing.F) {
	for name, v := range vectors {
		for header, values := range v.header {
			f.Add(name, header, values[0], []byte(v.body))
		}
	}
	f.Fuzz(func(t *testing.T, name, header, value string, body []byte) {
		v, ok := vectors[name]
		if !ok {
			return
		}
		s := scheme(t, v.scheme)
		r := v.request()
		same := bytes.Equal(body, r.Body)
		r.Header.Set(header, value)
		r.Body = body
		if got := s.Verify(r, v.secret); got.OK && !same {
			t.Errorf("%s accepts another body: %q", name, body)
		}
		_ = s.Event(r)
		_, _ = s.Answer(r, v.secret)
	})
}
