package relay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// AutoTLS gets certificates for the host of a public URL from Let's Encrypt, automatically, with a challenge on the TLS port
// (ALPN); they are kept in the folder dir. The host's port 443 must lead here.
func AutoTLS(publicURL, dir string) (*tls.Config, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("relay: certificates for %q: %w: it must be an https URL", publicURL, ErrInvalid)
	}
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(u.Hostname()), Cache: autocert.DirCache(dir)}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: m.GetCertificate, NextProtos: []string{"http/1.1", acme.ALPNProto},
	}, nil
}

// FileTLS uses a certificate and key in PEM files, and reads them again when they have changed.
func FileTLS(certFile, keyFile string) (*tls.Config, error) {
	p := &pair{cert: certFile, key: keyFile}
	if _, err := p.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.get, NextProtos: []string{"http/1.1"}}, nil
}

// pair is a certificate read from files.
type pair struct {
	cert, key string

	mu      sync.Mutex
	changed [2]time.Time
	now     *tls.Certificate
}

// get returns the certificate of the present files, or the last one while they can't be read, for example during a change.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cert, err := os.Stat(p.cert)
	key, err2 := os.Stat(p.key)
	if err = errors.Join(err, err2); err == nil {
		if changed := [2]time.Time{cert.ModTime(), key.ModTime()}; p.now == nil || changed != p.changed {
			var c tls.Certificate
			if c, err = tls.LoadX509KeyPair(p.cert, p.key); err == nil {
				p.now, p.changed = &c, changed
			}
		}
	}
	if p.now == nil {
		return nil, fmt.Errorf("relay: read the certificate: %w", err)
	}
	return p.now, nil
}
