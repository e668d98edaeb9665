package source

import (
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

// answers reports whether the response is the one that was asked for.
func answers(resp *http.Response, id recording.Identity, off, n int64, whole bool) error {
	got := describe(resp)
	switch resp.StatusCode {
	case http.StatusOK:
		if got.Size = resp.ContentLength; !id.Same(got) {
			return fmt.Errorf("%w: another length or ETag", recording.ErrChanged)
		}
		if whole {
			return nil
		}
		return recording.ErrNoRanges
	case http.StatusPartialContent:
		first, last, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if whole || !ok || first != off || (n >= 0 && last > off+n-1) {
			return fmt.Errorf("%w: the wrong Content-Range", recording.ErrOdd)
		}
		if got.Size = total; !id.Same(got) {
			return fmt.Errorf("%w: another length or ETag", recording.ErrChanged)
		}
		if resp.ContentLength >= 0 && resp.ContentLength != last-first+1 {
			return fmt.Errorf("%w: Content-Length and Content-Range differ", recording.ErrOdd)
		}
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		if total, ok := emptyRange(resp); ok && total != id.Size {
			return fmt.Errorf("%w: another length", recording.ErrChanged)
		}
	}
	return fmt.Errorf("%w: it answered %d", recording.ErrOdd, resp.StatusCode)
}

// usable refuses what can't be the file or a part of it, whatever the status says.
func usable(resp *http.Response) error {
	// Objects that were uploaded in a certain way stay marked as aws-chunked; the body isn't.
	e := resp.Header.Get("Content-Encoding")
	if e != "" && !strings.EqualFold(e, "identity") && !strings.EqualFold(e, "aws-chunked") {
		return fmt.Errorf("%w: it is compressed (%s)", recording.ErrOdd, plain.Text(plain.Cut(e, 20)))
	}
	switch mediaType(resp) {
	case "text/html", "application/xhtml+xml":
		return fmt.Errorf("%w: it is a web page", recording.ErrOdd)
	case "multipart/byteranges":
		return fmt.Errorf("%w: it is in several parts", recording.ErrOdd)
	}
	return nil
}

func mediaType(resp *http.Response) string {
	t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// strongTag is RFC 9110's, section 8.8.3, of a sensible length.
var strongTag = regexp.MustCompile(`^"[\x21\x23-\x7e]{0,256}"$`)

// reprDigest is the SHA-256 of the whole file in a Repr-Digest header, RFC 9530, whatever part of it the answer has.
var reprDigest = regexp.MustCompile(`(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):`)

// describe reads what the headers tell of the file, all but its size. A weak ETag is none: it doesn't promise the same bytes.
func describe(resp *http.Response) recording.Identity {
	id := recording.Identity{MediaType: mediaType(resp)}
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

// contentRange reads `bytes 0-99/200`; total is -1 for `*`. RFC 9110, section 14.4.
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

// exact is the body of a part. One with other bytes than its header announces is an odd answer.
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

// emptyRange reads `bytes */200`, which comes with a refused range.
func emptyRange(resp *http.Response) (total int64, ok bool) {
	size, found := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes */")
	total = number(size)
	return total, found && total >= 0
}

// number is a sequence of digits, -1 for anything else.
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

// retryAfter reads seconds or a date.
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

// errorCode is how S3, and what speaks like it, says why it refuses.
var errorCode = regexp.MustCompile(`<Code>([A-Za-z0-9.]{1,60})</Code>`)

// explain gives the code of a refusal as ", Code", empty when there is none.
func explain(resp *http.Response) string {
	body, err := io.ReadAll(io.LimitReader(resp.Body, explainMost))
	if err != nil {
		return ""
	}
	if m := errorCode.FindSubmatch(body); m != nil {
		return ", " + string(m[1])
	}
	return ""
}
