package ssh

import (
	"context"
	"io"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// take takes the connections that the server forwards, until there are no more.
func (c *connection) take(incoming <-chan ssh.NewChannel) {
	for n := range incoming {
		select {
		case c.slots <- struct{}{}:
		default:
			c.log.Warn("a connection was refused: too many are open", "open", concurrent)
			_ = n.Reject(ssh.ResourceShortage, "too many connections")
			continue
		}
		c.goes("ssh forwarded", func() {
			defer func() { <-c.slots }()
			c.carry(n)
		})
	}
}

// carry hands one connection to the local listener.
func (c *connection) carry(n ssh.NewChannel) {
	near, err := (&net.Dialer{Timeout: c.Timeout}).DialContext(c.ctx, "tcp", c.target)
	if err != nil {
		c.log.Warn("the local listener can't be reached", "addr", c.target, "err", err)
		_ = n.Reject(ssh.ConnectionFailed, "the listener is not there")
		return
	}
	far, requests, err := n.Accept()
	if err != nil {
		_ = near.Close()
		return
	}
	c.goes("ssh channel requests", func() { ssh.DiscardRequests(requests) })
	c.splice(near.(*net.TCPConn), far)
}

// half is a connection that can end in one direction alone.
type half interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// splice copies in both directions until both have ended, one has failed, or the connection to the server ends. An end is
// passed on alone, and leaves the other direction a minute.
func (c *connection) splice(near, far half) {
	shut := func() {
		_ = near.Close()
		_ = far.Close()
	}
	defer shut()
	stop := context.AfterFunc(c.ctx, shut)
	defer stop()
	var ended sync.Once
	var both sync.WaitGroup
	over := make(chan struct{})
	copies := func(to, from half) func() {
		return func() {
			defer both.Done()
			if _, err := io.Copy(to, from); err != nil {
				shut()
				return
			}
			if err := to.CloseWrite(); err != nil {
				shut()
				return
			}
			ended.Do(func() { close(over) })
		}
	}
	both.Add(2)
	c.goes("ssh upstream", copies(far, near))
	c.goes("ssh downstream", copies(near, far))
	done := make(chan struct{})
	c.goes("ssh linger", func() {
		select {
		case <-done:
			return
		case <-over:
		}
		select {
		case <-done:
		case <-c.Clock.After(lingerTime):
			shut()
		}
	})
	both.Wait()
	close(done)
}
