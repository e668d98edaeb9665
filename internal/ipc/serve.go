package ipc

import (
	"errors"
	"net"
	"os"
	"time"
)

// lookAfter is how often the owner checks that its socket still exists. Systems remove the runtime folder when the user logs out,
// and old files in the temporary folder.
const lookAfter = 10 * time.Second

// serve lets others attach. If it fails, the session can still use the store.
func (o *ownership) serve(me Hello) error {
	l, err := o.bind()
	if err != nil {
		return err
	}
	o.server = NewServer(o.owned.Backend, me, o.s.o.Log, o.s.o.Crash, o.s.o.Clock)
	o.s.o.Crash.Go("ipc server", func() { o.accept(l) })
	return nil
}

// bind creates the socket and records where it is.
func (o *ownership) bind() (net.Listener, error) {
	l, socket, err := bindFirst(o.s.sockets, func(err error) { o.s.o.Log.Warn("another user's connection was refused", "err", err) })
	if err != nil {
		return nil, err
	}
	o.holder.Socket = socket
	if err := o.lock.Record(o.holder); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// accept serves until the server leaves, and creates the socket again if it was removed.
func (o *ownership) accept(l net.Listener) {
	defer close(o.served)
	for {
		watched := make(chan struct{})
		o.s.o.Crash.Go("ipc socket", func() { o.watch(l, o.holder.Socket, watched) })
		err := o.server.Serve(l)
		close(watched)
		if err == nil {
			return
		}
		o.s.o.Log.Warn("the socket for other terminals is gone and is created again", "socket", o.holder.Socket, "err", err)
		for l, err = o.bind(); err != nil; l, err = o.bind() {
			o.s.o.Log.Warn("other terminals can't attach", "err", err)
			select {
			case <-o.server.streams.Done():
				return
			case <-o.s.o.Clock.After(lookAfter):
			}
		}
	}
}

// watch closes l when its socket is gone or replaced, and returns when done is closed.
func (o *ownership) watch(l net.Listener, socket string, done <-chan struct{}) {
	ours, err := os.Lstat(socket)
	ticker := o.s.o.Clock.NewTicker(lookAfter)
	defer ticker.Stop()
	for err == nil {
		select {
		case <-done:
			return
		case <-ticker.Chan():
		}
		var now os.FileInfo
		if now, err = os.Lstat(socket); err == nil && !os.SameFile(ours, now) {
			break
		}
	}
	_ = l.Close() // Serve returns the reason.
}
