// Package catch knows how services sign the webhooks that they post: it verifies requests, signs bodies again, and answers the
// challenges with which some services test an address. It is pure: no I/O, and no clock but the time of receipt.
package catch

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"time"
)

// Request is a request as it arrived.
type Request struct {
	Header http.Header
	Body   []byte
	// ReceivedAt is when our first machine received it; freshness is judged by it.
	ReceivedAt time.Time
}

// Verdict is the result of checking a request.
type Verdict struct {
	// OK reports that the signature is right and fresh. A scheme without signatures never is.
	OK bool
	// Reason explains why it isn't.
	Reason string
	// Wrong marks a signature in the right form that the secret doesn't make.
	Wrong bool
}

// Event is the part of a request that lists show.
type Event struct {
	// Type is the service's own name of the event, ID its id; empty where it has none.
	Type, ID string
	// Challenge marks the service's test of the address.
	Challenge bool
}

// Answer is the answer to a challenge.
type Answer struct {
	ContentType, Text string
}

// Scheme is how one service signs.
type Scheme interface {
	// String returns the text from which [Parse] makes the scheme.
	String() string
	// Secret reports why a secret can't be one of the scheme; nil for a secret that can, and "" where none is needed.
	Secret(secret string) error
	// Key returns the bytes that sign for a secret.
	Key(secret string) ([]byte, bool)
	// SignedWith reports whether a key makes the request's signature, whatever its time.
	SignedWith(r Request, key []byte) bool
	// Verify checks a request.
	Verify(r Request, secret string) Verdict
	// Sign returns the headers that sign a body at a time, beside those that the request has.
	Sign(had http.Header, body []byte, secret string, at time.Time) (http.Header, error)
	// Event reads what lists show; nothing in it is proved unless the request is verified.
	Event(r Request) Event
	// Answer returns the answer to a challenge; ok is false for any other request.
	Answer(r Request, secret string) (a Answer, ok bool)
}

// window is how far the time of a signature may be from the arrival, in both directions.
const window = 5 * time.Minute

// Names lists the schemes, for help texts.
func Names() []string {
	return []string{"github", "stripe", "slack", "standard-webhooks", "zoom", "hmac:HEADER:ALG:ENC", "none"}
}

// Parse returns the scheme of a name. In hmac:HEADER:ALG:ENC, ALG is sha1, sha256, sha384 or sha512 and ENC hex or base64.
func Parse(s string) (Scheme, error) {
	switch s {
	case "github":
		return github{plain{header: "X-Hub-Signature-256", alg: "sha256", enc: "hex", name: s}}, nil
	case "stripe":
		return stripe{}, nil
	case "slack":
		return slack{}, nil
	case "standard-webhooks":
		return standard{}, nil
	case "zoom":
		return zoom{}, nil
	case "none", "":
		return none{}, nil
	}
	parts := strings.Split(s, ":")
	if len(parts) != 4 || parts[0] != "hmac" {
		return nil, fmt.Errorf("there is no scheme %q: use %s", s, strings.Join(Names(), ", "))
	}
	p := plain{header: http.CanonicalHeaderKey(parts[1]), alg: strings.ToLower(parts[2]), enc: strings.ToLower(parts[3])}
	p.name = "hmac:" + p.header + ":" + p.alg + ":" + p.enc
	switch {
	case !isToken(parts[1]):
		return nil, fmt.Errorf("%q is not a header name: write it like hmac:X-Signature:sha256:hex", parts[1])
	case algorithms[p.alg] == nil:
		return nil, fmt.Errorf("there is no algorithm %q: use sha1, sha256, sha384 or sha512", parts[2])
	case p.enc != "hex" && p.enc != "base64":
		return nil, fmt.Errorf("there is no encoding %q: use hex or base64", parts[3])
	}
	return p, nil
}

// isToken reports whether a text can be the name of a header.
func isToken(s string) bool {
	for _, r := range s {
		if r > '~' || r <= ' ' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) {
			return false
		}
	}
	return s != ""
}

var algorithms = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

// sum is the HMAC of texts in a row.
func sum(alg func() hash.Hash, key []byte, texts ...[]byte) []byte {
	mac := hmac.New(alg, key)
	for _, t := range texts {
		mac.Write(t)
	}
	return mac.Sum(nil)
}

// decode reads a signature in hexadecimal or base64.
func decode(enc, s string) ([]byte, error) {
	if enc == "hex" {
		return hex.DecodeString(s)
	}
	return base64.StdEncoding.DecodeString(s)
}

func encode(enc string, b []byte) string {
	if enc == "hex" {
		return hex.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// missing is the verdict on a request without its signature.
func missing(header string) Verdict {
	return Verdict{Reason: "no signature: the header " + header + " is missing"}
}

// malformed is the verdict on a signature of another form.
func malformed(form string) Verdict {
	return Verdict{Reason: "the signature is not of the form " + form}
}

// wrong is the verdict on a signature that the secret doesn't make.
var wrong = Verdict{Reason: "the signature is wrong: the secret differs, or the body was changed", Wrong: true}

// verify is the verdict of a scheme whose key is known, for a request that has a signature.
func verify(s Scheme, r Request, secret string) Verdict {
	key, ok := s.Key(secret)
	if !ok || !s.SignedWith(r, key) {
		return wrong
	}
	return Verdict{OK: true}
}

// needed is the check of a secret that may be any text.
func needed(secret string) error {
	if strings.TrimSpace(secret) == "" {
		return fmt.Errorf("it is empty")
	}
	return nil
}
