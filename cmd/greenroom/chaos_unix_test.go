//go:build unix

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/store"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/tunneltest"
)

// chaosSecret signs the webhooks of the test below, as Daily does.
const chaosSecret = "Y2hhb3MtdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="

// signDaily signs a request as Daily's documentation says.
func signDaily(r *http.Request, body []byte) {
	key, err := base64.StdEncoding.DecodeString(chaosSecret)
	if err != nil {
		panic(err)
	}
	stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Webhook-Timestamp", stamp)
	r.Header.Set("X-Webhook-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// event is a webhook of an unknown type, large or small: such are stored as they came.
func event(id string) []byte {
	pad := base64.StdEncoding.EncodeToString(tunneltest.Random(min(tunneltest.Size(), 500<<10)))
	return fmt.Appendf(nil, `{"version":"1.0.0","type":"chaos.sent","id":%q,"payload":{"pad":%q},"event_ts":%d.5}`, id, pad, time.Now().Unix())
}

// The programs themselves, greenroom relay and greenroom listen, are killed and frozen at random while signed webhooks are
// posted to the relay's hooks: every one that was accepted is in the store exactly once, in order for each hook, byte for
// byte, and verified. With GREENROOM_SOAK it is 100,000.
func TestTheProgramsLoseNothing(t *testing.T) {
	want := 2_000
	switch {
	case os.Getenv("GREENROOM_SOAK") != "":
		want = 100_000
	case testing.Short():
		want = 500
	}
	far, near, addr := t.TempDir(), t.TempDir(), tunneltest.Addr(t)
	run, err := os.MkdirTemp("", "gr") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	book, err := relay.OpenBook(filepath.Join(far, relayFolder), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	made, err := book.CreateToken(t.Context(), "laptop", false)
	if err != nil {
		t.Fatal(err)
	}
	hooks := []relay.Hook{made.Hook}
	for _, policy := range []spool.Policy{spool.PolicyAck, spool.PolicySync} {
		h, err := book.CreateHook(t.Context(), string(policy), "laptop", policy)
		if err != nil {
			t.Fatal(err)
		}
		hooks = append(hooks, h)
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}

	logged, err := os.Create(filepath.Join(run, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if raw, err := os.ReadFile(logged.Name()); t.Failed() && err == nil {
			t.Logf("the programs said: %s", raw[max(0, len(raw)-3_000):])
		}
		logged.Close()
		os.RemoveAll(run)
	})
	program := func(args ...string) func() *exec.Cmd {
		return func() *exec.Cmd {
			c := exec.Command("greenroom", args...)
			c.Stderr = logged
			c.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
				name, _, _ := strings.Cut(kv, "=")
				return strings.HasPrefix(name, "GREENROOM_") || strings.HasPrefix(name, "DAILY_") || strings.HasPrefix(name, "WHEREBY_") || strings.HasPrefix(name, "AWS_")
			}),
				"XDG_CONFIG_HOME="+t.TempDir(), "XDG_RUNTIME_DIR="+run, "GREENROOM_RELAY_URL=http://"+addr,
				"GREENROOM_RELAY_TOKEN="+made.Secret, "DAILY_API_KEY=key", "DAILY_API_URL=http://127.0.0.1:1/v1",
				"DAILY_WEBHOOK_SECRET="+chaosSecret, "AWS_EC2_METADATA_DISABLED=true",
			)
			return c
		}
	}
	m := &tunneltest.Monkey{
		Relay:  tunneltest.NewProcess(t, program("--data-dir", far, "relay", "--addr", addr, "--json", "--rate", "0")),
		Client: tunneltest.NewProcess(t, program("--data-dir", near, "listen", "--addr", "127.0.0.1:0", "--json")),
		Long:   os.Getenv("GREENROOM_SOAK") != "",
	}
	m.Relay.Start()
	m.Relay.Until("listening", func(l string) bool { return strings.HasPrefix(l, `{"listening":`) })
	m.Client.Start()
	m.Client.Until("connected", func(l string) bool { return strings.Contains(l, `"state":"live"`) })

	l := tunneltest.NewLedger()
	var senders []func() int
	for n := range 24 {
		h := hooks[n%len(hooks)]
		s := l.Sender(n, h.ID, "http://"+addr+"/h/"+h.ID+"/hooks/daily?hook="+h.ID)
		s.Sign = signDaily
		t.Cleanup(s.Close)
		senders = append(senders, func() int {
			status, text := s.Post(event(s.NextID()))
			if status == http.StatusUnauthorized || status == http.StatusNotFound { // others can come of a frozen relay
				t.Errorf("answered %d: %s", status, text)
			}
			return status
		})
	}
	took := m.Storm(l, want, senders)
	tunneltest.Eventually(t, "drained", func() bool {
		r, err := relay.Dial(t.Context(), filepath.Join(far, relayFolder))
		if err != nil {
			return false
		}
		defer r.Close()
		hooks, err := r.Hooks(t.Context())
		return err == nil && !slices.ContainsFunc(hooks, func(h relay.Hook) bool { return h.Depth > 0 })
	})
	m.Client.Stop()
	m.Relay.Stop()

	s, err := store.Open(store.Options{Path: filepath.Join(near, store.FileName)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l.Check(t, func(visit func(tunneltest.Kept)) { visitStore(t, s, visit) })
	accepted, doubtful, refused := l.Counts()
	t.Logf("%d webhooks were accepted in %.1f s (%.0f/s); %d have an unknown outcome, %d were refused; %s",
		accepted, took.Seconds(), float64(accepted)/took.Seconds(), doubtful, refused, m)
	if m.String() == "" {
		t.Error("nothing went wrong, so that this proves nothing")
	}
}

// visitStore visits everything in the order in which it was stored.
func visitStore(t *testing.T, s *store.Store, visit func(tunneltest.Kept)) {
	t.Helper()
	for after := uint64(0); ; {
		page, err := s.Events(t.Context(), app.EventQuery{After: after, Forward: true, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) == 0 {
			return
		}
		if err := s.View(t.Context(), func(tx *store.Tx) error {
			for _, row := range slices.Backward(page.Events) { // newest first
				e, err := tx.Delivery(row.Seq)
				if err != nil {
					return err
				}
				var body struct{ ID string }
				if err := json.Unmarshal(e.Body, &body); err != nil {
					return err
				}
				if e.Verdict != "verified" || e.DuplicateOf != 0 || body.ID != e.Headers.Get(tunneltest.IDHeader) {
					t.Errorf("%s is stored as %s (%s), a duplicate of %d", e.Headers.Get(tunneltest.IDHeader), e.Verdict, e.Reason, e.DuplicateOf)
				}
				_, hook, _ := strings.Cut(e.Target, "?hook=")
				visit(tunneltest.Kept{ID: body.ID, Hook: hook, Body: e.Body})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		after = page.Events[0].Seq
	}
}
