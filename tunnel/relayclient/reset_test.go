package relayclient_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/relayclient"
)

// cutter passes connections on. It resets the next one after so many bytes in one direction, or lets it hang half open: nothing
// passes any more, without notice.
type cutter struct {
	net.Listener
	to string

	mu       sync.Mutex
	toClient bool
	half     bool
	left     int // -1 for no bound
	held     []net.Conn
}

func newCutter(t *testing.T, to string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, to: to, left: -1}
	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mu.Lock()
			c.held = append(c.held, near, far)
			toClient, half, left := c.toClient, c.half, c.left
			c.left = -1
			c.mu.Unlock()
			bound := func(client bool) int {
				if left >= 0 && client == toClient {
					return left
				}
				return -1
			}
			shut := func() {
				if half && left >= 0 {
					return
				}
				for _, x := range []net.Conn{near, far} {
					_ = x.(*net.TCPConn).SetLinger(0)
					_ = x.Close()
				}
			}
			all.Add(2)
			go func() { defer all.Done(); pass(near, far, bound(true)); shut() }()
			go func() { defer all.Done(); pass(far, near, bound(false)); shut() }()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		c.drop()
		all.Wait()
	})
	return c
}

// drop ends all connections.
func (c *cutter) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.held {
		_ = x.Close()
	}
	c.held = nil
}

func pass(to, from net.Conn, most int) {
	var r io.Reader = from
	if most >= 0 {
		r = io.LimitReader(from, int64(most))
	}
	_, _ = io.Copy(to, r)
}

// TestAResetAtEveryByte cuts the connection after each byte, in both directions, by a reset and by silence. What was answered
// 200 is stored once.
func TestAResetAtEveryByte(t *testing.T) {
	h := newHouse(t, nil, spool.PolicyAck)
	c := newCutter(t, h.addr)
	r := &receiver{mood: "stores", at: map[string]cursor.Position{}, stored: map[string][]int{}}
	const handshake = 500 // is longer than the WebSocket's
	stride, most := 5, 1500
	if testing.Short() {
		stride = 61
	}
	number := 0
	for _, direction := range []struct{ toClient, half bool }{{true, false}, {false, false}, {true, true}, {false, true}} {
		first, stride := number%stride, stride
		if direction.half { // a handshake that hangs uses its whole time limit
			first, stride = handshake, 8*stride
		}
		for at := first; at < most; at += stride {
			c.mu.Lock()
			c.toClient, c.half, c.left = direction.toClient, direction.half, at
			c.mu.Unlock()
			number++
			postNumber(t, h, number)
			clock := clockwork.NewFakeClock()
			tun, err := relayclient.New(relayclient.Options{URL: "http://" + c.Addr().String(), Token: h.token.Secret, Clock: clock}).Open(
				t.Context(), tunnel.Local{Device: "d", Receive: r.receive, Positions: r.positions})
			if err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(patience); ; clock.Advance(100 * time.Millisecond) {
				r.mu.Lock()
				stored, faults := r.stored[h.hooks[0].ID], r.faults
				r.mu.Unlock()
				if len(faults) > 0 || len(stored) > number || time.Now().After(deadline) {
					t.Fatalf("after %d bytes (%+v) %d of %d requests are stored: %v", at, direction, len(stored), number, faults)
				}
				if len(stored) == number && stored[number-1] == number {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if err := tun.Close(); err != nil {
				t.Fatal(err)
			}
			c.drop()
		}
	}
	t.Logf("%d connections were cut", number)
}

// postNumber posts a request that [receiver] reads, which the relay answers 200.
func postNumber(t *testing.T, h *house, n int) {
	t.Helper()
	body := padded(n, 100)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url(0)+"/hooks/daily", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Target", "/hooks/daily")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.StatusCode)
	}
}
