package rest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"greenroom/provider"
)

// ErrMaybeDone marks a failed call that must not be repeated because the platform may have done it: the answer was lost or cut,
// or the server failed. Find it with errors.Is.
var ErrMaybeDone = errors.New("the call may have been carried out")

// Problem is the content of a refusal. Text and Code need not be safe or short: the client makes them so.
type Problem struct {
	Kind       provider.Kind
	Code, Text string
	Hint       string
	RetryAfter time.Duration
}

// Explain parses a refusal's body in a platform's own shape and adds to what the status shows. The status may be 200: some errors
// come with it.
type Explain func(status int, h http.Header, body []byte, p *Problem)

// KindOf returns the kind of error that a status means on most platforms.
func KindOf(status int) provider.Kind {
	switch status {
	case http.StatusUnauthorized:
		return provider.Unauthenticated
	case http.StatusForbidden, http.StatusPaymentRequired:
		return provider.Forbidden
	case http.StatusNotFound, http.StatusGone:
		return provider.NotFound
	case http.StatusConflict:
		return provider.Conflict
	case http.StatusTooManyRequests:
		return provider.RateLimited
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return provider.Unavailable
	case http.StatusNotImplemented:
		return provider.Unsupported
	}
	if status >= 400 && status < 500 {
		return provider.Invalid
	}
	return provider.Unavailable
}

// cause replaces the underlying error in an error's chain: it answers errors.Is, but hides the original text, which may hold a
// secret.
type cause struct {
	text  string
	err   error
	maybe bool
}

func (c *cause) Error() string { return c.text }

func (c *cause) Is(target error) bool {
	return (c.maybe && target == ErrMaybeDone) || (c.err != nil && errors.Is(c.err, target))
}

// textLimit limits the platform's words in an error, in runes.
const textLimit = 300

// fail completes an error with the client's data and makes its words safe.
func (c *Client) fail(call *Call, e *provider.Error, err error) *provider.Error {
	e.Platform, e.Account = c.Platform, c.Account
	e.Op = call.Op
	if call.Subject != "" {
		e.Op += ` "` + c.redact.Line(call.Subject, 128) + `"`
	}
	e.Text = c.redact.Line(e.Text, textLimit)
	e.Code = c.redact.Line(e.Code, 64)
	if err != nil {
		text := c.redact.Line(err.Error(), textLimit)
		e.Err = &cause{text: text, err: err}
		if e.Text == "" {
			e.Text = text
		} else {
			e.Text += " (" + text + ")"
		}
	}
	return e
}

// Malformed returns the error for an answer of another shape than documented. Providers use it for answers that decode but lack
// required fields.
func (c *Client) Malformed(op, subject, text string) error {
	return c.fail(&Call{Op: op, Subject: subject}, &provider.Error{Kind: provider.Unavailable, Text: text}, nil)
}

// Refuse returns an error that the provider itself detected.
func (c *Client) Refuse(kind provider.Kind, op, subject, text, hint string) error {
	return c.fail(&Call{Op: op, Subject: subject}, &provider.Error{Kind: kind, Text: text, Hint: hint}, nil)
}

// gaveUp returns the error of a call whose context ended while it waited for its turn.
func (c *Client) gaveUp(call *Call, err error) *provider.Error {
	text := "cancelled"
	if errors.Is(err, context.DeadlineExceeded) {
		text = "there was no time left to wait for the rate limit"
	}
	return c.ended(call, text, err)
}

// ended returns the error of a call that a context ended.
func (c *Client) ended(call *Call, text string, err error) *provider.Error {
	e := c.fail(call, &provider.Error{Kind: provider.Unavailable, Text: text}, nil)
	e.Err = &cause{text: text, err: err}
	return e
}

// unreached returns the failure of an attempt without an answer. ctx is the caller's, attempt the attempt's.
func (c *Client) unreached(ctx, attempt context.Context, call *Call, err error) *failure {
	f := &failure{sent: !neverSent(err), transient: true}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		f.transient, f.err = false, c.ended(call, "no response in the remaining time", ctx.Err())
		return f
	case ctx.Err() != nil:
		f.transient, f.err = false, c.ended(call, "cancelled", ctx.Err())
		return f
	case attempt.Err() != nil:
		f.err = c.ended(call, "no response within "+cmp.Or(call.Timeout, c.Timeout).String(), attempt.Err())
		return f
	}
	e := &provider.Error{Kind: provider.Unavailable}
	if badCertificate(err) {
		e.Hint = "check " + c.URLSetting + ": the server's certificate is not valid for it"
		f.transient = false
	} else if neverSent(err) {
		e.Hint = "check the network, and " + c.URLSetting + " if you set it"
		dns, unresolved := errors.AsType[*net.DNSError](err)
		f.transient = !unresolved || !dns.IsNotFound
	}
	f.err = c.fail(call, e, err)
	return f
}

// neverSent reports whether an attempt surely failed before a byte of the request could have left: while connecting.
func neverSent(err error) bool {
	op, _ := errors.AsType[*net.OpError](err)
	_, unresolved := errors.AsType[*net.DNSError](err)
	return op != nil && op.Op == "dial" || unresolved || badCertificate(err)
}

func badCertificate(err error) bool {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid)
}

// strange returns the failure of an answer that can't be used.
func (c *Client) strange(call *Call, resp *http.Response, text string, err error, transient bool) *failure {
	e := &provider.Error{Kind: provider.Unavailable, Status: resp.StatusCode, Text: text}
	return &failure{err: c.fail(call, e, err), transient: transient, sent: true}
}

// refused returns the failure of an answer that is an error.
func (c *Client) refused(call *Call, resp *http.Response, body []byte, b *budget) *failure {
	status, now := resp.StatusCode, c.Clock.Now()
	p := Problem{Kind: KindOf(status), RetryAfter: RetryAfter(resp.Header, now)}
	if status < 300 {
		p.Kind = provider.Invalid
	}
	if p.RetryAfter == 0 && p.Kind == provider.RateLimited {
		p.RetryAfter = resetAfter(resp.Header, now)
	}
	switch {
	case status >= 300 && status < 400:
		p.Text = "the server redirects (" + statusLine(status) + "); the API key is not sent to another address"
		p.Hint = "check " + c.URLSetting + ": the API's URL must be exact, including https"
	case isHTML(resp.Header, body):
		// A web page is not the API's answer: it doesn't show whether a room exists.
		if p.Kind == provider.NotFound || p.Kind == provider.Invalid {
			p.Kind = provider.Unavailable
		}
		p.Hint = "check " + c.URLSetting + ": the server there is not the platform's API"
	case c.Explain != nil:
		c.Explain(status, resp.Header, body, &p)
	}
	if p.Text == "" && p.Code == "" {
		p.Text = "the server answered " + statusLine(status)
		// The text of a refused key may repeat the key: it is not quoted.
		if status != http.StatusUnauthorized && status != http.StatusForbidden {
			p.Text += " with " + c.describe(resp.Header, body)
		}
	}
	if p.Kind == provider.Unauthenticated && p.Hint == "" {
		p.Hint = "set " + c.KeySetting + "; " + c.KeyHint
	}
	if p.Kind == provider.RateLimited {
		if p.Hint == "" {
			p.Hint = waitHint(p.RetryAfter)
		}
		if b != nil && p.RetryAfter > 0 {
			b.pause(now, p.RetryAfter)
		}
	}
	e := &provider.Error{
		Kind: p.Kind, Status: status, Code: p.Code, Text: p.Text, Hint: p.Hint, RetryAfter: p.RetryAfter,
	}
	return &failure{
		err:       c.fail(call, e, nil),
		transient: p.Kind == provider.RateLimited || (p.Kind == provider.Unavailable && status >= 400),
		// A failing server, or a gateway that timed out, may have carried the call out. A refusal hasn't.
		sent: status >= 500 || status == http.StatusRequestTimeout,
	}
}

// waitHint returns the end of a rate limit, if the platform reports it.
func waitHint(d time.Duration) string {
	if d <= 0 {
		return "wait a minute, then try again"
	}
	return "wait " + max(d.Round(time.Second), time.Second).String() + ", then try again"
}

func statusLine(status int) string {
	if t := http.StatusText(status); t != "" {
		return t
	}
	return "with an unknown status"
}

var titleTag = regexp.MustCompile(`(?is)<title[^>]*>(.{1,200}?)</title>`)

// describe describes a body that isn't the platform's JSON in a few words.
func (c *Client) describe(h http.Header, body []byte) string {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return "no text"
	case isHTML(h, body):
		if m := titleTag.FindSubmatch(body); m != nil {
			return `a web page ("` + c.redact.Line(string(m[1]), 80) + `")`
		}
		return "a web page"
	}
	return `"` + c.redact.Line(string(body), 120) + `"`
}

// isHTML reports whether an answer is a web page.
func isHTML(h http.Header, body []byte) bool {
	if strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/html") {
		return !json.Valid(body)
	}
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n\ufeff"), []byte("<"))
}
