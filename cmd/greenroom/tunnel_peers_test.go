package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"greenroom/internal/peers"
	"greenroom/provider"
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
