package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// key is the secret of the Daily account that signs all load.
var key = []byte("benchmark-key-0123456789abcdefg!")

// signature signs a body as Daily does.
func signature(stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil))
}

// webhook returns the body of the nth event: in twenty rooms, one person after another joins and leaves.
func webhook(run string, n int) []byte {
	room, visit := n%20, n/40
	kind, rest := "participant.joined", ""
	if n/20%2 == 1 {
		kind, rest = "participant.left", `"duration":60.5,`
	}
	now := time.Now().Unix()
	return fmt.Appendf(nil, `{"version":"1.0.0","type":%q,"id":"evt-%s-%d","payload":{"room":"room-%d","session_id":"%s-%d-%d",`+
		`"user_id":"user-%d","user_name":"Zoë 渡辺 %d",%s"joined_at":%d.5,"owner":false,"will_eject_at":null,`+
		`"permissions":{"hasPresence":true,"canSend":true,"canReceive":{"base":true},"canAdmin":false}},"event_ts":%d.25}`,
		kind, run, n, room, run, room, visit, visit, visit, rest, now-61, now)
}

// senders send webhooks over separate connections, each waiting for its answer.
type senders struct {
	url    string
	run    string
	sent   atomic.Int64
	client *http.Client
	n      int
	// rate is how many webhooks are sent in a second, whether or not answers come; 0 sends the next when the last one was answered.
	rate float64
	// pid is the receiving process. settled waits until all answered webhooks have arrived; it may be nil.
	pid     int
	settled func(m *measured) error
}

func newSenders(url, run string, connections int) *senders {
	return &senders{url: url, run: run, n: connections, client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true},
	}}
}

func (s *senders) close() { s.client.CloseIdleConnections() }

// send sends one webhook.
func (s *senders) send() error {
	r, err := s.next()
	if err != nil {
		return err
	}
	return s.do(r)
}

// next returns the next webhook.
func (s *senders) next() (*http.Request, error) {
	body := webhook(s.run, int(s.sent.Add(1)))
	r, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Webhook-Timestamp", stamp)
	r.Header.Set("X-Webhook-Signature", string(signature(stamp, body)))
	return r, nil
}

// do sends a webhook and reads the answer.
func (s *senders) do(r *http.Request) error {
	resp, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", s.url, resp.Status)
	}
	return nil
}

// measured is the result of rounds of load.
type measured struct {
	count int
	spent time.Duration
	took  []time.Duration
	ran   time.Duration // processor time
	// forwarded is how long webhooks took to the targets of forwards.
	forwarded []time.Duration
}

func (m *measured) rate() float64 { return float64(m.count) / m.spent.Seconds() }

// cpu returns the processor time of a request in seconds.
func (m *measured) cpu() float64 { return m.ran.Seconds() / float64(m.count) }

// at returns the time within which a share of the answers came.
func (m *measured) at(share float64) time.Duration { return within(m.took, share) }

// within returns the time within which a share of all is.
func within(all []time.Duration, share float64) time.Duration {
	slices.Sort(all)
	return all[int(share*float64(len(all)-1))]
}

// round sends for a time, and adds the result to m.
func (s *senders) round(ctx context.Context, length time.Duration, m *measured) error {
	before := spent(s.pid)
	defer func() { m.ran += spent(s.pid) - before }()
	began := time.Now()
	send := s.closed
	if s.rate > 0 {
		send = s.open
	}
	err := send(ctx, length, m)
	if err == nil && s.settled != nil {
		err = s.settled(m)
	}
	m.spent += time.Since(began)
	return err
}

// closed sends as fast as the answers come.
func (s *senders) closed(ctx context.Context, length time.Duration, m *measured) error {
	began := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	for range s.n {
		wg.Go(func() {
			var took []time.Duration
			var err error
			for err == nil && time.Since(began) < length {
				at := time.Now()
				err = errors.Join(ctx.Err(), s.send())
				took = append(took, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			m.took, m.count = append(m.took, took...), m.count+len(took)
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	return failed
}

// contest runs the loads in turns, so that other work of the machine affects all of them equally. The first round is a warm-up that
// isn't counted. The order alternates. At the end the senders are closed.
func contest(ctx context.Context, rounds int, each time.Duration, all ...*senders) ([]measured, error) {
	defer func() {
		for _, s := range all {
			s.close()
		}
	}()
	out := make([]measured, len(all))
	for round := range rounds + 1 {
		for i := range all {
			if round%2 == 1 {
				i = len(all) - 1 - i
			}
			var ignored measured
			to := &out[i]
			if round == 0 {
				to = &ignored
			}
			if err := all[i].round(ctx, each, to); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
