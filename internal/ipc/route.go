package ipc

import (
	"cmp"
	"context"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Whether a call that may have been carried out is repeated with the next owner.
const (
	once  = false
	again = true
)

// route calls a method of the store's owner: here if this process is the owner, else by its name over the socket, with resp pointing to
// its result. It waits for the next owner when one exits.
func (s *Session) route(ctx context.Context, name string, repeat bool, req, resp any, here func(app.Backend) error) error {
	// The wait counts from the first loss: the call itself has no time limit.
	until := s.o.Clock.Now().Add(s.o.Wait)
	for losses := 0; ; losses++ {
		l, err := s.await(ctx, until)
		if err != nil {
			return err
		}
		if l.client == nil {
			return l.call(here)
		}
		err = l.client.send(ctx, name, req, resp)
		l.users.Done()
		is, sent := isLost(err)
		if !is {
			return err
		}
		l.lose()
		if sent && !repeat {
			return err
		}
		if losses == 0 {
			until = s.o.Clock.Now().Add(s.o.Wait)
		}
	}
}

// call calls a method of this process. It is a function of its own because a defer within a loop costs more.
func (l *link) call(here func(app.Backend) error) error {
	defer l.users.Done()
	return here(l.backend)
}

// await returns the link to the owner. It waits for one until the given time, zero for as long as ctx lasts. The caller becomes one
// of the link's users, and calls users.Done when it is finished.
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
			return nil, app.Errorf(provider.Unavailable, "", "Greenroom is closing")
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

func errReconnecting(state State) error {
	e := &app.Error{
		Kind: provider.Unavailable, Text: "the process that owned the store exited; reconnecting",
		Hint: "try again in a moment",
	}
	if state.Problem != nil {
		e.Text, e.Hint, e.Err = e.Text+": "+state.Problem.Text, cmp.Or(state.Problem.Hint, e.Hint), state.Problem
	}
	return e
}
