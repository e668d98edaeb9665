package sandbox

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// fileLink returns the path of a recording's file, signed until it expires.
func (w *World) fileLink(rec *recording, expires time.Time) string {
	until := strconv.FormatInt(expires.Unix(), 10)
	q := url.Values{"expires": {until}, "signature": {w.fileSignature(rec.id, until)}}
	return "/files/" + rec.id + ".mp4?" + q.Encode()
}

func (w *World) fileSignature(id, until string) string {
	h := hmac.New(sha256.New, []byte(w.opt.DailyKey+w.opt.WherebyKey))
	h.Write([]byte(id + "." + until))
	return hex.EncodeToString(h.Sum(nil))
}

// serveFile answers a link to a recording's media: 403 with XML if it is expired or wrong, as buckets do; ranges and conditions
// by the ETag.
func (w *World) serveFile(rw http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		rw.Header().Set("Content-Type", "application/xml")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, xml.Header+"<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
	}
	id, named := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/files/"), ".mp4")
	until := r.URL.Query().Get("expires")
	if !named || !hmac.Equal([]byte(r.URL.Query().Get("signature")), []byte(w.fileSignature(id, until))) {
		refuse(403, "SignatureDoesNotMatch", "The request signature does not match.")
		return
	}
	expires, err := strconv.ParseInt(until, 10, 64)
	at := w.lock()
	rec, there := w.recordingByID("", id)
	var m movie
	var modified time.Time
	var late, fault *Fault
	if there {
		m, modified = rec.movie(), rec.endedAt
		late = w.fileFault(rec.room.platform, "GET "+r.URL.Path, true)
		fault = w.fileFault(rec.room.platform, "GET "+r.URL.Path, false)
	}
	w.unlock()
	if late != nil && !w.wait(r, late.Delay) {
		return
	}
	if fault != nil {
		switch fault.Kind {
		case CutFile, SpoilFile:
			rw = &broken{ResponseWriter: rw, spoils: fault.Kind == SpoilFile}
		case DropConnection, DropAfterEffect:
			panic(http.ErrAbortHandler)
		case HTML:
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(rw, "<!doctype html><title>Sign in</title>")
			return
		default:
			refuse(cmp.Or(fault.Status, 503), "SlowDown", "Please reduce your request rate.")
			return
		}
	}
	switch {
	case err != nil || at.Unix() >= expires:
		refuse(403, "AccessDenied", "Request has expired")
	case !there:
		refuse(404, "NoSuchKey", "The specified key does not exist.")
	default:
		if w.opt.FileRate > 0 {
			rw = &slow{ResponseWriter: rw, ctx: r.Context(), world: w, rate: w.opt.FileRate}
		}
		rw.Header().Set("ETag", m.etag())
		rw.Header().Set("Content-Type", "video/mp4")
		http.ServeContent(rw, r, "", modified, io.NewSectionReader(m, 0, m.size()))
	}
}

// broken is an answer whose second half is missing or zeros.
type broken struct {
	http.ResponseWriter
	spoils bool
	sent   int64
}

// Write sends the bytes of the first half. The connection is closed at its end, unless zeros follow.
func (b *broken) Write(p []byte) (int, error) {
	size, err := strconv.ParseInt(b.Header().Get("Content-Length"), 10, 64)
	if err != nil {
		return b.ResponseWriter.Write(p)
	}
	good := min(max(size/2-b.sent, 0), int64(len(p)))
	b.sent += int64(len(p))
	if good == int64(len(p)) {
		return b.ResponseWriter.Write(p)
	}
	if !b.spoils {
		_, _ = b.ResponseWriter.Write(p[:good])
		panic(http.ErrAbortHandler)
	}
	spoilt := make([]byte, len(p))
	copy(spoilt, p[:good])
	return b.ResponseWriter.Write(spoilt)
}

// slow limits the rate of an answer.
type slow struct {
	http.ResponseWriter
	ctx   context.Context
	world *World
	rate  int64
}

// slowStep is how many bytes are sent at a time.
const slowStep = 16 << 10

// Write sends the bytes at the rate, until the reader disconnects.
func (s *slow) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		part := b[:min(len(b), slowStep)]
		select {
		case <-s.world.clock.After(time.Duration(int64(len(part)) * int64(time.Second) / s.rate)):
		case <-s.ctx.Done():
			return n, s.ctx.Err()
		case <-s.world.ctx.Done():
			return n, s.world.ctx.Err()
		}
		var k int
		k, err = s.ResponseWriter.Write(part)
		n, b = n+k, b[k:]
	}
	return n, err
}
