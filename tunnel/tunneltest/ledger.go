// Package tunneltest proves that a tunnel loses nothing: senders record their answers while processes are killed and frozen at
// random. It is for tests.
package tunneltest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// IDHeader is the header with the sender's id of each request.
const IDHeader = "Test-Id"

// Ledger records requests and their answers. Its methods are safe for concurrent use.
type Ledger struct {
	mu   sync.Mutex
	sent map[string]*sent
	// accepted counts requests answered 2xx, doubtful those without an answer, and refused the others.
	accepted, doubtful, refused int
}

type sent struct {
	hook      string
	sender, n int
	sum       [sha256.Size]byte
	accepted  bool
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{sent: map[string]*sent{}} }

// Counts returns how many requests were accepted, how many have an unknown outcome, and how many were refused.
func (l *Ledger) Counts() (accepted, doubtful, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.doubtful, l.refused
}

// Sender posts requests one after the other to one hook, and waits for each answer. It is for one goroutine.
type Sender struct {
	// Sign may change each request, given its body.
	Sign func(r *http.Request, body []byte)

	ledger *Ledger
	number int
	hook   string
	url    string
	n      int
	client *http.Client
}

// Sender returns a new sender to the URL; hook is the store's name of the hook.
func (l *Ledger) Sender(number int, hook, url string) *Sender {
	return &Sender{ledger: l, number: number, hook: hook, url: url, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true},
	}}
}

// NextID returns the id of the next request.
func (s *Sender) NextID() string { return fmt.Sprintf("%d-%d", s.number, s.n+1) }

// Post sends a body. The status is 0 without an answer: the request may have been accepted or not, and text has the reason.
func (s *Sender) Post(body []byte) (status int, text string) {
	id := s.NextID()
	s.n++
	entry := &sent{hook: s.hook, sender: s.number, n: s.n, sum: sha256.Sum256(body)}
	s.ledger.mu.Lock()
	s.ledger.sent[id] = entry
	s.ledger.mu.Unlock()
	status, text = s.post(id, body)
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	switch status / 100 {
	case 0:
		s.ledger.doubtful++
	case 2:
		entry.accepted = true
		s.ledger.accepted++
	default:
		s.ledger.refused++
	}
	return status, text
}

func (s *Sender) post(id string, body []byte) (int, string) {
	r, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set(IDHeader, id)
	if s.Sign != nil {
		s.Sign(r, body)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // the status decides
	return resp.StatusCode, string(raw)
}

// Close closes the sender's connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Kept is a request in a store.
type Kept struct {
	ID, Hook string
	Body     []byte
	// Epoch and Seq are its numbers, if the store knows them.
	Epoch, Seq uint64
}

// Check compares the stored requests, in order, with those sent: each accepted one is there exactly once, and every stored one
// was sent, byte for byte, in order for each hook.
func (l *Ledger) Check(t testing.TB, stored func(visit func(Kept))) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	times, last, reached := map[string]int{}, map[int]int{}, map[string]Kept{}
	stored(func(k Kept) {
		s := l.sent[k.ID]
		switch {
		case s == nil:
			t.Errorf("%q was never sent", k.ID)
			return
		case s.sum != sha256.Sum256(k.Body) || s.hook != k.Hook:
			t.Errorf("%s arrived as another, of %d bytes", k.ID, len(k.Body))
		case s.n <= last[s.sender]: // the sender waits for each answer
			t.Errorf("%s arrived behind %d of the same sender", k.ID, last[s.sender])
		}
		last[s.sender] = s.n
		if was, ok := reached[k.Hook]; ok && k.Seq != 0 && (k.Epoch < was.Epoch || k.Epoch == was.Epoch && k.Seq <= was.Seq) {
			t.Errorf("%s, %d/%d, is stored behind %d/%d of the same hook", k.ID, k.Epoch, k.Seq, was.Epoch, was.Seq)
		}
		k.Body = nil
		reached[k.Hook] = k
		times[k.ID]++
	})
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

var made atomic.Uint64

// Random returns n unique incompressible bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], made.Add(1))
	rand.NewChaCha8(seed).Read(b) //nolint:errcheck // it never fails
	return b
}

// Size returns a random body size: mostly small, some large, like webhooks.
func Size() int {
	switch n := rand.IntN(1000); {
	case n < 20:
		return 0
	case n < 940:
		return rand.IntN(4 << 10)
	case n < 997:
		return rand.IntN(200 << 10)
	}
	return rand.IntN(4 << 20)
}
