package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// relay measures `greenroom relay` with `greenroom listen` behind it, beside a direct connection to a listener and a plain tunnel to
// one. The relay answers a webhook once it is durable there, and a turn ends when the listener has stored all of them. The others
// answer once it is durable at the listener.
func (b *bench) relay(ctx context.Context) error {
	for _, connections := range []int{1, 32} {
		if err := b.relayWith(ctx, connections); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) relayWith(ctx context.Context, connections int) (err error) {
	dir, err := os.MkdirTemp(b.dir, "relay-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.clean()) }()
	names, all := []string{"direct"}, []*senders{}
	add := func(url string) *senders {
		s := newSenders(url, fmt.Sprint(time.Now().UnixNano()), connections)
		all = append(all, s)
		return s
	}
	local, err := b.listener(ctx, b.binary, filepath.Join(dir, "direct"))
	if err != nil {
		return err
	}
	add(local.url + hook)
	tunnel, err := b.chisel(ctx, filepath.Join(dir, "chisel"), local.url)
	if err != nil {
		fmt.Fprintln(os.Stderr, "no plain tunnel:", err)
	} else {
		names = append(names, "chisel")
		add(tunnel + hook)
	}
	for i, binary := range b.binaries() {
		url, far, err := b.relayed(ctx, binary, filepath.Join(dir, fmt.Sprint("r", i)))
		if err != nil {
			return err
		}
		s := add(url)
		s.settled = func(*measured) error { return far.printed(int(s.sent.Load())) }
	}
	got, err := contest(ctx, b.rounds, b.each, all...)
	if err != nil {
		return err
	}
	ours := &got[len(names)]
	what := "webhooks, " + clients(connections)
	for i, name := range names {
		rival := &got[i]
		least := "≥ 0.6"
		if name == "direct" {
			least = "≥ 0.2"
		}
		b.row("relay", what, rate(ours.rate()), name+" "+rate(rival.rate()), ratio(ours.rate()/rival.rate()), least, b.earlier(got, func(m *measured) string {
			return rate(m.rate()) + ", " + ratio(m.rate()/rival.rate())
		}))
		b.row("relay", what+", p99", ms(ours.at(.99)), name+" "+ms(rival.at(.99)), ratio(ours.at(.99).Seconds()/rival.at(.99).Seconds()), "", b.earlier(got, func(m *measured) string {
			return ms(m.at(.99))
		}))
	}
	if len(names) == 1 {
		b.row("relay", what, rate(ours.rate()), "chisel: missing", "", "≥ 0.6", "")
	}
	return nil
}

// relayed starts a relay and a listener that fetches from it, and returns the public address of the hook.
func (b *bench) relayed(ctx context.Context, binary, home string) (url string, far *listener, err error) {
	relayHome := filepath.Join(home, "far")
	r, err := start(ctx, relayHome, binary, nil, "relay", "--tls", "off", "--addr", "127.0.0.1:0", "--rate", "0")
	if err != nil {
		return "", nil, err
	}
	b.cleanup(r.stop)
	at, err := r.waitFor("requests for")
	if err != nil {
		return "", nil, err
	}
	create := exec.CommandContext(ctx, binary, "relay", "token", "create", "benchmark", "--json")
	create.Env = homeEnv(relayHome)
	out, err := create.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = errors.New(string(failed.Stderr))
		}
		return "", nil, fmt.Errorf("relay token create: %w", err)
	}
	var made struct {
		Secret string `json:"token"`
		Hook   struct {
			URL string `json:"url"`
		} `json:"hook"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return "", nil, err
	}
	far, err = b.listener(ctx, binary, filepath.Join(home, "near"), "GREENROOM_TUNNEL=relay", "GREENROOM_RELAY_URL="+at, "GREENROOM_RELAY_TOKEN="+made.Secret)
	if err != nil {
		return "", nil, err
	}
	if _, err := far.waitFor("relay: live,"); err != nil {
		return "", nil, err
	}
	return made.Hook.URL + hook, far, nil
}

// printed waits until a listener has printed n events.
func (l *listener) printed(n int) error {
	late := time.Now().Add(startTime)
	event, buf := []byte("  daily  verified  "), make([]byte, 64<<10)
	for l.events < n {
		m, err := l.reader.ReadAt(buf, l.read)
		if last := bytes.LastIndexByte(buf[:m], '\n'); last < 0 {
			m = 0 // the line isn't complete yet
		} else {
			m = last + 1
		}
		l.read += int64(m)
		l.events += bytes.Count(buf[:m], event)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if time.Now().After(late) {
			return fmt.Errorf("%d of %d webhooks arrived within %s", l.events, n, startTime)
		}
		if m == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// chisel starts a plain tunnel, which carries connections to a local address, and returns its public one.
func (b *bench) chisel(ctx context.Context, home, to string) (string, error) {
	program := filepath.Join(b.dir, "chisel")
	if _, err := os.Stat(program); err != nil {
		build := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", program, "github.com/jpillora/chisel")
		build.Dir = filepath.FromSlash("internal/peers/testdata/chisel")
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build chisel: %w: %s", err, out)
		}
	}
	server, public := freePort(), freePort()
	s, err := start(ctx, filepath.Join(home, "server"), program, nil, "server", "--reverse", "--host", "127.0.0.1", "--port", server)
	if err != nil {
		return "", err
	}
	b.cleanup(s.stop)
	if _, err := s.waitFor("Listening on"); err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(to[len("http://"):])
	if err != nil {
		return "", err
	}
	c, err := start(ctx, filepath.Join(home, "client"), program, nil, "client", "http://127.0.0.1:"+server, "R:127.0.0.1:"+public+":127.0.0.1:"+port)
	if err != nil {
		return "", err
	}
	b.cleanup(c.stop)
	if _, err := c.waitFor("Connected"); err != nil {
		return "", err
	}
	return "http://127.0.0.1:" + public, nil
}

// freePort returns a port that nothing listens on now.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// hook is the path of the account's hook.
const hook = "/hooks/daily"

// listener is `greenroom listen` with an account at Daily.
type listener struct {
	*process
	url    string
	reader *os.File
	read   int64
	events int
}

// listener starts a listener, which clean ends.
func (b *bench) listener(ctx context.Context, binary, home string, env ...string) (*listener, error) {
	env = append(dailyEnv(base64.StdEncoding.EncodeToString(key)), env...)
	p, err := start(ctx, home, binary, env, "listen", "--addr", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.cleanup(p.stop)
	l := &listener{process: p}
	if l.url, err = p.waitFor("Listening on"); err != nil {
		return nil, err
	}
	if l.reader, err = os.Open(p.out.Name()); err != nil {
		return nil, err
	}
	b.cleanup(l.reader.Close)
	return l, nil
}
