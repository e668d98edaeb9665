package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"greenroom/tunnel"
)

// connection is a connection that is logged in.
type connection struct {
	*link
	client *ssh.Client
	ears   *ears
	// ctx ends with the connection; its cause is the reason.
	ctx   context.Context
	end   context.CancelCauseFunc
	slots chan struct{}

	running sync.WaitGroup
}

// goes runs f in a goroutine of the connection.
func (c *connection) goes(name string, f func()) {
	c.running.Add(1)
	c.crash.Go(name, func() {
		defer c.running.Done()
		f()
	})
}

func (c *connection) wait() { c.running.Wait() }

// forward asks the server to listen, learns the public URL, and begins to accept connections.
func (c *connection) forward() error {
	// All connections belong to the one forward. Names and addresses in them are as the server writes them.
	incoming := c.client.HandleChannelOpen("forwarded-tcpip")
	c.goes("ssh forward", func() { c.take(incoming) })
	ask := struct {
		Host string
		Port uint32
	}{c.bindHost, uint32(c.bindPort)}
	// RFC 4254, section 7.1.
	ok, answer, err := c.client.SendRequest("tcpip-forward", true, ssh.Marshal(&ask))
	if err != nil {
		return c.why(err)
	}
	at := net.JoinHostPort(c.bindHost, strconv.Itoa(int(c.bindPort)))
	if !ok {
		return fmt.Errorf("%s refuses to listen at %s: another program, or an earlier connection that is still open, may be using "+
			"that port, or the server doesn't allow it (AllowTcpForwarding, PermitListen, GatewayPorts in its sshd_config)", c.shown, at)
	}
	port := ask.Port
	if port == 0 {
		var chosen struct{ Port uint32 }
		// A service that shares one port for all has none to report.
		if err := ssh.Unmarshal(answer, &chosen); err == nil {
			port = chosen.Port
		}
	}
	c.log.Info("the server listens", "server", c.addr, "host", c.bindHost, "port", port)
	return c.locate(port)
}

// why returns the reason why the connection ended, if that caused err.
func (c *connection) why(err error) error {
	if cause := context.Cause(c.ctx); cause != nil {
		return cause
	}
	return lost(err, c.shown)
}

// locate finds out the public URL.
func (c *connection) locate(port uint32) error {
	if c.URL != "" {
		url, err := c.fill(port)
		if err != nil {
			return err
		}
		c.found(url)
		return nil
	}
	c.ears.report(c.found)
	if err := c.listen(); err != nil {
		c.log.Debug("the server gives no session to print in", "err", err)
	}
	if c.pattern == nil && c.service == (service{}) && c.outside() && port != 0 {
		url, err := tunnel.PublicURL("http://" + net.JoinHostPort(c.host, strconv.Itoa(int(port))))
		if err == nil {
			c.ears.otherwise(url)
		}
		return err
	}
	c.goes("ssh announcement", func() {
		select {
		case <-c.ctx.Done():
		case <-c.Clock.After(announceTime):
			c.board.Update(func(s *tunnel.Status) {
				if s.State != tunnel.Live {
					s.State, s.Reason = tunnel.Degraded, fmt.Sprintf("%s is listening at %s, but printed no public URL: set url to "+
						"the URL that leads there",
						c.shown, net.JoinHostPort(c.bindHost, strconv.Itoa(int(port))))
				}
			})
		}
	})
	return nil
}

// found reports the tunnel as connected.
func (c *connection) found(url string) {
	if c.ctx.Err() != nil {
		return
	}
	c.board.Update(func(s *tunnel.Status) { s.State, s.URL, s.Reason = tunnel.Live, url, "" })
}

// listen opens a session for the server's output, as services need, and reads it as long as it lasts.
func (c *connection) listen() error {
	session, err := c.client.NewSession()
	if err != nil {
		return err
	}
	// Held open: its end would end the session.
	stdin, err := session.StdinPipe()
	if err != nil {
		return errors.Join(err, session.Close())
	}
	out := &tunnel.Lines{To: c.ears.line, Crash: c.crash}
	errs := &tunnel.Lines{To: c.ears.line, Crash: c.crash}
	session.Stdout, session.Stderr = out, errs
	if err := session.Shell(); err != nil {
		return errors.Join(err, session.Close())
	}
	c.goes("ssh session", func() {
		err := session.Wait()
		out.End()
		errs.End()
		c.log.Debug("the server's session ended", "err", err)
		_ = stdin.Close()
	})
	return nil
}

// keepalive pings the server periodically.
func (c *connection) keepalive() {
	tick := c.Clock.NewTicker(c.Keepalive)
	defer tick.Stop()
	for {
		began := c.Clock.Now()
		answered := make(chan error, 1)
		// It returns when the connection is closed, if not before.
		c.goes("ssh keepalive request", func() {
			_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		})
		late := c.Clock.NewTimer(keepaliveTime)
		select {
		case <-c.ctx.Done():
			late.Stop()
			return
		case <-late.Chan():
			c.end(fmt.Errorf("%s has not answered for %s: reconnecting", c.shown, keepaliveTime))
			return
		case err := <-answered:
			late.Stop()
			if err != nil {
				c.end(c.why(err))
				return
			}
		}
		rtt := c.Clock.Since(began)
		c.board.Update(func(s *tunnel.Status) { s.RTT = rtt })
		select {
		case <-c.ctx.Done():
			return
		case <-tick.Chan():
		}
	}
}

// ears reads the server's output, before and after the login.
type ears struct {
	link *link

	mu      sync.Mutex
	find    tunnel.Announcements
	printed tunnel.Printed
	url     string
	to      func(url string)
}

func newEars(l *link) *ears {
	return &ears{link: l, find: tunnel.Announcements{Pattern: l.pattern, Site: l.host}, printed: tunnel.Printed{Log: l.log}}
}

func (e *ears) banner(text string) {
	for line := range strings.Lines(text) {
		e.line(strings.TrimRight(line, "\r\n"))
	}
}

func (e *ears) line(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.printed.Line(e.link.Clock.Now(), line)
	url, news := e.find.Line(line)
	if !news {
		return
	}
	e.url = url
	if e.to != nil {
		e.to(url)
	}
}

// refuted switches to another URL, if the server has printed several.
func (e *ears) refuted(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if next, news := e.find.Refuted(url); news && e.to != nil {
		e.url = next
		e.to(next)
	}
}

// report calls f with the URL, now and whenever it changes.
func (e *ears) report(f func(url string)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.to = f; e.url != "" {
		f(e.url)
	}
}

// otherwise sets the URL until one is printed.
func (e *ears) otherwise(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.url == "" {
		e.url = url
		e.to(url)
	}
}
