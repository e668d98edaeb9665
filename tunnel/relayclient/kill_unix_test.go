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
	"greenroom/tunnel/tunneltest"
)

// kill -9 of the relay when it has synced requests and sent none of them.
func TestTheRelayIsKilledBeforeItSends(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), tunneltest.NewLedger()
	p.startRelay()
	p.post(l, 100)
	p.relay.Kill()
	p.client.Start()
	p.status("the relay's absence", func(s tunnel.Status) bool { return s.State == tunnel.Degraded })
	p.relay.Start()
	p.live()
	p.post(l, 100)
	p.drained()
	check(t, l, p.storeDir)
}

// kill -9 of the relay when it has sent requests and has not heard that they are stored. The client stores them
// meanwhile, and says so to the next relay.
func TestTheRelayIsKilledBeforeItHearsSTORED(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), tunneltest.NewLedger()
	p.startRelay()
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
	tun, err := relayclient.New(relayclient.Options{URL: "http://" + p.addr, Token: p.token}).Open(t.Context(), d.local("device-1"))
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{t: t, Tunnel: tun}
	defer o.close()
	o.live()
	p.post(l, 50)
	<-received
	p.relay.Kill()
	close(killed)
	p.startRelay()
	p.post(l, 50)
	p.untilDrained()
	o.close()
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	p.relay.Stop()
	check(t, l, p.storeDir)
}

// kill -9 of the client just before and just after its commit.
func TestTheClientIsKilledAroundItsCommit(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			p, l := newPair(t, spool.PolicyAck), tunneltest.NewLedger()
			p.startRelay()
			p.post(l, 300)
			for _, n := range []int{1, 50, 20} {
				p.client.Start(fmt.Sprintf("%s=%s %d", dieVariable, when, n), windowVariable+"=7")
				if !p.client.Wait() {
					t.Fatal("it was not killed")
				}
			}
			p.client.Start()
			p.live()
			p.drained()
			check(t, l, p.storeDir)
		})
	}
}

// A full disk at the client: nothing is lost, the reason shows, and when there is room it resumes.
func TestTheClientsDiskIsFull(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), tunneltest.NewLedger()
	p.startRelay()
	p.client.Start(fullVariable + "=1")
	p.live()
	s := p.sender(l, 0, 0)
	for range 60 {
		if status, text := s.Post(tunneltest.Random(1 << 20)); status != 200 {
			t.Fatalf("answered %d: %s", status, text)
		}
	}
	p.status("full", func(s tunnel.Status) bool {
		return s.State == tunnel.Degraded && strings.Contains(s.Reason, "can't be stored here")
	})
	if n, err := p.waiting(); err != nil || n == 0 {
		t.Errorf("%d wait, %v", n, err)
	}
	p.client.Signal(syscall.SIGUSR1)
	p.drained()
	check(t, l, p.storeDir)
}

// A frozen client is thawed, and so is a frozen relay.
func TestFreezing(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), tunneltest.NewLedger()
	p.start()
	for _, frozen := range []*tunneltest.Process{p.client, p.relay} {
		frozen.Freeze()
		var posted sync.WaitGroup
		posted.Go(func() { p.post(l, 20) })
		if frozen == p.client {
			posted.Wait() // the relay answers for it
		}
		frozen.Thaw()
		posted.Wait()
	}
	p.drained()
	check(t, l, p.storeDir)
}

// A client that is frozen for longer than connections live is noticed, and after the thaw, as after a restart of the
// relay, requests are delivered again at once. It takes real time, and is run with GREENROOM_SOAK.
func TestHowLongItTakes(t *testing.T) {
	if !soaking() {
		t.Skip("set GREENROOM_SOAK to measure it")
	}
	p, l := newPair(t, spool.PolicyAuto), tunneltest.NewLedger()
	p.start()
	// delivering waits until the client's own answer comes back to a sender.
	s := p.sender(l, 0, 0)
	delivering := func() {
		t.Helper()
		tunneltest.Eventually(t, "delivering", func() bool {
			_, text := s.Post([]byte("x"))
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
		p.client.Freeze()
		within("a frozen client is noticed", 15*time.Second, func() {
			tunneltest.Eventually(t, "noticed", p.noticed)
		})
		p.client.Thaw()
		within("delivering again after the thaw", 2*time.Second, delivering)
	}
	for _, end := range []func(){p.relay.Kill, p.relay.Stop} {
		for _, away := range []time.Duration{0, 3 * time.Second, 20 * time.Second} {
			end()
			time.Sleep(away)
			p.startRelay()
			within(fmt.Sprintf("delivering again after a restart that took %v", away), 2*time.Second, delivering)
		}
	}
	p.drained()
	check(t, l, p.storeDir)
}

// A relay that is put back from a backup knows less than the client has stored. That shows, and what it takes from then
// on arrives.
func TestTheRelayIsRestoredFromABackup(t *testing.T) {
	p, l := newPair(t, spool.PolicyAck), tunneltest.NewLedger()
	run := func(n int) {
		t.Helper()
		p.start()
		p.post(l, n)
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
	p.startRelay()
	p.post(l, 10) // before the client has sent its positions
	p.client.Start()
	p.status("the gap", func(s tunnel.Status) bool {
		return s.State == tunnel.Live && strings.Contains(s.Gap, "restored from a backup")
	})
	p.post(l, 10)
	p.drained()
	run(10)
	check(t, l, p.storeDir)
}
