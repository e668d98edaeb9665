package daily

import (
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// The headers of a signed delivery, and of the simple scheme.
const (
	headerSignature = "X-Webhook-Signature"
	headerTimestamp = "X-Webhook-Timestamp"
	headerSimple    = "X-Daily-Signature"
)

// maxAge is how far a signature's time may be from ours. Daily retries, and its ids are remembered, so a day is safe; the limit
// guards against replays of old deliveries.
const maxAge = 24 * time.Hour

// keyring holds the secrets that verify an account's signatures.
type keyring struct {
	// decoded are the secrets decoded from base64, as Daily uses them.
	decoded []*rest.Signer
	// plain are the secrets as text, for the simple scheme; empty unless the account uses it.
	plain  [][]byte
	simple bool
	// hint is the remedy for a missing secret.
	hint string
}

// newKeyring decodes an account's secrets. Its errors contain none of them.
func newKeyring(a provider.Account) (keyring, error) {
	name := a.Setting("DAILY_WEBHOOK_SECRET", "webhook_secret")
	k := keyring{hint: "set " + name + " to the hmac of the account's webhook"}
	refuse := func(text, hint string) (keyring, error) {
		return keyring{}, &provider.Error{
			Kind: provider.Invalid, Platform: provider.Daily, Op: "configure", Text: text, Hint: hint,
		}
	}
	if a.WebhookSignature != "" && a.WebhookSignature != "simple" {
		return refuse("there is no such webhook signature",
			`set `+a.Setting("DAILY_WEBHOOK_SIGNATURE", "signature")+` to "simple", or remove it`)
	}
	k.simple = a.WebhookSignature == "simple"
	for _, s := range append([]string{a.WebhookSecret}, a.WebhookSecrets...) {
		if !k.add(s) {
			return refuse("the webhook secret is not base64",
				"set "+name+" to the webhook's hmac exactly as Daily gives it")
		}
	}
	return k, nil
}

// add adds a secret, unless it is empty. It returns false if the secret can't be Daily's.
func (k *keyring) add(secret string) bool {
	if secret = strings.TrimSpace(secret); secret == "" {
		return true
	}
	if k.simple {
		k.plain = append(k.plain, []byte(secret))
	}
	key, ok := decodeSecret(secret)
	if ok {
		k.decoded = append(k.decoded, rest.NewSigner(key))
	}
	return ok || k.simple
}

// empty reports whether there is no secret to check with.
func (k keyring) empty() bool { return len(k.decoded) == 0 && len(k.plain) == 0 }

// decodeSecret decodes a secret as Daily does.
func decodeSecret(secret string) ([]byte, bool) {
	key, err := base64.StdEncoding.Strict().DecodeString(secret)
	return key, err == nil && len(key) > 0
}

// accepted has the keys for requests with these secrets.
type accepted struct {
	secrets []string
	keys    keyring
}

// keysFor returns the account's keys and those of a request's own secrets, which seldom change.
func (p *Provider) keysFor(secrets []string) keyring {
	if len(secrets) == 0 {
		return p.keys
	}
	if last := p.accepted.Load(); last != nil && slices.Equal(last.secrets, secrets) {
		return last.keys
	}
	k := p.keys
	k.decoded, k.plain = slices.Clip(k.decoded), slices.Clip(k.plain)
	for _, s := range secrets {
		k.add(s)
	}
	p.accepted.Store(&accepted{slices.Clone(secrets), k})
	return k
}

// ping is the body with which Daily tests a webhook's URL before it accepts the webhook. It carries nothing.
const ping = `{"test":"test"}`

// isPing reports whether a body is exactly the ping, except for white space.
func isPing(body []byte) bool {
	if len(body) > 256 {
		return false
	}
	var b bytes.Buffer
	return json.Compact(&b, body) == nil && b.String() == ping
}

// wrong is the reason for a signature that no secret makes.
const wrong = "the signature is wrong: the secret differs, or the body was changed"

// verify checks a request's signature. reason is for people and empty only if verified.
func (k keyring) verify(r provider.WebhookRequest) (verdict provider.Verdict, missing bool, reason string) {
	signature := strings.TrimSpace(r.Header.Get(headerSignature))
	simple := strings.TrimSpace(r.Header.Get(headerSimple))
	switch {
	case k.empty():
		return provider.Unverified, false, "no secret to check the signature with: " + k.hint
	case signature == "" && len(k.plain) > 0 && simple != "":
		return k.verifySimple(simple, r.Body)
	case signature == "" && simple != "":
		return provider.Rejected, true, "no signature: the header " + headerSignature + " is missing, and " + headerSimple +
			` counts only with signature = "simple" (DAILY_WEBHOOK_SIGNATURE)`
	case signature == "":
		return provider.Rejected, true, "no signature: the header " + headerSignature + " is missing"
	}
	stamp := r.Header.Get(headerTimestamp)
	if stamp == "" {
		return provider.Rejected, true, "no signature: the header " + headerTimestamp + " is missing"
	}
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return provider.Rejected, false, "the signature is not base64"
	}
	right := false
	for _, key := range k.decoded {
		right = hmac.Equal(sign(key, stamp, r.Body), given) || right
	}
	if !right {
		return provider.Rejected, false, wrong
	}
	at, err := strconv.ParseFloat(strings.TrimSpace(stamp), 64)
	if err != nil || !(at >= 0) || at > 1e15 {
		return provider.Rejected, false, "the signature's timestamp is not a time"
	}
	if at > 1e11 { // milliseconds
		at /= 1e3
	}
	if stale := rest.Stale(time.UnixMilli(int64(at*1e3)), r.ReceivedAt, maxAge); stale != "" {
		return provider.Rejected, false, stale
	}
	return provider.Verified, false, ""
}

// verifySimple checks the scheme of older descriptions: the hex HMAC of the body alone. It has no time to judge.
func (k keyring) verifySimple(signature string, body []byte) (provider.Verdict, bool, string) {
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil {
		return provider.Rejected, false, "the signature is not hexadecimal"
	}
	right := false
	for _, key := range k.plain {
		right = hmac.Equal(rest.MAC(key, body), given) || right
	}
	if !right {
		return provider.Rejected, false, wrong
	}
	return provider.Verified, false, ""
}

// sign returns the signature of a timestamp and a body.
func sign(key *rest.Signer, stamp string, body []byte) []byte {
	return key.MAC([]byte(stamp+"."), body)
}

// SignatureKey returns the key that Daily signs with for a secret; see [provider.SignatureTester].
func (p *Provider) SignatureKey(secret string) ([]byte, bool) {
	secret = strings.TrimSpace(secret)
	if p.keys.simple {
		return []byte(secret), secret != ""
	}
	return decodeSecret(secret)
}

// SignedWith reports whether a key makes the request's signature; see [provider.SignatureTester].
func (p *Provider) SignedWith(r provider.WebhookRequest, key []byte) bool {
	if signature := strings.TrimSpace(r.Header.Get(headerSignature)); signature != "" {
		given, err := base64.StdEncoding.DecodeString(signature)
		return err == nil && hmac.Equal(sign(rest.NewSigner(key), r.Header.Get(headerTimestamp), r.Body), given)
	}
	given, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(r.Header.Get(headerSimple)), "sha256="))
	return err == nil && hmac.Equal(rest.MAC(key, r.Body), given)
}

// isTestPing reports whether a request is the ping without a signature, or with one that can't be checked for lack of a secret.
func (k keyring) isTestPing(r provider.WebhookRequest) bool {
	return isPing(r.Body) && (k.empty() || r.Header.Get(headerSignature) == "" && r.Header.Get(headerSimple) == "")
}
