// Package feed reads the text of calendars from web addresses and files.
//
// An address is https, or http on this machine. Its host is checked when it is dialled and after every redirect, so that no calendar
// leads into the private network. Time and size are limited. Nothing but the request is sent.
//
// The address of a private calendar is a secret: errors contain only its host.
package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
	"greenroom/internal/calendar"
	"greenroom/internal/plain"
	"greenroom/internal/regular"
	"greenroom/internal/unreached"
	"greenroom/provider"
)

const (
	redirectsMost = 5
	readTime      = 20 * time.Second
)

// Reader reads calendars. Public must refuse private networks and plain http; Inside reaches this machine.
type Reader struct {
	Public, Inside http.RoundTripper
	// Refused is wrapped by Public's errors about addresses that it refuses.
	Refused error
}

// Read reads a calendar from an address or a file with an absolute path. had is the known version. Its errors are of type *app.Error.
func (r *Reader) Read(ctx context.Context, source string, had calendar.Version) (calendar.Text, error) {
	u, err := Address(source)
	if err != nil {
		return calendar.Text{}, err
	}
	if u.Scheme == "file" {
		return readFile(u.Path, had)
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return r.get(ctx, u, had)
}

// Address parses a calendar's address as users write it: https, webcal, or a path. It returns an https, http or file URL.
func Address(source string) (*url.URL, error) {
	invalid := func(text string) error {
		return &app.Error{Kind: provider.Invalid, Text: text, Hint: "use an https address or a file"}
	}
	if !strings.Contains(source, "://") || filepath.VolumeName(source) != "" {
		return &url.URL{Scheme: "file", Path: source}, nil
	}
	u, err := url.Parse(source)
	if err != nil {
		return nil, invalid("the calendar's address is not a URL")
	}
	switch strings.ToLower(u.Scheme) {
	case "file":
		if u.Host != "" && u.Host != "localhost" {
			return nil, invalid("the calendar's file is on another machine")
		}
		return &url.URL{Scheme: "file", Path: u.Path}, nil
	case "webcal", "webcals":
		u.Scheme = "https"
	case "https":
	case "http":
		if !isHere(u) {
			return nil, invalid("the calendar's address is http, which isn't encrypted")
		}
	default:
		return nil, invalid(fmt.Sprintf("a calendar can't be read from %s://", plain.Text(u.Scheme)))
	}
	switch {
	case u.Host == "":
		return nil, invalid("the calendar's address has no host")
	case u.User != nil:
		return nil, invalid("the calendar's address has a user name, which isn't supported")
	}
	u.Fragment = ""
	return u, nil
}

// isHere reports whether a URL leads to this machine.
func isHere(u *url.URL) bool { return bounds.IsLoopback(u.Hostname()) }

func readFile(path string, had calendar.Version) (calendar.Text, error) {
	name := plain.Text(filepath.Base(path))
	f, err := regular.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return calendar.Text{}, &app.Error{Kind: provider.NotFound, Text: "there is no file " + name, Err: err}
	case err != nil:
		return calendar.Text{}, &app.Error{Text: "the file " + name + " can't be read", Err: err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return calendar.Text{}, &app.Error{Text: "the file " + name + " can't be read", Err: err}
	}
	version := calendar.Version{ETag: strconv.FormatInt(info.Size(), 10), Modified: info.ModTime().UTC().Format(time.RFC3339Nano)}
	if version == had {
		return calendar.Text{Version: version, Unchanged: true}, nil
	}
	body, err := io.ReadAll(io.LimitReader(f, calendar.MaxBytes+1))
	if err != nil {
		return calendar.Text{}, &app.Error{Text: "the file " + name + " can't be read", Err: err}
	}
	return calendar.Text{Body: body, Version: version}, nil
}

// get requests an address, and follows its redirects.
func (r *Reader) get(ctx context.Context, u *url.URL, had calendar.Version) (calendar.Text, error) {
	began := isHere(u)
	for range redirectsMost {
		carrier := r.Public
		if began && isHere(u) {
			carrier = r.Inside
		}
		req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{
			"Accept": {"text/calendar, text/plain;q=0.5, */*;q=0.1"}, "User-Agent": {"greenroom"},
		}}).WithContext(ctx)
		if had.ETag != "" {
			req.Header.Set("If-None-Match", had.ETag)
		}
		if had.Modified != "" {
			req.Header.Set("If-Modified-Since", had.Modified)
		}
		res, err := carrier.RoundTrip(req)
		if err != nil {
			return calendar.Text{}, r.unreached(ctx, u, err)
		}
		to, text, err := answer(u, res, had)
		res.Body.Close()
		if err != nil || to == nil {
			return text, err
		}
		if to.Scheme != "https" && (!began || !isHere(to) || to.Scheme != "http") || to.User != nil || to.Host == "" {
			return calendar.Text{}, &app.Error{Kind: provider.Forbidden, Text: plain.Text(u.Host) + " redirects to an address that is refused"}
		}
		u = to
	}
	return calendar.Text{}, &app.Error{Text: plain.Text(u.Host) + " redirects too many times"}
}

// answer reads a response: a calendar, or the address of a redirect.
func answer(u *url.URL, res *http.Response, had calendar.Version) (*url.URL, calendar.Text, error) {
	host := plain.Text(u.Host)
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return nil, calendar.Text{Version: had, Unchanged: true}, nil
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		to, err := u.Parse(res.Header.Get("Location"))
		if err != nil {
			return nil, calendar.Text{}, &app.Error{Text: host + " redirects without an address"}
		}
		return to, calendar.Text{}, nil
	case http.StatusNotFound, http.StatusGone:
		return nil, calendar.Text{}, &app.Error{
			Kind: provider.NotFound, Text: host + " has no calendar at this address", Hint: "copy the calendar's address (ICS or iCal) again",
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, calendar.Text{}, &app.Error{
			Kind: provider.Forbidden, Text: host + " doesn't make this calendar public", Hint: "use the secret or published ICS " +
				"address of the calendar",
		}
	default:
		return nil, calendar.Text{}, &app.Error{Text: fmt.Sprintf("%s answered %d %s", host, res.StatusCode, http.StatusText(res.StatusCode))}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, calendar.MaxBytes+1))
	if length := res.ContentLength; err != nil || length >= 0 && length < calendar.MaxBytes && int64(len(body)) != length {
		return nil, calendar.Text{}, &app.Error{Text: "the calendar of " + host + " arrived incomplete", Err: err}
	}
	text := calendar.Text{Body: body, Version: calendar.Version{ETag: header(res, "ETag"), Modified: header(res, "Last-Modified")}}
	if page := bytes.TrimSpace(body); len(page) > 0 && page[0] == '<' {
		return nil, calendar.Text{}, &app.Error{
			Text: host + " returned a web page instead of a calendar", Hint: "use the secret or published ICS address of the " +
				"calendar", Err: calendar.ErrNotCalendar,
		}
	}
	return nil, text, nil
}

// maxVersion is the longest ETag that is kept.
const maxVersion = 1000

func header(res *http.Response, name string) string {
	if v := res.Header.Get(name); len(v) <= maxVersion {
		return v
	}
	return ""
}

// unreached returns the error of a request without a response.
func (r *Reader) unreached(ctx context.Context, u *url.URL, err error) error {
	host := plain.Text(u.Host)
	why := unreached.Of(err)
	switch {
	case r.Refused != nil && errors.Is(err, r.Refused):
		return &app.Error{Kind: provider.Forbidden, Text: host + " is not on the public internet", Hint: "save the calendar to a file, and subscribe to that"}
	case ctx.Err() != nil:
		return &app.Error{Kind: provider.Unavailable, Text: host + " didn't answer in time"}
	case why.Kind == unreached.NoHost:
		return &app.Error{Kind: provider.Unavailable, Text: "there is no host " + host}
	}
	return &app.Error{Kind: provider.Unavailable, Text: host + " can't be reached: " + unreached.Why(err)}
}
