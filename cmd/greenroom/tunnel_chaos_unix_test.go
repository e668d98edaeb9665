//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// mortal is a greenroom of its own process, which can be killed and started again.
type mortal struct {
	t    *testing.T
	env  []string
	args []string
	mu   sync.Mutex
	cmd  *exec.Cmd
	gone chan struct{}
	said bytes.Buffer
}

// start starts it and returns its first line.
func (m *mortal) start() string {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	path, err := os.Executable()
	if err != nil {
		m.t.Error(err)
		return ""
	}
	cmd := exec.Command(path, m.args...)
	cmd.Args[0], cmd.Env, cmd.Stderr = "greenroom", m.env, &m.said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		m.t.Error(err)
		return ""
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		m.t.Errorf("%v said nothing: %v", m.args, err)
	}
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, lines) // until it ends
		_ = cmd.Wait()
		close(gone)
	}()
	m.cmd, m.gone = cmd, gone
	return first
}

// end sends it a signal, and waits for its end.
func (m *mortal) end(s os.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Signal(s) // it may have ended
	<-m.gone
	m.cmd = nil
}

// posted is one webhook that was sent, and whether its sender heard 2xx.
type posted struct {
	body     []byte
	sender   int
	accepted bool
}

// wherebyRequest is a webhook as Whereby signs it.
func wherebyRequest(url, id, name string) (*http.Request, []byte, error) {
	now := time.Now()
	body := fmt.Appendf(nil, `{"id":%q,"apiVersion":"1.0","createdAt":%q,"type":"room.client.joined","data":{"meetingId":"1","roomName":"/chaos",`+
		`"participantId":%q,"displayName":"Zoë %s","roleName":"visitor","numClients":1}}`, id, now.UTC().Format("2006-01-02T15:04:05.000Z"), id, name)
	mac := hmac.New(sha256.New, []byte(sandbox.WherebyWebhookSecret))
	fmt.Fprintf(mac, "%d.%s", now.Unix(), body)
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Whereby-Signature", fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(mac.Sum(nil))))
	}
	return r, body, err
}

// TestNothingIsLostAndNothingDoubled kills the relay and the listening program, each a process of its own, at random moments
// while webhooks are posted: what was accepted is in the store once, in each sender's order, byte for byte, and applied.
func TestNothingIsLostAndNothingDoubled(t *testing.T) {
	senders, each := 4, 250
	if testing.Short() {
		each = 50
	}
	home, run, far := t.TempDir(), shortDir(t), t.TempDir()
	env := append(os.Environ(), "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "XDG_RUNTIME_DIR="+run, "AWS_EC2_METADATA_DISABLED=true",
		"WHEREBY_API_KEY=k", "WHEREBY_API_URL=http://127.0.0.1:1/v1", "WHEREBY_WEBHOOK_SECRET="+sandbox.WherebyWebhookSecret)
	relay := &mortal{t: t, env: env, args: []string{"--data-dir", far, "relay", "--addr", "127.0.0.1:0", "--json"}}
	var told struct{ Listening string }
	if err := json.Unmarshal([]byte(relay.start()), &told); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.end(syscall.SIGKILL) })
	relay.args[4] = strings.TrimPrefix(told.Listening, "http://")

	maker := newBench(t, false, "")
	maker.run(t, 0, "--data-dir", far, "relay", "token", "create", "laptop", "--json")
	var token struct {
		Token string
		Hook  struct{ URL string }
	}
	if err := json.Unmarshal(maker.out.Bytes(), &token); err != nil {
		t.Fatal(err)
	}
	listen := &mortal{
		t: t, args: []string{"listen", "--addr", "127.0.0.1:0", "--json"},
		env: append(env, "GREENROOM_RELAY_URL="+told.Listening, "GREENROOM_RELAY_TOKEN="+token.Token),
	}
	listen.start()
	t.Cleanup(func() { listen.end(syscall.SIGKILL) })

	var mu sync.Mutex
	sent := map[string]*posted{}
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			client := &http.Client{Timeout: 20 * time.Second}
			defer client.CloseIdleConnections()
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for n := range each {
				<-pace.C
				id := fmt.Sprintf("%d-%04d", sender, n)
				r, body, err := wherebyRequest(token.Hook.URL+"/hooks/whereby", id, id)
				if err != nil {
					t.Error(err)
					return
				}
				p := &posted{body: body, sender: sender}
				mu.Lock()
				sent[id] = p
				mu.Unlock()
				if res, err := client.Do(r); err == nil {
					res.Body.Close()
					p.accepted = res.StatusCode/100 == 2
				}
			}
		})
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	deeds := 0
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(50+rand.IntN(300)) * time.Millisecond):
			}
			deeds++
			switch rand.IntN(4) {
			case 0, 1:
				listen.end(syscall.SIGKILL)
				listen.start()
			case 2:
				relay.end(syscall.SIGKILL)
				relay.start()
			case 3:
				relay.end(syscall.SIGKILL)
				listen.end(syscall.SIGKILL)
				relay.start()
				listen.start()
			}
		}
	}()
	sending.Wait()
	close(stop)
	<-ended

	b := newBench(t, false, "")
	variables := map[string]string{}
	for _, kv := range listen.env {
		name, value, _ := strings.Cut(kv, "=")
		variables[name] = value
	}
	b.getenv, b.open, b.now, b.version = func(name string) string { return variables[name] }, openBackend, time.Now, buildVersion()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	accepted := 0
	for _, p := range sent {
		if p.accepted {
			accepted++
		}
	}
	err := b.with(ctx, func(b app.Backend) error {
		changes, err := b.Subscribe(ctx)
		if err != nil {
			return err
		}
		for {
			kept, err := keptOnce(ctx, t, b, sent)
			if err != nil || kept >= accepted {
				return err
			}
			select {
			case _, ok := <-changes:
				if !ok {
					return fmt.Errorf("%d of %d accepted webhooks came: %s", kept, accepted, &listen.said)
				}
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d were accepted, through %d deaths", accepted, len(sent), deeds)
	if accepted == 0 || deeds == 0 {
		t.Error("nothing was tried")
	}
}

// keptOnce counts the accepted webhooks that are in the store, and sees that nothing is there twice, changed, out of its
// sender's order, or without its effect.
func keptOnce(ctx context.Context, t *testing.T, b app.Backend, sent map[string]*posted) (kept int, err error) {
	t.Helper()
	seen := map[string]bool{}
	last := map[int]string{}
	q := app.EventQuery{Limit: 1000, Forward: true}
	for {
		page, err := b.Events(ctx, q)
		if err != nil {
			return 0, err
		}
		for i := range page.Events {
			d := page.Events[len(page.Events)-1-i]
			p := sent[d.ProviderID]
			switch {
			case d.Verdict != provider.Verified || p == nil:
				t.Errorf("event %d is %s: %s", d.Seq, d.Verdict, d.Reason)
				continue
			case seen[d.ProviderID] || d.DuplicateOf != 0:
				t.Errorf("%s is there twice", d.ProviderID)
			case last[p.sender] > d.ProviderID:
				t.Errorf("%s came after %s", d.ProviderID, last[p.sender])
			case d.Unapplied != "" || d.Room != "chaos":
				t.Errorf("%s had no effect: %s", d.ProviderID, d.Unapplied)
			}
			seen[d.ProviderID], last[p.sender] = true, d.ProviderID
			full, err := b.Event(ctx, app.EventRef{Seq: d.Seq})
			if err != nil {
				return 0, err
			}
			if !bytes.Equal(full.Body, p.body) {
				t.Errorf("the body of %s is another one", d.ProviderID)
			}
			if p.accepted {
				kept++
			}
		}
		if !page.More {
			return kept, nil
		}
		q.After = page.Next
	}
}
