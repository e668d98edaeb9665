package ipc

import (
	"context"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Whether a call that may have been carried out already is made again with the next owner.
const (
	once  = false
	again = true
)

// route calls a method of the owner of the store: f in this process, by its name over the socket. It waits for the next owner
// when one leaves.
func route[Req, Resp any](
	ctx context.Context, s *Session, name string, repeat bool, req Req, f func(app.Backend, context.Context, Req) (Resp, error),
) (Resp, error) {
	// The time is counted from the first loss: the call itself may take as long as it likes.
	until := s.o.Clock.Now().Add(s.o.Wait)
	for losses := 0; ; losses++ {
		l, err := s.await(ctx, until)
		if err != nil {
			var none Resp
			return none, err
		}
		if l.client == nil {
			defer l.users.Done()
			return f(l.backend, ctx, req)
		}
		resp, err := send[Resp](ctx, l.client, name, req)
		l.users.Done()
		is, sent := isLost(err)
		if !is {
			return resp, err
		}
		l.lose()
		if sent && !repeat {
			return resp, err
		}
		if losses == 0 {
			until = s.o.Clock.Now().Add(s.o.Wait)
		}
	}
}

// await gives the link to the owner, waiting for one until the given time; the zero time means for as long as ctx lasts.
// The caller is one of the link's users, and calls users.Done when it needs it no more.
func (s *Session) await(ctx context.Context, until time.Time) (*link, error) {
	var expired <-chan time.Time
	for {
		s.mu.Lock()
		l, changed, closed, state := s.link, s.changed, s.closed, s.state
		usable := l != nil && !l.lost()
		if usable {
			l.users.Add(1)
		}
		s.mu.Unlock()
		if usable {
			return l, nil
		}
		if closed {
			return nil, errClosed()
		}
		select {
		case s.wanted <- struct{}{}:
		default:
		}
		if expired == nil && !until.IsZero() {
			t := s.o.Clock.NewTimer(s.o.Clock.Until(until))
			defer t.Stop()
			expired = t.Chan()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-expired:
			return nil, errReconnecting(state)
		}
	}
}

func errClosed() error {
	return &app.Error{Kind: provider.Unavailable, Text: "Greenroom is closing"}
}

func errReconnecting(state State) error {
	e := &app.Error{
		Kind: provider.Unavailable, Text: "the process that owned the store exited; reconnecting",
		Hint: "try again in a moment",
	}
	if state.Problem != nil {
		e.Text += ": " + state.Problem.Text
		e.Err = state.Problem
		if state.Problem.Hint != "" {
			e.Hint = state.Problem.Hint
		}
	}
	return e
}
