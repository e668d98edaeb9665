//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/store"
	"greenroom/tunnel/tunneltest"
)

// flaky is the target of a forward. It notes the events that it acknowledges. An unruly one fails, hangs and restarts at random.
type flaky struct {
	t      *testing.T
	addr   string
	unruly bool

	mu           sync.Mutex
	acknowledged []string

	server *http.Server
	stop   chan struct{}
	done   sync.WaitGroup
}

func newFlaky(t *testing.T, unruly bool) *flaky {
	f := &flaky{t: t, addr: tunneltest.Addr(t), unruly: unruly, stop: make(chan struct{})}
	f.open()
	if unruly {
		f.done.Add(1)
		go f.restarts()
	}
	t.Cleanup(f.calm)
	return f
}

func (f *flaky) open() {
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		f.t.Error(err)
		return
	}
	f.server = &http.Server{Handler: f}
	go func() { _ = f.server.Serve(l) }()
}

// restarts closes the target's address for a moment, again and again. Requests under way are answered first.
func (f *flaky) restarts() {
	defer f.done.Done()
	for tunneltest.Pause(500, 3000, f.stop) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := f.server.Shutdown(ctx); err != nil {
			f.t.Errorf("the target doesn't stop: %v", err)
		}
		cancel()
		tunneltest.Pause(10, 300, f.stop)
		f.open()
	}
}

// calm ends the restarts and closes the target.
func (f *flaky) calm() {
	select {
	case <-f.stop:
		return
	default:
	}
	close(f.stop)
	f.done.Wait()
	f.server.Close()
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e struct{ ID string }
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil {
		return // the sender was killed: nothing is acknowledged
	}
	if f.unruly {
		switch n := rand.IntN(200); {
		case n < 4:
			w.WriteHeader([]int{500, 503, 429, 408}[n])
			return
		case n == 4: // hangs, and ends without an answer
			tunneltest.Pause(100, 500, f.stop)
			panic(http.ErrAbortHandler)
		}
	}
	f.mu.Lock()
	f.acknowledged = append(f.acknowledged, e.ID)
	f.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (f *flaky) got() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.acknowledged)
}

// Two forwards, to a quiet target and to one that fails, hangs and restarts, of a program that is killed at random: each target
// acknowledges every event in the order of the store and once, except the one that was under way when the program was killed. With
// GREENROOM_SOAK it is 20,000 events.
func TestForwardsKeepTheLedger(t *testing.T) {
	want := 400
	switch {
	case os.Getenv("GREENROOM_SOAK") != "":
		want = 20_000
	case testing.Short():
		want = 150
	}
	run, err := os.MkdirTemp("", "gr") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	data, addr, targets := t.TempDir(), tunneltest.Addr(t), []*flaky{newFlaky(t, false), newFlaky(t, true)}
	var logged tunneltest.Journal
	t.Cleanup(func() {
		if text := logged.String(); t.Failed() {
			t.Logf("the programs said: %s", text[max(0, len(text)-3_000):])
		}
	})
	program := func(args ...string) *exec.Cmd {
		c := exec.Command("greenroom", append([]string{"--data-dir", data}, args...)...)
		c.Stderr = &logged
		c.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
			name, _, _ := strings.Cut(kv, "=")
			return strings.HasPrefix(name, "GREENROOM_") || strings.HasPrefix(name, "DAILY_") || strings.HasPrefix(name, "WHEREBY_") || strings.HasPrefix(name, "LIVEKIT_") || strings.HasPrefix(name, "AWS_")
		}), "XDG_CONFIG_HOME="+run, "XDG_RUNTIME_DIR="+run, "DAILY_API_KEY=key", "DAILY_API_URL=http://127.0.0.1:1/v1", "DAILY_WEBHOOK_SECRET="+chaosSecret)
		return c
	}
	for i, target := range targets {
		if err := program("forward", "add", fmt.Sprintf("f%d", i), "http://"+target.addr+"/in").Run(); err != nil {
			t.Fatalf("%v: %s", err, &logged)
		}
	}
	p := tunneltest.NewProcess(t, func() *exec.Cmd { return program("listen", "--addr", addr, "--json") })
	start := func() {
		p.Start()
		p.Until("listening", func(l string) bool { return strings.HasPrefix(l, `{"listening":`) })
	}
	start()
	stop, killed := make(chan struct{}), make(chan int)
	go func() {
		kills := 0
		for tunneltest.Pause(150, 900, stop) {
			p.Kill()
			kills++
			start()
		}
		killed <- kills
	}()
	client := &http.Client{Timeout: patience}
	for n := range want {
		body := fmt.Appendf(nil, `{"version":"1.0.0","type":"chaos.sent","id":"e-%d","payload":{},"event_ts":%d.5}`, n, time.Now().Unix())
		tunneltest.Eventually(t, "accepted", func() bool {
			r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/hooks/daily", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			signDaily(r, body)
			res, err := client.Do(r)
			if err != nil {
				return false
			}
			res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
		if n%10 == 0 {
			tunneltest.Pause(0, 200, stop) // so that queues empty now and then
		}
	}
	close(stop)
	kills := <-killed
	if kills == 0 {
		t.Error("the program was never killed")
	}
	waiting := func() (n int) {
		out, err := program("forward", "list", "--json").Output()
		var all []app.Forward
		if err == nil {
			err = json.Unmarshal(out, &all)
		}
		if err != nil || len(all) != len(targets) {
			t.Fatalf("%s: %v", out, err)
		}
		for _, f := range all {
			n += f.Queue
		}
		return n
	}
	for left := waiting(); left > 0; {
		tunneltest.Eventually(t, "forwarded", func() bool {
			was := left
			left = min(left, waiting())
			return left < was
		})
	}
	p.Stop()
	for _, target := range targets {
		target.calm()
	}
	inOrder := storedIDs(t, filepath.Join(data, store.FileName))
	if len(inOrder) != want {
		t.Errorf("%d of %d events are stored", len(inOrder), want)
	}
	for i, target := range targets {
		got := target.got()
		twice := len(got)
		got = slices.Compact(got) // a repetition follows at once
		if twice -= len(got); twice > kills {
			t.Errorf("target %d acknowledged %d events twice, with %d kills", i, twice, kills)
		}
		if !slices.Equal(got, inOrder) {
			t.Errorf("target %d acknowledged %d events of %d, or in another order", i, len(got), len(inOrder))
		}
		t.Logf("target %d: %d events, %d twice, %d kills", i, len(got), twice, kills)
	}
}

// storedIDs lists the platform's ids of the events in a store, in order and without repeats.
func storedIDs(t *testing.T, path string) (ids []string) {
	t.Helper()
	s, err := store.Open(store.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	}()
	for after, more := uint64(0), true; more; {
		page, err := s.Events(t.Context(), app.EventQuery{After: after, Forward: true, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range slices.Backward(page.Events) {
			if d.DuplicateOf == 0 {
				ids = append(ids, d.ProviderID)
			}
		}
		after, more = max(after, page.Next), page.More
	}
	return ids
}
