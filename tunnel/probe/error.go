package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	"greenroom/internal/plain"
)

// Kind is why a probe failed.
type Kind string

// The kinds.
const (
	// BadURL: no request can be made of it.
	BadURL Kind = "url"
	// DNS: its name can't be resolved.
	DNS Kind = "dns"
	// Refused: nothing listens there.
	Refused Kind = "refused"
	// TLS: the certificate isn't good for the name, or what listens there speaks no TLS.
	TLS Kind = "tls"
	// Slow: there was no answer in time.
	Slow Kind = "timeout"
	// Broken: the connection failed in another way.
	Broken Kind = "connection"
	// Answer: an answer came that isn't 2xx, or is another site's page.
	Answer Kind = "answer"
	// Elsewhere: it was answered 2xx, and not by this process.
	Elsewhere Kind = "elsewhere"
	// Late: the far end has taken it, and it isn't here yet.
	Late Kind = "late"
)

// Error is a probe that failed. Its text is a sentence for people, safe for a terminal.
type Error struct {
	Kind Kind
	Text string
	Err  error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

// failure explains a request without an answer.
func failure(to *url.URL, limit time.Duration, arrived bool, err error) *Error {
	var (
		dns       *net.DNSError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
		host      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		timeout   net.Error
	)
	name := plain.Text(to.Hostname())
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err // without the URL: its nonce means nothing to people
	}
	e := func(k Kind, format string, a ...any) *Error {
		return &Error{Kind: k, Text: fmt.Sprintf(format, a...), Err: err}
	}
	why := plain.Text(err.Error())
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return e(DNS, "the host name %s doesn't exist (yet): check the URL, or wait for DNS", name)
	case errors.As(err, &dns):
		return e(DNS, "the host name %s can't be resolved: %s", name, why)
	case arrived && !errors.As(err, &timeout):
		return e(Broken, "the request arrived here, but the answer did not get back through %s: %s", name, why)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return e(TLS, "%s doesn't use TLS on this port: should the URL begin with http://?", plain.Text(to.Host))
	case errors.As(err, &host), errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &verify):
		return e(TLS, "the certificate of %s is not valid: %s", name, why)
	case errors.As(err, &alert), strings.Contains(why, "tls: "):
		return e(TLS, "TLS with %s fails: %s", name, why)
	case errors.Is(err, syscall.ECONNREFUSED):
		return e(Refused, "%s refuses connections: nothing is listening there", plain.Text(to.Host))
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		if arrived {
			return e(Slow, "the request arrived here, but the answer did not get back through %s within %s", name, limit)
		}
		return e(Slow, "%s did not answer within %s", name, limit)
	}
	return e(Broken, "a request to %s failed: %s", name, why)
}

// refusal explains an answer that isn't 2xx.
func refusal(to *url.URL, resp *http.Response, said []byte, arrived bool) *Error {
	name, status := plain.Text(to.Hostname()), resp.StatusCode
	text := fmt.Sprintf("%s answered %d%s", name, status, words(resp, said))
	switch {
	case arrived:
		text = fmt.Sprintf("the request arrived here, but %s changed the answer to %d%s", name, status, words(resp, said))
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

// elsewhere explains a 2xx by another server.
func elsewhere(to *url.URL, resp *http.Response, said []byte) *Error {
	name := plain.Text(to.Hostname())
	if w := words(resp, said); w != "" {
		return &Error{Kind: Answer, Text: fmt.Sprintf("%s itself answered %d%s: the request did not arrive here", name, resp.StatusCode, w)}
	}
	return &Error{Kind: Elsewhere, Text: fmt.Sprintf(
		"%s answered %d, but the request did not arrive here: another program or machine answers at that URL", name, resp.StatusCode)}
}

var title = regexp.MustCompile(`(?is)<title[^>]*>\s*([^<]{1,200})`)

// words are the title of a web page that was answered, in quotes.
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
