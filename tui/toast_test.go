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
		for _, next := range [][]string{{"j"}, {"3", "1"}, {"?", "esc"}, {"/", "esc"}} {
			p.presses("c").sees("copied").presses(next...).misses("copied")
		}
		p.presses("c").sees("copied").clicks("3 Webhooks").misses("copied")
		p.presses("1", "c").sees("copied").presses("é").sees("copied") // a key that does nothing
		p.presses("C").sees("Host link of").misses("Guest link of")
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
			p.presses("3").sees("following")
			if !follow {
				p.presses("f").sees("Following no longer")
			}
			p.presses("/", "4", "enter").sees("#49")
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

func TestAListenerThatHadToMoveIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, func(b *tuitest.Backend) {
			b.Stat.Listener.Problem = "127.0.0.1:7070 is taken by another program"
		})
		p.sees("! 127.0.0.1:7070 is taken by another program", "4 shows where it listens", "! local")
		p.presses("4").misses("4 shows where").sees("but", "! 127.0.0.1:7070 is taken")
		p.presses("1", "ctrl+r").sees("Refreshed").wait(time.Second)
		p.misses("! 127.0.0.1:7070 is taken by another program", "shows where").sees("│ 00:00:0", "✗ 127.0.0.1:7070 is taken") // in Activity it stays
	})
	synctest.Test(t, func(t *testing.T) { // nothing listens at all: the header and Status say so
		p := sit(t, 120, 40, func(b *tuitest.Backend) { b.Stat.Listener = app.ListenerStatus{Problem: "no permission"} })
		p.misses("no permission").sees("not listening").presses("4").sees("problem", "no permission")
	})
}
