// Package unreached finds out why a server can't be reached, and says it in words.
package unreached

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"greenroom/internal/plain"
)

// Kind is the kind of a cause.
type Kind int

// The kinds.
const (
	// Other is any other failure of a connection.
	Other Kind = iota
	// NoHost: the host name doesn't exist.
	NoHost
	// NoAnswer: the host name can't be resolved now.
	NoAnswer
	// Refused: nothing listens at the address.
	Refused
	// Slow: the time limit was reached.
	Slow
	// NotTLS: the server doesn't use TLS on this port.
	NotTLS
	// Untrusted: the certificate is from an authority that isn't trusted here.
	Untrusted
	// Certificate: the certificate is not valid in another way.
	Certificate
	// Handshake: TLS failed in another way.
	Handshake
)

// Cause is why a server can't be reached. Text is a short clause without the server's address and without secrets, safe for a terminal.
type Cause struct {
	Kind Kind
	Text string
}

// Of returns the cause of a failed connection or request. The text of an unknown error is the error's own, without the address.
func Of(err error) Cause {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" && op.Err != nil {
		return Cause{Other, "the proxy can't be reached: " + Why(op.Err)}
	}
	if c, ok := ofName(err); ok {
		return c
	}
	if c, ok := ofTLS(err); ok {
		return c
	}
	var late net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) && late.Timeout() {
		return Cause{Slow, "there was no response in time"}
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		for _, n := range numbers {
			if slices.Contains(n.of, number) {
				return n.Cause
			}
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Cause{Other, "the server closed the connection"}
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	if op != nil && op.Err != nil {
		err = op.Err
	}
	return Cause{Other, safe(err.Error())}
}

// Log returns the whole error for a log, without secrets, or nothing for nil.
func Log(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	return slog.String("cause", hide(err.Error()))
}

// textMost is the longest text of a server or of an unknown error, in bytes.
const textMost = 300

func safe(s string) string {
	s = plain.Text(hide(s[:min(len(s), 16*textMost)]))
	if cut := plain.Cut(s, textMost); cut != s {
		return cut + "…"
	}
	return s
}

const invalidProxy = "invalid proxy address"

var userinfo = regexp.MustCompile(`//\S*@`)

// hide removes users and passwords of URLs. Of an invalid proxy address nothing is left: it can't be parsed.
func hide(s string) string {
	if before, _, found := strings.Cut(s, invalidProxy); found {
		return before + invalidProxy + ", check HTTP_PROXY and HTTPS_PROXY"
	}
	return userinfo.ReplaceAllString(s, "//")
}

// numbers are the errors of the system. Those above 10000 are Windows's, which package syscall doesn't map.
var numbers = []struct {
	of []syscall.Errno
	Cause
}{
	{[]syscall.Errno{syscall.ECONNREFUSED, 10061}, Cause{Refused, "the connection was refused"}},
	{[]syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, 10053, 10054}, Cause{Other, "the connection was cut"}},
	{[]syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, 10051, 10065}, Cause{Other, "there is no route to it"}},
}

func ofName(err error) (Cause, bool) {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return Cause{}, false
	case dns.IsNotFound:
		return Cause{NoHost, "the host name doesn't exist"}, true
	case dns.IsTimeout:
		return Cause{NoAnswer, "the name server doesn't respond"}, true
	}
	return Cause{NoAnswer, "the name server reports an error"}, true
}

func ofTLS(err error) (Cause, bool) {
	var (
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
		host      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return Cause{NotTLS, "the server doesn't use TLS on this port"}, true
	case errors.As(err, &authority):
		return Cause{Untrusted, "it is from an authority that isn't trusted here"}, true
	case errors.As(err, &host):
		text := "it is for another host name"
		if c := host.Certificate; c != nil && len(c.DNSNames) > 0 {
			text = "it is for " + safe(strings.Join(c.DNSNames[:min(len(c.DNSNames), 3)], ", "))
		}
		return Cause{Certificate, text}, true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Cause{Certificate, "it has expired, or isn't valid yet"}, true
	case errors.As(err, &invalid), errors.As(err, &verify):
		return Cause{Certificate, "it can't be verified"}, true
	case errors.As(err, &alert):
		return Cause{Handshake, "the server ended the TLS handshake: " + safe(strings.TrimPrefix(alert.Error(), "tls: "))}, true
	case strings.Contains(err.Error(), "tls: "):
		_, text, _ := strings.Cut(err.Error(), "tls: ")
		return Cause{Handshake, "the TLS handshake failed: " + safe(text)}, true
	}
	return Cause{}, false
}

// Why returns the text of [Of] as a complete clause: a certificate's begins with "the certificate is not valid".
func Why(err error) string {
	c := Of(err)
	if c.Kind == Certificate || c.Kind == Untrusted {
		return "the certificate is not valid: " + c.Text
	}
	return c.Text
}
