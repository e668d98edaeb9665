package main

import (
	"context"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/notify"
	"greenroom/provider"
	"greenroom/tui"
)

// answers writes the answers to the questions of the line mode.
func (b *bench) answers(all ...string) {
	b.stdin, b.lines = strings.NewReader(strings.Join(all, "\n")+"\n"), nil
}

// taskNumber is the number of a task.
func taskNumber(t *testing.T, b *bench, words string) string {
	t.Helper()
	for l := range strings.Lines(b.err.String()) {
		if n, w, ok := strings.Cut(strings.TrimSpace(l), "  "); ok && w == words {
			return n
		}
	}
	t.Fatalf("no task %q in %s", words, b.err.String())
	return ""
}

// The whole job of a host, with prompts and lines: no cursor moves, no screen.
func TestTheHostsJobWithoutAScreen(t *testing.T) {
	b := newBench(t, true, "")
	env := b.getenv
	b.getenv = func(name string) string {
		return map[string]string{"ACCESSIBLE": "1", "TERM": "dumb", drivers()[0].Variable("api_key"): "k", "NAME": env(name)}[name] + env(name)
	}
	b.draw = func(context.Context, tui.Options) error { t.Error("the screen was drawn"); return nil }
	b.answers()
	b.run(t, exitDone)
	n := func(words string) string { return taskNumber(t, b, words) }
	create, start, links, end, rooms, who, open, other, quit := n("Create a room"), n("Start a meeting"), n("Show the links of a meeting"),
		n("End a meeting"), n("List the rooms"), n("Who is here"), n("Open a meeting in the browser, as host"), n("Any other command"), n("Quit")
	b.answers(
		create, "hall", start, "1", rooms, links, "1", who, "1", open, "1", other, "room edit hall --locked", end, "1", "y", rooms,
		end, "", "99", "x", quit,
	)
	b.run(t, exitDone)
	said := b.err.String() + b.out.String()
	for _, want := range []string{
		"Rooms: 0. Live: 0.", "Rooms: 1.", "hall, no meeting.", "hall, open, no one is here", "https://", "Zoë 渡辺.", "in the browser",
		"Ended the meeting of hall", "There are none.", "Answer with a number from 1 to",
	} {
		if !strings.Contains(strings.ToLower(said), strings.ToLower(want)) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "\x1b") {
		t.Errorf("a sequence in\n%q", said)
	}
	if v, err := b.backend.Room(t.Context(), app.RoomRef{Ref: "hall"}); err != nil || !v.Locked || v.Meeting == nil || v.Meeting.Status != app.Ended {
		t.Errorf("%+v %v", v, err)
	}
	if len(b.opened) != 1 {
		t.Errorf("opened %q", b.opened)
	}
}

func TestWithoutAnAccountTheLinesLeadToTheSetUp(t *testing.T) {
	b := newBench(t, true, "")
	b.answers("1")
	b.run(t, exitDone, "--accessible")
	if said := b.err.String(); !strings.Contains(said, "1  Set up an account") || !strings.Contains(said, "Platform [1]") {
		t.Error(said)
	}
}

func TestLinesInASCII(t *testing.T) {
	b := newBench(t, true, "")
	env := b.getenv
	b.getenv = func(name string) string {
		if name == "LC_ALL" {
			return "C"
		}
		return env(name)
	}
	b.run(t, exitDone, "room", "create", "Zürich")
	b.answers()
	b.run(t, exitDone, "--accessible")
	b.answers(taskNumber(t, b, "List the rooms"))
	b.run(t, exitDone, "--accessible")
	if said := b.err.String(); !strings.Contains(said, "Zurich, no meeting.") {
		t.Error(said)
	}
}

// News come before the next prompt, bounded; calls ring at once.
func TestNewsBetweenPrompts(t *testing.T) {
	b := newBench(t, true, "")
	rang := 0
	n := &news{ring: func(app.Call) { rang++ }}
	n.add(app.Change{Kind: app.CallChange, Call: &app.Call{Event: notify.Waiting, Person: "Ada\x1b[2J", Room: "hall"}})
	n.add(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{Kind: provider.KindParticipantJoined, Who: "Bo", Room: "hall"}})
	n.add(app.Change{Kind: app.StatusChange})
	n.print(b.program)
	if said := b.err.String(); rang != 1 || !strings.Contains(said, "is waiting to be let into hall.\n") || !strings.Contains(said, "Bo joined hall.\n") || strings.Contains(said, "\x1b") {
		t.Errorf("%d %q", rang, said)
	}
	b.err.Reset()
	for range 2 * mostNews {
		n.add(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{Kind: provider.KindParticipantLeft, Room: "hall"}})
	}
	n.print(b.program)
	if said := b.err.String(); strings.Count(said, "Someone left hall.") != mostNews || !strings.Contains(said, "20 earlier lines") {
		t.Error(said)
	}
	b.err.Reset()
	if n.print(b.program); b.err.Len() > 0 {
		t.Error(b.err.String())
	}
}
