package relayclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/unreached"
	"greenroom/tunnel/wire"
)

const (
	// dialTimeout limits everything until the WebSocket is established.
	dialTimeout = 10 * time.Second
	// handshakeBytes limits what a server may send until then.
	handshakeBytes = 1 << 20
	// refusedMost is the longest wait after a refusal that needs a person, and yieldMost while another program of this store has
	// the connection.
	refusedMost = time.Minute
	yieldMost   = 15 * time.Second
)

// line is the connection to the relay, or to a proxy before it. Every received byte is a sign of life: on a slow network a frame may
// take longer than the relay may be silent.
type line struct {
	net.Conn
	clock    clockwork.Clock
	since    time.Time
	lastByte atomic.Int64 // when it arrived, as time after since
	left     atomic.Int64 // the bytes that may still arrive during the handshake, then -1
}

var errTalksTooMuch = errors.New("the server sends too much before the connection is established")

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if n > 0 {
		l.lastByte.Store(int64(l.clock.Since(l.since)))
	}
	if left := l.left.Load(); left >= 0 {
		if int64(n) > left {
			return 0, errTalksTooMuch
		}
		l.left.Store(left - int64(n))
	}
	return n, err
}

// silence returns how long nothing has arrived.
func (l *line) silence() time.Duration {
	return l.clock.Since(l.since) - time.Duration(l.lastByte.Load())
}

// connect establishes the WebSocket, or returns the reason of the failure.
func (s *settings) connect(ctx context.Context) (*websocket.Conn, *line, *outcome) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var conn *line
	d := websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			conn = &line{Conn: c, clock: s.Clock, since: s.Clock.Now()}
			conn.left.Store(handshakeBytes)
			// The library ignores the context while it waits for the answer.
			context.AfterFunc(ctx, func() {
				if conn.left.Load() >= 0 {
					c.Close()
				}
			})
			return conn, nil
		},
		Proxy: s.Proxy, TLSClientConfig: s.tls, Subprotocols: []string{wire.Subprotocol},
		ReadBufferSize: wire.MaxData + 1024, WriteBufferSize: 16 << 10,
	}
	ws, resp, err := d.DialContext(ctx, s.dial, http.Header{
		"Authorization": {"Bearer " + s.Token}, "User-Agent": {s.Client},
	})
	switch {
	case err != nil:
		return nil, nil, refusal(err, resp)
	case ws.Subprotocol() != wire.Subprotocol || resp.Header.Get("Sec-Websocket-Extensions") != "":
		ws.Close()
		return nil, nil, &outcome{reason: "the server at the relay's URL is not a Greenroom relay", patience: refusedMost}
	}
	conn.left.Store(-1)
	if ctx.Err() != nil {
		ws.Close()
		return nil, nil, &outcome{reason: "the relay doesn't respond in time"}
	}
	ws.SetReadLimit(wire.MaxFrame)
	return ws, conn, nil
}

// refusal describes why there is no connection, with the remedy if known.
func refusal(err error, resp *http.Response) *outcome {
	if errors.Is(err, websocket.ErrBadHandshake) && resp != nil {
		switch code := resp.StatusCode; code {
		case http.StatusUnauthorized, http.StatusForbidden:
			return &outcome{reason: refusedToken, patience: refusedMost}
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			o := &outcome{reason: fmt.Sprintf("the relay isn't accepting connections now (%d)", code)}
			if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
				o.after = time.Duration(min(n, 60)) * time.Second
			}
			return o
		case http.StatusBadGateway, http.StatusGatewayTimeout:
			return &outcome{reason: fmt.Sprintf("the relay is not running: the proxy before it answers %d", code)}
		default:
			return &outcome{reason: fmt.Sprintf("the server at the relay's URL is not a Greenroom relay (%d)", code), patience: refusedMost}
		}
	}
	switch why := unreached.Of(err); {
	case why.Kind == unreached.Slow, errors.Is(err, context.Canceled):
		return &outcome{reason: "the relay doesn't respond in time", cause: err}
	case why.Kind == unreached.Untrusted:
		return &outcome{reason: "the relay's certificate is from a CA that isn't trusted here (set ca_file to trust it)", cause: err}
	case why.Kind == unreached.Certificate:
		return &outcome{reason: "the relay's certificate is not valid: " + why.Text, cause: err}
	case why.Kind == unreached.NoHost:
		return &outcome{reason: "the relay's host name doesn't exist (or there is no network)", cause: err}
	}
	return &outcome{reason: "the relay can't be reached: " + words(unreached.Why(err)), cause: err}
}

const refusedToken = "the relay refuses the token: check it, or create another with greenroom relay token create"
