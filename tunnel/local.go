package tunnel

import (
	"errors"
	"fmt"
	"net"
)

// Target returns the listener's address for drivers that carry connections, as HOST:PORT: on loopback if it is bound to every
// address. It fails without a listener.
func (l Local) Target() (string, error) {
	if l.Addr == nil {
		return "", errors.New("there is no local listener to make public")
	}
	host, port, err := net.SplitHostPort(l.Addr.String())
	if err != nil {
		return "", fmt.Errorf("the listener's address: %w", err)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
