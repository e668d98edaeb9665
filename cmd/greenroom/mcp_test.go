//go:build unix

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The SDK's own client starts greenroom mcp, uses its tools over standard input and output, and ends it.
func TestAnAssistantUsesTheTools(t *testing.T) {
	run, err := os.MkdirTemp("", "gr") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	data := t.TempDir()
	program := func(args ...string) *exec.Cmd {
		c := exec.Command("greenroom", append([]string{"--data-dir", data}, args...)...)
		c.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
			return strings.HasPrefix(kv, "GREENROOM_") || strings.HasPrefix(kv, "DAILY_") || strings.HasPrefix(kv, "WHEREBY_") || strings.HasPrefix(kv, "LIVEKIT_") || strings.HasPrefix(kv, "AWS_")
		}), "XDG_CONFIG_HOME="+t.TempDir(), "XDG_RUNTIME_DIR="+run, "DAILY_API_KEY=key", "DAILY_API_URL=http://127.0.0.1:1/v1", "DAILY_WEBHOOK_SECRET="+chaosSecret)
		return c
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: program("mcp", "--allow-changes"), TerminateDuration: patience}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := session.InitializeResult(); got.ServerInfo.Name != "greenroom" || got.Instructions == "" {
		t.Errorf("%+v", got)
	}
	call := func(tool string, args map[string]any) string {
		t.Helper()
		r, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
		if err != nil || r.IsError {
			t.Fatalf("%s: %+v, %v", tool, r, err)
		}
		return r.Content[0].(*mcp.TextContent).Text
	}
	if text := call("create_room", map[string]any{"name": "all-hands"}); !strings.Contains(text, `"name":"all-hands"`) {
		t.Error(text)
	}
	if text := call("list_rooms", nil); !strings.Contains(text, `{"rooms":[{`) || !strings.Contains(text, "all-hands") {
		t.Error(text)
	}
	if text := call("trigger_event", map[string]any{"account": "daily", "kind": "participant.joined", "name": "Ada", "room": "all-hands"}); !strings.Contains(text, `"status":200`) {
		t.Error(text)
	}
	if text := call("wait_event", map[string]any{"filter": "participant:Ada", "from": 1, "timeout_seconds": 10}); !strings.Contains(text, `"timed_out":false`) {
		t.Error(text)
	}
	if text := call("show_event", map[string]any{"seq": 1}); !strings.Contains(text, "Ada") || !strings.Contains(text, `"X-Webhook-Signature":["[redacted]"]`) {
		t.Error(text)
	}
	if text := call("replay_event", map[string]any{"seq": 1}); !strings.Contains(text, `"status":`) {
		t.Error(text)
	}
	if text := call("doctor", nil); !strings.Contains(text, `"status":"failing"`) { // the platform can't be reached
		t.Error(text)
	}
	out, err := program("event", "list", "--json").Output() // others share the store meanwhile
	if err != nil || !strings.Contains(string(out), `"replay_of":1`) {
		t.Errorf("%s, %v", out, err)
	}
	if err := session.Close(); err != nil {
		t.Errorf("the end: %v", err)
	}
}
