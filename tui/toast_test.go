package tui

import (
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/tui/pane"
	"greenroom/tui/tuitest"
)

func TestAResultMakesWayForWhatIsDoneNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, busyDay)
		for _, next := range []func(){
			func() { p.moves("down", "up") }, func() { p.opens("Webhooks").opens("Rooms") },
			func() { p.does("help").presses("esc") }, func() { p.does("filter").presses("esc") },
		} {
			p.does("copy.guest").sees("copied")
			next()
			p.misses("copied")
		}
		p.does("copy.guest").sees("copied").clicks("{tab.webhooks} Webhooks").misses("copied")
		p.opens("Rooms").does("copy.guest").sees("copied").presses("é").sees("copied") // a key that does nothing
		p.does("copy.host").sees("Host link of").misses("Guest link of")
	})
	s := &pane.Screen{}
	s.Working("Ending")
	if s.Toast.Read(); s.Toast.Text != "Ending" {
		t.Error("what is under way is no longer shown")
	}
}

func TestAFilterKeepsWhetherOneFollows(t *testing.T) {
	for _, follow := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 120, 30, many(50))
			p.opens("Webhooks").sees("following")
			if !follow {
				p.does("webhook.follow").sees("Stopped following")
			}
			p.does("filter").types("4").presses("enter").sees("#49")
			deliver(p.backend, 54)
			p.wait(time.Second)
			if follow {
				p.sees("following", "#51")
				return
			}
			p.misses("following").sees("#49")
			p.presses("esc").misses("following")
		})
	}
}

func TestAListenerThatHadToMoveIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, func(b *tuitest.Backend) {
			b.Stat.Listener.Problem = "127.0.0.1:7070 is taken by another program"
		})
		p.sees("! 127.0.0.1:7070 is taken by another program", "{tab.status} shows where it listens", "! local")
		p.opens("Status").misses("{tab.status} shows where").sees("but", "! 127.0.0.1:7070 is taken")
		p.opens("Rooms").does("reload").sees("Refreshed").wait(time.Second)
		p.misses("! 127.0.0.1:7070 is taken by another program", "shows where").sees("│ 00:00:0", "✗ 127.0.0.1:7070 is taken") // in Activity it stays
	})
	synctest.Test(t, func(t *testing.T) { // not listening at all: the header and Status say so
		p := sit(t, 120, 40, func(b *tuitest.Backend) { b.Stat.Listener = app.ListenerStatus{Problem: "no permission"} })
		p.misses("no permission").sees("not listening").opens("Status").sees("problem", "no permission")
	})
}
