package ssh

import (
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"greenroom/tunnel"
)

// accept accepts the connections that the server forwards, until there are no more.
func (c *connection) accept(incoming <-chan ssh.NewChannel) {
	began := c.Clock.Now()
	refused := tunnel.Tally{Log: c.Log, Since: func() time.Duration { return c.Clock.Since(began) }}
	for n := range incoming {
		select {
		case c.slots <- struct{}{}:
		default:
			refused.Note("connections are refused: too many are open", "", "open", concurrent)
			_ = n.Reject(ssh.ResourceShortage, "too many connections")
			continue
		}
		c.start("ssh forwarded", func() {
			defer func() { <-c.slots }()
			c.carry(n, &refused)
		})
	}
}

// carry passes one connection to the local listener.
func (c *connection) carry(n ssh.NewChannel, refused *tunnel.Tally) {
	near, err := (&net.Dialer{Timeout: c.Timeout}).DialContext(c.ctx, "tcp", c.target)
	if err != nil {
		refused.Note("the local listener can't be reached", "", "addr", c.target, "err", err)
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
