package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/internal/cursor"
	"greenroom/internal/plain"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// helloSpool limits the time to move the spool to a client's positions.
const helloSpool = 30 * time.Second

// read handles the client's frames until the connection ends, and returns the reason.
func (c *conn) read() error {
	for introduced := false; ; {
		kind, raw, err := c.ws.ReadMessage()
		if err != nil {
			if errors.Is(err, websocket.ErrReadLimit) {
				return broken("a frame of more than %d bytes", wire.MaxFrame)
			}
			return err
		}
		c.touch()
		if kind != websocket.BinaryMessage {
			return broken("a text message")
		}
		f, err := wire.Decode(raw)
		switch {
		case err != nil:
			return broken("%v", err)
		case !f.Type.Known():
			continue
		case !introduced && f.Type != wire.Hello && f.Type != wire.Ping && f.Type != wire.Pong:
			return broken("%s before HELLO", f.Type)
		case introduced && f.Type == wire.Hello:
			return broken("a second HELLO")
		}
		if f.Type == wire.Hello {
			introduced = true
		}
		if err := c.handle(f); err != nil {
			return err
		}
	}
}

// errLeft means that the client ended the conversation.
var errLeft = errors.New("it left")

// handle handles one frame.
func (c *conn) handle(f wire.Frame) error {
	switch f.Type {
	case wire.Hello:
		return decoded(f, c.hello)
	case wire.Stored:
		return decoded(f, c.stored)
	case wire.Resp:
		return decoded(f, func(r wire.RespBody) error { c.resp(f.Stream, r); return nil })
	case wire.Credit:
		return decoded(f, c.credit)
	case wire.Ping:
		if len(f.Payload) != 8 {
			return broken("a PING of %d bytes", len(f.Payload))
		}
		c.send(wire.Frame{Type: wire.Pong, Stream: f.Stream, Payload: f.Payload})
	case wire.Pong: // touch has recorded it
	case wire.GoAway:
		return errLeft
	case wire.Err:
		return decoded(f, func(e wire.ErrBody) error {
			c.s.opt.Log.Warn("a client refuses", "token", c.token.Name, "stream", f.Stream, "code", words(e.Code), "text", words(e.Text))
			if f.Stream == 0 {
				return errLeft
			}
			return nil
		})
	default:
		return broken("%s from a client", f.Type)
	}
	return nil
}

// words makes a client's text safe and short enough for a log.
func words(text string) string {
	const most = 200
	return plain.Text(text[:min(len(text), most)])
}

func decoded[T any](f wire.Frame, act func(T) error) error {
	body, err := wire.Body[T](f)
	if err != nil {
		return broken("%v", err)
	}
	return act(body)
}

// hello accepts the client or refuses it, and sends WELCOME.
func (c *conn) hello(h wire.HelloBody) error {
	if h.Device == "" || len(h.Device) > 256 {
		return broken("HELLO without a device, or with a long one")
	}
	switch code, text := c.s.enter(c, h); {
	case code != "":
		c.s.refused.Note("a client is refused", c.token.Name+"\x00"+code, "token", c.token.Name, "why", text, "from", c.remote)
		c.refuse(code, text)
		return nil // the writer ends it
	case !c.s.spool.Valid(c.token):
		c.leave(goAway(wire.GoAwayBody{Reason: wire.Revoked}))
		return nil
	}
	at := map[string]cursor.Position{}
	for _, p := range h.Hooks {
		at[p.Hook] = p
	}
	ctx, cancel := context.WithTimeout(context.Background(), helloSpool)
	defer cancel()
	greetings, err := c.s.spool.Hello(ctx, c.token.Name, at)
	if errors.Is(err, spool.ErrInvalid) {
		return broken("%v", err)
	}
	if err != nil {
		return fmt.Errorf("the spool can't take its positions: %w", err)
	}
	welcome := wire.WelcomeBody{
		Session: c.session, Epoch: c.s.spool.Epoch(), Server: c.s.opt.Version,
		Limits: wire.Limits{Body: c.s.opt.Body, Spool: c.s.opt.Spool},
	}
	var lanes []*lane
	for _, h := range c.s.spool.HooksOf(c.token.Name) {
		n, bytes := c.s.spool.Depth(h.ID)
		g := greetings[h.ID]
		welcome.Epoch = max(welcome.Epoch, g.Epoch)
		welcome.Hooks = append(welcome.Hooks, wire.HookInfo{
			Hook: h.ID, Name: h.Name, URL: c.s.hookURL(h.ID), Policy: string(c.s.effective(h)), Depth: n, Bytes: bytes, Restored: g.Restored,
		})
		l := &lane{hook: h.ID, behind: at[h.ID], sentDepth: n}
		l.behind.Hook = h.ID
		l.more.Store(true)
		lanes = append(lanes, l)
		if g.Restored {
			c.s.opt.Log.Warn("a client has stored more than this relay ever had: it was restored from a backup",
				"token", c.token.Name, "hook", h.Name)
		}
	}
	first := []wire.Frame{frame(wire.Welcome, 0, welcome)}
	for _, l := range lanes {
		gaps, err := c.s.spool.Gaps(l.hook)
		if err != nil {
			return err
		}
		for _, g := range gaps {
			first = append(first, gapFrame(g))
		}
	}
	c.send(first...) // the gaps before any event
	c.mu.Lock()
	c.lanes = lanes
	c.mu.Unlock()
	c.nudge()
	c.s.refused.NoteAt(slog.LevelInfo, "a client has come", c.token.Name, "token", c.token.Name, "session", c.session[:6], "client", words(h.Client))
	return nil
}

// enter makes a connection the receiver of its token's hooks, or returns the refusal.
func (s *Server) enter(c *conn, h wire.HelloBody) (code, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.active[c.token.Name]
	if old != nil && old.alive() {
		switch {
		case old.device != h.Device:
			return wire.CodeInUse, "another device receives these hooks now"
		case h.Yield:
			return wire.CodeYield, "this device has another connection"
		}
		old.leave(goAway(wire.GoAwayBody{Reason: wire.TakenOver}))
	}
	c.mu.Lock()
	c.device = h.Device
	c.mu.Unlock()
	s.active[c.token.Name] = c
	return "", ""
}

// alive reports whether the connection has neither ended nor is about to.
func (c *conn) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.ended && c.last == nil
}

func gapFrame(g spool.Gap) wire.Frame {
	return frame(wire.Gap, 0, wire.GapBody{
		Hook: g.Hook, Epoch: g.Epoch, From: g.From, To: g.To, Count: g.Count, At: g.At.Format(time.RFC3339), Reason: g.Reason,
	})
}

// stored lets the spool delete requests, and answers senders that wait for an answer that the client will not send.
func (c *conn) stored(p wire.StoredBody) error {
	if !c.receives(p.Hook) {
		return nil // it may have been deleted
	}
	c.behind.Store(false)
	switch err := c.s.spool.Stored(p); {
	case errors.Is(err, spool.ErrAhead):
		return broken("STORED beyond what there was")
	case err != nil && !errors.Is(err, spool.ErrNotFound):
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for stream, a := range c.awaited {
		if a.at.Hook == p.Hook && !p.Before(a.at) {
			a.w.answer(wire.RespBody{})
			delete(c.awaited, stream)
		}
	}
	return nil
}

func (c *conn) receives(hook string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.lanes, func(l *lane) bool { return l.hook == hook })
}

// resp passes the client's answer to the waiting sender.
func (c *conn) resp(stream uint64, r wire.RespBody) {
	c.mu.Lock()
	a := c.awaited[stream]
	delete(c.awaited, stream)
	c.mu.Unlock()
	if a != nil {
		a.w.answer(r)
	}
}

func (c *conn) credit(b wire.CreditBody) error {
	c.mu.Lock()
	c.events += b.Events
	c.bytes += b.Bytes
	wrong := b.Events < 0 || b.Bytes < 0 || b.Events > maxEvents || b.Bytes > maxBytes || c.events > maxEvents || c.bytes > maxBytes
	c.mu.Unlock()
	if wrong {
		return broken("CREDIT of %d requests and %d bytes", b.Events, b.Bytes)
	}
	c.nudge()
	return nil
}
