package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// targetArgument makes this program the target of forwards, which runs in a separate process.
const targetArgument = "-target"

// hangPath is where the target never answers.
const hangPath = "/hang"

// target serves until it is interrupted.
func target() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: &receiver{}, ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println("Listening on http://" + l.Addr().String() + ".")
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// receiver answers webhooks, and GET with what has arrived since the last GET.
type receiver struct {
	mu  sync.Mutex
	got received
}

// received counts the webhooks that arrived, and lists the times since they were to be sent, where those are known.
type received struct {
	Count int             `json:"count"`
	Took  []time.Duration `json:"took"`
}

// ServeHTTP implements [http.Handler].
func (t *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	switch {
	case r.Method == http.MethodGet:
		t.mu.Lock()
		defer t.mu.Unlock()
		_ = json.NewEncoder(w).Encode(t.got) // the reader may be gone
		t.got = received{}
		return
	case r.URL.Path == hangPath:
		<-r.Context().Done()
		return
	}
	_, _ = io.Copy(io.Discard, r.Body) // one that ended early is sent again
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got.Count++
	if ns, err := strconv.ParseInt(r.Header.Get(plannedHeader), 10, 64); err == nil {
		t.got.Took = append(t.got.Took, now.Sub(time.Unix(0, ns)))
	}
}
