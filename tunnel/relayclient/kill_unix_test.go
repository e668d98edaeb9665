//go:build unix

package relayclient_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"greenroom/tunnel"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/relayclient"
)

// post sends n small requests to a hook, which all must be accepted.
func (p *pair) post(l *ledger, hook, n int) {
	p.t.Helper()
	s := l.sender(len(l.sent), p.hooks[hook].ID, p.url(hook))
	defer s.close()
	for range n {
		if status, text := s.post(random(700)); status != 200 {
			p.t.Fatalf("answered %d: %s", status, text)
		}
	}
}

// kill -9 of the relay when it has synced requests and sent none of them.
func TestTheRelayIsKilledBeforeItSends(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), newLedger()
	p.relay.start()
	p.relay.ready()
	p.post(l, 0, 100)
	p.relay.kill()
	p.client.start()
	p.client.status("told of the relay's absence", func(s tunnel.Status) bool { return s.State == tunnel.Degraded })
	p.relay.start()
	p.client.live()
	p.post(l, 0, 100)
	p.drained()
	l.check(t, all(t, p.storeDir))
}

// kill -9 of the relay when it has sent requests and has not heard that they are stored. The client stores them
// meanwhile, and says so to the next relay.
func TestTheRelayIsKilledBeforeItHearsSTORED(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), newLedger()
	p.relay.start()
	p.relay.ready()
	d, err := openDurable(p.storeDir)
	if err != nil {
		t.Fatal(err)
	}
	received, killed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.before = func(int, int) {
		once.Do(func() { close(received) })
		<-killed
	}
	token, _ := strings.CutPrefix(p.client.env[0], tokenVariable+"=")
	tun, err := relayclient.New(relayclient.Options{URL: "http://" + p.addr, Token: token}).Open(t.Context(), d.local("device-1"))
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{t: t, Tunnel: tun}
	defer o.close()
	o.live()
	p.post(l, 0, 50)
	<-received
	p.relay.kill()
	close(killed)
	p.relay.start()
	p.relay.ready()
	p.post(l, 0, 50)
	p.eventually("drained", patience, func() bool {
		n, err := p.waiting()
		return err == nil && n == 0
	})
	o.close()
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	p.relay.stop()
	l.check(t, all(t, p.storeDir))
}

// kill -9 of the client just before and just after its commit.
func TestTheClientIsKilledAroundItsCommit(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			p, l := newPair(t, spool.PolicyAck), newLedger()
			p.relay.start()
			p.relay.ready()
			p.post(l, 0, 300)
			for _, n := range []int{1, 50, 20} {
				p.client.start(fmt.Sprintf("%s=%s %d", dieVariable, when, n), windowVariable+"=7")
				<-p.client.ended
				if !p.client.cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
					t.Fatal("it was not killed")
				}
			}
			p.client.start()
			p.client.live()
			p.drained()
			l.check(t, all(t, p.storeDir))
		})
	}
}

// A full disk at the client: nothing is lost, the reason shows, and when there is room it goes on by itself.
func TestTheClientsDiskIsFull(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), newLedger()
	p.client.env = append(p.client.env, fullVariable+"=1")
	p.relay.start()
	p.relay.ready()
	p.client.start()
	p.client.live()
	s := l.sender(0, p.hooks[0].ID, p.url(0))
	defer s.close()
	for range 60 {
		if status, text := s.post(random(1 << 20)); status != 200 {
			t.Fatalf("answered %d: %s", status, text)
		}
	}
	p.client.status("full", func(s tunnel.Status) bool {
		return s.State == tunnel.Degraded && strings.Contains(s.Reason, "can't be stored here")
	})
	if n, err := p.waiting(); err != nil || n == 0 {
		t.Errorf("%d wait, %v", n, err)
	}
	p.client.signal(syscall.SIGUSR1)
	p.drained()
	l.check(t, all(t, p.storeDir))
}

// A frozen client is thawed, and so is a frozen relay.
func TestFreezing(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), newLedger()
	p.relay.start()
	p.relay.ready()
	p.client.start()
	p.client.live()
	for _, frozen := range []*process{p.client, p.relay} {
		frozen.signal(syscall.SIGSTOP)
		var posted sync.WaitGroup
		posted.Go(func() { p.post(l, 0, 20) })
		if frozen == p.client {
			posted.Wait() // the relay answers for it
		}
		frozen.signal(syscall.SIGCONT)
		posted.Wait()
	}
	p.drained()
	l.check(t, all(t, p.storeDir))
}

// A client that is frozen for longer than connections live is noticed, and after the thaw, as after a restart of the
// relay, requests are delivered again at once. It takes real time, and is run with GREENROOM_SOAK.
func TestHowLongItTakes(t *testing.T) {
	if os.Getenv("GREENROOM_SOAK") == "" {
		t.Skip("set GREENROOM_SOAK to measure it")
	}
	p, l := newPair(t, spool.PolicyAuto), newLedger()
	p.relay.start()
	p.relay.ready()
	p.client.start()
	p.client.live()
	// delivering waits until the client's own answer comes back to a sender.
	s := l.sender(0, p.hooks[0].ID, p.url(0))
	defer s.close()
	delivering := func() {
		t.Helper()
		p.eventually("delivering", time.Minute, func() bool {
			_, text := s.post([]byte("x"))
			return strings.TrimSpace(text) == "stored"
		})
	}
	delivering()
	within := func(what string, most time.Duration, do func()) {
		t.Helper()
		began := time.Now()
		do()
		took := time.Since(began)
		t.Logf("%s after %.2f s", what, took.Seconds())
		if took > most {
			t.Errorf("%s after %v, which is more than %v", what, took, most)
		}
	}
	for range 3 {
		p.client.signal(syscall.SIGSTOP)
		within("a frozen client is noticed", 15*time.Second, func() {
			p.eventually("noticed", time.Minute, func() bool {
				is, err := p.connected()
				return err == nil && !is
			})
		})
		p.client.signal(syscall.SIGCONT)
		within("delivering again after the thaw", 2*time.Second, delivering)
	}
	for _, end := range []func(){p.relay.kill, p.relay.stop} {
		for _, away := range []time.Duration{0, 3 * time.Second, 20 * time.Second} {
			end()
			time.Sleep(away)
			p.relay.start()
			p.relay.ready()
			within(fmt.Sprintf("delivering again after a restart that took %v", away), 2*time.Second, delivering)
		}
	}
	p.drained()
	l.check(t, all(t, p.storeDir))
}

// A relay that is put back from a backup knows less than the client has stored. That shows, and what it takes from then
// on arrives.
func TestTheRelayIsRestoredFromABackup(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), newLedger()
	run := func(n int) {
		t.Helper()
		p.relay.start()
		p.relay.ready()
		p.client.start()
		p.client.live()
		p.post(l, 0, n)
		p.drained()
	}
	run(10)
	file := filepath.Join(p.relayDir, spool.FileName)
	backup, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // restarts make epochs
		run(10)
	}
	if err := os.WriteFile(file, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	p.relay.start()
	p.relay.ready()
	p.post(l, 0, 10) // before the client has told it how far it is
	p.client.start()
	p.client.status("told", func(s tunnel.Status) bool {
		return s.State == tunnel.Live && strings.Contains(s.Gap, "restored from a backup")
	})
	p.post(l, 0, 10)
	p.drained()
	run(10)
	l.check(t, all(t, p.storeDir))
}
