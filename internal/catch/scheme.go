// Package catch knows how services sign the webhooks that they post: it verifies requests, signs bodies again, and answers the
// challenges that some services send to test an address. It is pure: no I/O, and no clock but the time of receipt.
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

	"golang.org/x/net/http/httpguts"
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
	// OK reports that the signature is right and fresh. It is false for a scheme without signatures.
	OK bool
	// Reason explains why OK is false.
	Reason string
	// Wrong marks a well-formed signature that the secret doesn't produce.
	Wrong bool
}

// Event is the part of a request that lists show.
type Event struct {
	// Type is the service's name of the event, ID its id; both may be empty.
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
	// Secret returns the reason why a secret can't be one of the scheme, or nil.
	Secret(secret string) error
	// Key returns the bytes that sign for a secret.
	Key(secret string) ([]byte, bool)
	// SignedWith reports whether a key makes the request's signature. It ignores the signature's time.
	SignedWith(r Request, key []byte) bool
	// Verify checks a request.
	Verify(r Request, secret string) Verdict
	// Sign returns the headers that sign a body at a time, to be added to those that the request has.
	Sign(had http.Header, body []byte, secret string, at time.Time) (http.Header, error)
	// Event reads the part that lists show. It can be trusted only if the request is verified.
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
		return github{plain{textSecret: textSecret{s}, header: "X-Hub-Signature-256", alg: "sha256", enc: "hex"}}, nil
	case "stripe":
		return stripe{textSecret: textSecret{s}}, nil
	case "slack":
		return slack{stamped{textSecret{s}, "X-Slack-Signature", "X-Slack-Request-Timestamp"}}, nil
	case "standard-webhooks":
		return standard{}, nil
	case "zoom":
		return zoom{stamped{textSecret{s}, "X-Zm-Signature", "X-Zm-Request-Timestamp"}}, nil
	case "none", "":
		return none{}, nil
	}
	parts := strings.Split(s, ":")
	if len(parts) != 4 || parts[0] != "hmac" {
		return nil, fmt.Errorf("there is no scheme %q: use %s", s, strings.Join(Names(), ", "))
	}
	p := plain{header: http.CanonicalHeaderKey(parts[1]), alg: strings.ToLower(parts[2]), enc: strings.ToLower(parts[3])}
	p.textSecret = textSecret{"hmac:" + p.header + ":" + p.alg + ":" + p.enc}
	switch {
	case !httpguts.ValidHeaderFieldName(parts[1]):
		return nil, fmt.Errorf("%q is not a header name: write it like hmac:X-Signature:sha256:hex", parts[1])
	case algorithms[p.alg] == nil:
		return nil, fmt.Errorf("there is no algorithm %q: use sha1, sha256, sha384 or sha512", parts[2])
	case p.enc != "hex" && p.enc != "base64":
		return nil, fmt.Errorf("there is no encoding %q: use hex or base64", parts[3])
	}
	return p, nil
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

// malformed is the verdict on a signature that is not in the scheme's form.
func malformed(form string) Verdict {
	return Verdict{Reason: "the signature is not of the form " + form}
}

// wrong is the verdict on a signature that the secret doesn't produce.
var wrong = Verdict{Reason: "the signature is wrong: the secret differs, or the body was changed", Wrong: true}

// signer is the part of a scheme that makes signatures.
type signer interface {
	Key(secret string) ([]byte, bool)
	SignedWith(r Request, key []byte) bool
}

// verify compares the signature of a request that has one. It ignores the signature's time.
func verify(s signer, r Request, secret string) Verdict {
	key, ok := s.Key(secret)
	if !ok || !s.SignedWith(r, key) {
		return wrong
	}
	return Verdict{OK: true}
}
