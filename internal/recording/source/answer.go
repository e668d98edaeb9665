package source

import (
	"cmp"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/plain"
	"greenroom/internal/recording"
)

// part is a request for bytes of an identified file: n from off, to its end if n is negative.
type part struct {
	id     recording.Identity
	off, n int64
}

// whole reports whether the request is for the whole file.
func (p part) whole() bool { return p.off == 0 && p.n < 0 }

// header returns the request's Range, "" for the whole file.
func (p part) header() string {
	switch {
	case p.n >= 0:
		return fmt.Sprintf("bytes=%d-%d", p.off, p.off+p.n-1)
	case p.off > 0:
		return fmt.Sprintf("bytes=%d-", p.off)
	}
	return ""
}

// answered checks that a response is the requested part. got is what it shows of the file, ranged its Content-Range, "" if it has the
// whole file, and length its Content-Length, -1 if unknown.
func (p part) answered(got recording.Identity, ranged string, length int64) error {
	first, last, total, ok := contentRange(ranged)
	if ranged == "" {
		total = length
	} else if p.whole() || !ok || first != p.off || (p.n >= 0 && last > p.off+p.n-1) {
		return fmt.Errorf("%w: the wrong Content-Range", recording.ErrOdd)
	}
	if got.Size = total; !p.id.Same(got) {
		return fmt.Errorf("%w: a different length or ETag", recording.ErrChanged)
	}
	switch {
	case ranged == "" && !p.whole():
		return recording.ErrNoRanges
	case ranged != "" && length >= 0 && length != last-first+1:
		return fmt.Errorf("%w: Content-Length and Content-Range differ", recording.ErrOdd)
	}
	return nil
}

// answers checks that an HTTP response is the requested part.
func (p part) answers(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusOK:
		return p.answered(describe(resp), "", resp.ContentLength)
	case http.StatusPartialContent:
		return p.answered(describe(resp), cmp.Or(resp.Header.Get("Content-Range"), "none"), resp.ContentLength)
	case http.StatusRequestedRangeNotSatisfiable:
		if total, ok := emptyRange(resp); ok && total != p.id.Size {
			return fmt.Errorf("%w: a different length", recording.ErrChanged)
		}
	}
	return fmt.Errorf("%w: it answered %d", recording.ErrOdd, resp.StatusCode)
}

// usable refuses responses that can't be the file or a part of it, regardless of their status.
func usable(resp *http.Response) error {
	// Objects that were uploaded in a certain way stay marked as aws-chunked; the body isn't.
	e := resp.Header.Get("Content-Encoding")
	if e != "" && !strings.EqualFold(e, "identity") && !strings.EqualFold(e, "aws-chunked") {
		return fmt.Errorf("%w: it is compressed (%s)", recording.ErrOdd, plain.Text(plain.Cut(e, 20)))
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case err != nil:
	case media == "text/html", media == "application/xhtml+xml":
		return fmt.Errorf("%w: it is a web page", recording.ErrOdd)
	case media == "multipart/byteranges":
		return fmt.Errorf("%w: it is in several parts", recording.ErrOdd)
	}
	return nil
}

// strongTag is a strong ETag (RFC 9110, section 8.8.3) of a sensible length.
var strongTag = regexp.MustCompile(`^"[\x21\x23-\x7e]{0,256}"$`)

// reprDigest is the SHA-256 of the whole file in a Repr-Digest header (RFC 9530), also when the response is a part of it.
var reprDigest = regexp.MustCompile(`(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):`)

// describe returns the file's identity by the headers, without its size. A weak ETag doesn't count: it doesn't promise the same bytes.
func describe(resp *http.Response) recording.Identity {
	var id recording.Identity
	if m := reprDigest.FindStringSubmatch(resp.Header.Get("Repr-Digest")); m != nil {
		id.Algorithm, id.Checksum = "sha256", m[1]
	}
	if tag := resp.Header.Get("ETag"); strongTag.MatchString(tag) {
		id.ETag = tag
	}
	if at, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		id.Modified = at
	}
	return id
}

// contentRange parses `bytes 0-99/200` (RFC 9110, section 14.4); total is -1 for `*`.
func contentRange(header string) (first, last, total int64, ok bool) {
	span, found := strings.CutPrefix(header, "bytes ")
	span, size, both := strings.Cut(strings.TrimSpace(span), "/")
	a, b, dash := strings.Cut(span, "-")
	first, last = number(a), number(b)
	total = number(size)
	if size == "*" {
		total = -1
	} else if total < 0 {
		return 0, 0, 0, false
	}
	ok = found && both && dash && first >= 0 && last >= first && (total < 0 || last < total)
	return first, last, total, ok
}

// exact is the body of a part. A body longer than its Content-Range is an [recording.ErrOdd].
type exact struct {
	io.ReadCloser
	left int64
}

func (e *exact) Read(b []byte) (int, error) {
	n, err := e.ReadCloser.Read(b)
	if int64(n) > e.left {
		return 0, fmt.Errorf("%w: it sent more than Content-Range says", recording.ErrOdd)
	}
	e.left -= int64(n)
	return n, err
}

// emptyRange parses `bytes */200`, which comes with a refused range.
func emptyRange(resp *http.Response) (total int64, ok bool) {
	size, found := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes */")
	total = number(size)
	return total, found && total >= 0
}

// number parses a sequence of digits; it returns -1 for anything else.
func number(s string) int64 {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return -1
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// retryAfter returns the wait in a Retry-After header: seconds or a date; 0 if there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n := number(v); n >= 0 {
		return time.Duration(min(n, 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// errorCode is the reason in the error of S3 and of servers that imitate it.
var errorCode = regexp.MustCompile(`<Code>([A-Za-z0-9.]{1,60})</Code>`)

// explain returns a refusal in words: its status and, where the body has one, its error code.
func explain(resp *http.Response) string {
	text := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if body, err := io.ReadAll(io.LimitReader(resp.Body, explainMost)); err == nil {
		if m := errorCode.FindSubmatch(body); m != nil {
			text += ", " + string(m[1])
		}
	}
	return text
}
