package ipc

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/ipc/lock"
	"greenroom/internal/private"
	"greenroom/provider"
)

// Owned is an open store.
type Owned struct {
	Backend app.Backend
	// Close stops everything that uses the store and closes it. It is called once, before the lock is released.
	Close func() error
}

// Options say how a process takes part. DataDir, Version and Own are required.
type Options struct {
	// DataDir is the folder of the store. It is created if it is missing.
	DataDir string
	// RuntimeDir is the folder of the socket; empty means [RuntimeDir].
	RuntimeDir string
	Version    string
	// Fingerprint is a hash of the configuration, which must not reveal it.
	Fingerprint string
	// Stay reports that the process keeps running: the screen, listen, event tail. Such a process serves the others while it is
	// the owner, and takes over when an owner exits. Any other one keeps them waiting while it has the store.
	Stay bool
	// Demo reports that the store is the demo's, which other programs can't share.
	Demo bool
	// Own opens the store and everything that uses it. It is called only while the lock is held; ctx ends after Close has returned.
	Own func(ctx context.Context) (Owned, error)
	// OnOwn is called when this process has become the owner and calls on the session work, OnLose before that ends, while the
	// store is still open: they start and stop a listener. Both may be nil.
	OnOwn  func(ctx context.Context, b app.Backend)
	OnLose func()
	// Wait is how long a call waits for the next owner when one has exited; 0 means 5 s.
	Wait time.Duration
	// GiveUp is how long Open waits for a holder of the lock that neither serves nor releases it; 0 means 5 s. A new holder
	// restarts the time, so that many short programs in a row cause no failure.
	GiveUp time.Duration
	// Grace is how long Close waits for the calls of others; 0 means 700 ms.
	Grace time.Duration
	Log   *slog.Logger
	Crash *crash.Group
	Clock clockwork.Clock
}

func (o *Options) fill() error {
	if o.DataDir == "" || o.Own == nil {
		return errors.New("ipc: a session needs a data folder and a way to open the store")
	}
	o.RuntimeDir = cmp.Or(o.RuntimeDir, RuntimeDir())
	o.Wait, o.GiveUp = cmp.Or(o.Wait, 5*time.Second), cmp.Or(o.GiveUp, 5*time.Second)
	o.Grace = cmp.Or(o.Grace, 700*time.Millisecond)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Crash == nil {
		o.Crash = new(crash.Group)
	}
	return nil
}

// Session is a Backend for the life of the process, through changes of the store's owner.
type Session struct {
	o     Options
	hello Hello
	// sockets are where an owner may serve, the best first.
	sockets []string
	// warning is the one about the data folder.
	warning string

	// life ends when Close begins.
	life context.Context
	end  context.CancelFunc
	done chan struct{}
	// wanted has an element while a call waits for a link.
	wanted chan struct{}

	mu sync.Mutex
	// link is nil while there is no owner. changed is closed and replaced whenever link or state change.
	link    *link
	state   State
	changed chan struct{}
	closed  bool
	closing sync.Once
	result  error
}

// link is the way to the owner of the store.
type link struct {
	// backend and own are set when this process is the owner, client otherwise.
	backend app.Backend
	own     *ownership
	client  *Client
	// users are the calls under way. They are added under the session's mutex while the link is the session's.
	users sync.WaitGroup
	gone  chan struct{}
	once  sync.Once
}

func (l *link) subscribe(ctx context.Context) (<-chan app.Change, error) {
	if l.client != nil {
		return l.client.Subscribe(ctx)
	}
	return l.backend.Subscribe(ctx)
}

// lose records that the owner has exited.
func (l *link) lose() { l.once.Do(func() { close(l.gone) }) }

func (l *link) lost() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// Open attaches to the store's owner, or becomes it. ctx bounds only the opening.
func Open(ctx context.Context, o Options) (*Session, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	dir, err := realPath(o.DataDir)
	if err != nil {
		return nil, err
	}
	warning, err := checkData(dir)
	if err != nil {
		return nil, err
	}
	sockets, err := socketPaths(o.RuntimeDir, dir)
	if err != nil {
		return nil, err
	}
	o.DataDir = dir
	s := &Session{
		o: o, sockets: sockets, warning: warning, done: make(chan struct{}), wanted: make(chan struct{}, 1), changed: make(chan struct{}),
		hello: Hello{
			Protocol: Protocol, Version: o.Version, DataDir: dir, Fingerprint: o.Fingerprint,
			PID: os.Getpid(), Since: app.At(o.Clock.Now()), Demo: o.Demo,
		},
	}
	s.life, s.end = context.WithCancel(context.Background())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, state, err := s.join(ctx, o.GiveUp)
	if err != nil {
		s.end()
		return nil, err
	}
	s.enter(l, state)
	o.Crash.Go("ipc session", s.run)
	return s, nil
}

// run follows the owner until the session ends.
func (s *Session) run() {
	defer close(s.done)
	for {
		s.mu.Lock()
		l := s.link
		s.mu.Unlock()
		select {
		case <-s.life.Done():
			return
		case <-l.gone:
		}
		s.leave(l)
		if !s.o.Stay {
			// A short-lived process may be about to exit: it looks for the next owner only when it needs one.
			select {
			case <-s.life.Done():
				return
			case <-s.wanted:
			}
		}
		if !s.rejoin() {
			return
		}
	}
}

// rejoin tries until there is an owner again, or the session ends.
func (s *Session) rejoin() bool {
	for s.life.Err() == nil {
		l, state, err := s.join(s.life, 0)
		if err == nil {
			s.enter(l, state)
			return true
		}
		if s.life.Err() != nil {
			return false
		}
		s.o.Log.Warn("no owner of the store could be reached", "err", err)
		s.mu.Lock()
		s.state.Problem = app.AsError(err)
		s.announce()
		s.mu.Unlock()
		select {
		case <-s.life.Done():
			return false
		case <-s.o.Clock.After(time.Second):
		}
	}
	return false
}

// enter makes l the link that calls use.
func (s *Session) enter(l *link, state State) {
	state.Warning = cmp.Or(state.Warning, s.warning)
	s.mu.Lock()
	s.link, s.state = l, state
	s.announce()
	s.mu.Unlock()
	if l.client != nil {
		s.o.Crash.Go("ipc watch", func() {
			if l.client.alive(s.life) {
				l.client.Close()
			}
			l.lose()
		})
		return
	}
	if s.o.OnOwn != nil {
		s.o.OnOwn(l.own.ctx, l.backend)
	}
}

// leave handles the end of an owner. One that exits in good order may still answer the calls under way, so the client is closed
// after them.
func (s *Session) leave(l *link) {
	s.mu.Lock()
	s.link = nil
	s.state.Stale, s.state.Owner = true, false
	s.announce()
	s.mu.Unlock()
	stop := context.AfterFunc(s.life, l.client.Close)
	s.o.Crash.Go("ipc farewell", func() {
		l.users.Wait()
		l.client.Close()
		stop()
	})
}

// announce wakes everything that waits for a change. s.mu is held.
func (s *Session) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Close ends the session. The owner calls OnLose, lets the calls of others finish for a while, closes the store and releases the
// lock; attached sessions notice at once. Later calls on the session fail.
func (s *Session) Close() error {
	s.closing.Do(func() {
		s.end()
		<-s.done
		s.mu.Lock()
		l := s.link
		s.mu.Unlock()
		if l != nil && l.own != nil && s.o.OnLose != nil {
			s.o.OnLose()
		}
		s.mu.Lock()
		s.link, s.closed = nil, true
		s.state.Owner, s.state.Stale = false, true
		s.announce()
		s.mu.Unlock()
		switch {
		case l == nil:
		case l.client != nil:
			l.client.Close()
		default:
			s.result = l.own.release(&l.users, s.o.Grace)
		}
	})
	return s.result
}

// holderError is the error of a process that keeps the lock without serving.
func holderError(h lock.Holder, cause error) error {
	e := &app.Error{
		Kind: provider.Unavailable, Err: cause,
		Text: "the store is in use (" + h.String() + ") and its owner doesn't answer",
		Hint: "wait for it, or end that process",
	}
	if foreign, ok := errors.AsType[*private.Error](cause); ok {
		e.Text += ": " + foreign.Text
		e.Hint = foreign.Hint
	}
	return e
}
