package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"greenroom/provider"
)

// The defaults of [Config].
const (
	DefaultTimeout  = 10 * time.Second
	DefaultAttempts = 4
	DefaultMaxBody  = 8 << 20
	// firstBackoff doubles with every attempt up to maxBackoff; the wait is a random part of it ("full jitter").
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 8 * time.Second
	// patience is the longest wait of a call, for the platform or for its budget. For a longer one the caller immediately gets
	// RateLimited, with the time to wait.
	patience = 20 * time.Second
)

// Options are those that every platform's package has.
type Options struct {
	// Transport sends the requests, nil for [http.DefaultTransport].
	Transport http.RoundTripper
	// Clock is the time for tokens, pacing and back-off, nil for the machine's.
	Clock Clock
	// Timeout limits one attempt of a call, 0 for ten seconds. The start of a recording on LiveKit has longer.
	Timeout time.Duration
}

// Config configures a [Client]. Platform, BaseURL and Key are required.
type Config struct {
	Platform provider.Platform
	// Account is the name in errors.
	Account string
	// BaseURL is the beginning of every call's URL, with its version. KeySetting and URLSetting name the user's settings for
	// hints: "DAILY_API_KEY".
	BaseURL    string
	Key        string
	KeySetting string
	URLSetting string
	// KeyHint ends the hint of a refused key: "find it in the Daily dashboard under Developers".
	KeyHint string
	// Secrets are hidden in errors, besides the key.
	Secrets []string
	// Limits are the budgets by [Class]; a class without one is not limited.
	Limits []Limit
	// Explain parses the platform's own error, see [Explain]; nil uses only the status.
	Explain Explain
	// Attempts limits the number of attempts, MaxBody an answer.
	Attempts int
	MaxBody  int64
	Options
	// Jitter returns the random factor of a back-off, in [0,1).
	Jitter func() float64
}

// Client calls one platform for one account.
type Client struct {
	Config
	base    url.URL
	header  http.Header
	blank   *http.Request
	budgets []*budget
	redact  *Redactor
}

// New checks the configuration; its errors name the setting.
func New(c Config) (*Client, error) {
	fail := func(text, hint string) (*Client, error) {
		return nil, &provider.Error{Kind: provider.Invalid, Platform: c.Platform, Op: "configure", Text: text, Hint: hint}
	}
	base, err := url.Parse(strings.TrimRight(c.BaseURL, "/"))
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil {
		return fail("the API URL is not an http(s) URL", "set "+c.URLSetting+", or remove it to use the platform's own")
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return fail("the API URL has a query", "set "+c.URLSetting+" to the base of every call")
	}
	if strings.TrimSpace(c.Key) == "" {
		_, err := fail("there is no API key", "set "+c.KeySetting+"; "+c.KeyHint)
		err.(*provider.Error).Kind = provider.Unauthenticated
		return nil, err
	}
	if strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fail("the API key contains invalid characters", "set "+c.KeySetting+" to the key alone; "+c.KeyHint)
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.Attempts = cmp.Or(c.Attempts, DefaultAttempts)
	c.MaxBody = cmp.Or(c.MaxBody, DefaultMaxBody)
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	if c.Clock == nil {
		c.Clock = RealClock{}
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	cl := &Client{
		Config: c, base: *base, redact: NewRedactor(append(c.Secrets, c.Key)...),
	}
	cl.header = http.Header{
		"Authorization": {"Bearer " + c.Key}, "Accept": {"application/json"}, "User-Agent": {"greenroom"},
	}
	cl.blank = &http.Request{Host: base.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	for _, l := range c.Limits {
		cl.budgets = append(cl.budgets, newBudget(l))
	}
	return cl, nil
}

// String returns the client's name without its secrets.
func (c *Client) String() string { return string(c.Platform) + " at " + c.base.Host }

// GoString returns the client's name without its secrets.
func (c *Client) GoString() string { return c.String() }

// Safe makes any text fit to be shown: one short line without the client's secrets.
func (c *Client) Safe(s string) string { return c.redact.Line(s, textLimit) }

// Now returns the client's time.
func (c *Client) Now() time.Time { return c.Clock.Now() }

// Backoff waits as long as before attempt n+1 of a call, for callers that repeat a sequence of calls.
func (c *Client) Backoff(ctx context.Context, n int) error { return c.Clock.Sleep(ctx, c.delay(n, 0)) }

// Call is one call of a platform's API.
type Call struct {
	// Op and Subject describe the call in errors: `create room` and the room's name.
	Op, Subject string
	// Missing is the refusal of a call without a Subject, which is not made; empty if the call needs none.
	Missing string
	Method  string
	// Path is appended to the base URL. Escape each variable part with [url.PathEscape].
	Path  string
	Query url.Values
	// In is sent as JSON; or Raw with its ContentType. Neither: no body.
	In          any
	Raw         []byte
	ContentType string
	// Out receives the answer; nil ignores it.
	Out any
	// Header, if not nil, receives the headers of the answer, also of a refusal.
	Header *http.Header
	// Idempotent means that repeating the call does no harm. GET, HEAD, PUT and DELETE always are.
	Idempotent bool
	// Token is sent in place of the client's key, for platforms whose calls carry tokens that the key signs.
	Token string
	// Timeout limits an attempt of this call, 0 for the client's.
	Timeout time.Duration
	// OwnError means that a success of this call may have an error field.
	OwnError bool
	// Gone means that NotFound is a success: the call removes something.
	Gone bool
	// Class is the budget that pays for the call, Cost its price in points, 1 by default.
	Class Class
	Cost  int
}

// The refusals of calls that need a room or a recording, see [Call].Missing.
const (
	NoRoom      = "the meeting has no room name"
	NoRecording = "the recording's id is missing"
)

func (c *Call) idempotent() bool {
	switch c.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return c.Idempotent
}

// Do makes the call. Its errors are [*provider.Error]s.
func (c *Client) Do(ctx context.Context, call Call) error {
	if call.Subject == "" && call.Missing != "" {
		return c.Refuse(provider.Invalid, call.Op, "", call.Missing, "")
	}
	err := c.do(ctx, call)
	if call.Gone && errors.Is(err, provider.NotFound) {
		return nil
	}
	return err
}

func (c *Client) do(ctx context.Context, call Call) error {
	body := call.Raw
	if call.In != nil {
		var err error
		if body, err = json.Marshal(call.In); err != nil {
			return c.fail(&call, &provider.Error{Kind: provider.Invalid, Text: "the request cannot be written as JSON"}, err)
		}
		call.ContentType = "application/json"
	}
	var b *budget
	if int(call.Class) < len(c.budgets) {
		b = c.budgets[call.Class]
	}
	for n := 1; ; n++ {
		if b != nil {
			tooLong, err := b.wait(ctx, c.Clock, max(call.Cost, 1), patience)
			if err != nil {
				return c.gaveUp(&call, err)
			}
			if tooLong > 0 {
				return c.fail(&call, &provider.Error{Kind: provider.RateLimited, RetryAfter: tooLong,
					Text: "the account has used up its calls for now", Hint: waitHint(tooLong)}, nil)
			}
		}
		f := c.attempt(ctx, &call, body, b)
		if f == nil {
			return nil
		}
		if f.sent && !call.idempotent() {
			f.err.Err = &cause{text: f.err.Text, err: f.err.Err, maybe: true}
			return f.err
		}
		if !f.transient || n >= c.Attempts {
			return f.err
		}
		d := c.delay(n, f.err.RetryAfter)
		if f.err.RetryAfter > patience || !fits(ctx, d, patience+maxBackoff) {
			return f.err
		}
		if err := c.Clock.Sleep(ctx, d); err != nil {
			return c.gaveUp(&call, err)
		}
	}
}

// delay returns the wait before attempt n+1: what the platform asked for, and a random part of the back-off.
func (c *Client) delay(n int, asked time.Duration) time.Duration {
	most := maxBackoff
	if n < 6 {
		most = min(firstBackoff<<max(n-1, 0), maxBackoff)
	}
	return max(asked, 0) + time.Duration(c.Jitter()*float64(most))
}

// failure is the outcome of a failed attempt.
type failure struct {
	err *provider.Error
	// transient means that another attempt may succeed, sent that this one may have.
	transient, sent bool
}

// attempt sends the request once.
func (c *Client) attempt(ctx context.Context, call *Call, body []byte, b *budget) *failure {
	actx, end := context.WithTimeout(ctx, cmp.Or(call.Timeout, c.Timeout))
	defer end()
	resp, err := c.Transport.RoundTrip(c.request(actx, call, body))
	if err != nil {
		return c.unreached(ctx, actx, call, err)
	}
	defer resp.Body.Close()
	if call.Header != nil {
		*call.Header = resp.Header
	}
	if b != nil {
		b.observe(resp.Header, c.Clock.Now())
	}
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer buffers.Put(buf)
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, c.MaxBody+1))
	if n > c.MaxBody {
		return c.strange(call, resp, fmt.Sprintf("the response is larger than %d bytes", c.MaxBody), nil, false)
	}
	if err != nil {
		if actx.Err() != nil {
			return c.unreached(ctx, actx, call, err)
		}
		return c.strange(call, resp, "the response was cut off", err, true)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refused(call, resp, buf.Bytes(), b)
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return c.decode(call, resp, buf.Bytes())
	}
	// Other 2xx come from a server in between, such as a proxy that has transformed the answer.
	return c.strange(call, resp, "the server answered "+statusLine(resp.StatusCode)+", which no platform does", nil, false)
}

// request builds the request that RoundTrip sends. It does the work of http.NewRequest without parsing the base URL again.
func (c *Client) request(ctx context.Context, call *Call, body []byte) *http.Request {
	u := c.base
	u.Path, u.RawPath = c.base.Path+call.Path, ""
	if strings.IndexByte(u.Path, '%') >= 0 {
		if p, err := url.PathUnescape(u.Path); err == nil {
			u.RawPath = u.Path
			u.Path = p
		}
	}
	if len(call.Query) > 0 {
		u.RawQuery = call.Query.Encode()
	}
	r := c.blank.WithContext(ctx)
	r.Method, r.URL, r.Header = call.Method, &u, make(http.Header, 4)
	for k, v := range c.header {
		r.Header[k] = v[:1:1]
	}
	if call.Token != "" {
		r.Header["Authorization"] = []string{"Bearer " + call.Token}
	}
	if body != nil {
		r.Header["Content-Type"] = []string{call.ContentType}
		r.ContentLength = int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
	}
	return r
}

// buffers hold answers while they are decoded; no value keeps a part of them.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// decode reads a 2xx answer into call.Out.
func (c *Client) decode(call *Call, resp *http.Response, body []byte) *failure {
	if call.Out == nil {
		return nil
	}
	// An error with status 200 is still an error. Searching for the word first is cheap; parsing isn't.
	if !call.OwnError && bytes.Contains(body, []byte(`"error"`)) && disguised(body) {
		f := c.refused(call, resp, body, nil)
		f.sent = true
		return f
	}
	err := json.Unmarshal(body, call.Out)
	if err == nil {
		return nil
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case isHTML(resp.Header, body), !startsJSON(body):
		f := c.strange(call, resp, "the response is not JSON but "+c.describe(resp.Header, body), nil, false)
		f.err.Hint = "check " + c.URLSetting + ": the server there is not the platform's API"
		return f
	case syntax:
		return c.strange(call, resp, "the response is incomplete or invalid JSON", err, true)
	}
	return c.strange(call, resp, "the response doesn't match the platform's documentation", err, false)
}

// disguised reports whether a JSON object is an error: it has a top-level error that isn't empty.
func disguised(body []byte) bool {
	var e struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return false
	}
	switch string(e.Error) {
	case "", "null", "false", `""`, "0":
		return false
	}
	return true
}

// startsJSON reports whether body begins like a JSON object or list.
func startsJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}
