package relayclient

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"greenroom/internal/cursor"
	"greenroom/internal/plain"
	"greenroom/tunnel"
	"greenroom/tunnel/wire"
)

// maxHooks limits the hooks in a relay's frames.
const maxHooks = 4096

// hello sends HELLO with as many positions as fit into a frame. For others the relay uses earlier ones, and repeated requests are
// recognised.
func (s *session) hello() {
	body := wire.HelloBody{Device: s.link.local.Device, Client: s.link.Client, Yield: s.link.yield, Hooks: []cursor.Position{}}
	size := len(body.Device) + len(body.Client) + 1024
	for _, p := range s.inbox.positions() {
		if size += 6*len(p.Hook) + 80; size > wire.MaxFrame {
			break
		}
		body.Hooks = append(body.Hooks, p)
	}
	s.sendJSON(wire.Hello, 0, body)
}

// handle handles one frame. It returns how the session ends, or nil.
func (s *session) handle(f wire.Frame) *outcome {
	if !f.Type.Known() {
		return nil
	}
	if !s.ready() && f.Type != wire.Welcome && f.Type != wire.Err && f.Type != wire.GoAway && f.Type != wire.Ping {
		return broken(fmt.Errorf("%s comes before WELCOME", f.Type))
	}
	var err error
	switch f.Type {
	case wire.Welcome:
		err = decoded(f, s.welcome)
	case wire.Event, wire.Data, wire.End:
		return s.receive(f)
	case wire.Ping:
		s.send(wire.Frame{Type: wire.Pong, Payload: f.Payload[:min(len(f.Payload), 8)]})
	case wire.Pong:
		s.pong(f)
	case wire.GoAway:
		err = decoded(f, s.goAway)
	case wire.Gap:
		err = decoded(f, s.gap)
	case wire.Err:
		return s.refused(f)
	case wire.Depth:
		err = decoded(f, s.depth)
	default:
		err = fmt.Errorf("%s comes from the wrong side", f.Type)
	}
	if err != nil {
		return broken(err)
	}
	return nil
}

func decoded[T any](f wire.Frame, act func(T) error) error {
	body, err := wire.Body[T](f)
	if err != nil {
		return err
	}
	return act(body)
}

func (s *session) welcome(w wire.WelcomeBody) error {
	if s.ready() {
		return errors.New("WELCOME comes twice")
	}
	if len(w.Hooks) == 0 || len(w.Hooks) > maxHooks {
		return fmt.Errorf("WELCOME names %d hooks", len(w.Hooks))
	}
	restored := false
	for _, h := range w.Hooks {
		if p, ok := s.inbox.known(h.Hook); ok && p.Epoch > w.Epoch {
			// New requests would seem to be old ones.
			return fmt.Errorf("its epoch %d is before that of what is stored here, %d", w.Epoch, p.Epoch)
		}
		s.names[h.Hook] = words(cmp.Or(h.Name, h.Hook))
		s.depths[h.Hook] = max(h.Depth, 0)
		restored = restored || h.Restored
		if h.Restored {
			s.link.gaps.restored(h.Hook, s.names[h.Hook])
		}
	}
	base, err := public(w.Hooks[0].URL)
	if err != nil {
		return err
	}
	var more []tunnel.Address
	for _, h := range w.Hooks[1:] {
		if h.URL == "" {
			continue
		}
		at, err := public(h.URL)
		if err != nil {
			return err
		}
		more = append(more, tunnel.Address{Name: s.names[h.Hook], URL: at})
	}
	s.mu.Lock()
	s.welcomed = s.link.Clock.Now()
	s.mu.Unlock()
	s.link.log("connected", "session", words(w.Session), "epoch", w.Epoch, "server", words(w.Server), "hooks", len(w.Hooks),
		"restored", restored)
	s.sendJSON(wire.Credit, 0, s.inbox.open())
	s.link.board.Update(func(st *tunnel.Status) {
		st.State, st.Reason, st.URL, st.Spool, st.Gap = tunnel.Live, "", base, s.waiting(), s.link.gaps.String()
		st.More = more
	})
	return nil
}

// public checks a URL that users will copy.
func public(raw string) (string, error) {
	clean, err := tunnel.PublicURL(raw)
	if err != nil || plain.Text(raw) != raw {
		return "", fmt.Errorf("%q is not a public URL", words(raw))
	}
	return clean, nil
}

// receive handles a frame of a request.
func (s *session) receive(f wire.Frame) *outcome {
	var err error
	var back wire.CreditBody
	var stored *cursor.Position
	switch f.Type {
	case wire.Event:
		var e wire.EventBody
		if e, err = wire.DecodeEvent(f.Payload); err == nil {
			err = s.inbox.begin(f.Stream, e)
		}
	case wire.Data:
		back, err = s.inbox.data(f.Stream, f.Payload)
	case wire.Err:
		back, err = s.inbox.forget(f.Stream)
	default:
		back, stored, err = s.inbox.complete(f.Stream)
	}
	switch {
	case errors.Is(err, errDamaged):
		return &outcome{reason: words(err.Error())}
	case err != nil:
		return broken(err)
	}
	if stored != nil {
		s.sendJSON(wire.Stored, 0, *stored)
	}
	if back != (wire.CreditBody{}) {
		s.sendJSON(wire.Credit, 0, back)
	}
	return nil
}

func (s *session) pong(f wire.Frame) {
	at := s.pinged.Load()
	if at == 0 || len(f.Payload) != 8 || binary.BigEndian.Uint64(f.Payload) != uint64(at) || !s.pinged.CompareAndSwap(at, 0) {
		return
	}
	rtt := s.link.Clock.Since(s.line.since) - time.Duration(at)
	s.link.board.Update(func(st *tunnel.Status) { st.RTT = rtt.Round(10 * time.Microsecond) })
}

// goAway ends the session: requests being stored may still be confirmed.
func (s *session) goAway(g wire.GoAwayBody) error {
	o := outcome{reason: "the relay closes the connection: " + words(g.Reason)}
	switch g.Reason {
	case wire.TakenOver:
		o = outcome{reason: takenOver, yield: true, patience: yieldMost}
	case wire.Restarting:
		o = outcome{reason: "the relay is restarting", after: time.Millisecond}
	case wire.HooksChanged:
		o = outcome{reason: "its hooks have changed", soon: true}
	case wire.Revoked:
		o = outcome{reason: refusedToken, patience: refusedMost}
	}
	if g.AfterMs > 0 {
		o.after = time.Duration(min(g.AfterMs, 60_000)) * time.Millisecond
	}
	s.leave(o)
	return nil
}

const takenOver = "another program with this store receives the requests now; this one is waiting for it to stop"

func (s *session) refused(f wire.Frame) *outcome {
	e, err := wire.Body[wire.ErrBody](f)
	switch {
	case err != nil:
		return broken(err)
	case f.Stream != 0 && e.Code == wire.CodeGone:
		return s.receive(f)
	case f.Stream != 0:
		s.link.log("the relay refuses an answer", "code", words(e.Code), "text", words(e.Text))
		return nil
	case e.Code == wire.CodeYield:
		return &outcome{reason: takenOver, yield: true, patience: yieldMost}
	case e.Code == wire.CodeInUse:
		return &outcome{reason: "another device receives this token's requests now: give each device its own token", patience: refusedMost}
	}
	return &outcome{reason: "the relay refuses: " + words(cmp.Or(e.Text, e.Code))}
}

func (s *session) gap(g wire.GapBody) error {
	name := cmp.Or(s.names[g.Hook], words(g.Hook))
	if s.link.gaps.add(g, name) {
		s.link.log("requests were lost", "hook", name, "count", g.Count, "reason", words(g.Reason))
	}
	s.link.board.Update(func(st *tunnel.Status) { st.Gap = s.link.gaps.String() })
	return nil
}

func (s *session) depth(d wire.DepthBody) error {
	if _, ok := s.depths[d.Hook]; !ok && len(s.depths) >= maxHooks {
		return fmt.Errorf("it names more than %d hooks", maxHooks)
	}
	s.depths[d.Hook] = max(d.Depth, 0)
	s.link.board.Update(func(st *tunnel.Status) { st.Spool = s.waiting() })
	return nil
}

// waiting returns how many requests wait at the relay.
func (s *session) waiting() int {
	n := 0
	for _, d := range s.depths {
		n = min(n, math.MaxInt32-d) + d // without an overflow: a relay may send any numbers
	}
	return n
}
