package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"greenroom/internal/plain"
	"greenroom/internal/unreached"
	"greenroom/tunnel"
)

// link is an open tunnel, which makes one connection after another.
type link struct {
	tunnel.Running
	settings
	printed atomic.Pointer[output] // of the connection, or nil
}

// Refuted switches to another of the URLs that the server has printed, because requests to this one don't arrive.
func (l *link) Refuted(url string) {
	if o := l.printed.Load(); o != nil {
		o.refuted(url)
	}
}

var _ tunnel.Tunnel = (*link)(nil)

func (l *link) run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	woke := make(chan time.Duration, 1)
	l.Crash.GoIn(&group, "tunnel wake", func() {
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
		if lasted >= tunnel.Holds || err.Error() != logged { // once per outage, not per attempt
			l.Log.Warn("there is no connection", "server", l.addr, "err", err, unreached.Log(errors.Unwrap(err)), "again", wait)
			logged = err.Error()
		}
		due := l.Clock.After(wait) // before the status shows it, so that it can't be missed
		l.Update(func(s *tunnel.Status) {
			s.State, s.Reason, s.RTT, s.RetryAt = tunnel.Degraded, err.Error(), 0, l.Clock.Now().Add(wait)
		})
		select {
		case <-ctx.Done():
		case <-woke:
		case <-due:
		}
	}
}

// connect makes a connection and forwards through it until it ends. It returns the reason.
func (l *link) connect(ctx context.Context, woke <-chan time.Duration) error {
	client, printed, err := l.dial(ctx)
	if err != nil {
		return err
	}
	l.printed.Store(printed)
	defer l.printed.Store(nil)
	c := &connection{link: l, client: client, output: printed, slots: make(chan struct{}, concurrent)}
	c.ctx, c.end = context.WithCancelCause(ctx)
	defer c.running.Wait()
	defer func() { _ = client.Close() }()
	defer c.end(nil)
	select {
	case <-woke: // before this connection
	default:
	}
	c.start("ssh connection", func() { c.end(lost(client.Wait(), l.shown)) })
	if err := c.forward(); err != nil {
		return err
	}
	c.start("ssh keepalive", c.keepalive)
	select {
	case <-c.ctx.Done():
	case missed := <-woke:
		c.end(fmt.Errorf("this machine was asleep for %s: reconnecting", missed.Round(time.Second)))
	}
	return context.Cause(c.ctx)
}

// dial connects and logs in.
func (l *link) dial(ctx context.Context) (*ssh.Client, *output, error) {
	check, kinds, err := pins{l.KnownHostsFile}.check(l.addr, l.shown, func(fingerprint string) {
		l.Log.Info("the server's host key was unknown; it is now pinned", "server", l.addr, "key", fingerprint, "file", l.KnownHostsFile)
	})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: l.Keepalive}).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, nil, &failure{fmt.Sprintf("%s can't be reached: %s", l.shown, unreached.Why(err)), err}
	}
	// The handshake accepts no context.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	keys := l.keys.login(l.service)
	defer keys.release()
	printed := newOutput(l)
	config := &ssh.ClientConfig{
		User: l.user, Auth: keys.methods, HostKeyCallback: check, HostKeyAlgorithms: kinds,
		BannerCallback: printed.banner,
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
	return ssh.NewClient(inner, channels, requests), printed, nil
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
		return &failure{fmt.Sprintf("the login at %s failed: %s", l.shown, words(err)), err}
	}
}

// failure is an error in words, with its cause for the log.
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.cause }

// words describes an error of the library or the network.
func words(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(unreached.Why(err), "ssh: "), "handshake failed: ")
}

// refusal is an error that a person must resolve.
type refusal struct {
	error
	// most is the longest wait before the next attempt.
	most time.Duration
}

func (r *refusal) Unwrap() error { return r.error }

// The longest waits after refusals: of the login, which the server's owner may fix, and of the server's key.
const (
	loginMost = time.Minute
	hostMost  = 5 * time.Minute
)

// lost reports the end of a connection.
func lost(err error, host string) error {
	if err == nil {
		return fmt.Errorf("%s ended the connection", host)
	}
	return &failure{fmt.Sprintf("the connection to %s was lost: %s", host, words(err)), err}
}
