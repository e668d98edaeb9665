package relay

import (
	"errors"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// maxStreams is how many requests are under way on a connection at a time. Only small ones are held in memory.
const maxStreams = 16

// outbox is the state of a connection's writer.
type outbox struct {
	streams []*stream
	number  uint64 // of the last stream
	turn    int    // the stream whose DATA comes next
	lane    int    // the lane whose request comes next
	buf     []byte
}

// stream is a request under way.
type stream struct {
	number uint64
	event  spool.Event
	sent   int64
	// held is the client's credit reserved for it.
	held int64
}

// write sends until the connection ends. Answers go first; then requests begin as far as the client's credit allows, and those
// under way alternate with pieces of their bodies.
func (c *conn) write() {
	for {
		more, err := c.step()
		if err != nil {
			c.s.opt.Log.Debug("a client can't be written to", "token", c.token.Name, "err", err)
			return
		}
		if more {
			continue
		}
		c.out.buf = nil // an idle connection needs none
		select {
		case <-c.wake:
		case <-c.gone:
			return
		}
	}
}

// errEnded ends the writer after the last frame.
var errEnded = errors.New("ended")

// step sends a little, and reports whether there may be more.
func (c *conn) step() (more bool, err error) {
	c.mu.Lock()
	control, last, ended := c.control, c.last, c.ended
	c.control = nil
	c.mu.Unlock()
	for _, b := range control {
		if err := c.put(b); err != nil {
			return false, err
		}
	}
	switch {
	case ended:
		return false, errEnded
	case last != nil:
		if err := c.put(last); err != nil {
			return false, err
		}
		// A client that doesn't get it sees the connection close.
		_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
		return false, errEnded
	}
	begun, err := c.begin()
	if err != nil {
		return false, err
	}
	piece, err := c.piece()
	return begun || piece || len(control) > 0, err
}

// put writes one frame to the network.
func (c *conn) put(frame []byte) error {
	if err := c.ws.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.BinaryMessage, frame)
}

// begin sends the EVENT of the next request, if there is one and the client's credit allows it.
func (c *conn) begin() (bool, error) {
	if len(c.out.streams) >= maxStreams || !c.covered() {
		return false, nil
	}
	c.mu.Lock()
	lanes, events := c.lanes, c.events
	c.mu.Unlock()
	if events == 0 {
		return false, nil
	}
	for i := range lanes {
		l := lanes[(c.out.lane+i)%len(lanes)]
		if err := c.look(l); err != nil {
			return false, err
		}
		if l.head == nil {
			continue
		}
		// A request without credit for its body blocks those after it, in all lanes: otherwise it might wait forever.
		c.out.lane = (c.out.lane + i) % len(lanes)
		s, ok := c.reserve(*l.head)
		if !ok {
			return false, nil
		}
		l.behind, l.head = s.event.Position, nil
		c.out.lane++
		return true, c.open(s)
	}
	return false, nil
}

// covered reserves more credit for a body that began without enough, and reports whether it has enough now. Until then it is the only
// request under way.
func (c *conn) covered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.out.streams {
		more := min(s.event.Length-s.sent-s.held, c.bytes)
		s.held += more
		c.bytes -= more
		if s.held < s.event.Length-s.sent {
			return false
		}
	}
	return true
}

// look reads a lane's next request, if there may be one.
func (c *conn) look(l *lane) error {
	if l.head != nil || !l.more.Swap(false) {
		return nil
	}
	e, ok, err := c.s.spool.Next(l.behind)
	if err != nil || !ok {
		return err
	}
	l.head = &e
	l.more.Store(true)
	return nil
}

// reserve reserves credit for a request's whole body, so that it can be completed once begun. A body larger than all the client's
// credit begins alone, and continues as the client grants more.
func (c *conn) reserve(e spool.Event) (*stream, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Length > c.bytes && len(c.out.streams) > 0 {
		return nil, false
	}
	held := min(e.Length, c.bytes)
	c.bytes -= held
	c.events--
	c.out.number++
	return &stream{number: c.out.number, event: e, held: held}, true
}

// open sends EVENT, and registers the stream for the sender's wait.
func (c *conn) open(s *stream) error {
	if w := c.s.waiters.find(s.event.ID); w != nil {
		c.mu.Lock()
		c.awaited[s.number] = &awaited{at: s.event.Position, w: w}
		c.mu.Unlock()
	}
	c.s.metrics.events.Inc()
	c.out.buf = wire.Frame{Type: wire.Event, Stream: s.number, Payload: s.event.Raw}.Append(c.out.buf[:0])
	if err := c.put(c.out.buf); err != nil {
		return err
	}
	c.out.streams = append(c.out.streams, s)
	if s.event.Length == 0 {
		return c.end(s)
	}
	return nil
}

// piece sends one DATA frame of the next request that has credit.
func (c *conn) piece() (bool, error) {
	for range c.out.streams {
		c.out.turn %= len(c.out.streams)
		s := c.out.streams[c.out.turn]
		if s.held == 0 {
			c.out.turn++
			continue
		}
		return true, c.data(s)
	}
	return false, nil
}

func (c *conn) data(s *stream) error {
	header := wire.Frame{Type: wire.Data, Stream: s.number}
	b, err := c.s.spool.Read(s.event, s.sent, header.Append(c.out.buf[:0]), int(min(s.held, wire.MaxData)))
	if errors.Is(err, spool.ErrNotFound) {
		return c.abandon(s)
	}
	if err != nil {
		return err
	}
	c.out.buf = b
	n := int64(len(b) - wire.HeaderSize)
	s.sent += n
	s.held -= n
	if err := c.put(b); err != nil {
		return err
	}
	if s.sent < s.event.Length {
		c.out.turn++
		return nil
	}
	return c.end(s)
}

// end completes a request.
func (c *conn) end(s *stream) error {
	c.drop(s)
	c.out.buf = wire.Frame{Type: wire.End, Stream: s.number}.Append(c.out.buf[:0])
	return c.put(c.out.buf)
}

// abandon ends a stream whose request has been stored, through an earlier connection, or dropped meanwhile.
func (c *conn) abandon(s *stream) error {
	c.drop(s)
	c.mu.Lock()
	c.bytes += s.held
	c.mu.Unlock()
	return c.put(frame(wire.Err, s.number, wire.ErrBody{Code: wire.CodeGone, Text: "the request is gone"}).Append(nil))
}

func (c *conn) drop(s *stream) {
	c.out.streams = slices.DeleteFunc(c.out.streams, func(other *stream) bool { return other == s })
}
