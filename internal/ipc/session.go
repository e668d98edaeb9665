package ipc

import (
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
	// Close stops what works on the store and closes it. It is called once, before the lock is let go.
	Close func() error
}

// Options say how a process takes part. DataDir, Version and Own are required.
type Options struct {
	// DataDir is the folder of the store. It is made where it is missing.
	DataDir string
	// RuntimeDir is the folder of the socket; empty means [RuntimeDir].
	RuntimeDir string
	Version    string
	// Fingerprint is a hash of the configuration, which must not reveal it.
	Fingerprint string
	// Stay says that the process lasts: the screen, listen, event tail. One that stays serves the others while it is the
	// owner, and takes over when an owner leaves. One that doesn't keeps the others waiting while it has the store.
	Stay bool
	// Demo says that the store is the demo's, which is shared with no other program.
	Demo bool
	// Own opens the store and what works on it. It is called only while the lock is held; ctx ends after Close returned.
	Own func(ctx context.Context) (Owned, error)
	// OnOwn is called once this process has become the owner; calls on the session work. OnLose is called when that ends,
	// while the store is still open: a listener is started in the one and stopped in the other. Both may be nil.
	OnOwn  func(ctx context.Context, b app.Backend)
	OnLose func()
	// Wait is how long a call waits for the next owner when one has left; 0 means 5 s.
	Wait time.Duration
	// GiveUp is how long Open waits for a holder of the lock who neither serves nor lets go; 0 means 5 s. A new holder
	// restarts the time, so that many short programs in a row are no failure.
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
	if o.RuntimeDir == "" {
		o.RuntimeDir = RuntimeDir()
	}
	if o.Wait == 0 {
		o.Wait = 5 * time.Second
	}
	if o.GiveUp == 0 {
		o.GiveUp = 5 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 700 * time.Millisecond
	}
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

// Session is a Backend that lasts as long as the process, with any owner of the store.
type Session struct {
	o     Options
	hello Hello
	// sockets are where an owner may serve, the best first.
	sockets []string
	// warning is about the data folder.
	warning string

	// life ends when Close begins.
	life context.Context
	end  context.CancelFunc
	done chan struct{}
	// wanted has an element while a call waits for a link.
	wanted chan struct{}

	mu sync.Mutex
	// link is nil while there is no owner. changed is closed, and replaced, whenever link or state change.
	link    *link
	state   State
	changed chan struct{}
	closed  bool
	closing sync.Once
	result  error
}

// link leads to the owner of the store.
type link struct {
	// backend and own are set when this process is the owner, client otherwise.
	backend app.Backend
	own     *ownership
	client  *Client
	// users are the calls that are under way. Added to under the session's mutex while the link is the session's.
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

// lose says that the owner has gone.
func (l *link) lose() { l.once.Do(func() { close(l.gone) }) }

func (l *link) lost() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// Open attaches to the store's owner, or becomes it. ctx bounds the opening only.
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
			// One that comes and goes may be about to end: it looks for the next owner only when it needs one.
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

// enter makes l what calls go to.
func (s *Session) enter(l *link, state State) {
	if state.Warning == "" {
		state.Warning = s.warning
	}
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

// leave handles the end of an owner. Calls that are under way may still be answered by one that leaves in good
// order; the client ends after them.
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

// announce wakes who waits for a change. s.mu is held.
func (s *Session) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Close ends the session. The owner stops what OnOwn started, lets the calls of others finish for a while, closes the
// store and lets go of the lock; attached sessions see it go at once. Calls on the session fail from then on.
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

// holderError says who keeps the lock without serving.
func holderError(h lock.Holder, cause error) error {
	e := &app.Error{
		Kind: provider.Unavailable, Err: cause,
		Text: "the store is in use (" + h.String() + ") and its owner doesn't answer",
		Hint: "wait for it, or end that process",
	}
	var foreign *private.Error
	if errors.As(cause, &foreign) {
		e.Text += ": " + foreign.Text
		e.Hint = foreign.Hint
	}
	return e
}
