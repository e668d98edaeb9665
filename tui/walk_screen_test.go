package tui

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// An error is shown, listed among the messages, a line of Activity, and in the log, with its hint.
func TestAnErrorCanBeReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		p := sit(t, 100, 30, busyDay, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		p.backend.Lock()
		p.backend.Fail = &app.Error{Kind: provider.Unavailable, Text: "the platform is away", Hint: "try again in a minute"}
		p.backend.Unlock()
		p.does("copy.guest").sees("copy the link: the platform is away", "try again in a minute")
		p.backend.Lock()
		p.backend.Fail = nil
		p.backend.Unlock()
		p.wait(20 * time.Second)
		p.misses("try again in a minute").sees("✗ Can't copy the link: the platform is away") // in Activity
		p.does("messages").sees("Messages", "✗ Can't copy the link: the platform is away", "try again in a minute").presses("esc")
		p.cancel()
		_ = p.leave()
		if s := log.String(); !strings.Contains(s, "level=ERROR") || !strings.Contains(s, "the platform is away") || !strings.Contains(s, "try again in a minute") {
			t.Errorf("the log has %q", s)
		}
	})
}

// A browser that doesn't open is a failure, and looks like one.
func TestABrowserThatFailsIsNoSuccess(t *testing.T) {
	for _, open := range []func(string) error{nil, func(string) error { return errors.New("no display") }} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 100, 30, func(b *tuitest.Backend) {
				b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
				b.Start("board")
			}, func(o *Options) { o.Open = open })
			p.does("open.host").sees("rowser", "greenroom meeting link board --host")
			p.misses("✓ No browser", "✓ The browser").does("messages").misses("✓")
		})
	}
}

// A wrong key shows on every tab.
func TestAFailingAccountShowsOnEveryTab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, busyDay)
		p.misses("fails")
		change(p, func(s *app.Status) { s.Accounts[0].Health = "failing" })
		for _, tab := range []string{"Rooms", "Meetings", "Recordings", "Webhooks", "Status"} {
			p.opens(tab).sees("✗ daily fails ({tab.status})")
		}
		p.resizes(80, 24).opens("Rooms").sees("✗ daily fails")
	})
}

// tab moves between two panes, and to the next tab where there is one pane.
func TestTabMovesBetweenPanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, busyDay)
		p.does("tab.next").moves("down").sees("│▌★ Ada", "{tab.rooms} Rooms").does("tab.next").moves("down").sees("▌○ design")
		p.opens("Recordings").does("tab.next").sees("Headers") // Recordings has one pane: on to Webhooks
		p.does("tab.next", "tab.next").sees("Headers")
	})
}

// The sheet of a link that could not be copied for certain goes away with the next key, which does what it always does.
func TestASheetSwallowsNoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, busyDay, func(o *Options) { o.Copy = nil })
		p.does("copy.guest").sees("Sent to your clipboard").opens("Status").misses("Sent to your clipboard").sees("Accounts")
	})
}

// The wheel and every key leave the cursor on people, never on a heading.
func TestTheCursorIsNeverOnAHeading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 14, busyDay)
		p.moves("in")
		for i := range 24 {
			switch {
			case i%2 == 0:
				fmt.Fprintf(p.term.InputPipe(), "\x1b[<%d;60;8M", 64+i/12)
				p.rest()
			default:
				p.moves([]string{"down", "top", "bottom", "up", "half-down", "half-up"}[i/2%6])
			}
			for _, heading := range []string{"▌Waiting", "▌Here", "▌Left", "▌ Here", "▌ Left"} {
				p.misses(heading)
			}
		}
	})
}

// A room that was deleted under a filter takes the filter along when nothing else matches.
func TestTheFilterGoesWithTheLastRoomThatItFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "alpha", Account: "daily"})
			b.AddRoom(app.RoomSpec{Name: "beta", Account: "daily"})
		})
		p.does("filter").types("bet").presses("enter").sees("▌· beta").misses("alpha")
		p.does("room.delete").presses("y").sees("Room beta deleted", "▌· alpha")
	})
}

// Old terminals without colours get none.
func TestTerminalsWithoutColoursGetNone(t *testing.T) {
	for term, none := range map[string]bool{"vt100": true, "vt220": true, "vt102-w": true, "xterm-mono": true, "xterm-256color": false, "vte-256color": false} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 80, 24, busyDay, func(o *Options) { o.Env = []string{"TERM=" + term} })
			if coloured := strings.Contains(p.written(), "38;"); coloured == none {
				t.Errorf("%s: colours %v", term, coloured)
			}
		})
	}
}

// A key table that was written before an action existed keeps working: the newer action yields its key.
func TestNewActionsGiveWayToBoundKeys(t *testing.T) {
	_, k := bound(t, nil)
	messages, suspend, used := k.First("messages"), k.First("suspend"), k.First("room.new")
	_, k = bound(t, map[string][]string{"room.new": {messages}, "reload": {suspend}})
	if k.First("messages") != "" || k.First("suspend") != "" || k.First("room.new") != messages || k.First("reload") != suspend {
		t.Errorf("%q %q %q", k.First("messages"), k.First("suspend"), k.First("room.new"))
	}
	if err := CheckKeys(map[string][]string{"messages": {used}}); err == nil {
		t.Error("two actions share a key")
	}
}

// Names are whole where there is room, and a column that says the same in every row is left out.
func TestNamesComeFirst(t *testing.T) {
	long := "Friday community call 09:00"
	for _, w := range []int{80, 100, 160} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, w, 30, func(b *tuitest.Backend) {
				b.AddRoom(app.RoomSpec{Name: long, Account: "daily"})
				b.AddRoom(app.RoomSpec{Name: "Z", Account: "daily"})
			})
			if row := strings.Split(p.screen(), "\n")[2]; !strings.Contains(row, long) || strings.Contains(row[:len(long)+20], "daily") {
				t.Errorf("%d columns: %s", w, row)
			}
		})
	}
}
