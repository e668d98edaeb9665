package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greenroom/internal/peers"
	"greenroom/provider"
	"greenroom/provider/sandbox"
	"greenroom/tunnel"
	"greenroom/tunnel/tunneltest"
)

// TestAWebhookThroughARealSSHServer has the sandbox's Daily post through OpenSSH to `listen`.
func TestAWebhookThroughARealSSHServer(t *testing.T) {
	sshd := peers.SSHD(t, "")
	b, w := realBench(t)
	file := filepath.Join(t.TempDir(), "config.toml")
	text := fmt.Sprintf("[tunnel]\ndriver = \"ssh\"\nssh_host = %q\nssh_user = %q\nssh_key_file = %q\nssh_bind = \"127.0.0.1:0\"\nurl = \"http://{host}:{port}\"\n",
		sshd.Addr, sshd.User, sshd.KeyFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := b.getenv
	b.getenv = func(name string) string {
		if name == "GREENROOM_CONFIG" {
			return file
		}
		return env(name)
	}
	b.tunnels = openTunnelDriver
	b.stderr = &locked{w: &b.err}
	lines, _, stop := b.listening(t)
	for lines.tunnel().State != "live" {
	}
	other := b.beside(t)
	other.run(t, 0, "tunnel", "register", "daily")
	if err := w.Emit(provider.Daily, "meeting.started", map[string]any{"room": "elsewhere", "meeting_id": "m-1", "start_ts": 1.5}); err != nil {
		t.Fatal(err)
	}
	if d := lines.event(); d.Verdict != provider.Verified || d.Kind != provider.KindMeetingStarted {
		t.Errorf("%+v", d)
	}
	pinned := filepath.Join(b.getenv("XDG_DATA_HOME"), "greenroom", "known_hosts")
	if raw, err := os.ReadFile(pinned); err != nil || len(raw) == 0 {
		t.Errorf("the server's key is not pinned: %q, %v", raw, err)
	}
	if code := stop(); code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
}

// TestABacklogIsJudgedByTheTimeOfItsArrival hands over webhooks that a relay took hours ago: Whereby's signatures are good
// for a minute, counted from then.
func TestABacklogIsJudgedByTheTimeOfItsArrival(t *testing.T) {
	b, _ := realBench(t)
	p := tunneltest.NewPipe("relay")
	b.through(p)
	lines, _, stop := b.listening(t, "--tunnel", "relay")
	local := <-p.Opened
	seq := uint64(0)
	signed := func(at time.Time) tunnel.Envelope {
		t.Helper()
		seq++
		body := fmt.Sprintf(`{"id":"e-%d","type":"room.client.joined","data":{"meetingId":"1","roomName":"/x","participantId":"p"}}`, seq)
		mac := hmac.New(sha256.New, []byte(sandbox.WherebyWebhookSecret))
		fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
		e := tunneltest.Envelope(seq, "/hooks/whereby", body)
		e.ReceivedAt = at
		e.Header = http.Header{"Whereby-Signature": {fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))}}
		return e
	}
	then := time.Now().Add(-8 * time.Hour)
	replayed := signed(then)
	replayed.ReceivedAt = time.Now()
	replayed.Header["X-Received-At"] = []string{then.Format(time.RFC3339)}
	replayed.Header["Date"] = []string{then.Format(http.TimeFormat)}
	for _, tt := range []struct {
		name string
		e    tunnel.Envelope
		want provider.Verdict
	}{
		{"recorded long ago, whatever its headers say", replayed, provider.Rejected},
		{"taken by the relay long ago", signed(then), provider.Verified},
		{"taken just now", signed(time.Now()), provider.Verified},
	} {
		answers, err := local.Receive(t.Context(), []tunnel.Envelope{tt.e})
		if err != nil || len(answers) != 1 || !answers[0].Stored {
			t.Fatalf("%s: %+v, %v", tt.name, answers, err)
		}
		if d := lines.event(); d.Verdict != tt.want || !d.At.Equal(tt.e.ReceivedAt) {
			t.Errorf("%s is %s at %v: %s", tt.name, d.Verdict, d.At, d.Reason)
		}
	}
	if code := stop(); code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
}
