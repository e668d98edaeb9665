package assistant

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/provider"
)

// connect starts a server over a Backend and connects the SDK's client to it.
func connect(t *testing.T, o Options) *mcp.ClientSession {
	t.Helper()
	o.Now = func() time.Time { return time.Unix(1795944029, 0) }
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- Serve(context.Background(), o, fromClient, toClient) }()
	c, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), &mcp.IOTransport{Reader: fromServer, Writer: toServer}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		toServer.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return c
}

// What isn't a request of the protocol gets the error that JSON-RPC names, and ends nothing. A call can be cancelled.
func TestMessages(t *testing.T) {
	in, write := io.Pipe()
	read, out := io.Pipe()
	waits := make(chan struct{})
	b := apptest.Func(func(ctx context.Context, method string, _ any) (any, error) {
		if method == "Rooms" {
			close(waits)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return app.RoomView{}, nil
	})
	served := make(chan error, 1)
	go func() { served <- Serve(t.Context(), Options{Backend: b}, in, out) }()
	answers := bufio.NewScanner(read)
	for _, c := range []struct{ send, want string }{
		{"{{", `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,`},
		{`[1]`, `"code":-32700`},
		{`{"jsonrpc":"2.0","id":1,"method":"nope"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,`},
		{`{"id":"a","method":"ping"}`, `{"jsonrpc":"2.0","id":"a","error":{"code":-32600,`},
		{`{"jsonrpc":"2.0","id":"a","method":"ping"}`, `{"jsonrpc":"2.0","id":"a","result":{}}`},
		{`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"nope"}}`, `{"jsonrpc":"2.0","id":2,"error":{"code":-32602,`},
		{`{"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"1999-01-01"}}`, `"protocolVersion":"2025-06-18"`},
		{`{"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}`, `"protocolVersion":"2024-11-05"`},
		{`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"show_room","arguments":{"rom":"x"}}}`, `"isError":true`},
		{`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"show_room","arguments":{"room":"x","more":1}}}`, `"isError":true`},
		{`{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"show_room","arguments":{"room":"x"}}}`, `"structuredContent":{`},
	} {
		if _, err := io.WriteString(write, c.send+"\n"); err != nil {
			t.Fatal(err)
		}
		if !answers.Scan() || !strings.Contains(answers.Text(), c.want) {
			t.Errorf("%s: answered %s", c.send, answers.Text())
		}
	}
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_rooms"}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`, "",
	} {
		if _, err := io.WriteString(write, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	<-waits
	for _, line := range []string{`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`, `{"jsonrpc":"2.0","id":8,"method":"ping"}`} {
		if _, err := io.WriteString(write, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if !answers.Scan() || !strings.Contains(answers.Text(), `"id":8`) {
		t.Errorf("a call that was cancelled is answered: %s", answers.Text())
	}
	write.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func call(t *testing.T, c *mcp.ClientSession, tool string, args map[string]any) (text string, failed bool) {
	t.Helper()
	r, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return err.Error(), true
	}
	for _, part := range r.Content {
		text += part.(*mcp.TextContent).Text
	}
	return text, r.IsError
}

var (
	reading  = strings.Fields("list_rooms show_room list_meetings show_meeting attendance list_recordings list_events show_event wait_event doctor")
	changing = strings.Fields("create_room start_meeting end_meeting eject start_recording stop_recording download_recording replay_event trigger_event")
)

// Without --allow-changes only the tools that read are there. None asks for consent.
func TestTheToolsAreThoseThatAreAllowed(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		c := connect(t, Options{Backend: apptest.NewMemory(100), AllowChanges: allowed})
		got := map[string]bool{}
		for tool, err := range c.Tools(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			got[tool.Name] = true
			if changes := slices.Contains(changing, tool.Name); tool.Annotations.ReadOnlyHint == changes {
				t.Errorf("%s: read-only %v", tool.Name, tool.Annotations.ReadOnlyHint)
			}
			schema, err := json.Marshal(tool.InputSchema)
			if err != nil || strings.Contains(strings.ToLower(string(schema)), "consent") || tool.Description == "" {
				t.Errorf("%s: %s, %v", tool.Name, schema, err)
			}
		}
		want := slices.Clone(reading)
		if allowed {
			want = append(want, changing...)
		}
		if len(got) != len(want) || slices.ContainsFunc(want, func(name string) bool { return !got[name] }) {
			t.Errorf("allowed %v: %v", allowed, got)
		}
		if !allowed {
			if text, failed := call(t, c, "create_room", map[string]any{"name": "x"}); !failed {
				t.Errorf("a change was made: %s", text)
			}
		}
	}
}

// A meeting that is started has no host link, and no consent is given.
func TestTheHostLinkStaysHere(t *testing.T) {
	const host = "https://x.example/room?t=secret"
	var asked app.StartMeeting
	b := apptest.Func(func(_ context.Context, method string, request any) (any, error) {
		if method == "StartMeeting" {
			asked = request.(app.StartMeeting)
			return app.StartedMeeting{Meeting: app.Meeting{ID: "m-1", GuestURL: "https://x.example/room"}, HostURL: host, Reused: true}, nil
		}
		return nil, &app.Error{Kind: provider.NotFound, Text: "there is no such thing", Hint: "look elsewhere"}
	})
	c := connect(t, Options{Backend: b, AllowChanges: true})
	text, failed := call(t, c, "start_meeting", map[string]any{"room": "all-hands", "minutes": 30})
	if failed || strings.Contains(text, "secret") || strings.Contains(text, "host_url") || !strings.Contains(text, `"guest_url":"https://x.example/room"`) ||
		!strings.Contains(text, `"reused":true`) {
		t.Errorf("%s", text)
	}
	if asked.Consent || asked.For != 30*time.Minute || asked.Room != "all-hands" {
		t.Errorf("%+v", asked)
	}
	if text, failed := call(t, c, "show_room", map[string]any{"room": "x"}); !failed || !strings.Contains(text, "there is no such thing (look elsewhere)") {
		t.Errorf("%s", text)
	}
	if text, failed := call(t, c, "show_room", map[string]any{}); !failed {
		t.Errorf("without a room: %s", text)
	}
}

// Signatures and secrets of events stay here; text that steers a terminal is escaped.
func TestEventsAreRedacted(t *testing.T) {
	b := apptest.Func(func(context.Context, string, any) (any, error) {
		return app.Delivery{
			Seq: 1, Verdict: provider.Verified, Participant: "Ada\u202e",
			Headers: http.Header{"X-Webhook-Signature": {"sig"}, "Authorization": {"Bearer key"}, "Content-Type": {"application/json"}},
			Body:    app.Body(`{"room":{"turn_password":"hu\"sh","name":"r"},"turnPassword": "hush"}`),
		}, nil
	})
	c := connect(t, Options{Backend: b})
	text, failed := call(t, c, "show_event", map[string]any{"seq": 1})
	for _, secret := range []string{"sig\"", "Bearer", "hush", "sh\\", "\u202e"} {
		if failed || strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
	if !strings.Contains(text, `application/json`) || !strings.Contains(text, `\"name\":\"r\"`) {
		t.Errorf("%s", text)
	}
}

// Waiting returns what comes, or what came until the time was up.
func TestWaiting(t *testing.T) {
	m := apptest.NewMemory(100)
	c := connect(t, Options{Backend: m})
	text, failed := call(t, c, "wait_event", map[string]any{"timeout_seconds": 1})
	if failed || text != `{"events":[],"timed_out":true}` {
		t.Errorf("%s", text)
	}
	if text, failed := call(t, c, "wait_event", map[string]any{"filter": "knd:x"}); !failed || !strings.Contains(text, "knd") {
		t.Errorf("a filter that can't be read: %s", text)
	}
}
