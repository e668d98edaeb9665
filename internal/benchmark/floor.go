package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The floor is the minimum that a durable webhook costs in Go: net/http, the platform's signature over the exact body, one record
// appended to a file, an fdatasync shared by all waiting requests, and the answer. It has no state, recognises no repeats and can't
// be queried.

// floorArgument makes this program the floor, which runs in a separate process as the listener does.
const floorArgument = "-floor"

// maxBody is the largest body in bytes, the same as the listener's.
const maxBody = 1 << 20

// floor serves until it is interrupted.
func floor(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	f := &appender{file: file, queue: make(chan record, 1024), done: make(chan struct{})}
	go f.run()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: f, ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println("Listening on http://" + l.Addr().String() + ".")
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	close(f.queue)
	<-f.done
	return file.Close()
}

type record struct {
	bytes []byte
	done  chan error
}

// appender appends records with group commit.
type appender struct {
	file  *os.File
	queue chan record
	done  chan struct{}
}

// ServeHTTP implements [http.Handler].
func (f *appender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !hmac.Equal([]byte(r.Header.Get("X-Webhook-Signature")), signature(r.Header.Get("X-Webhook-Timestamp"), body)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	rec := record{append(binary.AppendUvarint(nil, uint64(len(body))), body...), make(chan error, 1)}
	f.queue <- rec
	if err := <-rec.done; err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n") // the sender may be gone
}

func (f *appender) run() {
	defer close(f.done)
	for first := range f.queue {
		batch, buf := []record{first}, bytes.Clone(first.bytes)
		for len(f.queue) > 0 {
			rec := <-f.queue
			batch, buf = append(batch, rec), append(buf, rec.bytes...)
		}
		_, err := f.file.Write(buf)
		if err == nil {
			err = fdatasync(f.file)
		}
		for _, rec := range batch {
			rec.done <- err
		}
	}
}
