package ipc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/ipc/lock"
)

// ownership is everything that the owner holds, in the order in which it was acquired.
type ownership struct {
	s      *Session
	lock   *lock.Lock
	holder lock.Holder
	owned  Owned
	server *Server
	served chan struct{}
	// ctx ends when the store is closed.
	ctx context.Context
	end context.CancelFunc
}

// own opens the store. It releases the lock if that fails.
func (s *Session) own(held *lock.Lock) (l *link, state State, err error) {
	o := &ownership{s: s, lock: held, served: make(chan struct{})}
	o.ctx, o.end = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			o.end()
			err = errors.Join(err, held.Release())
		}
	}()
	me := s.hello
	me.Since = app.At(s.o.Clock.Now())
	o.holder = lock.Holder{PID: os.Getpid(), Since: me.Since.Time, Version: s.o.Version}
	if err := held.Record(o.holder); err != nil {
		return nil, State{}, err
	}
	if o.owned, err = s.o.Own(o.ctx); err != nil {
		return nil, State{}, err
	}
	state = State{Owner: true, PID: o.holder.PID, Version: o.holder.Version, Since: me.Since}
	if s.o.Stay {
		if problem := o.serve(me); problem != nil {
			s.o.Log.Warn("other terminals can't attach", "err", problem)
			state.Warning = "other terminals can't attach: " + problem.Error()
		}
	}
	return &link{backend: o.owned.Backend, own: o, gone: make(chan struct{})}, state, nil
}

// release releases everything in reverse order. The socket is removed while the lock is still held. users are our own calls, which
// get the same grace as those of others.
func (o *ownership) release(users *sync.WaitGroup, grace time.Duration) error {
	var errs []error
	finished := make(chan struct{})
	o.s.o.Crash.Go("ipc close", func() { users.Wait(); close(finished) })
	timer := o.s.o.Clock.NewTimer(grace)
	defer timer.Stop()
	if o.server != nil {
		errs = append(errs, o.server.Leave(grace))
		<-o.served
	}
	select {
	case <-finished:
	case <-timer.Chan():
		o.s.o.Log.Warn("calls of this terminal were still running when the store closed")
	}
	if err := o.owned.Close(); err != nil {
		errs = append(errs, fmt.Errorf("ipc: close store: %w", err))
	}
	o.end()
	return errors.Join(append(errs, o.lock.Release())...)
}
