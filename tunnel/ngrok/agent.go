package ngrok

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	sdk "golang.ngrok.com/ngrok/v2"

	"greenroom/internal/crash"
	"greenroom/tunnel"
)

// service is where ngrok is, and who may sign for it.
type service struct {
	addr string
	cas  *x509.CertPool
}

// agent is an open tunnel: one session after the other.
type agent struct {
	Options
	// url is the domain's, or empty.
	url, target string
	log         *slog.Logger
	crash       *crash.Group
	board       *tunnel.Board
	cancel      context.CancelFunc
	done        chan struct{}
}

var _ tunnel.Tunnel = (*agent)(nil)

// Status implements [tunnel.Tunnel].
func (a *agent) Status() <-chan tunnel.Status { return a.board.Status() }

// Close implements [tunnel.Tunnel]. Goroutines of the SDK, which have nothing to do any more, sleep out their pauses of up to
// 10 s after it.
func (a *agent) Close() error {
	a.cancel()
	<-a.done
	return nil
}

func (a *agent) run(ctx context.Context) {
	defer close(a.done)
	var group sync.WaitGroup
	defer group.Wait()
	defer a.cancel()
	woke := make(chan time.Duration, 1)
	group.Add(1)
	a.crash.Go("tunnel wake", func() {
		defer group.Done()
		tunnel.Wake{Clock: a.Clock}.Watch(ctx, func(missed time.Duration) {
			select {
			case woke <- missed:
			default:
			}
		})
	})
	var pause tunnel.Backoff
	for ctx.Err() == nil {
		began := a.Clock.Now()
		err := a.session(ctx, woke)
		if ctx.Err() != nil {
			break
		}
		why := a.explain(err)
		a.log.Warn("there is no connection to ngrok", "err", why.text)
		if why.final {
			a.board.Close(why.text)
			return
		}
		pause.Lasted(a.Clock.Since(began))
		wait := pause.Next(a.Clock.Now())
		if why.refused {
			wait = max(wait, refusedWait)
		}
		a.board.Update(func(s *tunnel.Status) { s.State, s.Reason, s.RTT = tunnel.Degraded, why.text, 0 })
		select {
		case <-ctx.Done():
		case <-woke:
		case <-a.Clock.After(wait):
		}
	}
	a.board.Close("closed")
}

// session connects, and hands connections on until the connection is lost. The error says why there is none any more.
func (a *agent) session(ctx context.Context, woke <-chan time.Duration) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	client, err := a.client(end)
	if err != nil {
		return err
	}
	timer := a.Clock.AfterFunc(a.Timeout, func() { end(errSlow) })
	defer timer.Stop()
	defer func() { _ = client.Disconnect() }()
	if err := client.Connect(ctx); err != nil {
		return first(context.Cause(ctx), err)
	}
	listener, err := a.listen(ctx, client)
	if err != nil {
		return first(context.Cause(ctx), err)
	}
	timer.Stop()
	url, err := tunnel.PublicURL(listener.URL().String())
	if err != nil {
		return err
	}
	a.log.Info("ngrok has made a tunnel", "url", url)
	a.board.Update(func(s *tunnel.Status) { s.State, s.URL, s.Reason = tunnel.Live, url, "" })
	var running sync.WaitGroup
	defer running.Wait()
	// Closing asks ngrok, which may not answer: the SDK ends that with the session.
	defer func() { _ = client.Disconnect() }()
	defer end(nil)
	running.Add(1)
	a.crash.Go("ngrok accept", func() {
		defer running.Done()
		end(a.accept(ctx, listener, &running))
	})
	select {
	case <-ctx.Done():
	case missed := <-woke:
		end(fmt.Errorf("this machine was asleep for %s: the connection is made anew", missed.Round(time.Second)))
	}
	return context.Cause(ctx)
}

// first is the first of the errors, of which the second is the SDK's word about the first.
func first(cause, err error) error {
	if cause != nil {
		return cause
	}
	return err
}

// client makes the SDK's agent. Its own reconnecting is not made use of: end is called when it would begin.
func (a *agent) client(end context.CancelCauseFunc) (sdk.Agent, error) {
	o := []sdk.AgentOption{
		sdk.WithAuthtoken(a.Authtoken), sdk.WithAutoConnect(false), sdk.WithLogger(slog.New(&discreet{to: a.log.Handler(), secret: a.Authtoken})),
		sdk.WithDialer(&net.Dialer{Timeout: dialTime}), sdk.WithHeartbeatInterval(heartbeat), sdk.WithHeartbeatTolerance(heartbeat),
		sdk.WithEventHandler(func(e sdk.Event) {
			defer a.crash.Recover("ngrok event")
			switch e := e.(type) {
			case *sdk.EventAgentDisconnected:
				if e.Error != nil {
					end(e.Error)
				}
			case *sdk.EventAgentHeartbeatReceived:
				a.board.Update(func(s *tunnel.Status) { s.RTT = e.Latency })
			}
		}),
	}
	if a.service != nil {
		o = append(o, sdk.WithAgentConnectURL(a.service.addr), sdk.WithAgentConnectCAs(a.service.cas))
	}
	return sdk.NewAgent(o...)
}

// listen asks for the public URL. The call knows no context, and ends with the session.
func (a *agent) listen(ctx context.Context, client sdk.Agent) (sdk.EndpointListener, error) {
	type result struct {
		l   sdk.EndpointListener
		err error
	}
	out := make(chan result, 1)
	a.crash.Go("ngrok listen", func() {
		r := result{err: errors.New("the SDK failed: see the log")}
		defer func() { out <- r }()
		var o []sdk.EndpointOption
		if a.url != "" {
			o = append(o, sdk.WithURL(a.url))
		}
		r.l, r.err = client.Listen(ctx, o...)
	})
	select {
	case r := <-out:
		return r.l, r.err
	case <-ctx.Done():
		_ = client.Disconnect()
		<-out
		return nil, ctx.Err()
	}
}

// accept hands connections to the local listener, a bounded number at a time, until there are no more.
func (a *agent) accept(ctx context.Context, l sdk.EndpointListener, running *sync.WaitGroup) error {
	slots := make(chan struct{}, concurrent)
	for {
		far, err := l.Accept()
		if err != nil {
			return err
		}
		select {
		case slots <- struct{}{}:
		default:
			a.log.Warn("a connection was refused: too many are open", "open", concurrent)
			_ = far.Close()
			continue
		}
		running.Add(1)
		a.crash.Go("ngrok connection", func() {
			defer running.Done()
			defer func() { <-slots }()
			near, err := dialLocal(ctx, a.target)
			if err != nil {
				a.log.Warn("the local listener can't be reached", "addr", a.target, "err", err)
				_ = far.Close()
				return
			}
			tunnel.Splice(ctx, a.Clock, a.crash, near, far)
		})
	}
}
