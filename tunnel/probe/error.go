package probe

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"greenroom/internal/plain"
	"greenroom/internal/unreached"
)

// Kind is why a probe failed.
type Kind string

// The kinds.
const (
	// BadURL: the URL is invalid.
	BadURL Kind = "url"
	// DNS: the host name can't be resolved.
	DNS Kind = "dns"
	// Refused: nothing listens at the URL.
	Refused Kind = "refused"
	// TLS: the certificate isn't valid for the name, or the server doesn't use TLS.
	TLS Kind = "tls"
	// Slow: there was no answer in time.
	Slow Kind = "timeout"
	// Broken: the connection failed in another way.
	Broken Kind = "connection"
	// Answer: the answer isn't 2xx, or is another site's page.
	Answer Kind = "answer"
	// Elsewhere: the answer is 2xx, but the request did not arrive here.
	Elsewhere Kind = "elsewhere"
	// Late: the far end accepted the request, but it has not arrived here yet.
	Late Kind = "late"
)

// Error is the failure of a probe. Text is a sentence for people, safe for a terminal; Err may be nil.
type Error struct {
	Kind Kind
	Text string
	Err  error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

// failure explains a request without an answer.
func failure(to *url.URL, limit time.Duration, arrived bool, err error) *Error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err // without the URL, whose nonce means nothing to people
	}
	name, host, why := plain.Text(to.Hostname()), plain.Text(to.Host), unreached.Of(err)
	e := func(k Kind, format string, a ...any) *Error {
		return &Error{Kind: k, Text: fmt.Sprintf(format, a...), Err: err}
	}
	switch {
	case why.Kind == unreached.NoHost:
		return e(DNS, "the host name %s doesn't exist (yet): check the URL, or wait for DNS", name)
	case why.Kind == unreached.NoAnswer:
		return e(DNS, "the host name %s can't be resolved: %s", name, why.Text)
	case why.Kind == unreached.Slow && arrived:
		return e(Slow, "the request arrived here, but the answer did not get back through %s within %s", name, limit)
	case why.Kind == unreached.Slow:
		return e(Slow, "%s did not answer within %s", name, limit)
	case arrived:
		return e(Broken, "the request arrived here, but the answer did not get back through %s: %s", name, why.Text)
	}
	switch why.Kind {
	case unreached.NotTLS:
		return e(TLS, "%s doesn't use TLS on this port: should the URL begin with http://?", host)
	case unreached.Certificate, unreached.Untrusted:
		return e(TLS, "the certificate of %s is not valid: %s", name, why.Text)
	case unreached.Handshake:
		return e(TLS, "TLS with %s fails: %s", name, why.Text)
	case unreached.Refused:
		return e(Refused, "%s refuses connections: nothing is listening there", host)
	}
	return e(Broken, "a request to %s failed: %s", name, why.Text)
}

// refusal explains an answer that isn't 2xx.
func refusal(to *url.URL, resp *http.Response, said []byte, arrived bool) *Error {
	name, status, page := plain.Text(to.Hostname()), resp.StatusCode, words(resp, said)
	text := fmt.Sprintf("%s answered %d%s", name, status, page)
	switch {
	case arrived:
		text = fmt.Sprintf("the request arrived here, but %s changed the answer to %d%s", name, status, page)
	case status/100 == 3:
		text = fmt.Sprintf("%s redirects (%d) instead of forwarding the request", name, status)
		if l, err := resp.Location(); err == nil {
			text = fmt.Sprintf("%s redirects (%d) to %s instead of forwarding the request", name, status, plain.Text(l.Scheme+"://"+l.Host))
		}
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		text += ": the tunnel's server has no connection to this machine"
	}
	return &Error{Kind: Answer, Text: text}
}

// elsewhere explains a 2xx of another server.
func elsewhere(to *url.URL, resp *http.Response, said []byte) *Error {
	name := plain.Text(to.Hostname())
	if w := words(resp, said); w != "" {
		return &Error{Kind: Answer, Text: fmt.Sprintf("%s itself answered %d%s: the request did not arrive here", name, resp.StatusCode, w)}
	}
	return &Error{Kind: Elsewhere, Text: fmt.Sprintf(
		"%s answered %d, but the request did not arrive here: another program or machine answers at that URL", name, resp.StatusCode)}
}

var title = regexp.MustCompile(`(?is)<title[^>]*>\s*([^<]{1,200})`)

// words returns the title of an answer that is a web page, as the end of a sentence, or "".
func words(resp *http.Response, said []byte) string {
	if !strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "text/html") && !bytes.HasPrefix(bytes.TrimSpace(said), []byte("<")) {
		return ""
	}
	m := title.FindSubmatch(said)
	if m == nil {
		return " with a web page"
	}
	t := []rune(strings.Join(strings.Fields(html.UnescapeString(string(m[1]))), " "))
	if len(t) > 80 {
		t = append(t[:79], '…')
	}
	return fmt.Sprintf(" with a page “%s”", plain.Text(string(t)))
}
