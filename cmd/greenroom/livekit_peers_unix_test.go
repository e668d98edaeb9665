//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/peers/livekittest"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/tunneltest"
)

// liveBench is the real program beside a real LiveKit server.
type liveBench struct {
	t      *testing.T
	env    []string
	server *livekittest.Server
	listen *tunneltest.Process
}

// newLiveBench starts the server and `listen`. The server posts to the listener, or to a relay from which it fetches.
func newLiveBench(t *testing.T, throughRelay bool) *liveBench {
	return newLiveBenchWith(t, throughRelay, livekittest.Options{Unmute: true}, t.TempDir())
}

// newLiveBenchWith is newLiveBench with options of the server and a folder of the configuration.
func newLiveBenchWith(t *testing.T, throughRelay bool, o livekittest.Options, config string) *liveBench {
	t.Helper()
	b := &liveBench{t: t}
	run, addr := shortDir(t), tunneltest.Addr(t)
	b.env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return slices.ContainsFunc([]string{"GREENROOM_", "DAILY_", "WHEREBY_", "LIVEKIT_", "AWS_"}, func(p string) bool { return strings.HasPrefix(kv, p) })
	}), "XDG_CONFIG_HOME="+config, "XDG_DATA_HOME="+t.TempDir(), "XDG_RUNTIME_DIR="+run, "AWS_EC2_METADATA_DISABLED=true")
	hook := "http://" + addr
	if throughRelay {
		far, public := t.TempDir(), tunneltest.Addr(t)
		book, err := relay.OpenBook(filepath.Join(far, relayFolder), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		made, err := book.CreateToken(t.Context(), "laptop", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := book.Close(); err != nil {
			t.Fatal(err)
		}
		b.env = append(b.env, "GREENROOM_RELAY_URL=http://"+public, "GREENROOM_RELAY_TOKEN="+made.Secret)
		r := tunneltest.NewProcess(t, b.program("--data-dir", far, "relay", "--addr", public, "--json", "--rate", "0"))
		r.Start()
		r.Until("listening", func(l string) bool { return strings.HasPrefix(l, `{"listening":`) })
		t.Cleanup(r.Stop)
		hook = "http://" + public + "/h/" + made.Hook.ID
	}
	o.Webhook = hook + "/hooks/livekit"
	b.server = livekittest.Start(t, o)
	b.env = append(b.env, "LIVEKIT_URL="+b.server.Socket(), "LIVEKIT_API_KEY="+livekittest.Key, "LIVEKIT_API_SECRET="+livekittest.Secret,
		"LIVEKIT_JOIN_URL=https://meet.example/?url={url}&token={token}")
	b.listen = tunneltest.NewProcess(t, b.program("listen", "--addr", addr, "--json"))
	t.Cleanup(b.listen.Stop)
	b.start()
	return b
}

func (b *liveBench) program(args ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		c := exec.Command("greenroom", args...)
		c.Env = b.env
		return c
	}
}

// start starts `listen` and waits until it receives.
func (b *liveBench) start() {
	b.listen.Start()
	b.listen.Until("listening", func(l string) bool { return strings.HasPrefix(l, `{"listening":`) })
	if slices.ContainsFunc(b.env, func(kv string) bool { return strings.HasPrefix(kv, "GREENROOM_RELAY_URL=") }) {
		b.listen.Until("connected", func(l string) bool { return strings.Contains(l, `"state":"live"`) })
	}
}

// run runs a command that must succeed, and parses what it prints.
func (b *liveBench) run(out any, args ...string) {
	b.t.Helper()
	c := b.program(args...)()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		b.t.Fatalf("greenroom %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		b.t.Fatalf("greenroom %s: %v: %s", strings.Join(args, " "), err, &stdout)
	}
}

// show reads a meeting.
func (b *liveBench) show(ref string) (d app.MeetingDetail) {
	b.t.Helper()
	b.run(&d, "meeting", "show", ref, "--json")
	return d
}

// agrees waits until the roster equals the server's truth, and returns it.
func (b *liveBench) agrees(what string, m app.Meeting, want int) (d app.MeetingDetail) {
	b.t.Helper()
	livekittest.Wait(b.t, what, func() bool {
		d = b.show(m.ID)
		here := map[string]string{}
		for _, s := range d.Participants {
			if s.Present() {
				here[s.Session] = s.Name
			}
		}
		return len(here) == want && d.Here == want && maps.Equal(here, b.server.People(b.t, m.PlatformRoom))
	})
	return d
}

// reason returns why a session ended.
func reason(d app.MeetingDetail, session string) string {
	for _, s := range d.Participants {
		if s.Session == session {
			return s.Reason
		}
	}
	return "unknown"
}

// A meeting on a real server, with real people: the roster is the server's truth through joining, leaving, removal, lost connections and
// a second joining, and through the killing of both programs.
func TestAMeetingOnARealLiveKitServer(t *testing.T) {
	for name, throughRelay := range map[string]bool{"directly": false, "through the relay": true} {
		t.Run(name, func(t *testing.T) {
			b := newLiveBench(t, throughRelay)
			b.run(nil, "room", "create", "demo", "--account", "livekit")
			var m app.StartedMeeting
			b.run(&m, "meeting", "start", "demo", "--json")
			link, err := url.Parse(m.GuestURL)
			if err != nil || link.Query().Get("url") != b.server.Socket() {
				t.Fatalf("guest link %q, %v", m.GuestURL, err)
			}
			join := func(p livekittest.Person) *livekittest.Joined {
				p.Room = m.PlatformRoom
				return b.server.Join(t, p)
			}
			guest := join(livekittest.Person{Token: link.Query().Get("token")})
			ada := join(livekittest.Person{Identity: "ada-1", Name: "Ada", Host: true, Publish: true})
			grace := join(livekittest.Person{Identity: "grace-1", Name: "Grace"})
			linus := join(livekittest.Person{Identity: "linus-1", Name: "Zoë 渡辺"})
			d := b.agrees("four people", m.Meeting, 4)
			verified := 0
			var events []app.Delivery
			b.run(&events, "event", "list", "--json")
			for _, e := range events {
				if e.Kind == "participant.joined" && e.Verdict == "verified" {
					verified++
				}
			}
			if verified != 4 || d.Status != app.Live {
				t.Errorf("%d joined by signed webhooks, the meeting is %s", verified, d.Status)
			}

			livekittest.Wait(t, "Ada's tracks", func() bool { n, _ := b.server.Tracks(t, m.PlatformRoom, ada.Session); return n == 2 })
			b.run(nil, "meeting", "mute", "demo", "Ada", "--audio")
			if _, muted := b.server.Tracks(t, m.PlatformRoom, ada.Session); muted != 1 {
				t.Errorf("%d tracks are muted", muted)
			}
			livekittest.Wait(t, "Ada knows that she is muted", func() bool { return ada.Said("muted ") })

			b.run(nil, "meeting", "eject", "demo", "Grace", "--yes")
			linus.Kill(t)
			again := join(livekittest.Person{Identity: "ada-1", Name: "Ada"}) // the same identity elsewhere
			d = b.agrees("without those who were removed, lost and moved", m.Meeting, 2)
			for session, want := range map[string]string{grace.Session: "removed", linus.Session: "connection lost", ada.Session: "moved"} {
				if got := reason(d, session); got != want {
					t.Errorf("%s left by %q, not %q", session, got, want)
				}
			}
			if !grace.Gone() {
				t.Error("Grace was not removed")
			}

			// While `listen` is down one leaves and one comes.
			b.listen.Kill()
			guest.Leave(t)
			mae := join(livekittest.Person{Identity: "mae-1", Name: "Mae"})
			b.start()
			b.agrees("what happened without us", m.Meeting, 2)
			_ = again

			// While the server is down no one is closed; it comes back without the room.
			b.server.Kill(t)
			mae.Kill(t)
			again.Kill(t)
			if d = b.show(m.ID); d.Here != 2 {
				t.Errorf("%d are here while the server is down", d.Here)
			}
			b.server.Restart(t)
			livekittest.Wait(t, "everyone is gone with the room", func() bool { return b.show(m.ID).Here == 0 })

			b.run(nil, "meeting", "start", "demo", "--new", "--json")
			var now app.MeetingDetail
			b.run(&now, "meeting", "show", "demo", "--json")
			last := b.server.Join(t, livekittest.Person{Room: now.PlatformRoom, Identity: "last-1", Name: "Last"})
			b.agrees("the next meeting", now.Meeting, 1)
			b.run(nil, "meeting", "end", "demo", "--yes")
			livekittest.Wait(t, "the end", last.Gone)
			if people := b.server.People(t, now.PlatformRoom); len(people) != 0 {
				t.Errorf("after the end there are %v", people)
			}
		})
	}
}

// A lasting room outlives its meetings, and a server that forgets it.
func TestALastingRoomOnARealLiveKitServer(t *testing.T) {
	b := newLiveBench(t, false)
	var room app.Room
	b.run(&room, "room", "create", "hall", "--account", "livekit", "--lasting", "--json")
	if !strings.Contains(room.GuestURL, "/r/hall-") {
		t.Errorf("its link is %q", room.GuestURL)
	}
	var none []app.Meeting
	if b.run(&none, "meeting", "list", "--room", "hall", "--json"); len(none) != 0 {
		t.Errorf("there are meetings before the first: %+v", none)
	}
	for n := range 3 {
		var m app.StartedMeeting
		b.run(&m, "meeting", "start", "hall", "--json")
		if m.PlatformRoom != "hall" || m.Reused {
			t.Fatalf("meeting %d is %+v", n, m)
		}
		ada := b.server.Join(t, livekittest.Person{Room: "hall", Identity: "ada-1", Name: "Ada"})
		d := b.agrees("Ada", m.Meeting, 1)
		if n == 1 { // the server forgets everything
			b.server.Kill(t)
			ada.Kill(t)
			b.server.Restart(t)
			livekittest.Wait(t, "everyone is gone", func() bool { d = b.show(m.ID); return d.Here == 0 })
		}
		if d.Status != app.Ended {
			b.run(nil, "meeting", "end", m.ID, "--yes")
		}
		livekittest.Wait(t, "the end", ada.Gone)
	}
	var now app.RoomView
	b.run(&now, "room", "show", "hall", "--json")
	if now.GuestURL != room.GuestURL {
		t.Errorf("its link was %q and is %q", room.GuestURL, now.GuestURL)
	}
	b.run(nil, "room", "delete", "hall", "--yes")
	if _, answer := b.server.Call(t, "RoomService/ListRooms", map[string]any{}, livekittest.Grants{"roomList": true}); len(answer["rooms"].([]any)) != 0 {
		t.Errorf("the server still has %v", answer["rooms"])
	}
}
