package relay_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// childVariable makes this binary a relay on the folder that it holds.
const childVariable = "GREENROOM_TEST_RELAY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := runChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// runChild is a relay that prints its address, and works until it is killed.
func runChild(dir string) error {
	s, err := relay.Open(relay.Options{Dir: dir, Rate: -1, Policy: spool.PolicyAck, Clients: 2000})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return s.Serve(l)
}

// child is a relay in a process of its own.
type child struct {
	bench
	cmd *exec.Cmd
}

func startChild(t testing.TB, dir string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), childVariable+"="+dir)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("the relay does not start: ", err)
	}
	c.url = "http://" + strings.TrimSpace(addr)
	return c
}

// kill is kill -9.
func (c *child) kill(t testing.TB) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait() // it says that it was killed
}

// keeper is a client that remembers what it has stored, over all relays.
type keeper struct {
	at  map[string]cursor.Position
	got map[string]bool
}

// keep stores what a relay hands over, until the connection ends or until says that it is enough.
func (k *keeper) keep(t *testing.T, p *peer, enough func() bool) {
	t.Helper()
	var hooks []cursor.Position
	for _, at := range k.at {
		hooks = append(hooks, at)
	}
	f, err := wire.JSON(wire.Hello, 0, wire.HelloBody{Device: "d", Hooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	say := func(f wire.Frame) { _ = p.ws.WriteMessage(2, f.Append(nil)) } // the relay may be gone
	say(f)
	say(wire.Frame{Type: wire.Credit, Payload: []byte(`{"events":100000,"bytes":1000000000}`)})
	waiting := map[string][]*request{} // in the order in which they began
	open := map[uint64]*request{}
	for !enough() {
		f, ok := p.next()
		if !ok {
			return
		}
		if f.Type == wire.Welcome {
			w := body[wire.WelcomeBody](p, f)
			for _, h := range w.Hooks {
				if h.Restored {
					t.Error("a relay that was killed is taken for a restored one")
				}
			}
			continue
		}
		if f.Type == wire.Event {
			gather(t, open, f)
			r := open[f.Stream]
			waiting[r.Hook] = append(waiting[r.Hook], r)
			continue
		}
		r, done := gather(t, open, f)
		if !done {
			continue
		}
		r.Method = "" // whole
		for len(waiting[r.Hook]) > 0 && waiting[r.Hook][0].Method == "" {
			k.store(t, waiting[r.Hook][0])
			say(frameStored(k.at[r.Hook]))
			waiting[r.Hook] = waiting[r.Hook][1:]
		}
	}
}

func frameStored(at cursor.Position) wire.Frame {
	raw, _ := json.Marshal(at) // numbers and an id
	return wire.Frame{Type: wire.Stored, Payload: raw}
}

func (k *keeper) store(t *testing.T, r *request) {
	t.Helper()
	at := k.at[r.Hook]
	if r.Epoch < at.Epoch || r.Epoch == at.Epoch && r.Seq <= at.Seq {
		t.Errorf("%d/%d comes after %d/%d", r.Epoch, r.Seq, at.Epoch, at.Seq)
	}
	k.at[r.Hook] = r.Position
	name, _, _ := strings.Cut(string(r.body), ":")
	if k.got[name] {
		t.Errorf("%s comes twice", name)
	}
	k.got[name] = true
}

// TestKilledRelays: whatever the moment at which a relay is killed, all that it answered with 2xx reaches the client, once
// and in order, and nothing else is left behind.
func TestKilledRelays(t *testing.T) {
	dir := t.TempDir()
	book, err := relay.OpenBook(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	made, err := book.CreateToken(t.Context(), "laptop", false)
	if err != nil {
		t.Fatal(err)
	}
	second, err := book.CreateHook(t.Context(), "second", "laptop", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	k := &keeper{at: map[string]cursor.Position{}, got: map[string]bool{}}
	var mu sync.Mutex
	answered := map[string]bool{}
	number := 0
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: patience}
	defer client.CloseIdleConnections()
	send := func(ctx context.Context, url string) {
		for ctx.Err() == nil {
			mu.Lock()
			number++
			n := number
			mu.Unlock()
			size := 1000
			if n%10 == 0 {
				size = 700 << 10
			}
			hook := made.Hook.ID
			if n%3 == 0 {
				hook = second.ID
			}
			name := fmt.Sprint("request-", n)
			resp, err := client.Post(url+"/h/"+hook, "text/plain", strings.NewReader(name+":"+strings.Repeat("x", size)))
			if err != nil {
				return // killed
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == 200 {
				mu.Lock()
				answered[name] = true
				mu.Unlock()
			}
		}
	}
	never := func() bool { return false }
	const rounds = 8
	for round := range rounds {
		c := startChild(t, dir)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { send(ctx, c.url) })
		}
		// In every other round a client is there.
		if round%2 == 1 {
			p := c.dial(t, made.Secret)
			all.Go(func() { k.keep(t, p, never) })
		}
		time.Sleep(100*time.Millisecond + rand.N(200*time.Millisecond))
		c.kill(t)
		stop()
		all.Wait()
	}
	c := startChild(t, dir)
	missing := func() int {
		n := 0
		for name := range answered {
			if !k.got[name] {
				n++
			}
		}
		return n
	}
	k.keep(t, c.dial(t, made.Secret), func() bool { return missing() == 0 })
	if n := missing(); n > 0 || len(answered) < 10*rounds {
		t.Errorf("%d of %d answered requests are lost", n, len(answered))
	}
	t.Logf("%d requests, %d of them answered, over %d kills", number, len(answered), rounds)
	c.kill(t)

	// What is left are whole requests that had no answer; once they are stored, nothing is.
	s, err := spool.Open(spool.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range s.Hooks() {
		last := k.at[h.ID]
		last.Hook = h.ID
		for e, ok, err := s.Next(last); ok; e, ok, err = s.Next(last) {
			if err != nil {
				t.Fatal(err)
			}
			last = e.Position
		}
		if _, err := s.Hello(t.Context(), "laptop", map[string]cursor.Position{h.ID: last}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, spool.FileName), 0o600, &bolt.Options{Timeout: time.Second, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for _, name := range []string{"pieces", "open"} {
			if n := tx.Bucket([]byte(name)).Stats().KeyN; n != 0 {
				t.Errorf("%d %s are left", n, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
