// Package admin serves the health and the metrics of a running listener for operators.
//
//	/healthz  200 while the process answers
//	/readyz   200 while webhooks are accepted: the listener is open, and the store answers and has no problem; otherwise 503 with
//	          the reason
//	/metrics  metrics for Prometheus, read for each request
//
// The answers contain no secrets. There is no authentication: the address is for operators only. On a loopback address, host names other than
// localhost are refused.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
)

const (
	// readTime is the time limit for an answer of the application.
	readTime = 5 * time.Second
	// writeTime is the time limit for writing an answer.
	writeTime = 10 * time.Second
	maxConns  = 32
)

// Handler serves the three paths for a backend.
func Handler(b app.Backend, log *slog.Logger) http.Handler {
	metrics.ExposeMetadata(true) // the figures' types
	figures := &collector{backend: b, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readTime)
		defer cancel()
		if err := Ready(ctx, b); err != nil {
			log.Warn("not ready", "err", err)
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { figures.write(w) })
	return bounds.LocalOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bounds.Unread(w, r) // nothing here reads a body
		mux.ServeHTTP(w, r)
	}))
}

// Ready returns an error if webhooks can't be accepted: the store doesn't answer or has a problem, or no listener is open.
func Ready(ctx context.Context, b app.Backend) error {
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return fmt.Errorf("the store doesn't respond: %w", err)
	}
	if s.Store.Problem != "" {
		return errors.New(s.Store.Problem)
	}
	if s.Listener.URL == "" {
		return errors.New("no listener is open")
	}
	return nil
}

// Serve serves the handler until ctx ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := bounds.Server(h, log, maxConns)
	srv.WriteTimeout = writeTime
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}
