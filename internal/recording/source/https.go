package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/plain"
	"greenroom/internal/recording"
	"greenroom/provider"
)

const (
	redirectsMost = 5
	// explainMost is how much of a refusal is read.
	explainMost = 4 << 10
)

// HTTPOptions are the options of an [HTTP].
type HTTPOptions struct {
	// Link returns a link to the file; stale is the one that has expired or was refused, empty at first. Calls don't overlap. Its
	// errors are the errors of a [provider.FileLinker]. Required.
	Link func(ctx context.Context, stale string) (provider.FileLink, error)
	// Transport carries the requests; sources should share one. Nil is a new one that refuses private addresses.
	Transport http.RoundTripper
	Clock     clockwork.Clock
}

// HTTP is a file behind a link. None of its errors contains the link, which carries a token.
type HTTP struct {
	links     *links
	transport http.RoundTripper
	clock     clockwork.Clock
}

var _ recording.Source = (*HTTP)(nil)

// NewHTTP returns a source. It makes no request.
func NewHTTP(o HTTPOptions) *HTTP {
	if o.Transport == nil {
		o.Transport = NewTransport(false)
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	return &HTTP{newLinks(o.Link, o.Clock), o.Transport, o.Clock}
}

// Identify requests the first byte: signed links often allow only GET.
func (s *HTTP) Identify(ctx context.Context) (recording.Identity, error) {
	resp, err := s.get(ctx, http.Header{"Range": {"bytes=0-0"}})
	if err != nil {
		return recording.Identity{}, err
	}
	defer resp.Body.Close()
	if err := usable(resp); err != nil {
		return recording.Identity{}, err
	}
	id := describe(resp)
	switch resp.StatusCode {
	case http.StatusOK:
		id.Size, id.NoRanges = resp.ContentLength, true
		return id, nil
	case http.StatusPartialContent:
		first, _, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || first != 0 {
			return recording.Identity{}, fmt.Errorf("%w: no usable Content-Range", recording.ErrOdd)
		}
		id.Size, id.NoRanges = total, total < 0
		return id, nil
	case http.StatusRequestedRangeNotSatisfiable:
		if total, ok := emptyRange(resp); ok && total == 0 {
			return id, nil
		}
	}
	return recording.Identity{}, fmt.Errorf("%w: it answered %d", recording.ErrOdd, resp.StatusCode)
}

// Open requests a part, or without a range the whole file.
func (s *HTTP) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	p, h := part{id, off, n}, http.Header{}
	if !p.whole() {
		h.Set("Range", p.header())
	}
	if id.ETag != "" {
		h.Set("If-Match", id.ETag)
	} else if !id.Modified.IsZero() {
		h.Set("If-Unmodified-Since", id.Modified.UTC().Format(http.TimeFormat))
	}
	resp, err := s.get(ctx, h)
	if err != nil {
		return nil, err
	}
	err = usable(resp)
	if err == nil {
		err = p.answers(resp)
	}
	if err != nil && !errors.Is(err, recording.ErrNoRanges) {
		resp.Body.Close()
		return nil, err
	}
	if first, last, _, ok := contentRange(resp.Header.Get("Content-Range")); err == nil && ok && !p.whole() {
		return &exact{resp.Body, last - first + 1}, nil
	}
	return resp.Body, err
}

// get sends a request. If a link is refused, it tries another.
func (s *HTTP) get(ctx context.Context, h http.Header) (*http.Response, error) {
	for refused := 1; ; refused++ {
		link, number, err := s.links.get(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := s.follow(ctx, link, h)
		if err != nil {
			return nil, err
		}
		status := resp.StatusCode
		switch {
		case status < 300, status == http.StatusRequestedRangeNotSatisfiable:
			s.links.worked()
			return resp, nil
		case status == http.StatusPreconditionFailed:
			resp.Body.Close()
			return nil, fmt.Errorf("%w: its ETag has changed", recording.ErrChanged)
		case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
			defer resp.Body.Close()
			return nil, &recording.Temporary{
				After: retryAfter(resp.Header, s.clock.Now()),
				Err:   fmt.Errorf("the source answered %s", explain(resp)),
			}
		}
		denied := refusal(resp)
		resp.Body.Close()
		if refused >= refusalsMost {
			return nil, denied // although links work for other parts of the file
		}
		if err := s.links.refused(ctx, number, denied); err != nil {
			return nil, err
		}
	}
}

// follow sends the request to a link, and follows redirects, but not from https to http.
func (s *HTTP) follow(ctx context.Context, link string, h http.Header) (*http.Response, error) {
	at, err := url.Parse(link)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not a link", recording.ErrRefusedAddress)
	}
	for range redirectsMost {
		r := (&http.Request{Method: http.MethodGet, URL: at, Host: at.Host, Header: h.Clone()}).WithContext(ctx)
		r.Header.Set("Accept-Encoding", "identity")
		r.Header.Set("User-Agent", "greenroom")
		resp, err := s.transport.RoundTrip(r)
		if err != nil {
			return nil, unreached(at, err)
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return resp, nil
		}
		io.CopyN(io.Discard, resp.Body, explainMost) // so that the connection can be used again; it doesn't matter if not
		resp.Body.Close()
		next, err := at.Parse(resp.Header.Get("Location"))
		if err != nil || resp.Header.Get("Location") == "" {
			return nil, fmt.Errorf("%w: a redirect without an address", recording.ErrOdd)
		}
		if at.Scheme == "https" && next.Scheme != "https" {
			return nil, fmt.Errorf("%w: it is redirected away from https", recording.ErrRefusedAddress)
		}
		at = next
	}
	return nil, fmt.Errorf("%w: more than %d redirects", recording.ErrOdd, redirectsMost)
}

// unreached returns the error of a request without a response. It shows only the link's host.
func unreached(at *url.URL, err error) error {
	text := err.Error()
	if (at.RawQuery != "" && strings.Contains(text, at.RawQuery)) || (len(at.Path) > 1 && strings.Contains(text, at.Path)) {
		return fmt.Errorf("reach %s: the connection failed", plain.Text(at.Host))
	}
	return fmt.Errorf("reach %s: %w", plain.Text(at.Host), err)
}
