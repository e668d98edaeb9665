package ipc

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
)

// serveSubscribe streams changes, one JSON value per line, with an empty line whenever nothing happened for a while.
// The header is sent once the subscription is active, so that what happens after the client has seen it is in the stream.
func (s *Server) serveSubscribe(w http.ResponseWriter, r *http.Request) {
	bounds.Patient(w)
	ctx, cancel := s.streamContext(r)
	defer cancel()
	if ctx.Err() != nil || !s.meant(r) {
		writeFailure(w, leavingFailure())
		return
	}
	changes, err := s.backend.Subscribe(ctx)
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	q := newQueue(queueLimit)
	pumped := make(chan struct{})
	s.crash.Go("ipc subscription", func() {
		defer close(pumped)
		defer q.close()
		pump(ctx, changes, q)
	})
	s.stream(ctx, w, q)
	cancel()
	<-pumped
}

// serveAlive is a stream without news: its end shows the other side that the owner has gone.
func (s *Server) serveAlive(w http.ResponseWriter, r *http.Request) {
	bounds.Patient(w)
	ctx, cancel := s.streamContext(r)
	defer cancel()
	if ctx.Err() != nil || !s.meant(r) {
		writeFailure(w, leavingFailure())
		return
	}
	s.stream(ctx, w, newQueue(1))
}

// streamContext ends with the request, and when the server begins to leave.
func (s *Server) streamContext(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(s.streams, cancel)
	return ctx, func() { stop(); cancel() }
}

// pump moves changes into q as fast as they come, so that the Backend never waits for a socket.
func pump(ctx context.Context, changes <-chan app.Change, q *queue) {
	for {
		select {
		case <-ctx.Done():
			return
		case c, ok := <-changes:
			if !ok {
				return
			}
			q.put(c)
		}
	}
}

// stream writes what q gives until ctx ends, q is closed or the reader has gone.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, q *queue) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	rc := http.NewResponseController(w)
	if rc.Flush() != nil {
		return
	}
	ticker := s.clock.NewTicker(beat)
	defer ticker.Stop()
	var (
		batch []app.Change
		buf   bytes.Buffer
		more  = true
	)
	enc := json.NewEncoder(&buf)
	for more {
		buf.Reset()
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
			buf.WriteByte('\n')
		case <-q.ready:
			batch, more = q.take(batch)
			for _, c := range batch {
				if err := enc.Encode(c); err != nil {
					s.log.Error("a change could not be written for other terminals", "kind", c.Kind, "err", err)
				}
			}
		}
		if _, err := w.Write(buf.Bytes()); err != nil {
			return
		}
		if rc.Flush() != nil {
			return
		}
	}
}
