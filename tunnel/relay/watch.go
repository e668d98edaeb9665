package relay

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// watchEvery is how often connections are checked.
const watchEvery = time.Second

// watch pings clients, ends silent connections, and reports depths.
func (s *Server) watch() {
	defer close(s.watched)
	ticker := s.opt.Clock.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.Chan():
		}
		s.refused.Flush()
		s.mu.Lock()
		conns := slices.Collect(maps.Keys(s.conns))
		s.mu.Unlock()
		for _, c := range conns {
			c.check()
		}
	}
}

// check checks one connection.
func (c *conn) check() {
	now := c.s.since()
	introduced := c.introduced()
	if c.silentFor() >= silence || !introduced && now-c.began >= helloTime {
		c.s.opt.Log.Info("a client is silent", "token", c.token.Name, "session", c.session[:6])
		c.kill()
		return
	}
	if c.silentFor() > autoSilent {
		c.s.waiters.release(c)
	}
	if now-time.Duration(c.pinged.Load()) >= pingEvery {
		c.pinged.Store(int64(now))
		c.send(wire.Frame{Type: wire.Ping, Payload: binary.BigEndian.AppendUint64(nil, uint64(now))})
	}
	if introduced {
		c.sendDepths()
	}
}

// sendDepths sends the depth of hooks where it has changed, and removes senders that no longer wait.
func (c *conn) sendDepths() {
	c.mu.Lock()
	lanes := c.lanes
	for stream, a := range c.awaited {
		if !a.w.waits() {
			delete(c.awaited, stream)
		}
	}
	c.mu.Unlock()
	for _, l := range lanes {
		n, bytes := c.s.spool.Depth(l.hook)
		if n == l.sentDepth {
			continue
		}
		l.sentDepth = n
		c.send(frame(wire.Depth, 0, wire.DepthBody{Hook: l.hook, Depth: n, Bytes: bytes}))
	}
}

// spooled is called when a hook has a new request.
func (s *Server) spooled(hook string) {
	h, ok := s.spool.Hook(hook)
	if !ok {
		return
	}
	c := s.connOf(h.Token)
	if c == nil {
		return
	}
	c.mu.Lock()
	for _, l := range c.lanes {
		if l.hook == hook {
			l.more.Store(true)
		}
	}
	c.mu.Unlock()
	c.nudge()
}

// dropped is called when requests of a hook were dropped.
func (s *Server) dropped(g spool.Gap) {
	h, ok := s.spool.Hook(g.Hook)
	if !ok {
		return
	}
	s.opt.Log.Warn("dropped requests that no client fetched", "hook", h.Name, "token", h.Token, "count", g.Count, "why", g.Reason)
	s.metrics.lost.Add(g.Count)
	if c := s.connOf(h.Token); c != nil && c.receives(g.Hook) {
		c.send(gapFrame(g))
	}
}
