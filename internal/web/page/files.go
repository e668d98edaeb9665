package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"

	"greenroom/internal/bounds"
)

//go:generate go run ./gen

// packedFiles are the built files, compressed: they are sent in this form, and need a third of the space.
//
//go:embed packed
var packedFiles embed.FS

// index is the document.
var index = sync.OnceValue(func() string { return string(files()["index.html"].plain) })

// elementStyle is the hash of the one style that a platform's element adds to the document.
const elementStyle = "'sha256-wWkhDcvkWlEEFofM+oCKyKaIPQKTy4KP7Elu/UcEYFs='"

// file is one of the page's files.
type file struct {
	plain, packed []byte
	kind, etag    string
}

var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
}

// files are the page's files by name.
var files = sync.OnceValue(func() map[string]file {
	out := map[string]file{}
	list, err := packedFiles.ReadDir("packed")
	if err != nil {
		panic(err) // the program was built without them
	}
	for _, f := range list {
		packed, err := packedFiles.ReadFile("packed/" + f.Name())
		if err != nil {
			panic(err)
		}
		plain, err := unpack(packed)
		if err != nil {
			panic(fmt.Errorf("the program was built with a damaged %s: %w", f.Name(), err))
		}
		name := strings.TrimSuffix(f.Name(), ".gz")
		sum := sha256.Sum256(plain)
		out[name] = file{plain, packed, kinds[path.Ext(name)], `"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	return out
})

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// serveFile answers with one of the page's files, or returns false if there is none of the name.
func serveFile(w http.ResponseWriter, r *http.Request, name string) bool {
	f, ok := files()[name]
	if !ok || f.kind == "" { // the document is a template
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
	bounds.Send(w, r, len(body))
	_, _ = w.Write(body) // the browser may be gone; there is no one to report to
	return true
}
