package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
)

// People read what failed and why, without the words of Go's library: an address, a file or a program once.
func TestSentencesOfGoErrors(t *testing.T) {
	refused := &net.OpError{
		Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:7070")), Err: os.NewSyscallError("connect", errors.New("connection refused")),
	}
	missing := &exec.Error{Name: "vi", Err: errors.New("it was not found")}
	for _, test := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("the webhook could not be posted: %w", refused), "the webhook could not be posted: 127.0.0.1:7070: connection refused"},
		{fmt.Errorf("listen on 127.0.0.1:7070: %w", refused), "listen on 127.0.0.1:7070: connection refused"},
		{fmt.Errorf("look it up: %w", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "x.invalid"}}), "look it up: lookup x.invalid: no such host"},
		{fmt.Errorf("edit the event: %w", missing), "edit the event: vi: it was not found"},
		{fmt.Errorf("start vi: %w", missing), "start vi: it was not found"},
		{fmt.Errorf("read the events: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}), "read the events: x: file does not exist"},
	} {
		if got := withoutGo(test.err.Error(), test.err); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
