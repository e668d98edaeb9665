package ssh

import (
	"net"

	"golang.org/x/crypto/ssh"

	"greenroom/tunnel"
)

// take accepts the connections that the server forwards, until there are no more.
func (c *connection) take(incoming <-chan ssh.NewChannel) {
	full, failed := tunnel.Often{Log: c.Log}, tunnel.Often{Log: c.Log}
	for n := range incoming {
		select {
		case c.slots <- struct{}{}:
		default:
			full.Warn(c.Clock.Now(), "connections are refused: too many are open", "open", concurrent)
			_ = n.Reject(ssh.ResourceShortage, "too many connections")
			continue
		}
		c.start("ssh forwarded", func() {
			defer func() { <-c.slots }()
			c.carry(n, &failed)
		})
	}
}

// carry passes one connection to the local listener.
func (c *connection) carry(n ssh.NewChannel, failed *tunnel.Often) {
	near, err := (&net.Dialer{Timeout: c.Timeout}).DialContext(c.ctx, "tcp", c.target)
	if err != nil {
		failed.Warn(c.Clock.Now(), "the local listener can't be reached", "addr", c.target, "err", err)
		_ = n.Reject(ssh.ConnectionFailed, "the listener is not there")
		return
	}
	far, requests, err := n.Accept()
	if err != nil {
		_ = near.Close()
		return
	}
	c.start("ssh channel requests", func() { ssh.DiscardRequests(requests) })
	tunnel.Splice(c.ctx, c.Clock, c.Crash, near, far)
}
