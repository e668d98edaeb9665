package ssh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// link is an open tunnel: one connection after the other.
type link struct {
	settings
	log    *slog.Logger
	crash  *crash.Group
	board  *tunnel.Board
	cancel context.CancelFunc
	done   chan struct{}
}

var _ tunnel.Tunnel = (*link)(nil)

// Status implements [tunnel.Tunnel].
func (l *link) Status() <-chan tunnel.Status { return l.board.Status() }

// Close implements [tunnel.Tunnel].
func (l *link) Close() error {
	l.cancel()
	<-l.done
	return nil
}

func (l *link) run(ctx context.Context) {
	defer close(l.done)
	defer l.board.Close("closed")
	var group sync.WaitGroup
	defer group.Wait()
	woke := make(chan time.Duration, 1)
	group.Add(1)
	l.crash.Go("tunnel wake", func() {
		defer group.Done()
		tunnel.Wake{Clock: l.Clock}.Watch(ctx, func(missed time.Duration) {
			select {
			case woke <- missed:
			default:
			}
		})
	})
	var pause tunnel.Backoff
	for ctx.Err() == nil {
		began := l.Clock.Now()
		err := l.connect(ctx, woke)
		if ctx.Err() != nil {
			return
		}
		pause.Lasted(l.Clock.Since(began))
		wait := pause.Next(l.Clock.Now())
		l.log.Warn("there is no connection", "server", l.addr, "err", err, "again", wait)
		l.board.Update(func(s *tunnel.Status) {
			s.State, s.Reason, s.RTT = tunnel.Degraded, err.Error(), 0
		})
		select {
		case <-ctx.Done():
		case <-woke:
		case <-l.Clock.After(wait):
		}
	}
}

// connect makes a connection and forwards through it until it ends. The error says why it ended.
func (l *link) connect(ctx context.Context, woke <-chan time.Duration) error {
	client, heard, err := l.dial(ctx)
	if err != nil {
		return err
	}
	c := &connection{link: l, client: client, heard: heard, slots: make(chan struct{}, concurrent)}
	c.ctx, c.end = context.WithCancelCause(ctx)
	defer c.wait()
	defer func() { _ = client.Close() }()
	defer c.end(nil)
	select {
	case <-woke: // before this connection
	default:
	}
	c.goes("ssh connection", func() { c.end(lost(client.Wait(), l.shown)) })
	if err := c.forward(); err != nil {
		return err
	}
	c.goes("ssh keepalive", c.keepalive)
	select {
	case <-c.ctx.Done():
	case missed := <-woke:
		c.end(fmt.Errorf("this machine was asleep for %s: the connection is made anew", missed.Round(time.Second)))
	}
	return context.Cause(c.ctx)
}

// dial connects and logs in.
func (l *link) dial(ctx context.Context) (*ssh.Client, *ears, error) {
	check, kinds, err := pins{l.KnownHostsFile}.check(l.addr, l.shown, func(fingerprint string) {
		l.log.Info("the server's key was not known; it is pinned now", "server", l.addr, "key", fingerprint, "file", l.KnownHostsFile)
	})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: l.Keepalive}).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, nil, fmt.Errorf("%s can't be reached: %s", l.shown, plain.Text(cause(err).Error()))
	}
	// The handshake knows no context.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	keys := l.keys.login(l.service)
	defer keys.release()
	heard := newEars(l)
	config := &ssh.ClientConfig{
		User: l.user, Auth: keys.methods, HostKeyCallback: check, HostKeyAlgorithms: offered(kinds),
		BannerCallback: func(text string) error { heard.banner(text); return nil },
	}
	inner, channels, requests, err := ssh.NewClientConn(conn, l.addr, config)
	if err != nil {
		_ = conn.Close()
		return nil, nil, l.explain(ctx, err, keys)
	}
	if !stop() {
		_ = inner.Close()
		return nil, nil, l.explain(ctx, ctx.Err(), keys)
	}
	return ssh.NewClient(inner, channels, requests), heard, nil
}

// explain says why a handshake failed.
func (l *link) explain(ctx context.Context, err error, keys login) error {
	var changed *ChangedKey
	switch text := err.Error(); {
	case errors.As(err, &changed):
		return changed
	case errors.Is(err, errRevoked):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%s did not complete the login within %s", l.shown, l.Timeout)
	case strings.Contains(text, "unable to authenticate"), strings.Contains(text, "too many authentication failures"):
		return errors.New(keys.refused(l.user, l.shown))
	case strings.Contains(text, "no common algorithm for host key"):
		return fmt.Errorf("%s has no key of the kind that is pinned: if it was set up anew, remove its lines from %s", l.shown, plain.Word(l.KnownHostsFile))
	default:
		return fmt.Errorf("the login at %s failed: %s", l.shown, plain.Text(strings.TrimPrefix(text, "ssh: ")))
	}
}

// lost says that a connection has ended.
func lost(err error, host string) error {
	if err == nil {
		return fmt.Errorf("%s ended the connection", host)
	}
	return fmt.Errorf("the connection to %s was lost: %s", host, plain.Text(strings.TrimPrefix(err.Error(), "ssh: ")))
}

// cause is the innermost error: the rest repeats the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
