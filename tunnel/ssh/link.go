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

	mu   sync.Mutex
	ears *ears // of the connection
}

// Refuted switches to another URL of those that the server has printed, as requests to this one don't arrive.
func (l *link) Refuted(url string) {
	l.mu.Lock()
	e := l.ears
	l.mu.Unlock()
	if e != nil {
		e.refuted(url)
	}
}

func (l *link) hear(e *ears) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ears = e
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
	logged := ""
	for ctx.Err() == nil {
		began := l.Clock.Now()
		err := l.connect(ctx, woke)
		if ctx.Err() != nil {
			return
		}
		lasted := l.Clock.Since(began)
		pause.Lasted(lasted)
		wait := pause.Next(l.Clock.Now())
		var refused *refusal
		if errors.As(err, &refused) {
			wait = pause.Refused(refused.most)
		}
		if lasted >= tunnel.Holds || err.Error() != logged { // once for an outage, however many attempts it takes
			l.log.Warn("there is no connection", "server", l.addr, "err", err, "again", wait)
			logged = err.Error()
		}
		due := l.Clock.After(wait) // before the status shows it, so that it can't be missed
		l.board.Update(func(s *tunnel.Status) {
			s.State, s.Reason, s.RTT, s.RetryAt = tunnel.Degraded, err.Error(), 0, l.Clock.Now().Add(wait)
		})
		select {
		case <-ctx.Done():
		case <-woke:
		case <-due:
		}
	}
}

// connect makes a connection and forwards through it until it ends. The error is the reason.
func (l *link) connect(ctx context.Context, woke <-chan time.Duration) error {
	client, ears, err := l.dial(ctx)
	if err != nil {
		return err
	}
	l.hear(ears)
	defer l.hear(nil)
	c := &connection{link: l, client: client, ears: ears, slots: make(chan struct{}, concurrent)}
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
		c.end(fmt.Errorf("this machine was asleep for %s: reconnecting", missed.Round(time.Second)))
	}
	return context.Cause(c.ctx)
}

// dial connects and logs in.
func (l *link) dial(ctx context.Context) (*ssh.Client, *ears, error) {
	check, kinds, err := pins{l.KnownHostsFile}.check(l.addr, l.shown, func(fingerprint string) {
		l.log.Info("the server's host key was unknown; it is now pinned", "server", l.addr, "key", fingerprint, "file", l.KnownHostsFile)
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
	ears := newEars(l)
	config := &ssh.ClientConfig{
		User: l.user, Auth: keys.methods, HostKeyCallback: check, HostKeyAlgorithms: offered(kinds),
		BannerCallback: func(text string) error { ears.banner(text); return nil },
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
	return ssh.NewClient(inner, channels, requests), ears, nil
}

// explain describes why a handshake failed.
func (l *link) explain(ctx context.Context, err error, keys login) error {
	var changed *ChangedKey
	switch text := err.Error(); {
	case errors.As(err, &changed):
		return &refusal{changed, hostMost}
	case errors.Is(err, errRevoked):
		return &refusal{err, hostMost}
	case ctx.Err() != nil:
		return fmt.Errorf("%s did not complete the login within %s", l.shown, l.Timeout)
	case strings.Contains(text, "unable to authenticate"), strings.Contains(text, "too many authentication failures"):
		return &refusal{errors.New(keys.refused(l.user, l.shown)), loginMost}
	case strings.Contains(text, "no common algorithm for host key"):
		return &refusal{fmt.Errorf("%s has no host key of the pinned type: if the server was reinstalled, remove its lines from "+
			"%s", l.shown, plain.Word(l.KnownHostsFile)), hostMost}
	default:
		return fmt.Errorf("the login at %s failed: %s", l.shown, plain.Text(strings.TrimPrefix(text, "ssh: ")))
	}
}

// refusal is an error that needs a person.
type refusal struct {
	error
	// most is the longest wait before the next attempt.
	most time.Duration
}

func (r *refusal) Unwrap() error { return r.error }

// The longest waits after refusals: of the login, which the server's owner may fix, and of the server's own key.
const (
	loginMost = time.Minute
	hostMost  = 5 * time.Minute
)

// lost reports the end of a connection.
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
