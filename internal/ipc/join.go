package ipc

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"time"

	"greenroom/internal/ipc/lock"
	"greenroom/internal/private"
)

// Pauses between two tries to find or become the owner: short at first, for owners that come and go, then longer, for one that
// is frozen.
const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = 250 * time.Millisecond
	quickTries = 100
)

// join attaches to the owner or becomes it. With giveUp 0 it tries until ctx ends; otherwise it fails when the same holder of
// the lock has neither served nor released it for that long. An error that another try can't resolve is returned at once.
func (s *Session) join(ctx context.Context, giveUp time.Duration) (*link, State, error) {
	holder, _ := lock.Read(s.o.DataDir)
	since := s.o.Clock.Now()
	for try := 0; ; try++ {
		l, state, err := s.attach(ctx, holder)
		if err == nil {
			return l, state, nil
		}
		if is, _ := isLost(err); !is {
			return nil, State{}, err
		}
		if ctx.Err() != nil {
			return nil, State{}, ctx.Err()
		}
		held, lockErr := lock.Try(s.o.DataDir)
		if lockErr == nil {
			return s.own(held)
		}
		if !errors.Is(lockErr, lock.ErrHeld) {
			return nil, State{}, forbidden(lockErr)
		}
		now, _ := lock.Read(s.o.DataDir)
		if now != holder {
			holder, since, try = now, s.o.Clock.Now(), 0
		}
		if giveUp > 0 && s.o.Clock.Since(since) >= giveUp {
			return nil, State{}, holderError(holder, err)
		}
		if err := s.pause(ctx, try); err != nil {
			return nil, State{}, holderError(holder, err)
		}
	}
}

// pause waits before the next try, for a random time, so that several processes don't try in step.
func (s *Session) pause(ctx context.Context, try int) error {
	d := firstRetry + rand.N(4*firstRetry)
	if try > quickTries {
		d = lastRetry + rand.N(lastRetry)
	}
	t := s.o.Clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.Chan():
		return nil
	}
}

// attach connects to the owner at its recorded socket, or where it should be. The error is a lost connection if no owner
// is there, or another user is.
func (s *Session) attach(ctx context.Context, holder lock.Holder) (*link, State, error) {
	var failed error
	for _, socket := range s.places(holder) {
		c, warning, err := Dial(ctx, socket, s.hello, s.o.Crash, s.o.Clock)
		if err == nil {
			h := c.Hello()
			return &link{client: c, gone: make(chan struct{})},
				State{PID: h.PID, Version: h.Version, Since: h.Since, Warning: warning}, nil
		}
		if is, _ := isLost(err); !is {
			return nil, State{}, err
		}
		if _, foreign := errors.AsType[*private.Error](err); failed == nil || foreign {
			failed = err
		}
	}
	return nil, State{}, failed
}

// places returns the sockets at which an owner may serve. An unrecorded one is looked for up to the first private folder: an owner
// uses no worse one.
func (s *Session) places(holder lock.Holder) []string {
	var out []string
	if holder.Socket != "" {
		out = append(out, holder.Socket)
	}
	for _, socket := range s.sockets {
		if socket != holder.Socket {
			out = append(out, socket)
		}
		if private.Folder(filepath.Dir(socket)) == nil {
			break
		}
	}
	return out
}
