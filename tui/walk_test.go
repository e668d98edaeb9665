package tui

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// actsAsEditor is the variable with which this binary is an editor: it adds a line to the file that it gets.
const actsAsEditor = "GREENROOM_TEST_EDITOR"

func TestMain(m *testing.M) {
	if os.Getenv(actsAsEditor) != "" {
		f, err := os.OpenFile(os.Args[len(os.Args)-1], os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("\n{\"edited\":true}\n")
		}
		if errors.Join(err, f.Close()) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	for name, value := range map[string]string{"VISUAL": os.Args[0], actsAsEditor: "1"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// The whole path of a host, with nothing but the keys.
func TestAHostHoldsAMeeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, nil)
		p.sees("No rooms yet", "Press {room.new} to create")

		p.does("room.new").sees("New room", "The room's name")
		p.presses("enter").sees("Enter a name.")
		p.types("stand").presses("up", "up") // round to the button and back to the field before it
		p.presses("down", "down").types("up").presses("enter")
		p.sees("standup", "starts one on whereby", "{meeting.start} starts a meeting in it")

		p.does("meeting.start").sees("Start a meeting in standup", "8 hours (default)")
		p.presses("j", "enter").sees("OPEN", "No one has joined yet", "acme.whereby.com/standup-")

		p.does("copy.guest").sees("Guest link of standup copied")
		if len(p.clipboard()) != 1 || !strings.HasPrefix(p.clipboard()[0], "https://acme.whereby.com/standup-") {
			t.Fatalf("copied %q", p.clipboard())
		}

		p.backend.Join("standup", "Ada")
		p.pane("standup").sees("LIVE", "1 here, peak 1", "Ada")
		p.pane("Activity").row("00:").sees("whereby", "standup", "Ada joined")
		p.backend.Join("standup", "Grace")
		p.sees("2 here, peak 2", "Grace")
		p.wait(3 * time.Second)
		p.sees("LIVE 00:0")
		p.backend.Depart("standup", "Ada", "left")
		p.sees("1 here, peak 2", "Left")

		p.opens("Webhooks").sees("participant.left", "verified", "Headers", `"user_name": "Ada"`)
		p.moves("down").sees("participant.joined", `"user_name": "Grace"`)
		p.moves("in").moves("bottom").sees(`"event_ts": `).moves("out")

		p.opens("Rooms").does("meeting.end").sees("End the meeting in standup?", "1 person will be", "[ Keep meeting ]")
		p.presses("enter").misses("End the meeting in standup?").sees("LIVE")
		p.does("meeting.end").presses("y").sees("The meeting in standup has ended", "No meeting now", "ended here")

		p.does("quit")
		if err := p.leave(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheHostLinkIsNeverShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Start("board")
		})
		p.sees("acme.daily.co/board-20000101000000?t=…")
		p.does("copy.host").sees("Host link of board copied", "Don't share it")
		p.does("open.host").sees("Opened board as host")
		for _, got := range [][]string{p.clipboard(), p.browser()} {
			if len(got) != 1 || !strings.HasSuffix(got[0], "?t=secret-of-the-host") {
				t.Fatalf("got %q", got)
			}
		}
		p.does("open.guest").sees("Opened board as guest")
		if strings.Contains(p.browser()[1], "secret") {
			t.Fatalf("a guest opened %q", p.browser()[1])
		}
		if strings.Contains(p.written(), "secret-of-the-host") {
			t.Error("the host's token reached the terminal")
		}
	})
}

func TestWithoutAClipboardTheLinkIsShownButNotTheHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Start("board")
		}, func(o *Options) { o.Copy, o.Open = nil, nil })
		p.does("copy.guest").sees("Sent to your clipboard", "https://acme.daily.co/board-").presses("esc")
		p.does("copy.host").sees("meeting link board --host")
		p.does("open.guest").sees("No browser found", "https://acme.daily.co/board-").presses("esc")
		p.does("open.host").sees("No browser found", "meeting link board --host")
		if strings.Contains(p.screen(), "secret") {
			t.Fatal(p.screen())
		}
	})
}

func TestABrowserThatCannotBeOpenedLeavesTheLink(t *testing.T) {
	meeting := func(b *tuitest.Backend) {
		b.AddRoom(app.RoomSpec{Name: "board's", Account: "daily"})
		b.Start("board's")
	}
	broken := func(o *Options) { o.Open = func(string) error { return errors.New("exit status 3") } }
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, meeting, broken)
		p.does("open.guest").sees("The browser can't be opened", "Open this address (exit status 3):", "https://acme.daily.co/").presses("esc")
		p.does("open.host").sees("The browser can't be opened (exit status 3)", `greenroom meeting link 'board'\''s' --host`)
		if strings.Contains(p.written(), "secret-of-the-host") {
			t.Error("the host's token reached the terminal")
		}
	})
	synctest.Test(t, func(t *testing.T) { // no other program knows the demo's meetings
		p := sit(t, 100, 30, meeting, broken, func(o *Options) { o.Demo, o.Copy = true, nil })
		p.does("open.host").sees("Open this address", "?t=secret-of-the-host").misses("greenroom meeting").presses("esc")
		p.does("copy.host").sees("Sent to your clipboard", "?t=secret-of-the-host").misses("greenroom meeting").presses("esc")
		p.does("quit")
		if err := p.leave(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestARecordedMeetingIsOpenedOnlyAfterAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily", Recording: provider.RecordingCloud})
			b.Start("board")
		})
		p.does("open.host").sees("This meeting is recorded", "[ Don't open ]")
		p.presses("enter").misses("This meeting is recorded")
		if len(p.browser()) != 0 {
			t.Fatalf("declining opened %q", p.browser())
		}
		p.does("open.host").presses("y").sees("Opened board as host")
		p.does("copy.guest").sees("Guest link of board (recorded) copied")
		p.does("qr").sees("recorded", "█▀", "esc close").presses("esc")
	})
}

func TestADisabledActionSaysWhy(t *testing.T) {
	for _, c := range []struct{ action, why string }{
		{"meeting.end", "quiet has no meeting now: {meeting.start} starts one"},
		{"copy.guest", "quiet has no meeting now: {meeting.start} starts one"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 100, 30, func(b *tuitest.Backend) { b.AddRoom(app.RoomSpec{Name: "quiet", Account: "daily"}) })
			p.does(c.action).sees(c.why)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "livekit"})
			b.AddRoom(app.RoomSpec{Name: "going", Account: "daily"})
			b.Start("going")
		})
		p.does("meeting.start").sees("The meeting of going is already open: {open.host} opens it, {meeting.end} ends it")
		p.does("room.delete").sees("The room has an open meeting: end it first with {meeting.end}")
		p.moves("down").does("meeting.start").sees("account livekit is not configured: set LIVEKIT_API_KEY")
	})
}

func TestARoomIsEditedAndDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "alpha", Account: "daily"})
			b.AddRoom(app.RoomSpec{Name: "beta", Account: "daily"})
		})
		p.does("room.edit").sees("Edit alpha", "daily")
		p.presses("down", "right", "down", "right", "down").types("x").presses("enter").sees("Enter a number of 1 or more")
		p.presses("backspace").types("7").presses("enter").sees("Room alpha changed", "locked · up to 7")
		p.does("room.edit").presses("backspace", "backspace", "backspace", "backspace", "backspace").types("beta").presses("enter")
		p.sees("A room of that name already exists").presses("esc")
		p.does("room.delete").sees("Delete alpha?", "[ Keep ]").presses("enter").sees("alpha")
		p.does("room.delete").presses("left", "left", "enter").sees("alpha") // the focus doesn't go round
		p.does("room.delete").presses("right", "enter").sees("Room alpha deleted")
		p.wait(6 * time.Second)
		p.misses("alpha").sees("beta")
	})
}

func TestAFailureKeepsWhatWasTypedAndShowsTheHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, nil)
		p.does("room.new").types("x")
		p.backend.Lock()
		p.backend.Fail = &app.Error{Kind: provider.Unavailable, Text: "the disk is full", Hint: "make room on it"}
		p.backend.Unlock()
		p.presses("enter").sees("the disk is full", "make room on it", "New room")
		p.backend.Lock()
		p.backend.Fail = nil
		p.backend.Unlock()
		p.types("y").presses("enter").sees("Room xy created")
	})
}

func TestTheOwnerLeavesAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) { b.AddRoom(app.RoomSpec{Name: "here", Account: "daily"}) })
		p.sees("here")
		p.backend.Leave()
		p.sees("Reconnecting", "◌ reconnecting", "here")
		p.backend.AddRoom(app.RoomSpec{Name: "meanwhile", Account: "daily"})
		p.wait(20 * time.Second)
		p.misses("meanwhile")
		p.backend.Return()
		p.sees("Connected again", "meanwhile").misses("Reconnecting")
		if n := p.backend.Readers(); n != 1 {
			t.Errorf("%d subscriptions are open", n)
		}
	})
}

func TestWhatWasMissedIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) { b.AddRoom(app.RoomSpec{Name: "one", Account: "daily"}) })
		p.sees("one")
		before := p.backend.Count("Events")
		p.backend.Publish(app.Change{Kind: app.Missed})
		p.wait(time.Second)
		if p.backend.Count("Events") <= before {
			t.Error("the webhooks were not read again")
		}
	})
}

func TestQuittingAsksOnlyWhileWebhooksArrive(t *testing.T) {
	running := func(b *tuitest.Backend) {
		b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
		b.Start("board")
	}
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, running)
		p.does("quit").sees("Webhooks won't be received", "1 meeting", "[ Stay ]")
		p.presses("esc").misses("Webhooks won't be received")
		p.does("quit").presses("y")
		if err := p.leave(); err != nil {
			t.Fatal(err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // another process owns the store
		p := sit(t, 100, 30, running, func(o *Options) { o.PID = 99 })
		p.does("quit")
		if err := p.leave(); err != nil {
			t.Fatal(err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the context ends
		p := sit(t, 100, 30, running)
		p.cancel()
		if err := p.leave(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheMouseDoesWhatTheKeysDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, busyDay)
		p.clicks("{tab.webhooks} Webhooks").sees("Headers")
		p.clicks("recording.started").sees("╭ recording.started")
		p.clicks("{tab.rooms} Rooms").clicks("design ").sees("No one has joined yet")
		p.clicks("copy  {open.guest} open").sees("Guest link of design copied")
		p.clicks("{room.new} new").sees("New room").presses("esc")
		p.clicks("{meeting.end} end").clicks("End meeting").sees("has ended")
	})
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, busyDay, func(o *Options) { o.Mouse = false })
		p.clicks("{tab.webhooks} Webhooks").misses("Headers")
	})
}

func TestTheWindowTitleShowsWhatIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, busyDay)
		if want := "greenroom · 1 live, 3 here · all-hands"; p.title != want {
			t.Errorf("title %q, want %q", p.title, want)
		}
		if !p.term.IsAltScreen() {
			t.Error("the screen is not the alternate one")
		}
		p.does("quit").presses("y")
		p.leave()
		if p.term.IsAltScreen() {
			t.Error("the terminal was not given back")
		}
	})
}

func TestWhoReadsKeepsTheirPlaceWhenSomethingWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(400))
		p.opens("Webhooks").moves("half-down", "half-down").sees("#374", `"n": 374`)
		p.backend.Publish(app.Change{Kind: app.Missed})
		p.wait(time.Second)
		p.sees("#374", `"n": 374`)
		deliver(p.backend, 401)
		p.moves("top").sees("#401", "following")
	})
}

func TestTheGuestLinkIsAHyperlinkAndTheHostsIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Start("board")
		})
		p.sees("guest  acme.daily.co")
		links := 0
		for y, line := range strings.Split(p.screen(), "\n") {
			for x := range 120 {
				c := p.term.CellAt(x, y)
				if c == nil || c.Link.URL == "" {
					continue
				}
				links++
				if c.Link.URL != "https://acme.daily.co/board-20000101000000" || !strings.Contains(line, "guest") {
					t.Fatalf("a link to %q in %q", c.Link.URL, line)
				}
			}
		}
		if links != len("acme.daily.co/board-20000101000000") {
			t.Errorf("%d cells are linked", links)
		}
	})
}
