//go:build unix

package relayclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/tunnel"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/tunneltest"
)

// The processes that tests kill are this binary, which plays the role that the variable names.
const (
	roleVariable  = "GREENROOM_TEST_ROLE"
	dirVariable   = "GREENROOM_TEST_DIR"
	addrVariable  = "GREENROOM_TEST_ADDR"
	tokenVariable = "GREENROOM_TEST_TOKEN"
	// dieVariable is "before N" or "after N": the client kills itself around the commit of its Nth request.
	dieVariable = "GREENROOM_TEST_DIE"
	// fullVariable, if it is set, keeps the client's file from growing until it gets SIGUSR1.
	fullVariable   = "GREENROOM_TEST_FULL"
	windowVariable = "GREENROOM_TEST_WINDOW"
)

func TestMain(m *testing.M) {
	role := map[string]func() error{"relay": playRelay, "client": playClient}[os.Getenv(roleVariable)]
	if role == nil {
		goleak.VerifyTestMain(m)
		return
	}
	if err := role(); err != nil {
		fmt.Fprintln(os.Stderr, "test process:", err)
		os.Exit(1)
	}
}

// relayOptions are those of the relays of all tests: nothing but the disk bounds them.
func relayOptions(dir string) relay.Options {
	return relay.Options{
		Dir: dir, Rate: -1, PerHook: 512, Concurrent: 1024, Body: 64 << 20, SyncWait: 2 * time.Second, Version: "test",
	}
}

// playRelay is a relay, until SIGTERM.
func playRelay() error {
	s, err := relay.Open(relayOptions(os.Getenv(dirVariable)))
	if err != nil {
		return err
	}
	var l net.Listener
	for range 100 { // one that was killed may still be there for a moment
		if l, err = net.Listen("tcp", os.Getenv(addrVariable)); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	if err := s.ServeControl(); err != nil {
		return err
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	closed := make(chan error, 1)
	go func() {
		<-term
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- s.Close(ctx)
	}()
	fmt.Println("ready")
	if err := s.Serve(l); err != nil {
		return err
	}
	return <-closed
}

// playClient is a client that prints its status, until SIGTERM.
func playClient() error {
	d, err := openDurable(os.Getenv(dirVariable))
	if err != nil {
		return err
	}
	if os.Getenv(fullVariable) != "" {
		info, err := os.Stat(d.store.Path())
		if err != nil {
			return err
		}
		limit(uint64(info.Size()))
	}
	var when string
	var number int
	if n, _ := fmt.Sscan(os.Getenv(dieVariable), &when, &number); n == 2 {
		die := func(stored, batch int) {
			if stored < number && stored+batch >= number {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		if when == "before" {
			d.before = die
		} else {
			d.after = die
		}
	}
	o := relayclient.Options{URL: "http://" + os.Getenv(addrVariable), Token: os.Getenv(tokenVariable)}
	if n, err := strconv.Atoi(os.Getenv(windowVariable)); err == nil {
		o.Window = n
	}
	tun, err := relayclient.New(o).Open(context.Background(), d.local("device-1"))
	if err != nil {
		return err
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	closed := make(chan error, 1)
	go func() {
		<-term
		closed <- tun.Close()
	}()
	out := json.NewEncoder(os.Stdout)
	for s := range tun.Status() {
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return errors.Join(<-closed, d.store.Close())
}

// limit makes writes beyond n bytes of any file fail, as a full disk does, until SIGUSR1.
func limit(n uint64) {
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	set := func(cur uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: cur, Max: was.Max}); err != nil {
			panic(err)
		}
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		panic(err)
	}
	room := make(chan os.Signal, 1)
	signal.Notify(room, syscall.SIGUSR1)
	go func() {
		<-room
		set(was.Max)
	}()
	set(n)
}

// process makes one of them.
func process(t testing.TB, role, dir, addr string, env ...string) *tunneltest.Process {
	return tunneltest.NewProcess(t, func() *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = append(append(os.Environ(), env...), roleVariable+"="+role, dirVariable+"="+dir, addrVariable+"="+addr)
		return c
	})
}

// pair is a relay and a client in processes of their own, with a token and hooks.
type pair struct {
	t                  testing.TB
	relayDir, storeDir string
	addr, token        string
	relay, client      *tunneltest.Process
	hooks              []relay.Hook
}

// newPair prepares both; neither runs. There is a hook for each policy.
func newPair(t testing.TB, policies ...spool.Policy) *pair {
	t.Helper()
	p := &pair{t: t, relayDir: t.TempDir(), storeDir: t.TempDir(), addr: tunneltest.Addr(t)}
	book, err := relay.OpenBook(p.relayDir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	made, err := book.CreateToken(t.Context(), "laptop", false)
	if err != nil {
		t.Fatal(err)
	}
	for i, policy := range policies {
		h := made.Hook
		if i == 0 {
			h, err = book.SetPolicy(t.Context(), h.ID, policy)
		} else {
			h, err = book.CreateHook(t.Context(), string(policy)+strconv.Itoa(i), "laptop", policy)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.hooks = append(p.hooks, h)
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	p.token = made.Secret
	p.relay = process(t, "relay", p.relayDir, p.addr)
	p.client = process(t, "client", p.storeDir, p.addr, tokenVariable+"="+made.Secret)
	return p
}

// start starts both.
func (p *pair) start() {
	p.t.Helper()
	p.startRelay()
	p.client.Start()
	p.live()
}

func (p *pair) startRelay() {
	p.t.Helper()
	p.relay.Start()
	p.relay.Until("ready", func(l string) bool { return l == "ready" })
}

// status waits for a client's status.
func (p *pair) status(what string, is func(tunnel.Status) bool) {
	p.t.Helper()
	p.client.Until(what, func(l string) bool {
		var s tunnel.Status
		if err := json.Unmarshal([]byte(l), &s); err != nil {
			p.t.Errorf("%q: %v", l, err)
		}
		return is(s)
	})
}

func (p *pair) live() {
	p.t.Helper()
	p.status("live", func(s tunnel.Status) bool { return s.State == tunnel.Live })
}

// sender posts to a hook.
func (p *pair) sender(l *tunneltest.Ledger, number, hook int) *tunneltest.Sender {
	// Its own URL has no host while no relay has run.
	_, id, _ := strings.Cut(p.hooks[hook].URL, "/h/")
	s := l.Sender(number, p.hooks[hook].ID, "http://"+p.addr+"/h/"+id+"/test?x=1")
	p.t.Cleanup(s.Close)
	return s
}

// post sends n small requests to the first hook, which all must be accepted.
func (p *pair) post(l *tunneltest.Ledger, n int) {
	p.t.Helper()
	before, _, _ := l.Counts()
	s := p.sender(l, before, 0)
	for range n {
		if status, text := s.Post(tunneltest.Random(700)); status != 200 {
			p.t.Fatalf("answered %d: %s", status, text)
		}
	}
}

// book asks the running relay.
func book[T any](p *pair, ask func(*relay.Remote) (T, error)) (v T, err error) {
	r, err := relay.Dial(p.t.Context(), p.relayDir)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return ask(r)
}

// waiting is how many requests the relay has for the client.
func (p *pair) waiting() (n int, err error) {
	hooks, err := book(p, func(r *relay.Remote) ([]relay.Hook, error) { return r.Hooks(p.t.Context()) })
	for _, h := range hooks {
		n += h.Depth
	}
	return n, err
}

// noticed reports whether the relay believes its client to be away.
func (p *pair) noticed() bool {
	tokens, err := book(p, func(r *relay.Remote) ([]relay.Token, error) { return r.Tokens(p.t.Context()) })
	return err == nil && len(tokens) == 1 && !tokens[0].Connected
}

// drained waits until the client has stored all that the relay took, and ends both.
func (p *pair) drained() {
	p.t.Helper()
	p.untilDrained()
	p.client.Stop()
	p.relay.Stop()
}

func (p *pair) untilDrained() {
	p.t.Helper()
	tunneltest.Eventually(p.t, "drained", func() bool {
		n, err := p.waiting()
		return err == nil && n == 0
	})
}
