package tunnel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
)

// pair are the two ends of a TCP connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		got <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, far = c.(*net.TCPConn), (<-got).(*net.TCPConn)
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// whole is a connection that can't end in one direction alone.
type whole struct{ net.Conn }

func TestSplice(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 1<<18)
	for _, test := range []struct {
		name string
		half bool
	}{{"half-close", true}, {"none", false}} {
		t.Run(test.name, func(t *testing.T) {
			sender, a := pair(t)
			b, listener := pair(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				far := io.ReadWriteCloser(a)
				if !test.half {
					far = whole{a}
				}
				tunnel.Splice(t.Context(), clockwork.NewRealClock(), nil, b, far)
			}()
			go func() {
				_, _ = sender.Write(big)
				_ = sender.CloseWrite()
			}()
			got, err := io.ReadAll(listener)
			if err != nil || !bytes.Equal(got, big) {
				t.Fatalf("%d bytes arrived, %v", len(got), err)
			}
			// The sender's end has been passed on, and the answer still comes back.
			go func() {
				_, _ = listener.Write(big)
				_ = listener.Close()
			}()
			if got, err := io.ReadAll(sender); err != nil || !bytes.Equal(got, big) {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
			<-done
		})
	}
}

func TestSpliceEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(cancel func(), clock *clockwork.FakeClock, sender, listener *net.TCPConn)
	}{
		{"with its context", func(cancel func(), _ *clockwork.FakeClock, _, _ *net.TCPConn) { cancel() }},
		{"when one end breaks", func(_ func(), _ *clockwork.FakeClock, sender, _ *net.TCPConn) {
			_ = sender.SetLinger(0)
			_ = sender.Close()
		}},
		{"a minute after one direction", func(_ func(), clock *clockwork.FakeClock, sender, listener *net.TCPConn) {
			_ = sender.CloseWrite()
			_, _ = io.ReadAll(listener)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			_ = clock.BlockUntilContext(ctx, 1)
			clock.Advance(time.Minute)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sender, a := pair(t)
			b, listener := pair(t)
			clock := clockwork.NewFakeClock()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				tunnel.Splice(ctx, clock, nil, a, b)
			}()
			test.end(cancel, clock, sender, listener)
			select {
			case <-done:
			case <-time.After(2 * time.Minute):
				t.Fatal("it continues")
			}
			if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("its end is left open: %v", err)
			}
		})
	}
}
