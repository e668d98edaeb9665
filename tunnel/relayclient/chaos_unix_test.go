//go:build unix

package relayclient_test

import (
	"os"
	"testing"

	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/tunneltest"
)

// soaking says that a test may take its time.
func soaking() bool { return os.Getenv("GREENROOM_SOAK") != "" }

// chaosSize is how many requests are to be accepted.
func chaosSize() int {
	switch {
	case soaking():
		return 100_000
	case testing.Short():
		return 1_000
	}
	return 5_000
}

// Senders of all policies, while relay and client are killed and frozen at random: what was accepted is stored exactly
// once, in order, byte for byte. It sends 100,000 requests when GREENROOM_SOAK is set.
func TestNothingIsLostAndNothingDoubled(t *testing.T) {
	p := newPair(t, spool.PolicyAuto, spool.PolicyAck, spool.PolicySync, spool.PolicyAck)
	p.start()
	l, want := tunneltest.NewLedger(), chaosSize()
	m := &tunneltest.Monkey{Relay: p.relay, Client: p.client, Long: soaking()}
	var senders []func() int
	for n := range 48 {
		s := p.sender(l, n, n%len(p.hooks))
		senders = append(senders, func() int {
			status, _ := s.Post(tunneltest.Random(tunneltest.Size()))
			return status
		})
	}
	took := m.Storm(l, want, senders)
	p.drained()
	check(t, l, p.storeDir)
	accepted, doubtful, refused := l.Counts()
	t.Logf("%d requests were accepted in %.1f s (%.0f/s); %d have an unknown outcome, %d were refused; %s",
		accepted, took.Seconds(), float64(accepted)/took.Seconds(), doubtful, refused, m)
	if m.String() == "" {
		t.Error("nothing went wrong, so that this proves nothing")
	}
}
