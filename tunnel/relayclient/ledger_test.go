package relayclient_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// ledger remembers what senders sent and what they were told.
type ledger struct {
	mu   sync.Mutex
	sent map[string]*sent
	// accepted and doubtful count those that were told 2xx, and those that don't know.
	accepted, doubtful, refused int
}

// sent is one request.
type sent struct {
	hook     string
	sender   int
	n        int
	sum      [sha256.Size]byte
	accepted bool
}

func newLedger() *ledger { return &ledger{sent: map[string]*sent{}} }

// sender posts one request after the other, each with an id of its own.
type sender struct {
	l      *ledger
	number int
	hook   string
	url    string
	n      int
	client *http.Client
}

func (l *ledger) sender(number int, hook, url string) *sender {
	return &sender{l: l, number: number, hook: hook, url: url, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true},
	}}
}

// post sends a body and returns the status, 0 when there is none: then the request may have been taken or not.
func (s *sender) post(body []byte) (status int, text string) {
	s.n++
	id := fmt.Sprintf("%d-%d", s.number, s.n)
	s.l.mu.Lock()
	entry := &sent{hook: s.hook, sender: s.number, n: s.n, sum: sha256.Sum256(body)}
	s.l.sent[id] = entry
	s.l.mu.Unlock()
	r, err := http.NewRequest(http.MethodPost, fmt.Sprintf("%s/test?n=%d", s.url, s.n), bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set(idHeader, id)
	resp, err := s.client.Do(r)
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if err != nil {
		s.l.doubtful++
		return 0, err.Error()
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // the status has been said
	entry.accepted = resp.StatusCode/100 == 2
	switch {
	case entry.accepted:
		s.l.accepted++
	default:
		s.l.refused++
	}
	return resp.StatusCode, string(raw)
}

func (s *sender) close() { s.client.CloseIdleConnections() }

func (l *ledger) counts() (accepted, doubtful, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.doubtful, l.refused
}

// check compares what was stored with what was sent: all that was accepted is there exactly once, nothing else but what
// was really sent, byte for byte, and in order for each hook.
func (l *ledger) check(t testing.TB, stored []kept) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	times := map[string]int{}
	last := map[int]int{}        // by sender: senders wait for each answer
	reached := map[string]kept{} // by hook
	for _, k := range stored {
		s := l.sent[k.id]
		switch {
		case s == nil:
			t.Errorf("%q was never sent", k.id)
			continue
		case s.sum != k.sum || s.hook != k.hook || k.missing != "":
			t.Errorf("%s arrived as another: %+v", k.id, k)
		case s.n <= last[s.sender]:
			t.Errorf("%s arrived behind %d of the same sender", k.id, last[s.sender])
		}
		last[s.sender] = s.n
		if was := reached[k.hook]; k.epoch < was.epoch || k.epoch == was.epoch && k.seq <= was.seq {
			t.Errorf("%s, %d/%d, is stored behind %d/%d of the same hook", k.id, k.epoch, k.seq, was.epoch, was.seq)
		}
		reached[k.hook] = k
		times[k.id]++
	}
	lost, doubled := 0, 0
	for id, s := range l.sent {
		switch {
		case times[id] > 1:
			doubled++
		case s.accepted && times[id] == 0:
			lost++
		}
	}
	if lost+doubled > 0 {
		t.Errorf("of %d that were accepted %d are lost; %d are doubled", l.accepted, lost, doubled)
	}
}
