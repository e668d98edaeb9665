// Package mismatch finds the likely cause of a wrong signature. It tries common mistakes of senders and proxies: other keys with the same
// body, and other bodies with the same key. It is pure, and its findings contain no secret.
package mismatch

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"greenroom/provider"
)

// Case is a request whose signature is wrong.
type Case struct {
	Request provider.WebhookRequest
	Tester  provider.SignatureTester
	// Secrets are the account's, the current one first.
	Secrets []string
	// Others are the secrets of other accounts.
	Others []Other
}

// Other is an account that the request is not for.
type Other struct {
	Account string
	Secrets []string
}

// maxTries bounds the number of comparisons.
const maxTries = 128

// passSize is the cost of a comparison besides the body, in bytes.
const passSize = 256

// Cost returns the largest number of bytes that Cause hashes.
func (c Case) Cost() int {
	keys := 0
	for _, o := range c.Others {
		keys += 2 * len(o.Secrets)
	}
	tries := min(len(c.Secrets)*(len(spellings)+len(bodies))+keys, maxTries)
	return tries * (2*len(c.Request.Body) + passSize) // rewritten bodies may be longer
}

// Cause returns the cause as part of a sentence, or "" if none was found.
func (c Case) Cause() string {
	t := &trial{Case: c, left: maxTries}
	for _, secret := range c.Secrets {
		own, _ := c.Tester.SignatureKey(secret)
		for _, s := range spellings {
			key := s.key(strings.TrimSpace(secret))
			if len(key) > 0 && string(key) != string(own) && t.fits(c.Request.Body, key) {
				return s.cause
			}
		}
	}
	for _, o := range c.Others {
		for _, secret := range o.Secrets {
			secret = strings.TrimSpace(secret)
			if key, ok := c.Tester.SignatureKey(secret); ok && t.fits(c.Request.Body, key) || secret != "" && t.fits(c.Request.Body, []byte(secret)) {
				return fmt.Sprintf("it was signed with the secret of account %s", o.Account)
			}
		}
	}
	for _, b := range bodies {
		body, ok := b.body(c.Request.Body)
		if !ok || string(body) == string(c.Request.Body) {
			continue
		}
		for _, secret := range c.Secrets {
			if key, ok := c.Tester.SignatureKey(secret); ok && t.fits(body, key) {
				return b.cause
			}
		}
	}
	return ""
}

// trial counts comparisons.
type trial struct {
	Case
	left int
}

func (t *trial) fits(body, key []byte) bool {
	if t.left--; t.left < 0 {
		return false
	}
	r := t.Request
	r.Body = body
	return t.Tester.SignedWith(r, key)
}

// spelling is a way in which senders use a wrong key.
type spelling struct {
	cause string
	key   func(secret string) []byte
}

var spellings = []spelling{
	{"the sender uses the secret as text, without decoding it", func(s string) []byte { return []byte(s) }},
	{"the sender decodes the secret from base64, but the platform uses it as text", func(s string) []byte {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if b, err := e.DecodeString(s); err == nil {
				return b
			}
		}
		return nil
	}},
	{"the sender decodes the secret from hexadecimal, but the platform doesn't", func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			return nil
		}
		return b
	}},
	{"the sender's secret ends with a newline", around("", "\n")},
	{"the sender's secret ends with a carriage return and a newline", around("", "\r\n")},
	{"the sender's secret ends with a space", around("", " ")},
	{"the sender's secret begins with a space", around(" ", "")},
	{"the sender's secret has quotes around it", around(`"`, `"`)},
	{"the sender's secret has quotes around it", around(`'`, `'`)},
	{"the sender decodes the secret twice", func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil
		}
		if b, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(b))); err != nil {
			return nil
		}
		return b
	}},
}

func around(before, after string) func(string) []byte {
	return func(s string) []byte { return []byte(before + s + after) }
}
