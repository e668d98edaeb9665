package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/crash"
	"greenroom/internal/recording/source"
)

// wire is a server of one file without a network: it answers in memory, and in the time of a synctest bubble.
type wire struct {
	mu   sync.Mutex
	data []byte
	etag string
	// digest makes it promise the checksum of the whole file.
	digest bool
	// answer may change how a request for a part is answered; nil answers well.
	answer func(off, end int) reply
	// identify does the same for the question what the file is.
	identify func() reply
	// open counts the bodies that aren't closed, asked the requests for parts, sent the bytes that were read.
	open, asked, sent int
}

// reply is how a request is answered. The zero reply is a good one.
type reply struct {
	status int
	// from and to replace the part that was asked for, in Content-Range and body alike; to is exclusive.
	from, to *int
	// claim replaces the part in Content-Range alone.
	claim string
	// whole answers 200 with the whole file.
	whole bool
	// unsized leaves Content-Length out.
	unsized bool
	// extra follows the body. corrupt changes its first byte.
	extra   []byte
	corrupt bool
	// cut ends the body after so many bytes, with an error unless it ends politely; negative never.
	cut    *int
	polite bool
	// think is the time before the answer, pace that before each step bytes of the body, hang lasts until the request is cancelled.
	think, pace time.Duration
	step        int
	hang        bool
	// fails to connect.
	fails bool
	// changes is the file from now on.
	changes []byte
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	off, end := 0, 0
	ranged := true
	header := r.Header.Get("Range")
	switch n, _ := fmt.Sscanf(header, "bytes=%d-%d", &off, &end); {
	case header == "bytes=0-0" && w.identify == nil:
		return w.respond(r, reply{}, 0, 1), nil
	case n == 2:
		end = min(end+1, len(w.data))
	default:
		ranged, end = false, len(w.data)
	}
	var how reply
	if header == "bytes=0-0" {
		how = w.identify()
	} else if w.answer != nil {
		how = w.answer(off, end)
	}
	w.asked++
	if how.changes != nil {
		w.data = how.changes
		if w.etag != "" {
			w.etag = fmt.Sprintf(`"%x"`, sha256.Sum256(how.changes))
		}
	}
	w.mu.Unlock()
	err := pause(r.Context(), how.think)
	if err == nil && how.hang {
		<-r.Context().Done()
		err = r.Context().Err()
	}
	w.mu.Lock()
	switch {
	case err != nil:
		return nil, err
	case how.fails:
		return nil, io.ErrClosedPipe
	case how.status == 0 && r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != w.etag:
		return w.respond(r, reply{status: http.StatusPreconditionFailed}, 0, 0), nil
	}
	if !ranged {
		how.whole = true
	}
	return w.respond(r, how, off, end), nil
}

func (w *wire) respond(r *http.Request, how reply, off, end int) *http.Response {
	h := http.Header{"Etag": {w.etag}, "Content-Type": {"video/mp4"}}
	if w.digest {
		sum := sha256.Sum256(w.data)
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	resp := &http.Response{StatusCode: http.StatusPartialContent, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Request: r}
	if how.from != nil {
		off = min(*how.from, len(w.data))
	}
	if how.to != nil {
		end = min(*how.to, len(w.data))
	}
	end = max(end, off)
	var text []byte
	switch {
	case how.status != 0:
		resp.StatusCode = how.status
	case how.whole:
		resp.StatusCode, text = http.StatusOK, bytes.Clone(w.data)
	case len(w.data) == 0:
		resp.StatusCode = http.StatusRequestedRangeNotSatisfiable
		h.Set("Content-Range", "bytes */0")
	default:
		text = bytes.Clone(w.data[off:end])
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, end-1, len(w.data)))
	}
	if how.claim != "" {
		h.Set("Content-Range", how.claim)
	}
	resp.ContentLength = int64(len(text))
	if how.corrupt && len(text) > 0 {
		text[0] ^= 0x55
	}
	text = append(text, how.extra...)
	if how.unsized || how.extra != nil {
		resp.ContentLength = -1
	}
	b := &wireBody{w: w, ctx: r.Context(), text: text, how: how}
	if how.cut != nil && *how.cut < len(text) {
		b.text = text[:*how.cut]
		if b.err = io.ErrUnexpectedEOF; how.polite {
			b.err = io.EOF
		}
	} else {
		b.err = io.EOF
	}
	w.open++
	resp.Body = b
	return resp
}

type wireBody struct {
	w      *wire
	ctx    context.Context
	text   []byte
	how    reply
	err    error
	closed bool
}

func (b *wireBody) Read(p []byte) (int, error) {
	if err := pause(b.ctx, b.how.pace); err != nil {
		return 0, err
	}
	if len(b.text) == 0 {
		return 0, b.err
	}
	if b.how.step > 0 {
		p = p[:min(len(p), b.how.step)]
	}
	n := copy(p, b.text)
	b.text = b.text[n:]
	b.w.mu.Lock()
	b.w.sent += n
	b.w.mu.Unlock()
	return n, nil
}

func (b *wireBody) Close() error {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.w.open--
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// source is the wire's file, by the HTTP source with nothing of it replaced but the network.
func (w *wire) source() *source.HTTP {
	return source.NewHTTP(source.HTTPOptions{Link: Fixed("http://127.0.0.1/file?signature=geheim"), Transport: w})
}

// unsynced is the system's storage without waiting for the disk.
func unsynced() storage {
	s := system
	s.flush = func(*os.File) error { return nil }
	s.sync, s.syncFolder = s.flush, s.flush
	s.reserve = (*os.File).Truncate
	return s
}

// tiny is a downloader for files of some hundred bytes, and what to wait for before a bubble ends.
func tiny(o Options) (*Downloader, *crash.Group) {
	o.Crash = &crash.Group{}
	d := New(o)
	d.disk = unsynced()
	return d, o.Crash
}

// verdict compares what became of a download with the source: the same bytes under the final name, or nothing there.
func wholeOrNothing(dir string, want []byte, err error) error {
	var found []string
	walk := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasSuffix(path, ".part") {
			found = append(found, path)
		}
		return err
	})
	switch {
	case walk != nil:
		return walk
	case err != nil && len(found) > 0:
		return fmt.Errorf("there is a file %s although it failed: %w", found[0], err)
	case err != nil:
		return nil
	case len(found) != 1:
		return fmt.Errorf("the files are %q", found)
	}
	got, err := os.ReadFile(found[0])
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("the file has %d bytes, not %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("the file differs from the source from byte %d of %d on", i, len(got))
		}
	}
	return nil
}

// scratch is a folder of a case, and its end.
func scratch(t testing.TB) (string, func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "greenroom-recording-")
	if err != nil {
		t.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}
