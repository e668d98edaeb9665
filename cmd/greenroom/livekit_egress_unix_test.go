//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/peers"
	"greenroom/internal/peers/livekittest"
	"greenroom/provider"
)

// fails runs a command that must fail with a status, and returns what it writes.
func (b *liveBench) fails(status int, args ...string) string {
	b.t.Helper()
	out, err := b.program(args...)().CombinedOutput()
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		b.t.Fatal(err)
	}
	if got != status {
		b.t.Fatalf("greenroom %s: status %d, not %d: %s", strings.Join(args, " "), got, status, out)
	}
	return string(out)
}

// recording waits until the newest recording has a state.
func (b *liveBench) recording(status string, n int) (r app.Recording) {
	b.t.Helper()
	livekittest.Wait(b.t, fmt.Sprintf("recording %d that is %s", n, status), func() bool {
		var list []app.Recording
		b.run(&list, "recording", "list", "--json")
		if len(list) > 0 {
			r = list[0]
		}
		return len(list) == n && string(r.Status) == status
	})
	return r
}

// Recordings of a real server: without an egress service the program says so and does the rest; with one they start, stop, end in each
// way, are known by signed webhooks, and are downloaded from the bucket. The service is a stand-in that speaks the real protocol.
func TestRecordingsOnARealLiveKitServer(t *testing.T) {
	redis, s3, config := livekittest.StartRedis(t), peers.S3(t, ""), t.TempDir()
	if err := os.Mkdir(filepath.Join(s3.Dir, "recordings"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(config, "greenroom"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "greenroom", "config.toml"), fmt.Appendf(nil, `
[accounts.livekit.recording]
bucket = "recordings"
region = %q
access_key_id = %q
access_key_secret = %q
endpoint = %q
path_style = true
`, s3.Region, s3.AccessKey, s3.SecretKey, s3.Endpoint), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newLiveBenchWith(t, false, livekittest.Options{Redis: redis}, config)
	b.run(nil, "room", "create", "demo", "--account", "livekit", "--recording", "cloud", "--trigger", "prompt")
	var m app.StartedMeeting
	b.run(&m, "meeting", "start", "demo", "--json", "--consent")
	ada := b.server.Join(t, livekittest.Person{Room: m.PlatformRoom, Identity: "ada-1", Name: "Ada", Publish: true})
	b.agrees("Ada", m.Meeting, 1)

	// No egress service.
	said := make(chan string, 2)
	for _, args := range [][]string{{"recording", "start", "demo"}, {"doctor"}} {
		go func() {
			out, err := b.program(args...)().CombinedOutput()
			said <- fmt.Sprintf("%s: %s%v", args[0], out, err)
		}()
	}
	b.run(nil, "meeting", "mute", "demo", "Ada", "--audio") // meanwhile
	if len(said) != 0 {
		t.Error("muting waited for the egress service")
	}
	for range 2 {
		text := <-said
		if !strings.Contains(text, "no egress service runs") || !strings.Contains(text, "same Redis") {
			t.Errorf("without an egress service: %s", text)
		}
		if strings.HasPrefix(text, "recording") && !strings.HasSuffix(text, "exit status 4") {
			t.Errorf("the status is another one: %s", text)
		}
	}
	if out := b.fails(0, "account", "check", "livekit"); strings.Contains(out, "unreachable") || strings.Contains(out, "refused") {
		t.Errorf("the account: %s", out)
	}

	worker := livekittest.StartEgress(t, b.server, redis)
	if out := b.fails(0, "doctor"); !strings.Contains(out, "an egress service runs") {
		t.Errorf("doctor: %s", out)
	}
	want, err := os.ReadFile(worker.Video)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for n, c := range []struct{ command, status, reason string }{
		{"", "ready", ""}, {"limit", "ready", ""}, {"abort", "failed", "Start signal not received"}, {"cut", "ready", ""}, {"fail", "failed", "ERR_CONNECTION_REFUSED"},
	} {
		b.run(nil, "recording", "start", "demo")
		id := worker.Until(t, "active", n+1)[n]
		if r := b.recording("recording", n+1); r.ID != id {
			t.Errorf("%s is %+v", id, r)
		}
		livekittest.Wait(t, "the meeting is recorded", func() bool { return b.show(m.ID).Recording == app.IsRecording })
		if c.command == "" {
			b.run(nil, "recording", "stop", "demo")
		} else {
			worker.Do(t, c.command, id)
		}
		r := b.recording(c.status, n+1)
		livekittest.Wait(t, "the meeting is not recorded", func() bool { return b.show(m.ID).Recording != app.IsRecording })
		if !strings.Contains(r.Error, c.reason) || (r.Error == "") != (c.reason == "") {
			t.Errorf("%s: %q", c.command, r.Error)
		}
		if c.status != "ready" {
			b.fails(1, "recording", "download", r.ID, "--to", folder)
			continue
		}
		to := filepath.Join(folder, fmt.Sprint(n))
		b.run(nil, "recording", "download", r.ID, "--to", to)
		files, err := filepath.Glob(filepath.Join(to, "demo", "*.mp4"))
		if err != nil || len(files) != 1 {
			t.Fatalf("downloaded %v, %v", files, err)
		}
		if got, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes were downloaded, of %d: %v", len(got), len(want), err)
		}
		b.run(nil, "recording", "verify", r.ID)
	}

	// The end of the meeting ends the recording.
	b.run(nil, "recording", "start", "demo")
	id := worker.Until(t, "active", 6)[5]
	b.run(nil, "meeting", "end", "demo", "--yes")
	livekittest.Wait(t, "the end", ada.Gone)
	worker.Do(t, "end", id)
	b.recording("ready", 6)

	var events []app.Delivery
	b.run(&events, "event", "list", "--limit", "500", "--json")
	kinds := map[provider.EventKind]int{}
	for _, e := range events {
		if strings.HasPrefix(string(e.Kind), "recording.") {
			kinds[e.Kind]++
			if e.Verdict != "verified" && e.Verdict != "duplicate" {
				t.Errorf("%s is %s", e.Kind, e.Verdict)
			}
		}
	}
	if kinds["recording.ready"] != 4 || kinds["recording.failed"] != 2 || kinds["recording.started"] < 6 {
		t.Errorf("events: %v", kinds)
	}
}
