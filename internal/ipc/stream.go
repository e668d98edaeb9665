package ipc

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
)

// streaming returns the handler of a stream, whose context also ends when the server begins to leave.
func (s *Server) streaming(serve func(context.Context, http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		bounds.Patient(w)
		ctx, cancel := within(r.Context(), s.streams)
		defer cancel()
		if ctx.Err() != nil || !s.meant(r) {
			writeFailure(w, leavingFailure)
			return
		}
		serve(ctx, w)
	}
}

// serveSubscribe streams changes, one JSON value per line, with an empty line whenever nothing happened for a while.
// The header is sent once the subscription is active, so that the stream has every later change.
func (s *Server) serveSubscribe(ctx context.Context, w http.ResponseWriter) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
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

// serveAlive streams only heartbeats: the end of the stream means that the owner has exited.
func (s *Server) serveAlive(ctx context.Context, w http.ResponseWriter) {
	s.stream(ctx, w, newQueue(1))
}

// pump moves changes into q as they come, so that the Backend never waits for a socket.
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

// stream writes the changes of q until ctx ends, q is closed or the reader has gone.
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
		if _, err := w.Write(buf.Bytes()); err != nil || rc.Flush() != nil {
			return
		}
	}
}
