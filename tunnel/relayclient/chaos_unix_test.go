//go:build unix

package relayclient_test

import (
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"greenroom/tunnel/relay/spool"
)

// chaosSize is how much is sent.
func chaosSize() int {
	switch {
	case os.Getenv("GREENROOM_SOAK") != "":
		return 100_000
	case testing.Short():
		return 1_000
	}
	return 5_000
}

// monkey kills and freezes, one thing after the other, until it is told to stop. In the end both processes run.
type monkey struct {
	p     *pair
	long  bool // freezes beyond what connections outlive, too
	deeds map[string]int
}

func (m *monkey) run(stop <-chan struct{}) {
	for m.pause(100, 1000, stop) {
		switch n := rand.IntN(100); {
		case n < 25:
			m.deeds["client killed"]++
			m.p.client.kill()
			m.pause(0, 500, stop)
			m.p.client.start()
		case n < 50:
			m.deeds["relay killed"]++
			m.p.relay.kill()
			m.pause(0, 500, stop)
			m.p.relay.start()
		case n < 58:
			m.deeds["both killed"]++
			m.p.relay.kill()
			m.p.client.kill()
			m.p.client.start()
			m.pause(0, 500, stop)
			m.p.relay.start()
		case n < 66:
			m.deeds["relay restarted"]++
			m.p.relay.stop()
			m.p.relay.start()
		case n < 82:
			m.freeze(m.p.client, "client frozen", stop)
		default:
			m.freeze(m.p.relay, "relay frozen", stop)
		}
	}
}

func (m *monkey) freeze(p *process, deed string, stop <-chan struct{}) {
	p.signal(syscall.SIGSTOP)
	if m.long && rand.IntN(5) == 0 {
		m.deeds[deed+" for long"]++
		m.pause(11_000, 13_000, stop)
	} else {
		m.deeds[deed]++
		m.pause(0, 1500, stop)
	}
	p.signal(syscall.SIGCONT)
}

// pause waits between from and to milliseconds, and says whether to go on.
func (m *monkey) pause(from, to int, stop <-chan struct{}) bool {
	timer := time.NewTimer(time.Duration(from+rand.IntN(to-from)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

// size is a body's: mostly small, some large, as webhooks are.
func size(r *rand.Rand) int {
	switch n := r.IntN(1000); {
	case n < 20:
		return 0
	case n < 940:
		return r.IntN(4 << 10)
	case n < 997:
		return r.IntN(200 << 10)
	}
	return r.IntN(4 << 20)
}

// Senders of all policies, while relay and client are killed and frozen at random: what was accepted is stored exactly
// once, in order, byte for byte. It sends 100,000 requests when GREENROOM_SOAK is set.
func TestNothingIsLostAndNothingDoubled(t *testing.T) {
	p := newPair(t, spool.PolicyAuto, spool.PolicyAck, spool.PolicySync, spool.PolicyAck)
	p.relay.start()
	p.relay.ready()
	p.client.start()
	p.client.live()

	l, want := newLedger(), chaosSize()
	m := &monkey{
		p: p, long: os.Getenv("GREENROOM_SOAK") != "", deeds: map[string]int{},
	}
	began := time.Now()
	stop := make(chan struct{})
	var chaos, senders sync.WaitGroup
	chaos.Go(func() { m.run(stop) })
	var enough atomic.Bool
	for n := range 48 {
		senders.Go(func() {
			hook := n % len(p.hooks)
			s, r := l.sender(n, p.hooks[hook].ID, p.url(hook)), rand.New(rand.NewPCG(uint64(n), 2))
			defer s.close()
			for !enough.Load() {
				if status, _ := s.post(random(size(r))); status/100 != 2 {
					// Nobody is there; the next request has a better chance a little later.
					m.pause(0, 50, nil)
				}
				if accepted, _, _ := l.counts(); accepted >= want {
					enough.Store(true)
				}
			}
		})
	}
	senders.Wait()
	took := time.Since(began)
	close(stop)
	chaos.Wait()
	p.relay.signal(syscall.SIGCONT)
	p.client.signal(syscall.SIGCONT)
	p.drained()
	stored := all(t, p.storeDir)
	l.check(t, stored)
	accepted, doubtful, refused := l.counts()
	t.Logf("%d requests were accepted in %.1f s (%.0f/s), %d stored; of %d nobody knows, %d were refused; %v",
		accepted, took.Seconds(), float64(accepted)/took.Seconds(), len(stored), doubtful, refused, m.deeds)
	if len(m.deeds) == 0 || doubtful == 0 {
		t.Error("nothing went wrong, so that this proves nothing")
	}
}
