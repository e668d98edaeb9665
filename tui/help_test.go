package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// A newcomer who does what the guide says comes to the end of the demo.
func TestTheGuideLeadsThroughTheDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, nil, func(o *Options) { o.Demo = true })
		whole := func() {
			t.Helper()
			for _, l := range strings.Split(p.screen(), "\n") {
				if strings.HasPrefix(l, " Demo:") && !strings.HasSuffix(l, ".") {
					t.Errorf("the guide is cut: %q", l)
				}
			}
		}
		p.sees("Demo: press n to make your first room.").presses("n", "o", "n", "e", "right", "enter")
		p.sees("Demo: press s to start a meeting in one.").presses("s", "enter")
		p.sees("Demo: people will join in a moment.")
		p.backend.Join("one", "Ada")
		p.sees("Demo: people come and go. Press 3").presses("3").sees("Demo: each line is a signed request")
		whole()
		p.presses("1").sees("Demo: press e to end the meeting, r to record it, n to make a room.")
		whole()
		p.presses("r").sees("Demo: press e to end the meeting, n to make a room of your own.")
		p.presses("e", "y").sees("Demo: that is all of it. A adopts rooms that exist, ? shows every key, q quits.")
		whole()
	})
	synctest.Test(t, func(t *testing.T) { // what the platform can't do is not suggested
		p := sit(t, 80, 24, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "one", Account: "whereby"})
			b.Start("one")
			b.Join("one", "Ada")
			for i := range b.Stat.Accounts {
				b.Stat.Accounts[i].Cannot = map[app.Ability]string{app.AbilityRecord: "not by its API"}
			}
		}, func(o *Options) { o.Demo = true })
		p.presses("3", "1").sees("Demo: press e to end").misses("r to record")
	})
}
