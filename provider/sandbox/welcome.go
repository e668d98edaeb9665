package sandbox

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"greenroom/internal/bounds"
)

// welcome refuses requests of web pages. A page whose name resolves to this machine could otherwise read the keys of a sandbox
// that listens here, and delete through its API; its name is in the Host header. A sandbox that listens on an outside address may
// be reached by any name. Pages of another origin are always refused.
//
// A request's body has the deadline of [bounds.Server]; the answer may take longer.
func (w *World) welcome(at net.Addr, next http.Handler) http.Handler {
	local := bounds.IsLoopback(at.String())
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if local && !bounds.IsLoopback(r.Host) && !w.hasHost(r.Host) {
			bounds.Unread(rw, r)
			write(rw, answer{status: http.StatusMisdirectedRequest, body: map[string]any{"error": "sandbox: the host name is not this machine's"}})
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !sameHost(origin, r.Host) {
			bounds.Unread(rw, r)
			write(rw, answer{status: http.StatusForbidden, body: map[string]any{"error": "sandbox: not for other web pages"}})
			return
		}
		if r.Body == nil || r.Body == http.NoBody {
			bounds.Patient(rw)
		} else {
			whole := *r // the server keeps its own body
			whole.Body = &untilRead{r.Body, rw}
			r = &whole
		}
		next.ServeHTTP(rw, r)
	})
}

// hasHost reports whether the world's links lead to a host.
func (w *World) hasHost(host string) bool {
	return w.opt.BaseURL != "" && sameHost(w.opt.BaseURL, host)
}

func sameHost(base, host string) bool {
	u, err := url.Parse(base)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// untilRead is a body whose deadline ends with it.
type untilRead struct {
	io.ReadCloser
	w http.ResponseWriter
}

// Read implements [io.Reader].
func (u *untilRead) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		bounds.Patient(u.w)
	}
	return n, err
}
