package relayclient

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"greenroom/internal/cursor"
	"greenroom/internal/plain"
	"greenroom/internal/unreached"
	"greenroom/tunnel"
)

// closeGrace is how long a running call of Receive may continue after Close.
const closeGrace = 5 * time.Second

// link is an open tunnel, which makes one connection after another.
type link struct {
	settings
	local tunnel.Local
	board *tunnel.Board
	gaps  *gaps

	// closing ends when Close is called; abort, a little later, ends calls that are under way.
	closing context.Context
	close   context.CancelFunc
	working context.Context
	abort   context.CancelFunc
	woken   chan struct{}
	done    sync.WaitGroup

	// The following fields belong to run, and to the session that it waits for.
	backoff tunnel.Backoff
	yield   bool
	damaged map[cursor.Position]int
	logged  string // the last logged reason
}

// outcome is how an attempt or a connection ended.
type outcome struct {
	// reason is for people, without secrets and safe to show. cause is for the log, and may be nil.
	reason string
	cause  error
	// patience is the longest wait after a refusal that needs a person. after is when to dial again, if the relay sets it.
	patience time.Duration
	after    time.Duration
	// soon dials again immediately, worked resets the back-off, and yield means that another program has connected.
	soon, worked, yield bool
}

func open(s settings, local tunnel.Local) *link {
	l := &link{
		settings: s, local: local, woken: make(chan struct{}, 1), damaged: make(map[cursor.Position]int),
		board: tunnel.NewBoard(tunnel.Status{Driver: Name, State: tunnel.Connecting, StoreAndForward: true}), gaps: &gaps{},
	}
	l.closing, l.close = context.WithCancel(context.Background())
	l.working, l.abort = context.WithCancel(context.Background())
	l.start("relay client", l.run)
	l.start("relay wake", func() {
		tunnel.Wake{Clock: s.Clock, Wall: s.Wall}.Watch(l.closing, func(missed time.Duration) {
			l.log("the machine slept, or the clock was set", "missed", missed)
			select {
			case l.woken <- struct{}{}:
			default:
			}
		})
	})
	return l
}

// start runs f in a goroutine that Close waits for.
func (l *link) start(name string, f func()) {
	l.local.Crash.GoIn(&l.done, name, f)
}

// Status yields the state whenever it changes.
func (l *link) Status() <-chan tunnel.Status { return l.board.Status() }

// Close ends the connection. Requests being stored may be finished, and confirmed to the relay.
func (l *link) Close() error {
	l.close()
	late := l.Clock.AfterFunc(closeGrace, l.abort)
	l.done.Wait()
	late.Stop()
	l.abort()
	return nil
}

func (l *link) run() {
	defer l.board.Close("closed")
	defer l.close() // the watch ends too if this panics
	for l.closing.Err() == nil {
		end := l.attempt()
		if l.closing.Err() != nil {
			return
		}
		if end.worked {
			l.backoff.Reset()
		}
		l.yield = end.yield || l.yield && !end.worked
		wait := l.wait(end)
		if end.worked || end.reason != l.logged { // once per outage, not per attempt
			l.log("not connected to the relay", "reason", end.reason, unreached.Log(end.cause), "again_in", wait)
			l.logged = end.reason
		}
		l.board.Update(func(s *tunnel.Status) {
			s.State, s.RTT, s.Reason, s.RetryAt = tunnel.Degraded, 0, end.reason, l.Clock.Now().Add(wait)
		})
		l.pause(wait)
	}
}

// attempt connects, and returns when the connection has ended.
func (l *link) attempt() outcome {
	select {
	case <-l.woken: // before this attempt
	default:
	}
	known, err := l.local.Positions(l.closing)
	if err != nil {
		return outcome{reason: "the stored positions can't be read: " + words(err.Error()), cause: err}
	}
	ws, conn, refused := l.connect(l.closing)
	if refused != nil {
		return *refused
	}
	return newSession(l, ws, conn, known).run()
}

func (l *link) wait(end outcome) time.Duration {
	switch {
	case end.soon:
		l.backoff.Reset()
		return 0
	case end.after > 0:
		l.backoff.Reset()
		return end.after + rand.N(end.after/2+250*time.Millisecond)
	case end.patience > 0:
		return l.backoff.Refused(end.patience)
	}
	return l.backoff.Next(l.Clock.Now())
}

func (l *link) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := l.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-l.woken:
		l.backoff.Reset()
	case <-l.closing.Done():
	}
}

func (l *link) log(text string, args ...any) {
	if l.local.Log != nil {
		l.local.Log.Info("relay: "+text, args...)
	}
}

// words makes an outside text fit for a status: one short line, safe for a terminal.
func words(s string) string {
	const most = 300
	s = plain.Text(strings.TrimSpace(s))
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// damage counts how often a request has arrived damaged.
func (l *link) damage(p cursor.Position) int {
	if len(l.damaged) > 1000 {
		clear(l.damaged)
	}
	l.damaged[p]++
	return l.damaged[p]
}

// numbers returns a position for logs, without the hook: anyone who knows its id can post to it.
func numbers(p cursor.Position) string { return fmt.Sprintf("%d/%d", p.Epoch, p.Seq) }
