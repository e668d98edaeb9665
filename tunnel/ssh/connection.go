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
	output *output
	// ctx ends with the connection; its cause is the reason.
	ctx   context.Context
	end   context.CancelCauseFunc
	slots chan struct{}

	running sync.WaitGroup
}

// start runs f in a goroutine of the connection.
func (c *connection) start(name string, f func()) { c.Crash.GoIn(&c.running, name, f) }

// forward asks the server to listen, finds the public URL, and begins to accept connections.
func (c *connection) forward() error {
	// All connections belong to the only forward, so the names and addresses in them don't matter.
	incoming := c.client.HandleChannelOpen("forwarded-tcpip")
	c.start("ssh forward", func() { c.accept(incoming) })
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
		// A service that shares one port among all users reports none.
		if err := ssh.Unmarshal(answer, &chosen); err == nil {
			port = chosen.Port
		}
	}
	c.Log.Info("the server listens", "server", c.addr, "host", c.bindHost, "port", port)
	return c.locate(port)
}

// why returns the reason why the connection ended, if it has ended, or else describes err.
func (c *connection) why(err error) error {
	if cause := context.Cause(c.ctx); cause != nil {
		return cause
	}
	return lost(err, c.shown)
}

// locate finds the public URL.
func (c *connection) locate(port uint32) error {
	if c.URL != "" {
		url, err := c.fill(port)
		if err != nil {
			return err
		}
		c.found(url)
		return nil
	}
	c.output.report(c.found)
	if err := c.listen(); err != nil {
		c.Log.Debug("the server allows no session, so it can't print a URL", "err", err)
	}
	if c.pattern == nil && c.service == (service{}) && c.outside() && port != 0 {
		url, err := tunnel.PublicURL("http://" + net.JoinHostPort(c.host, strconv.Itoa(int(port))))
		if err == nil {
			c.output.otherwise(url)
		}
		return err
	}
	c.start("ssh announcement", func() {
		select {
		case <-c.ctx.Done():
		case <-c.Clock.After(announceTime):
			c.Update(func(s *tunnel.Status) {
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
	c.Update(func(s *tunnel.Status) { s.State, s.URL, s.Reason = tunnel.Live, url, "" })
}

// listen opens a session, which services need for their output, and reads it while it lasts.
func (c *connection) listen() error {
	session, err := c.client.NewSession()
	if err != nil {
		return err
	}
	// Its end would end the session.
	stdin, err := session.StdinPipe()
	if err != nil {
		return errors.Join(err, session.Close())
	}
	out, errs := &tunnel.Lines{To: c.output.line, Crash: c.Crash}, &tunnel.Lines{To: c.output.line, Crash: c.Crash}
	session.Stdout, session.Stderr = out, errs
	if err := session.Shell(); err != nil {
		return errors.Join(err, session.Close())
	}
	c.start("ssh session", func() {
		err := session.Wait()
		out.End()
		errs.End()
		c.Log.Debug("the server's session ended", "err", err)
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
		// It returns at the latest when the connection is closed.
		c.start("ssh keepalive request", func() {
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
		c.Update(func(s *tunnel.Status) { s.RTT = rtt })
		select {
		case <-c.ctx.Done():
			return
		case <-tick.Chan():
		}
	}
}

// output reads the server's output, before and after the login.
type output struct {
	link *link

	mu      sync.Mutex
	find    tunnel.Announcements
	printed tunnel.Printed
	url     string
	to      func(url string)
}

func newOutput(l *link) *output {
	return &output{link: l, find: tunnel.Announcements{Pattern: l.pattern, Site: l.host}, printed: tunnel.Printed{Log: l.Log}}
}

func (e *output) banner(text string) error {
	for line := range strings.Lines(text) {
		e.line(strings.TrimRight(line, "\r\n"))
	}
	return nil
}

func (e *output) line(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.printed.Line(e.link.Clock.Now(), line)
	if url, news := e.find.Line(line); news {
		e.found(url)
	}
}

func (e *output) found(url string) {
	if e.url = url; e.to != nil {
		e.to(url)
	}
}

// refuted switches to another URL, if the server has printed several.
func (e *output) refuted(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if next, news := e.find.Refuted(url); news {
		e.found(next)
	}
}

// report calls f with the URL, if it is known, and whenever it changes.
func (e *output) report(f func(url string)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.to = f; e.url != "" {
		f(e.url)
	}
}

// otherwise sets the URL until one is printed.
func (e *output) otherwise(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.url == "" {
		e.found(url)
	}
}
