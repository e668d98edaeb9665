package rest

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"sync"
	"time"

	"greenroom/provider"
)

// Frames returns the content sources of a platform's pages: the public one and, if the API isn't on its public host, that of the API,
// such as a sandbox's.
func Frames(public, publicAPI, api string) []string {
	out := []string{public}
	if u, err := url.Parse(api); err == nil && u.Host != "" && u.Host != publicAPI {
		out = append(out, u.Scheme+"://"+u.Host)
	}
	return out
}

// Open returns the Open of a [provider.Driver], given the platform's constructor.
func Open[P provider.Provider](open func(provider.Account, Options) (P, error)) func(provider.Account, http.RoundTripper) (provider.Provider, error) {
	return func(a provider.Account, transport http.RoundTripper) (provider.Provider, error) {
		p, err := open(a, Options{Transport: transport})
		if err != nil {
			return nil, err // not a nil P in the interface
		}
		return p, nil
	}
}

// Synthesize returns the webhook of an event: body makes its body, nil if the platform has no such event, and sign its headers.
func (c *Client) Synthesize(
	e provider.SyntheticEvent, body func(provider.SyntheticEvent) ([]byte, error), sign func(op string, body []byte) (http.Header, error),
) (provider.WebhookRequest, error) {
	const op = "make webhook"
	r := provider.WebhookRequest{Method: http.MethodPost, Body: e.Body, ReceivedAt: e.Signed()}
	if r.Body == nil {
		var err error
		if r.Body, err = body(e); err != nil {
			return provider.WebhookRequest{}, fmt.Errorf("%s: %s: %w", c.Platform, op, err)
		}
	}
	if r.Body == nil {
		return provider.WebhookRequest{}, c.Refuse(provider.Unsupported, op, string(e.Kind), c.Platform.Title()+" doesn't send this kind of event", "")
	}
	var err error
	r.Header, err = sign(op, r.Body)
	return r, err
}

// MAC returns the HMAC-SHA256 of texts, one after the other.
func MAC(key []byte, text ...[]byte) []byte { return NewSigner(key).MAC(text...) }

// Signer computes many HMACs with one key.
type Signer struct{ macs sync.Pool }

// NewSigner returns the signer of a key.
func NewSigner(key []byte) *Signer {
	return &Signer{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// MAC returns the HMAC-SHA256 of texts, one after the other.
func (s *Signer) MAC(text ...[]byte) []byte {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	for _, part := range text {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// Stale returns a reason if a signature's time differs by more than most from the request's arrival, otherwise "".
func Stale(at, received time.Time, most time.Duration) string {
	age := received.Sub(at)
	switch {
	case age > most:
		return "the signature is stale: " + span(age) + " old"
	case age < -most:
		return "the signature is from the future: " + span(age.Abs()) + " ahead"
	}
	return ""
}

func span(d time.Duration) string {
	switch {
	case d > 100*365*24*time.Hour:
		return "over a century"
	case d > 24*time.Hour:
		return d.Round(time.Minute).String()
	}
	return d.Round(time.Second).String()
}
