//go:build unix

package tunneltest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Monkey kills, restarts and freezes a relay and its client, one after the other.
type Monkey struct {
	Relay, Client *Process
	// Long also freezes for longer than connections survive.
	Long bool

	deeds map[string]int
	done  atomic.Int32
}

// leastDeeds is how much goes wrong in a storm, also on a machine that is fast enough to be through before.
const leastDeeds = 3

// Run runs until stop is closed. At the end both run, though they may just have been started.
func (m *Monkey) Run(stop <-chan struct{}) {
	m.deeds = map[string]int{}
	for Pause(100, 1000, stop) {
		switch n := rand.IntN(100); {
		case n < 25:
			m.deeds["client killed"]++
			m.Client.Kill()
			Pause(0, 500, stop)
			m.Client.Start()
		case n < 50:
			m.deeds["relay killed"]++
			m.Relay.Kill()
			Pause(0, 500, stop)
			m.Relay.Start()
		case n < 58:
			m.deeds["both killed"]++
			m.Relay.Kill()
			m.Client.Kill()
			m.Client.Start()
			Pause(0, 500, stop)
			m.Relay.Start()
		case n < 66:
			m.deeds["relay restarted"]++
			m.Relay.Stop()
			m.Relay.Start()
		case n < 82:
			m.freeze(m.Client, "client frozen", stop)
		default:
			m.freeze(m.Relay, "relay frozen", stop)
		}
		m.done.Add(1)
	}
}

func (m *Monkey) freeze(p *Process, deed string, stop <-chan struct{}) {
	p.Freeze()
	if m.Long && rand.IntN(5) == 0 {
		m.deeds[deed+" for long"]++
		Pause(11_000, 13_000, stop)
	} else {
		m.deeds[deed]++
		Pause(0, 1500, stop)
	}
	p.Thaw()
}

// String returns what it did, after it has stopped.
func (m *Monkey) String() string {
	var all []string
	for _, deed := range slices.Sorted(maps.Keys(m.deeds)) {
		all = append(all, fmt.Sprintf("%s %d×", deed, m.deeds[deed]))
	}
	return strings.Join(all, ", ")
}

// Pause waits for a random number of milliseconds, and reports whether to continue.
func Pause(from, to int, stop <-chan struct{}) bool {
	timer := time.NewTimer(time.Duration(from+rand.IntN(to-from)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

// Addr returns an address on loopback whose port stays free until it is used: one that systems don't assign.
func Addr(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000))
		if l, err := net.Listen("tcp", addr); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// Eventually polls until is returns true.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(Patience); !is(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never %s", what)
		}
	}
}

// Storm posts from the given number of senders until n requests were accepted and the monkey has disturbed a few times. post
// sends one request and returns its status. Storm returns how long it took.
func (m *Monkey) Storm(l *Ledger, n int, senders []func() int) time.Duration {
	began := time.Now()
	stop, calm, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(calm)
		m.Run(stop)
	}()
	for _, post := range senders {
		go func() {
			defer func() { done <- struct{}{} }()
			for accepted := 0; accepted < n || m.done.Load() < leastDeeds; accepted, _, _ = l.Counts() {
				if post()/100 != 2 {
					Pause(0, 50, nil) // the next one has a better chance a little later
				}
			}
		}()
	}
	for range senders {
		<-done
	}
	took := time.Since(began)
	close(stop)
	<-calm
	m.Relay.Thaw()
	m.Client.Thaw()
	return took
}
