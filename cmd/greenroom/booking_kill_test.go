package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// killer is a platform that kills the program as soon as it has created a meeting: the answer is lost.
type killer struct {
	world   http.Handler
	mu      sync.Mutex
	victim  *exec.Cmd // killed by the next creation
	created int
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/rooms") && !strings.HasSuffix(r.URL.Path, "/meetings") {
		k.world.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	k.world.ServeHTTP(answer, r)
	k.mu.Lock()
	victim := k.victim
	k.victim, k.created = nil, k.created+1
	k.mu.Unlock()
	if victim != nil {
		_ = victim.Process.Kill()
		return
	}
	w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// The meeting of a booking is made exactly once, although the process that makes it is killed between the platform's answer and its
// record, and another process beside it takes the store over.
func TestABookingIsMadeOnceThroughKills(t *testing.T) {
	program, err := exec.LookPath("greenroom")
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range []provider.Platform{provider.Daily, provider.Whereby} {
		t.Run(string(platform), func(t *testing.T) {
			w := sandbox.New(sandbox.Options{NoRateLimits: true, PresenceLag: -1})
			k := &killer{world: w.Handler()}
			srv := httptest.NewServer(k)
			t.Cleanup(func() {
				srv.Close()
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
			home, run := t.TempDir(), shortDir(t)
			env := []string{
				"GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_RUNTIME_DIR=" + run,
			}
			for _, kv := range sandboxEnvironment(srv.URL) {
				env = append(env, kv[0]+"="+kv[1])
			}
			command := func(args ...string) *exec.Cmd {
				cmd := exec.CommandContext(t.Context(), program, args...)
				cmd.Env = env
				return cmd
			}
			output := func(into any, args ...string) {
				t.Helper()
				out, err := command(append(args, "--json")...).Output()
				if err == nil {
					err = json.Unmarshal(out, into)
				}
				if err != nil {
					t.Fatalf("%v: %v: %s", args, err, out)
				}
			}
			listen := func() *exec.Cmd {
				t.Helper()
				cmd := command("listen", "--addr", "127.0.0.1:0", "--tunnel", "none", "--json")
				out, err := cmd.StdoutPipe()
				if err == nil {
					err = cmd.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
				if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				return cmd
			}
			var room app.Room
			output(&room, "room", "create", "design", "--account", string(platform))
			owner := listen()
			listen() // a second process, beside the owner
			k.mu.Lock()
			k.victim = owner
			k.mu.Unlock()
			// The owner may be killed before it has answered the command: the booking is stored all the same.
			_ = command("room", "schedule", "design", "--at", time.Now().UTC().Add(5*time.Minute).Format(time.RFC3339), "--every", "day").Run()
			_ = owner.Wait()

			var list []app.Booking
			for deadline := time.Now().Add(patience); len(list) == 0 || list[0].Meeting == ""; {
				if time.Now().After(deadline) {
					t.Fatalf("no meeting was made: %+v", list)
				}
				output(&list, "room", "schedule", "design")
			}
			var meetings []app.Meeting
			output(&meetings, "meeting", "list")
			var rooms []app.PlatformRoom
			output(&rooms, "room", "adopt", "--account", string(platform))
			if k.created != 1 || len(list) != 1 || len(meetings) != 1 || meetings[0].ID != list[0].Meeting || meetings[0].Booking != list[0].ID || len(rooms) != 1 {
				t.Errorf("%d creations, meetings %+v, rooms %+v", k.created, meetings, rooms)
			}
		})
	}
}
