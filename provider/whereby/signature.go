package whereby

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// headerSignature carries t=<unix seconds>,v1=<hex>.
const headerSignature = "Whereby-Signature"

// window is how far a signature's time may be from the arrival, in both directions.
const window = 60 * time.Second

// newSecrets checks an account's secrets, which Whereby uses as plain text.
func newSecrets(a provider.Account) ([][]byte, error) {
	if a.WebhookSignature != "" {
		return nil, &provider.Error{
			Kind: provider.Invalid, Platform: provider.Whereby, Op: "configure", Text: "Whereby has only one webhook signature",
			Hint: "remove signature from the account's settings",
		}
	}
	var out [][]byte
	for _, s := range append([]string{a.WebhookSecret}, a.WebhookSecrets...) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, []byte(s))
		}
	}
	return out, nil
}

// maxSignatures limits the number of v1 parts that are checked.
const maxSignatures = 8

// parseSignature parses the header: parts in any order, unknown ones ignored, several v1 while a secret is being replaced. stamp
// is the time as written, since that was signed.
func parseSignature(header string) (stamp string, signatures [][]byte) {
	for part := range strings.SplitSeq(header, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "t":
			if stamp == "" {
				stamp = value
			}
		case "v1":
			if b, err := hex.DecodeString(value); err == nil && len(b) == sha256.Size && len(signatures) < maxSignatures {
				signatures = append(signatures, b)
			}
		}
	}
	return stamp, signatures
}

// wrong is the reason for a signature that no secret makes.
const wrong = "the signature is wrong: the secret differs, or the body was changed"

// SignatureKey returns the key that Whereby signs with for a secret; see [provider.SignatureTester].
func (p *Provider) SignatureKey(secret string) ([]byte, bool) {
	secret = strings.TrimSpace(secret)
	return []byte(secret), secret != ""
}

// SignedWith reports whether a key makes the request's signature; see [provider.SignatureTester].
func (p *Provider) SignedWith(r provider.WebhookRequest, key []byte) bool {
	stamp, given := parseSignature(strings.Join(r.Header.Values(headerSignature), ","))
	return signed([][]byte{key}, stamp, r.Body, given)
}

// verify checks a request's signature. reason is for people and empty only if verified.
func (p *Provider) verify(r provider.WebhookRequest) (verdict provider.Verdict, missing bool, reason string) {
	header := strings.TrimSpace(strings.Join(r.Header.Values(headerSignature), ","))
	secrets := slices.Clip(p.secrets)
	for _, s := range r.Secrets {
		if s = strings.TrimSpace(s); s != "" {
			secrets = append(secrets, []byte(s))
		}
	}
	switch {
	case len(secrets) == 0:
		return provider.Unverified, false, "no secret to check the signature with: set " +
			p.account.Setting("WHEREBY_WEBHOOK_SECRET", "webhook_secret")
	case header == "":
		return provider.Rejected, true, "no signature: the header " + headerSignature + " is missing"
	}
	stamp, given := parseSignature(header)
	if stamp == "" || len(given) == 0 {
		return provider.Rejected, false, "the signature is not of the form t=…,v1=…"
	}
	if !signed(secrets, stamp, r.Body, given) && !signedCompact(secrets, stamp, r.Body, given) {
		return provider.Rejected, false, wrong
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || at < 0 || at > 1e12 {
		return provider.Rejected, false, "the signature's time is not a time"
	}
	if stale := rest.Stale(time.Unix(at, 0), r.ReceivedAt, window); stale != "" {
		return provider.Rejected, false, stale
	}
	return provider.Verified, false, ""
}

// sign returns the signature of a time and a body.
func sign(secret []byte, stamp string, body []byte) []byte {
	return rest.MAC(secret, []byte(stamp+"."), body)
}

// signed reports whether one of the signatures matches one of the secrets over the time and the body.
func signed(secrets [][]byte, stamp string, body []byte, given [][]byte) bool {
	right := false
	for _, secret := range secrets {
		sum := sign(secret, stamp, body)
		for _, g := range given {
			right = hmac.Equal(sum, g) || right
		}
	}
	return right
}

// signedCompact checks the signature over the body without white space: Whereby's own sample signs the output of JSON.stringify,
// and it isn't documented whether the body sent is identical.
func signedCompact(secrets [][]byte, stamp string, body []byte, given [][]byte) bool {
	var b bytes.Buffer
	if json.Compact(&b, body) != nil || b.Len() == len(body) {
		return false
	}
	return signed(secrets, stamp, b.Bytes(), given)
}
