package ngrok

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"

	"greenroom/internal/plain"
)

// errSlow ends an attempt that took too long.
var errSlow = errors.New("ngrok did not answer in time")

// why is an error for people.
type why struct {
	text string
	// final says that waiting can't mend it. refused says that it was ngrok's own word, which is not worth asking for every
	// few seconds.
	final, refused bool
}

// hints are what to do about the errors that concern the making of a tunnel; https://ngrok.com/docs/errors has one page for
// each.
var hints = []struct {
	codes string
	final bool
	text  string
}{
	{"105 106 107", true, "ngrok does not take the authtoken: https://dashboard.ngrok.com/get-started/your-authtoken shows the right one"},
	{"4018", true, "ngrok wants a verified account's authtoken: https://dashboard.ngrok.com/get-started/your-authtoken shows it"},
	{"120 121", true, "ngrok takes this version of its agent no longer: update Greenroom"},
	{"108", false, "the ngrok account has as many agents running as it may: stop another one"},
	{"319 320", false, "the ngrok account has not reserved that domain: reserve it at https://dashboard.ngrok.com/domains, or leave it out"},
	{"334", false, "another agent serves that domain: stop it, or use another domain"},
}

var errorCode = regexp.MustCompile(`ERR_NGROK_([0-9]+)`)

// explain says what an error is about. The SDK's own text is long, has lines, and holds the authtoken.
func (a *agent) explain(err error) why {
	if err == nil {
		return why{text: "ngrok ended the connection"}
	}
	var (
		coded     interface{ ErrorCode() string }
		named     interface{ Code() string }
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		code      string
	)
	switch {
	case errors.As(err, &coded) && coded.ErrorCode() != "":
		code = coded.ErrorCode()
	case errors.As(err, &named) && named.Code() != "":
		code = named.Code()
	default:
		code = errorCode.FindString(err.Error())
	}
	if code != "" {
		number := strings.TrimPrefix(code, "ERR_NGROK_")
		for _, h := range hints {
			if slices.Contains(strings.Fields(h.codes), number) {
				return why{text: fmt.Sprintf("%s (%s)", h.text, code), final: h.final, refused: true}
			}
		}
		return why{text: fmt.Sprintf("ngrok refuses: %s", a.words(err)), refused: true}
	}
	switch {
	case errors.Is(err, errSlow):
		return why{text: fmt.Sprintf("ngrok did not answer within %s", a.Timeout)}
	case errors.As(err, &dns):
		return why{text: fmt.Sprintf("ngrok's name can't be resolved: %s", plain.Text(dns.Name))}
	case errors.As(err, &authority):
		return why{text: "something stands between this machine and ngrok: its certificate isn't ngrok's (a company's proxy may do that)"}
	case errors.Is(err, context.DeadlineExceeded):
		return why{text: "ngrok did not answer in time"}
	}
	return why{text: "the connection to ngrok failed: " + a.words(err)}
}

// maxWords bounds what is quoted, in characters.
const maxWords = 300

// words are an error's, in one line, without the authtoken.
func (a *agent) words(err error) string {
	text := strings.Join(strings.Fields(conceal(err.Error(), a.Authtoken)), " ")
	if r := []rune(text); len(r) > maxWords {
		text = string(r[:maxWords-1]) + "…"
	}
	return plain.Text(text)
}

func conceal(text, secret string) string {
	if secret == "" {
		return text
	}
	return strings.ReplaceAll(text, secret, "(the authtoken)")
}

// discreet is a log handler that conceals the authtoken, and logs at most as debug what the SDK says: the driver says itself
// what people should know.
type discreet struct {
	to     slog.Handler
	secret string
}

// Enabled implements [slog.Handler].
func (d *discreet) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.to.Enabled(ctx, slog.LevelDebug)
}

// Handle implements [slog.Handler].
func (d *discreet) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, slog.LevelDebug, "ngrok: "+d.clean(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(d.attr(a))
		return true
	})
	return d.to.Handle(ctx, out)
}

// WithAttrs implements [slog.Handler].
func (d *discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = d.attr(a)
	}
	return &discreet{to: d.to.WithAttrs(clean), secret: d.secret}
}

// WithGroup implements [slog.Handler].
func (d *discreet) WithGroup(name string) slog.Handler {
	return &discreet{to: d.to.WithGroup(name), secret: d.secret}
}

func (d *discreet) attr(a slog.Attr) slog.Attr {
	return slog.String(a.Key, d.clean(a.Value.Resolve().String()))
}

func (d *discreet) clean(text string) string {
	return plain.Text(conceal(text, d.secret))
}
