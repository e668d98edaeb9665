package ipc_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/ipc"
)

func activity(n int) app.Change {
	return app.Change{Kind: app.ActivityChange, Activity: &app.Activity{Room: "stand-up", Detail: strconv.Itoa(n)}}
}

// TestASlowReaderSlowsNoOne: 30,000 changes are published without waiting for a subscriber that reads none of them. It reads
// what still fitted, then Missed, then the newest.
func TestASlowReaderSlowsNoOne(t *testing.T) {
	const n = 30_000
	b := apptest.NewMemory(2 * n)
	socket, _ := serve(t, b, me, nil)
	slow, err := dial(t, socket).Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fast, err := dial(t, socket).Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for i := range n {
			b.Publish(activity(i))
		}
		b.Publish(app.Change{Kind: app.StatusChange})
	}()
	last(t, fast, app.StatusChange)
	missed, read := 0, 0
	for late := time.After(patience); ; {
		select {
		case c := <-slow:
			read++
			switch c.Kind {
			case app.Missed:
				missed++
			case app.StatusChange:
				if missed == 0 || read >= n {
					t.Errorf("read %d of %d changes, %d Missed", read, n, missed)
				}
				return
			}
		case <-late:
			t.Fatalf("the newest never came; read %d", read)
		}
	}
}

// last reads until a change of kind comes.
func last(t testing.TB, ch <-chan app.Change, kind app.ChangeKind) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case c, ok := <-ch:
			if !ok {
				t.Fatalf("the stream ended before %q", kind)
			}
			if c.Kind == kind {
				return
			}
		case <-late.C:
			t.Fatalf("%q never came", kind)
		}
	}
}

func TestTheStreamEndsWithTheReader(t *testing.T) {
	b := apptest.NewMemory(64)
	socket, _ := serve(t, b, me, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ch, err := dial(t, socket).Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if b.Readers() != 1 {
		t.Fatalf("%d subscriptions", b.Readers())
	}
	cancel()
	for range ch {
	}
	for deadline := time.Now().Add(patience); b.Readers() != 0; {
		if time.Now().After(deadline) {
			t.Fatal("the owner's side continues")
		}
	}
}

func TestTheStreamEndsWhenTheOwnerLeaves(t *testing.T) {
	socket, server := serve(t, apptest.NewMemory(64), me, nil)
	ch, err := dial(t, socket).Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Leave(time.Minute); err != nil {
		t.Error(err)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case _, ok := <-ch:
		if ok {
			t.Error("a change from nowhere")
		}
	case <-late.C:
		t.Error("the stream continues")
	}
}

// TestSilenceEndsTheStream: an owner that is frozen keeps its connections open and says nothing, not even a heartbeat.
func TestSilenceEndsTheStream(t *testing.T) {
	socket := shortDir(t) + ".sock"
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/hello", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(me) })
	mux.HandleFunc("/v1/subscribe", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("\n{\"kind\":\"status\"}\nnot JSON\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }()
	defer server.Close()

	clock := clockwork.NewFakeClock()
	c, _, err := ipc.Dial(t.Context(), socket, me, nil, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ch, err := c.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expectKinds(t, ch, app.StatusChange, app.Missed)
	if c := advanceUntil(t, clock, ch); c.Kind != "" {
		t.Errorf("a change from nowhere: %+v", c)
	}
}

// TestHeartbeats: a stream without news carries empty lines at the clock's pace.
func TestHeartbeats(t *testing.T) {
	clock := clockwork.NewFakeClock()
	s := ipc.NewServer(apptest.NewMemory(1), me, nil, nil, clock)
	w := &lineWriter{lines: make(chan string, 10)}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", "/v1/alive", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Handler().ServeHTTP(w, r) }()
	for range 3 {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(2 * time.Second)
		if line := <-w.lines; line != "\n" {
			t.Errorf("heartbeat %q", line)
		}
	}
	cancel()
	<-done
}

// lineWriter is a ResponseWriter that hands over what is written.
type lineWriter struct {
	header http.Header
	lines  chan string
}

func (w *lineWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}
func (w *lineWriter) WriteHeader(int) {}
func (w *lineWriter) Flush()          {}
func (w *lineWriter) Write(b []byte) (int, error) {
	w.lines <- string(b)
	return len(b), nil
}
