package catch

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// none is a scheme without signatures.
type none struct{ noChallenge }

func (none) String() string                  { return "none" }
func (none) Secret(string) error             { return nil }
func (none) Key(string) ([]byte, bool)       { return nil, false }
func (none) SignedWith(Request, []byte) bool { return false }
func (none) Verify(Request, string) Verdict  { return Verdict{Reason: "the catch checks no signatures"} }
func (none) Sign(http.Header, []byte, string, time.Time) (http.Header, error) {
	return nil, fmt.Errorf("the catch has no scheme to sign with")
}

// noChallenge is embedded in the schemes of services that don't test addresses, or whose tests need no particular answer.
type noChallenge struct{}

func (noChallenge) Answer(Request, string) (a Answer, ok bool) { return a, false }
func (noChallenge) Event(r Request) Event {
	return Event{Type: textAt(r.Body, "type"), ID: textAt(r.Body, "id")}
}

// textSecret is embedded in the schemes whose secrets may be any text, which is the key. It holds the scheme's name.
type textSecret struct{ name string }

func (t textSecret) String() string                 { return t.name }
func (textSecret) Key(secret string) ([]byte, bool) { return []byte(secret), secret != "" }
func (textSecret) Secret(secret string) error {
	if strings.TrimSpace(secret) == "" {
		return fmt.Errorf("it is empty")
	}
	return nil
}

// plain is an HMAC of the body in a header, possibly after the name of its algorithm: sha256=….
type plain struct {
	textSecret
	noChallenge
	header, alg, enc string
}

func (p plain) SignedWith(r Request, key []byte) bool {
	given, err := p.given(r.Header)
	return err == nil && equal(sum(algorithms[p.alg], key, r.Body), given)
}

func (p plain) given(h http.Header) ([]byte, error) {
	value := strings.TrimSpace(h.Get(p.header))
	if rest, ok := cutPrefixFold(value, p.alg+"="); ok {
		value = rest
	}
	return decode(p.enc, value)
}

func (p plain) Verify(r Request, secret string) Verdict {
	if r.Header.Get(p.header) == "" {
		return missing(p.header)
	}
	if _, err := p.given(r.Header); err != nil {
		return malformed(p.alg + "=" + p.enc)
	}
	return verify(p, r, secret)
}

func (p plain) Sign(had http.Header, body []byte, secret string, _ time.Time) (http.Header, error) {
	key, ok := p.Key(secret)
	if !ok {
		return nil, p.Secret(secret)
	}
	value := encode(p.enc, sum(algorithms[p.alg], key, body))
	if _, prefixed := cutPrefixFold(had.Get(p.header), p.alg+"="); prefixed {
		value = p.alg + "=" + value
	}
	return http.Header{p.header: {value}}, nil
}

func (p plain) Event(r Request) Event {
	return Event{Type: textAt(r.Body, "type", "event"), ID: textAt(r.Body, "id")}
}

// github signs the body: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
type github struct{ plain }

func (g github) Event(r Request) Event {
	kind := r.Header.Get("X-GitHub-Event")
	return Event{Type: clip(kind), ID: clip(r.Header.Get("X-GitHub-Delivery")), Challenge: kind == "ping"}
}

func (g github) Sign(_ http.Header, body []byte, secret string, at time.Time) (http.Header, error) {
	return g.plain.Sign(http.Header{g.header: {g.alg + "="}}, body, secret, at)
}

// stripe signs the time and the body: https://docs.stripe.com/webhooks#verify-manually
type stripe struct {
	textSecret
	noChallenge
}

const stripeHeader = "Stripe-Signature"

// maxSignatures bounds the signatures of one header that are compared.
const maxSignatures = 8

// parts reads t=TIME,v1=HEX,… in any order; unknown parts are ignored, and there may be several v1.
func (stripe) parts(h http.Header) (stamp string, given [][]byte) {
	for part := range strings.SplitSeq(h.Get(stripeHeader), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "t":
			stamp = value
		case "v1":
			if b, err := hex.DecodeString(value); err == nil && len(given) < maxSignatures {
				given = append(given, b)
			}
		}
	}
	return stamp, given
}

func (s stripe) SignedWith(r Request, key []byte) bool {
	stamp, given := s.parts(r.Header)
	return equal(sum(sha256.New, key, []byte(stamp+"."), r.Body), given...)
}

func (s stripe) Verify(r Request, secret string) Verdict {
	if r.Header.Get(stripeHeader) == "" {
		return missing(stripeHeader)
	}
	stamp, given := s.parts(r.Header)
	if stamp == "" || len(given) == 0 {
		return malformed("t=…,v1=…")
	}
	return fresh(verify(s, r, secret), stamp, r.ReceivedAt)
}

func (s stripe) Sign(_ http.Header, body []byte, secret string, at time.Time) (http.Header, error) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return http.Header{stripeHeader: {"t=" + stamp + ",v1=" + hex.EncodeToString(sum(sha256.New, []byte(secret), []byte(stamp+"."), body))}}, nil
}

// stamped is a scheme that signs v0:TIME:BODY, as Slack and Zoom do.
type stamped struct {
	textSecret
	signature, timestamp string
}

func (s stamped) sum(key []byte, stamp string, body []byte) []byte {
	return sum(sha256.New, key, []byte("v0:"+stamp+":"), body)
}

func (s stamped) SignedWith(r Request, key []byte) bool {
	value, ok := strings.CutPrefix(strings.TrimSpace(r.Header.Get(s.signature)), "v0=")
	given, err := hex.DecodeString(value)
	return ok && err == nil && equal(s.sum(key, r.Header.Get(s.timestamp), r.Body), given)
}

func (s stamped) Verify(r Request, secret string) Verdict {
	signature, stamp := strings.TrimSpace(r.Header.Get(s.signature)), r.Header.Get(s.timestamp)
	switch value, ok := strings.CutPrefix(signature, "v0="); {
	case signature == "":
		return missing(s.signature)
	case stamp == "":
		return missing(s.timestamp)
	case !ok || !isHex(value):
		return malformed("v0=…")
	}
	return fresh(verify(s, r, secret), stamp, r.ReceivedAt)
}

func (s stamped) Sign(_ http.Header, body []byte, secret string, at time.Time) (http.Header, error) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return http.Header{
		http.CanonicalHeaderKey(s.timestamp): {stamp},
		http.CanonicalHeaderKey(s.signature): {"v0=" + hex.EncodeToString(s.sum([]byte(secret), stamp, body))},
	}, nil
}

// slack: https://docs.slack.dev/authentication/verifying-requests-from-slack and
// https://docs.slack.dev/reference/events/url_verification
type slack struct{ stamped }

func (slack) Event(r Request) Event {
	e := Event{Type: textAt(r.Body, "event.type", "type", "command"), ID: textAt(r.Body, "event_id")}
	e.Challenge = textAt(r.Body, "type") == "url_verification"
	return e
}

func (s slack) Answer(r Request, _ string) (Answer, bool) {
	challenge := gjson.GetBytes(r.Body, "challenge")
	if !s.Event(r).Challenge || challenge.Type != gjson.String {
		return Answer{}, false
	}
	return Answer{ContentType: "text/plain; charset=utf-8", Text: strings.ToValidUTF8(challenge.Str, "")}, true
}

// zoom: https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events and #validate-your-webhook-endpoint
type zoom struct{ stamped }

func (zoom) Event(r Request) Event {
	e := Event{Type: textAt(r.Body, "event")}
	e.Challenge = e.Type == "endpoint.url_validation"
	return e
}

func (z zoom) Answer(r Request, secret string) (Answer, bool) {
	token := gjson.GetBytes(r.Body, "payload.plainToken")
	if !z.Event(r).Challenge || token.Type != gjson.String {
		return Answer{}, false
	}
	text, err := json.Marshal(struct {
		Plain     string `json:"plainToken"`
		Encrypted string `json:"encryptedToken"`
	}{token.Str, hex.EncodeToString(sum(sha256.New, []byte(secret), []byte(token.Str)))})
	return Answer{ContentType: "application/json", Text: string(text)}, err == nil
}

// standard is https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, with the older names of
// its headers that Svix sends.
type standard struct{ noChallenge }

// standardPrefix may precede its secrets, which are base64.
const standardPrefix = "whsec_"

func (standard) String() string { return "standard-webhooks" }

func (s standard) Secret(secret string) error {
	if _, ok := s.Key(secret); !ok {
		return fmt.Errorf("it is not base64, with or without whsec_ before it")
	}
	return nil
}

func (standard) Key(secret string) ([]byte, bool) {
	secret = strings.TrimPrefix(strings.TrimSpace(secret), standardPrefix)
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(secret)
	}
	return key, err == nil && len(key) > 0
}

// headers returns the prefix of the names that a request uses.
func (standard) headers(h http.Header) string {
	if h.Get("Webhook-Signature") == "" && h.Get("Svix-Signature") != "" {
		return "Svix-"
	}
	return "Webhook-"
}

// given lists the signatures of version 1.
func (s standard) given(h http.Header) (out [][]byte) {
	for part := range strings.FieldsSeq(h.Get(s.headers(h) + "Signature")) {
		if value, ok := strings.CutPrefix(part, "v1,"); ok && len(out) < maxSignatures {
			if b, err := base64.StdEncoding.DecodeString(value); err == nil {
				out = append(out, b)
			}
		}
	}
	return out
}

func (s standard) sum(key []byte, id, stamp string, body []byte) []byte {
	return sum(sha256.New, key, []byte(id+"."+stamp+"."), body)
}

func (s standard) SignedWith(r Request, key []byte) bool {
	p := s.headers(r.Header)
	return equal(s.sum(key, r.Header.Get(p+"Id"), r.Header.Get(p+"Timestamp"), r.Body), s.given(r.Header)...)
}

func (s standard) Verify(r Request, secret string) Verdict {
	p := s.headers(r.Header)
	for _, name := range []string{"Signature", "Id", "Timestamp"} {
		if r.Header.Get(p+name) == "" {
			return missing(p + name)
		}
	}
	if len(s.given(r.Header)) == 0 {
		return malformed("v1,…")
	}
	return fresh(verify(s, r, secret), r.Header.Get(p+"Timestamp"), r.ReceivedAt)
}

func (s standard) Sign(had http.Header, body []byte, secret string, at time.Time) (http.Header, error) {
	key, ok := s.Key(secret)
	if !ok {
		return nil, s.Secret(secret)
	}
	p := s.headers(had)
	id, stamp := had.Get(p+"Id"), strconv.FormatInt(at.Unix(), 10)
	if id == "" {
		id = "msg_" + hex.EncodeToString(sum(sha256.New, []byte(stamp), body)[:12])
	}
	return http.Header{
		p + "Id": {id}, p + "Timestamp": {stamp},
		p + "Signature": {"v1," + base64.StdEncoding.EncodeToString(s.sum(key, id, stamp, body))},
	}, nil
}

func (s standard) Event(r Request) Event {
	return Event{Type: textAt(r.Body, "type"), ID: clip(r.Header.Get(s.headers(r.Header) + "Id"))}
}
