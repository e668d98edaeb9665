//go:build unix

package relayclient_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/tunnel"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/relayclient"
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
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
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

// process is one of them, started as often as it is killed.
type process struct {
	t   testing.TB
	env []string
	cmd *exec.Cmd
	// lines are what it printed since it was started; ended is closed when it has ended.
	mu    sync.Mutex
	lines []string
	more  chan struct{}
	ended chan struct{}
}

func newProcess(t testing.TB, role, dir, addr string, env ...string) *process {
	p := &process{t: t, env: append(env, roleVariable+"="+role, dirVariable+"="+dir, addrVariable+"="+addr)}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
	})
	return p
}

// start starts it, with more environment this time.
func (p *process) start(env ...string) {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(append(os.Environ(), p.env...), env...)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.lines, p.more, p.ended = nil, make(chan struct{}, 1), make(chan struct{})
	p.mu.Unlock()
	cmd, more, ended := p.cmd, p.more, p.ended
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, lines.Text())
			p.mu.Unlock()
			select {
			case more <- struct{}{}:
			default:
			}
		}
		_ = cmd.Wait() // whoever cares asks how it ended
	}()
}

// until waits for a line.
func (p *process) until(what string, is func(line string) bool) {
	p.t.Helper()
	late := time.After(3 * patience)
	for seen := 0; ; {
		p.mu.Lock()
		lines := p.lines[seen:]
		p.mu.Unlock()
		for _, l := range lines {
			if is(l) {
				return
			}
		}
		seen += len(lines)
		select {
		case <-p.more:
		case <-p.ended:
			p.t.Fatalf("it ended instead of being %s, after printing %q", what, lines)
		case <-late:
			p.t.Fatalf("it is never %s; it printed %q", what, p.lines)
		}
	}
}

// ready waits for a relay to take requests.
func (p *process) ready() {
	p.t.Helper()
	p.until("ready", func(l string) bool { return l == "ready" })
}

// status waits for a client's status.
func (p *process) status(what string, is func(tunnel.Status) bool) (found tunnel.Status) {
	p.t.Helper()
	p.until(what, func(l string) bool {
		var s tunnel.Status
		if err := json.Unmarshal([]byte(l), &s); err != nil {
			p.t.Errorf("%q: %v", l, err)
		}
		found = s
		return is(s)
	})
	return found
}

func (p *process) live() tunnel.Status {
	p.t.Helper()
	return p.status("live", func(s tunnel.Status) bool { return s.State == tunnel.Live })
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// stop ends it in order.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatal("it doesn't end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("it ends with status %d", code)
	}
}

// port finds an address that stays free while nobody listens: beyond those that the system gives out.
func port(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.N(10000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// pair is a relay and a client in processes of their own, with a token and hooks.
type pair struct {
	t                  testing.TB
	relayDir, storeDir string
	addr               string
	relay, client      *process
	hooks              []relay.Hook
}

// newPair prepares both; neither runs. There is a hook for each policy.
func newPair(t testing.TB, policies ...spool.Policy) *pair {
	t.Helper()
	p := &pair{t: t, relayDir: t.TempDir(), storeDir: t.TempDir(), addr: port(t)}
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
	p.relay = newProcess(t, "relay", p.relayDir, p.addr)
	p.client = newProcess(t, "client", p.storeDir, p.addr, tokenVariable+"="+made.Secret)
	return p
}

// url is where a hook takes requests.
func (p *pair) url(hook int) string {
	// Its own URL has no host while no relay has run.
	_, id, _ := strings.Cut(p.hooks[hook].URL, "/h/")
	return "http://" + p.addr + "/h/" + id
}

// waiting is how many requests the relay has for the client.
func (p *pair) waiting() (n int, err error) {
	r, err := relay.Dial(p.t.Context(), p.relayDir)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	hooks, err := r.Hooks(p.t.Context())
	for _, h := range hooks {
		n += h.Depth
	}
	return n, err
}

// connected says whether the relay believes its client to be there.
func (p *pair) connected() (bool, error) {
	r, err := relay.Dial(p.t.Context(), p.relayDir)
	if err != nil {
		return false, err
	}
	defer r.Close()
	tokens, err := r.Tokens(p.t.Context())
	return err == nil && len(tokens) == 1 && tokens[0].Connected, err
}

// drained waits until the client has stored all that the relay took, and ends both.
func (p *pair) drained() {
	p.t.Helper()
	p.eventually("drained", 3*patience, func() bool {
		n, err := p.waiting()
		return err == nil && n == 0
	})
	p.client.stop()
	p.relay.stop()
}

// eventually waits for something that nobody tells of.
func (p *pair) eventually(what string, most time.Duration, is func() bool) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(most); !is(); {
		select {
		case <-tick.C:
		case <-late:
			p.t.Fatalf("never %s", what)
		}
	}
}
