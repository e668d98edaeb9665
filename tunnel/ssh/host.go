package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"greenroom/internal/plain"
)

// ChangedKey is the error for a server whose key isn't the pinned one. Its text has the remedy.
type ChangedKey struct {
	Host string
	// Got and Want are the fingerprints of the server's key and of the pinned one, which is at Line of File.
	Got, Want string
	File      string
	Line      int
}

func (e *ChangedKey) Error() string {
	return fmt.Sprintf("the host key of %s has changed: it was %s and is %s. Either the server was reinstalled, or someone is "+
		"intercepting the connection. Nothing is sent to it. If you are sure that it was reinstalled, remove line %d of "+
		"%s", e.Host, e.Want, e.Got, e.Line, plain.Word(e.File))
}

// errRevoked is returned for a key that is revoked in the file of known hosts.
var errRevoked = errors.New("the server's key is revoked")

// pins are the known keys of servers.
type pins struct{ file string }

// check returns the callback for the server at addr, and the kinds of keys to request, all if nil: a server has several keys, and
// one of another kind than the pinned one would look like a changed key. pinned is called after a new key was added to the file.
func (p pins) check(addr, shown string, pinned func(fingerprint string)) (ssh.HostKeyCallback, []string, error) {
	known, err := p.read()
	if err != nil {
		return nil, nil, err
	}
	var kinds []string
	for _, k := range p.wanted(known, addr) {
		kinds = append(kinds, algorithms(k.Key.Type())...)
	}
	slices.Sort(kinds)
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := known(host, remote, key)
		var unknown *knownhosts.KeyError
		var revoked *knownhosts.RevokedError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &revoked):
			return fmt.Errorf("%w: %s, by %s", errRevoked, ssh.FingerprintSHA256(key), plain.Word(p.file))
		case !errors.As(err, &unknown):
			return err
		case len(unknown.Want) > 0:
			w := unknown.Want[0]
			return &ChangedKey{
				Host: shown, Got: ssh.FingerprintSHA256(key), File: w.Filename, Line: w.Line, Want: ssh.FingerprintSHA256(w.Key),
			}
		}
		if err := p.pin(host, key); err != nil {
			return err
		}
		pinned(ssh.FingerprintSHA256(key))
		return nil
	}, slices.Compact(kinds), nil
}

func (p pins) read() (ssh.HostKeyCallback, error) {
	known, err := knownhosts.New(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return knownhosts.New()
	}
	if err != nil {
		return nil, fmt.Errorf("the known hosts in %s can't be read: %w", plain.Word(p.file), err)
	}
	return known, nil
}

// wanted returns the pinned keys of the server.
func (pins) wanted(known ssh.HostKeyCallback, addr string) []knownhosts.KnownKey {
	var unknown *knownhosts.KeyError
	// No server has this key, so the error lists the expected ones.
	if err := known(addr, &net.TCPAddr{IP: net.IPv4zero}, unused{}); errors.As(err, &unknown) {
		return unknown.Want
	}
	return nil
}

// unused is a public key that no server has.
type unused struct{}

func (unused) Type() string                        { return "unused" }
func (unused) Marshal() []byte                     { return []byte("unused") }
func (unused) Verify([]byte, *ssh.Signature) error { return errors.New("ssh: no signer") }

// algorithms returns the names that request a kind of key.
func algorithms(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

// pin adds a key to the file.
func (p pins) pin(host string, key ssh.PublicKey) error {
	fail := func(err error) error {
		return fmt.Errorf("the server's key can't be kept in %s: %w", plain.Word(p.file), err)
	}
	if err := os.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return fail(err)
	}
	line := knownhosts.Line([]string{knownhosts.Normalize(host)}, key) + "\n"
	if old, err := os.ReadFile(p.file); err == nil && len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		line = "\n" + line
	}
	f, err := os.OpenFile(p.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fail(err)
	}
	_, err = f.WriteString(line)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fail(err)
	}
	return nil
}
