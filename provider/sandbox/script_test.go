package sandbox

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/internal/plain"
	"greenroom/provider"
)

// A room fills, a participant leaves and comes back, another loses the connection, and the room empties; webhooks report it all.
func TestAutoPlay(t *testing.T) {
	for _, p := range []provider.Platform{provider.Daily, provider.Whereby} {
		t.Run(string(p), func(t *testing.T) {
			b, hook := newBench(t, Options{Seed: 3}), newReceiver(t)
			must[string](t)(b.SetWebhook(p, hook.URL, ""))
			b.AutoPlay(PlayOptions{Hostile: true, Record: true})
			name := must[string](t)(b.AddRoom(p, "demo", RoomOptions{Record: true}))
			b.pass(31 * time.Second)
			st := must[RoomState](t)(b.Room(p, name))
			people := slices.DeleteFunc(st.People, func(s PersonState) bool { return s.Role == "recorder" })
			if len(people) != 7 || !people[0].Owner {
				t.Errorf("after half a minute: %+v", people)
			}
			hostile := slices.ContainsFunc(people, func(s PersonState) bool {
				return strings.Contains(s.Name, "\x1b]0;") && plain.Text(s.Name) != s.Name
			})
			if !hostile {
				t.Error("no hostile person came")
			}
			for range 60 {
				b.pass(5 * time.Second)
			}
			st = must[RoomState](t)(b.Room(p, name))
			if len(st.People) != 0 || len(st.Recordings) != 1 || st.Recordings[0].State != "ready" {
				t.Errorf("in the end: %+v", st)
			}
			got := types(hook.take())
			joined, ready := "participant.joined", "recording.ready-to-download"
			if p == provider.Whereby {
				joined, ready = "room.client.joined", "recording.finished"
			}
			if n := strings.Count(got, joined); n < 8 || !strings.Contains(got, ready) {
				t.Errorf("%d joins in %s", n, got)
			}
			if n, m := strings.Count(got, "joined"), strings.Count(got, "left"); n != m {
				t.Errorf("%d joined and %d left", n, m)
			}
		})
	}
}

// In a locked room the guests of a script knock and are admitted.
func TestPlayLocked(t *testing.T) {
	b, hook := newBench(t, Options{}), newReceiver(t)
	must[string](t)(b.SetWebhook(provider.Daily, hook.URL, "", "waiting-participant.joined", "waiting-participant.left", "participant.joined"))
	room := must[string](t)(b.AddRoom(provider.Daily, "demo", RoomOptions{Locked: true}))
	if err := b.Play(provider.Daily, room, Script{Steps: []Step{
		{Do: ActJoin, Who: "host", Person: &Person{Name: "Ann", Owner: true}},
		{After: time.Second, Do: ActJoin, Who: "a", Person: &Person{Name: "Bob"}},
		{After: time.Second, Do: ActJoin, Who: "b", Person: &Person{Name: "Eve"}},
		{After: 2 * time.Second, Do: ActLeave, Who: "b"},
	}}); err != nil {
		t.Fatal(err)
	}
	b.pass(2 * time.Second)
	if st := must[RoomState](t)(b.Room(provider.Daily, room)); len(st.Waiting) != 1 || len(st.People) != 1 {
		t.Errorf("before: %+v", st)
	}
	b.pass(3 * time.Second)
	if st := must[RoomState](t)(b.Room(provider.Daily, room)); len(st.Waiting) != 0 || len(st.People) != 2 {
		t.Errorf("after: %+v", st)
	}
	want := "participant.joined waiting-participant.joined waiting-participant.joined waiting-participant.left participant.joined"
	if got := types(hook.take()); got != want {
		t.Errorf("events %s", got)
	}
}

// The people of a script notice that their room was deleted.
func TestPlayInADeletedRoom(t *testing.T) {
	b := newBench(t, Options{})
	b.AutoPlay(PlayOptions{Speed: 2})
	b.daily("POST", "/rooms", `{"name":"demo"}`).want(200)
	b.pass(10 * time.Second)
	if st := b.Rooms(); len(st) != 1 || len(st[0].People) < 2 {
		t.Fatalf("before: %+v", st)
	}
	b.daily("DELETE", "/rooms/demo", "").want(200)
	if st := b.Rooms(); len(st) != 1 || !st[0].Deleted {
		t.Errorf("who was inside was forgotten: %+v", st)
	}
	b.pass(2 * time.Second)
	if st := b.Rooms(); len(st) != 0 {
		t.Errorf("after: %+v", st)
	}
	b.pass(10 * time.Minute)
	if st := b.Rooms(); len(st) != 0 {
		t.Errorf("a person came back into a deleted room: %+v", st)
	}
}

func TestScriptsThatAreNone(t *testing.T) {
	b := newBench(t, Options{})
	room := must[string](t)(b.AddRoom(provider.Daily, "demo", RoomOptions{}))
	for _, s := range []Step{
		{Do: "dance"}, {Do: ActJoin, Who: "x"}, {Do: ActLeave, Who: "x"}, {Do: ActEmpty, After: -1},
	} {
		if err := b.Play(provider.Daily, room, Script{Steps: []Step{s}}); err == nil {
			t.Errorf("%+v was played", s)
		}
	}
	if err := b.Play(provider.Daily, "none", Script{}); err == nil {
		t.Error("played nowhere")
	}
}

func TestGenerate(t *testing.T) {
	for n := range 20 {
		s := Generate(rand.New(rand.NewPCG(uint64(n), 1)), PlayOptions{Hostile: true}, n)
		if err := s.check(); err != nil {
			t.Errorf("%d people: %v", n, err)
		}
		last := s.Steps[len(s.Steps)-1]
		if last.Do != ActEmpty || last.After != s.Length() {
			t.Errorf("%d people: it ends with %+v", n, last)
		}
	}
}

func TestAddRoom(t *testing.T) {
	b := newBench(t, Options{})
	must[string](t)(b.AddRoom(provider.Daily, "demo", RoomOptions{}))
	if _, err := b.AddRoom(provider.Daily, "demo", RoomOptions{}); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("twice: %v", err)
	}
	if name := must[string](t)(b.AddRoom(provider.Whereby, "demo-", RoomOptions{Locked: true})); !strings.HasPrefix(name, "demo-") {
		t.Errorf("name %q", name)
	}
	if _, err := b.AddRoom("zoom", "demo", RoomOptions{}); err == nil {
		t.Error("a room on no platform")
	}
}
