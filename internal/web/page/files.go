package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

//go:embed dist/index.html
var index string

// elementStyle is the hash of the one style that a platform's element adds to the document.
const elementStyle = "'sha256-wWkhDcvkWlEEFofM+oCKyKaIPQKTy4KP7Elu/UcEYFs='"

// file is one of the page's files, as it is sent.
type file struct {
	plain, packed []byte
	kind, etag    string
}

var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
}

// files are the page's files by name, compressed once.
var files = sync.OnceValue(func() map[string]file {
	out := map[string]file{}
	list, err := dist.ReadDir("dist")
	if err != nil {
		panic(err) // the program was built without them
	}
	for _, f := range list {
		kind := kinds[path.Ext(f.Name())]
		plain, err := dist.ReadFile("dist/" + f.Name())
		if kind == "" || err != nil {
			continue
		}
		sum := sha256.Sum256(plain)
		out[f.Name()] = file{plain, pack(plain), kind, `"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	return out
})

// pack compresses.
func pack(b []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level exists
	}
	_, werr := z.Write(b)
	if cerr := z.Close(); werr != nil || cerr != nil {
		return b // a buffer takes everything
	}
	return out.Bytes()
}

// serveFile answers with one of the page's files. It reports whether there is one of the name.
func serveFile(w http.ResponseWriter, r *http.Request, name string) bool {
	f, ok := files()[name]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	_, _ = w.Write(body) // the browser may be gone; there is no one to report to
	return true
}
